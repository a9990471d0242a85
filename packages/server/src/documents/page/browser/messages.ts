/** The messages of streams and WebSockets that are not events: each once, from the AsyncAPI document. */
import { folded, jsonBlock, make } from './dom.ts'
import { phrase } from './prose.ts'
import { isObject, nameOf, resolve, schemaRows } from './schema.ts'

type Shape = Readonly<Record<string, unknown>>

/** The channels that have all of them: a WebSocket for any topics, and a stream of several. */
const SOCKET = 'socket'
const STREAM = 'events'

/** A message, what it is if it does not say so, by what it travels, and the names of what answers it. */
interface Message {
  readonly shape: Shape
  readonly summary: string
  readonly by: Set<string>
  readonly answers: readonly string[]
}

/** Makes the whole reference. */
export function messagesReference(document: unknown): readonly Node[] {
  const of = (value: unknown): Shape => {
    const found = resolve(value, document)
    return isObject(found) ? found : {}
  }
  const sent = new Map<string, Message>()
  const received = new Map<string, Message>()
  for (const [id, value] of Object.entries(of(of(document)['operations']))) {
    const operation = of(value)
    const channel = id.slice(0, id.indexOf('.'))
    if (nameOf(operation['channel']) !== channel || (channel !== SOCKET && channel !== STREAM)) continue
    const reply = of(operation['reply'])
    const isSend = operation['action'] === 'send'
    const by = channel === SOCKET ? 'WebSocket' : 'SSE'
    const answers = namesIn(reply['messages'], of)
    const summary = textOf(operation['summary'])
    note(isSend ? sent : received, listOf(operation['messages']).map(of), { by, answers, summary })
    note(sent, listOf(reply['messages']).map(of), { by, answers: [], summary: '' })
  }
  return [
    make(
      'ul',
      { class: 'plain servers' },
      ...Object.values(of(of(document)['servers'])).map((each) => serverOf(of(each))),
    ),
    make('h3', {}, 'From the server'),
    ...inOrder(sent).map((message) => messageOf(message, document)),
    make('h3', {}, 'From a client, on a WebSocket'),
    ...inOrder(received).map((message) => messageOf(message, document)),
  ]
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : [])

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const namesIn = (messages: unknown, of: (value: unknown) => Shape): readonly string[] => [
  ...new Set(listOf(messages).map((each) => textOf(of(each)['name']))),
]

/** How a message is sent. */
interface Sending {
  readonly by: string
  readonly answers: readonly string[]
  readonly summary: string
}

/** Keeps one of each kind: requests to publish differ by their topics alone, and events have no place here. */
function note(into: Map<string, Message>, shapes: readonly Shape[], { by, ...sending }: Sending): void {
  for (const shape of shapes) {
    const name = textOf(shape['name'])
    if (!PROTOCOLS_OWN.has(name)) continue
    const kind = name === 'publish' ? name : `${name} ${JSON.stringify(shape['payload'])}`
    const message = into.get(kind) ?? { shape, by: new Set(), ...sending }
    message.by.add(by)
    into.set(kind, message)
  }
}

/** Those of one name beside each other. */
const inOrder = (messages: ReadonlyMap<string, Message>): readonly Message[] =>
  [...Map.groupBy(messages.values(), ({ shape }) => shape['name']).values()].flat()

/** The types that no event can have [WP-1.2]. */
const PROTOCOLS_OWN: ReadonlySet<string> = new Set([
  ...['welcome', 'error', 'ping', 'pong', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'publish'],
  ...['published', 'authenticate', 'authenticated', 'expiring', 'bookmark', 'gap', 'snapshot', 'goodbye', 'delta'],
])

function serverOf({ host, pathname, protocol, description }: Shape): Node {
  const address = `${textOf(protocol)}://${textOf(host)}${textOf(pathname)}`
  return make(
    'li',
    {},
    make('code', {}, address),
    ' ',
    make('span', { class: 'faint' }, ...phrase(textOf(description))),
  )
}

function messageOf({ shape, summary, by, answers }: Message, document: unknown): Node {
  const name = textOf(shape['name'])
  const words = textOf(shape['summary']) || summary
  const fill = (): readonly Node[] => [
    ...(answers.length > 0
      ? [make('p', {}, ...phrase(`Answered by ${answers.map((each) => `\`${each}\``).join(' or ')}.`))]
      : []),
    make(
      'div',
      { class: 'event-type' },
      make(
        'div',
        {},
        make('p', { class: 'label' }, 'Message'),
        ...schemaRows(payloadOf(shape['payload'], document), document),
      ),
      ...exampleOf(shape['examples']),
    ),
  ]
  const head = [
    make('code', { class: 'member' }, name),
    make('span', { class: 'faint' }, ...phrase(words)),
    make('small', {}, [...by].join(', ')),
  ]
  const id = `message-${name}${by.has('WebSocket') ? '' : '-sse'}`
  return folded(head, fill, { id, class: 'operation' })
}

/** A payload is a schema, or one with the name of its language beside it. */
const payloadOf = (payload: unknown, document: unknown): unknown => {
  const found = resolve(payload, document)
  const shape = isObject(found) && 'schemaFormat' in found ? resolve(found['schema'], document) : found
  if (!isObject(shape)) return payload
  // The head says it.
  const { description: _said, ...rest } = shape
  return rest
}

function exampleOf(examples: unknown): readonly Node[] {
  const [first] = listOf(examples)
  if (!isObject(first)) return []
  return [make('div', {}, make('p', { class: 'label' }, 'Example'), jsonBlock(first['payload']))]
}
