/** Reading what an OpenAPI document promises. */

import { openapiAccess } from './access.ts'
import type { TopicContract } from './contract.ts'
import { eventsIn } from './events.ts'
import type { Side } from './faults.ts'
import { endingIn } from './lifecycle.ts'
import type { Operation, Operations } from './operations.ts'
import { isObject, resolved } from './pointed.ts'
import { bodyIn, parametersIn, type RequestParts, requestOf } from './requests.ts'

type Node = Readonly<Record<string, unknown>>

const TOPICS = '/v1/topics/'
const STATE = '/v1/state/'

/** What is promised of each topic, by its template. A topic has a path, whose operations name it; others are for any topic. */
export function openapiTopics(document: Node): ReadonlyMap<string, TopicContract> {
  const paths = Object.entries(nodeOf(document['paths'])).map(([path, item]) => [path, ownIn(item)] as const)
  const ofTopics = paths.filter(([path, { get, post }]) => path.startsWith(TOPICS) && (get ?? post) !== undefined)
  return new Map(
    ofTopics.map(([path, item]) => {
      const template = path.slice(TOPICS.length)
      return [template, pathContract(document, template, item)]
    }),
  )
}

/** A path without its operations for any topic, which stand beside those of a topic whose name has but one parameter. */
const ownIn = (item: unknown): Node =>
  Object.fromEntries(
    Object.entries(nodeOf(item)).filter(([name, part]) => name === 'parameters' || 'x-topic' in nodeOf(part)),
  )

function pathContract(document: Node, template: string, path: Node): TopicContract {
  const { get, post } = path
  const operation = nodeOf(get)
  const body = contentOf(document, nodeOf(post)['requestBody'])['application/json']
  const state = ownIn(nodeOf(document['paths'])[`${STATE}${template}`])
  const ending = endingIn(nodeOf(nodeOf(get ?? post)['x-topic'])['deprecated'])
  return {
    ...(get !== undefined && { watched: eventsIn(watchedIn(document, operation), document) }),
    ...(post !== undefined && { published: eventsIn(nodeOf(body)['schema'], document) }),
    transports: transportsOf(document, operation),
    operations: operationsOf(document, path, state),
    keyed: keyedBy(get ?? post) ?? 'get' in state,
    ...(ending !== undefined && { ending }),
  }
}

/** Watching, reading the state, and publishing. */
function operationsOf(document: Node, { get, post, parameters }: Node, { get: state }: Node): Operations {
  const operation = (side: Side, of: Node, more: RequestParts = {}): Operation => ({
    ...{ side, access: openapiAccess(document, of) },
    request: requestOf(
      { ...parametersIn(document, [parameters ?? [], of['parameters'] ?? []].flat()), ...more },
      document,
    ),
  })
  const body = contentOf(document, nodeOf(post)['requestBody'])['application/json']
  return new Map([
    ...(isObject(get) ? [['watch', operation('watchers', get)] as const] : []),
    ...(isObject(state) ? [['state', operation('watchers', state)] as const] : []),
    ...(isObject(post)
      ? [['publish', operation('publishers', post, { body: bodyIn(nodeOf(body)['schema'], document) })] as const]
      : []),
  ])
}

/** As an operation says of its topic: where nobody may watch, there is no path of the state. */
function keyedBy(operation: unknown): boolean | undefined {
  const { keyed } = nodeOf(nodeOf(operation)['x-topic'])
  return typeof keyed === 'boolean' ? keyed : undefined
}

/** As the operation says; else, as its answers tell, which do not tell a page from a long poll. */
function transportsOf(document: Node, operation: Node): ReadonlySet<string> {
  const { transports } = nodeOf(operation['x-topic'])
  if (Array.isArray(transports)) return new Set(transports as readonly string[])
  const { 'application/json': page, 'text/event-stream': stream } = okOf(document, operation)
  return new Set([
    ...(page === undefined ? [] : ['page']),
    ...(page !== undefined && hasWait(document, operation) ? ['long-poll'] : []),
    ...(stream === undefined ? [] : ['sse']),
    ...('101' in nodeOf(operation['responses']) ? ['websocket'] : []),
  ])
}

/** Pages tell what events are; where there are none, frames of a stream do, and else what WebSockets carry. */
function watchedIn(document: Node, operation: Node): unknown {
  const { 'application/json': page, 'text/event-stream': stream } = okOf(document, operation)
  if (page !== undefined) return nodeOf(page)['schema']
  if (stream === undefined) return nodeOf(operation['x-websocket'])['serverToClient']
  const { schema, itemSchema } = nodeOf(stream)
  const frame = nodeOf(resolved(document, itemSchema ?? nodeOf(schema)['contentSchema']))
  return nodeOf(nodeOf(frame['properties'])['data'])['contentSchema']
}

const okOf = (document: Node, { responses }: Node): Node => contentOf(document, nodeOf(responses)['200'])

const contentOf = (document: Node, holder: unknown): Node => nodeOf(nodeOf(resolved(document, holder))['content'])

function hasWait(document: Node, { parameters }: Node): boolean {
  const list = Array.isArray(parameters) ? (parameters as readonly unknown[]) : []
  return list.some((parameter) => nodeOf(resolved(document, parameter))['name'] === 'wait')
}

const nodeOf = (value: unknown): Node => (isObject(value) ? value : {})
