/** Reading what an AsyncAPI document promises. */

import { asyncapiAccess } from './access.ts'
import type { Events, TopicContract } from './contract.ts'
import { eventsIn } from './events.ts'
import { endingIn } from './lifecycle.ts'
import type { Operation } from './operations.ts'
import { isObject, resolved } from './pointed.ts'
import { bodyIn, requestOf } from './requests.ts'

type Node = Readonly<Record<string, unknown>>

/** A channel, and what is done on it. */
interface Channel {
  readonly document: Node
  /** Of the document's schema for the names of its topics. */
  readonly name: string
  readonly protocol: string
  readonly channel: Node
  readonly operations: readonly Node[]
}

/** What is promised of each topic, by its template. A topic has a channel for each protocol. */
export function asyncapiTopics(document: Node): ReadonlyMap<string, TopicContract> {
  const operations = new Map<unknown, Node[]>()
  for (const operation of Object.values(nodeOf(document['operations'])).map(nodeOf)) {
    const channel = nodeOf(operation['channel'])['$ref']
    operations.set(channel, [...(operations.get(channel) ?? []), operation])
  }
  const topics = new Map<string, TopicContract>()
  for (const [address, each] of Object.entries(nodeOf(document['channels']))) {
    const channel = nodeOf(each)
    const { topic: template } = nodeOf(channel['x-topic'])
    if (typeof template !== 'string') continue
    const [, name = address, protocol = ''] = /^(.*)\.([^.]*)$/.exec(address) ?? []
    const own = operations.get(`#/channels/${address}`) ?? []
    const found = channelContract({ ...{ document, name, protocol, channel }, operations: own })
    topics.set(template, merged(topics.get(template), found))
  }
  return topics
}

/** The channels of a topic say the same of its events, as far as they carry them. */
function merged(one: TopicContract | undefined, other: TopicContract): TopicContract {
  if (one === undefined) return other
  return { ...one, ...other, operations: new Map([...one.operations, ...other.operations]) }
}

function channelContract(channel: Channel): TopicContract {
  const { keyed, transports, deprecated } = nodeOf(channel.channel['x-topic'])
  const ending = endingIn(deprecated)
  const [watched, published] = [eventsOf(channel, 'send'), eventsOf(channel, 'receive')]
  return {
    ...(watched.size > 0 && { watched }),
    ...(published.size > 0 && { published }),
    transports: new Set(Array.isArray(transports) ? (transports as readonly string[]) : []),
    operations: new Map(operationsOf(channel)),
    keyed: keyed === true,
    ...(ending !== undefined && { ending }),
  }
}

/** The events that are sent or received. A WebSocket also carries those of other topics, which are told elsewhere. */
function eventsOf({ document, name, operations }: Channel, action: string): Events {
  const own = operations.filter((operation) => operation['action'] === action)
  const payloads = own.flatMap((operation) => messagesOf(document, operation).map(({ payload }) => payload))
  const isOwn = (topic: unknown): boolean => {
    const { $ref } = nodeOf(topic)
    return $ref === undefined || $ref === `#/components/schemas/${name}`
  }
  return eventsIn({ anyOf: payloads }, document, isOwn)
}

/** The first that sends is what watches; on HTTP, what receives publishes. */
function* operationsOf(channel: Channel): Generator<readonly [name: string, operation: Operation]> {
  const { document, protocol, operations } = channel
  const watch = operations.find(({ action }) => action === 'send')
  if (watch !== undefined) {
    const { query, headers } = requestBinding(channel, watch)
    const parts = { ...(query !== undefined && { query }), ...(headers !== undefined && { header: headers }) }
    const access = asyncapiAccess(document, watch)
    yield [`watch ${protocol}`, { side: 'watchers', access, request: requestOf(parts, document) }]
  }
  const publish = operations.find(({ action }) => action === 'receive')
  if (publish === undefined || protocol === 'websocket') return
  const messages = messagesOf(document, publish)
  const header = messages.find(({ headers }) => headers !== undefined)?.['headers']
  const body = bodyIn({ anyOf: messages.map(({ payload }) => payload) }, document)
  const request = requestOf({ ...(header !== undefined && { header }), body }, document)
  yield [`publish ${protocol}`, { side: 'publishers', access: asyncapiAccess(document, publish), request }]
}

/** What is said of the request or handshake: of an operation on HTTP, of the channel for WebSockets. */
function requestBinding({ document, channel }: Channel, operation: Node): Node {
  const [own, shared] = [operation, channel].map(({ bindings }) => nodeOf(resolved(document, bindings)))
  return nodeOf(nodeOf(own)['http'] ?? nodeOf(shared)['ws'])
}

const messagesOf = (document: Node, { messages }: Node): readonly Node[] =>
  (Array.isArray(messages) ? (messages as readonly unknown[]) : []).map((message) =>
    nodeOf(resolved(document, message)),
  )

const nodeOf = (value: unknown): Node => (isObject(value) ? value : {})
