/** The list of messages that came, the newest first. */
import { basePath } from './api.ts'
import { byId, make } from './dom.ts'
import { nameOf } from './failures.ts'

/** Who reads them does not scroll further than this. */
const SHOWN_MAX = 200

/** A message, as far as the list looks at it. */
export interface Message {
  readonly type?: unknown
  readonly topic?: unknown
  readonly id?: unknown
  readonly error?: { readonly type?: string; readonly message?: string }
}

const list = byId('watch-messages', HTMLElement)
const count = byId('watch-count', HTMLElement)

let events = 0

/** Whether a message is an event: control messages have neither topic nor id beside their type. */
export const isEvent = ({ id, topic }: Message): boolean => typeof id === 'string' && typeof topic === 'string'

/** How many events came. */
export const eventCount = (): number => events

/** Takes all away. */
export function clearFeed(): void {
  events = 0
  list.replaceChildren()
  showCount('')
}

/** Shows a message: an event whole, a control message by its type, to be opened. */
export function show(message: Message): void {
  if (isEvent(message)) events += 1
  list.prepend(isEvent(message) ? eventItem(message) : controlItem(message))
  while (list.childElementCount > SHOWN_MAX) list.lastElementChild?.remove()
  showCount(events === 1 ? '1 event' : `${events} events`)
}

function showCount(text: string): void {
  count.textContent = text
}

const body = (message: unknown): HTMLElement =>
  make('pre', {}, make('code', {}, JSON.stringify(message, null, 1).replaceAll(/\n\s*/g, ' ')))

const eventItem = (message: Message): HTMLElement =>
  make(
    'div',
    { class: 'event' },
    make('strong', {}, String(message.type)),
    make('span', {}, ` ${String(message.topic)} `),
    make('code', { class: 'faint' }, String(message.id)),
    body(message),
  )

function controlItem(message: Message): HTMLElement {
  const { type = '', message: words = '' } = message.error ?? {}
  const error = message.error && [make('a', { href: `${basePath}${type}` }, nameOf(type)), ` ${words}`]
  const summary = make('summary', {}, make('strong', {}, String(message.type)), ' ', ...(error ?? []))
  return make('details', { class: message.error ? 'control bad' : 'control' }, summary, body(message))
}
