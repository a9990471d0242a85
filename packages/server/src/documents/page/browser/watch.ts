/** Watching from the form: one watch at a time, what it brings, and how it ends. */

import { watchAddress } from './command.ts'
import { byId, make } from './dom.ts'
import { clearFailure, nameOf, showCaught, showFailure } from './failures.ts'
import { clearFeed, eventCount, isEvent, type Message, show } from './feed.ts'
import { chosenRow, fields, follow } from './form.ts'
import { type Told, WAYS } from './transports.ts'

const start = byId('watch-start', HTMLButtonElement)
const stop = byId('watch-stop', HTMLButtonElement)
const goOn = byId('watch-on', HTMLButtonElement)
const status = byId('watch-status', HTMLElement)
const stale = byId('watch-stale', HTMLElement)
const error = byId('watch-error', HTMLElement)
const empty = byId('watch-empty', HTMLElement)

/** What is watched, from its start to its end. */
interface Running {
  readonly abort: AbortController
  readonly href: string
  readonly way: string
  readonly words: string
}

let running: Running | undefined
let cursor = ''

async function watch(): Promise<void> {
  stopWatching()
  const way = fields('way')
  const address = watchAddress(way, fields)
  const ours = { abort: new AbortController(), href: address.href, way, words: `${fields('topic').trim()} by ${way}` }
  running = ours
  cursor = ''
  clearFeed()
  clearFailure(error)
  empty.hidden = true
  stop.disabled = false
  goOn.disabled = true
  status.textContent = 'asking'
  showStale()
  let hasFailed = false
  try {
    await WAYS[way]?.(address, toldOf(ours), ours.abort.signal)
  } catch (caught) {
    hasFailed = !ours.abort.signal.aborted
    if (hasFailed) showCaught(error, caught)
  }
  if (running !== ours) return
  running = undefined
  if (hasFailed) status.textContent = 'refused'
  else if (ours.abort.signal.aborted) status.textContent = 'stopped'
  stop.disabled = true
  goOn.disabled = cursor === ''
  showStale()
}

/** Of a watch that another took the place of, nothing is heard any more. */
const toldOf = (ours: Running): Told => ({
  message: (message) => void (running === ours && tell(message)),
  status: (text) => {
    if (running !== ours) return
    // What ended it was said before, and is what matters.
    if (error.hidden) status.textContent = text
    if (eventCount() === 0 && error.hidden) showEmpty()
  },
  cursor: (at) => void (running === ours && (cursor = at)),
})

function tell(message: Message): void {
  show(message)
  if (isEvent(message)) empty.hidden = true
  if (message.error === undefined) return
  const { type = '', message: words = '' } = message.error
  showFailure(error, { type, words })
  status.textContent = `ended: ${nameOf(type)}`
}

function showEmpty(): void {
  const link = make('a', { href: '#publish-body' }, 'publish one below')
  const row = chosenRow()
  const may = row === undefined || row.publish
  empty.replaceChildren('No event yet', ...(may ? [': ', link, '.'] : ['; you may not publish to it yourself.']))
  empty.hidden = false
}

/** Says so when the form is not what is watched any more. */
function showStale(): void {
  const isSame = running === undefined || isAsked(running)
  stale.hidden = isSame
  stale.textContent =
    isSame || running === undefined ? '' : `Still watching ${running.words}. Watch again to change that.`
}

const isAsked = ({ href, way }: Running): boolean => {
  try {
    return fields('way') === way && watchAddress(way, fields).href === href
  } catch {
    return false
  }
}

function stopWatching(): void {
  running?.abort.abort()
}

/** From the last cursor, by whatever way is chosen now: it is good for each of them. */
function goOnFromHere(): void {
  byId('try-after', HTMLInputElement).value = cursor
  byId('try-last', HTMLInputElement).value = ''
  follow()
  void watch()
}

/** The form was changed, by the reader or by the page. */
export function changed(): void {
  follow()
  showStale()
}

/** Makes the form work. */
export function listenToWatch(): void {
  const form = byId('watch', HTMLFormElement)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void watch()
  })
  form.addEventListener('input', changed)
  stop.addEventListener('click', () => {
    stopWatching()
    start.focus()
  })
  goOn.addEventListener('click', () => {
    goOnFromHere()
    stop.focus()
  })
}
