/** The messages that do not belong to one topic: control messages, requests and answers. */

import type { JsonSchema } from '@watchpost/core'
import { problemType, REQUEST_TYPES, type RequestType } from '@watchpost/protocol'
import { ANSWERS, SOCKET_MESSAGES, SOCKET_REQUESTS, STREAM_MESSAGES } from '../messages.ts'
import type { Schemas } from '../schemas.ts'
import type { Catalogue } from './catalogue.ts'
import { streamHeaders } from './query.ts'

const CURSOR = 'k7f2x.1042'
const TIME = '2026-11-22T12:34:56.789Z'

/** What an example has as `data`, or as `error`. Messages without an entry have neither. */
const EXAMPLES: Readonly<Record<string, object>> = {
  bookmark: { cursor: CURSOR },
  gap: { reason: 'trimmed', after: 'k7f2x.17', earliest: 'k7f2x.998' },
  expiring: { expires: TIME },
  goodbye: { retryAfter: 2.5 },
  error: { type: problemType('internal'), message: 'The server failed; its log has the cause.' },
  subscribed: { topic: 'chat/*', cursor: CURSOR },
  unsubscribed: { topic: 'chat/*', cursor: CURSOR },
  published: { topic: 'chat/lobby', id: CURSOR, timestamp: TIME },
  authenticated: { expires: TIME },
  events: { topic: '$presence/chat/lobby', cursor: CURSOR, events: [] },
  snapshot: { topic: 'stocks', cursor: CURSOR, events: [], more: false },
  subscribe: { topic: 'chat/*', after: CURSOR },
  unsubscribe: { topic: 'chat/*' },
  authenticate: { token: 'a token' },
}

/** Control messages whose frames in a stream have no `id:` [WP-3.8]. */
const WITHOUT_ID: readonly string[] = ['error', 'expiring', 'goodbye']

/** Names of messages in the catalogue by their types. */
type ByType<Type extends string> = Readonly<Record<Type, string>>

/** Names of all messages that belong to no topic. */
export interface ControlMessages {
  /** What a stream sends beside events. */
  readonly stream: ByType<keyof typeof STREAM_MESSAGES>
  /** What a WebSocket sends beside events. */
  readonly socket: ByType<keyof typeof SOCKET_MESSAGES>
  /** What a client sends, but for `publish`, which is described for each topic. */
  readonly requests: ByType<Exclude<RequestType, 'publish'>>
}

/** Puts them into the catalogue. `schemas` has what they are described by. */
export function controlMessages(catalogue: Catalogue, schemas: Schemas): ControlMessages {
  const summary = (schema: string): { summary?: string } => {
    const description = (schemas[schema] as JsonSchema | undefined)?.['description']
    return typeof description === 'string' ? { summary: description } : {}
  }
  const answers: readonly string[] = [...Object.values(ANSWERS), 'error']
  const named = <Type extends string>(types: readonly Type[], put: (type: Type) => string): ByType<Type> =>
    Object.fromEntries(types.map((type) => [type, put(type)])) as ByType<Type>
  return {
    stream: named(keysOf(STREAM_MESSAGES), (type) => {
      const schema = STREAM_MESSAGES[type]
      const headers = streamHeaders(type, !WITHOUT_ID.includes(type))
      return catalogue.put(`${type}.sse`, { type, schema, headers, ...summary(schema), ...exampleOf(type, 'stream') })
    }),
    socket: named(keysOf(SOCKET_MESSAGES), (type) => {
      const schema = SOCKET_MESSAGES[type]
      const correlation = answers.includes(type) ? ({ correlation: 'answer' } as const) : {}
      return catalogue.put(type, { type, schema, ...correlation, ...summary(schema), ...exampleOf(type, 'socket') })
    }),
    requests: named(
      REQUEST_TYPES.filter((type) => type !== 'publish'),
      (type) => {
        const schema = SOCKET_REQUESTS[type]
        return catalogue.put(type, {
          ...{ type, schema, correlation: 'request', ...summary(schema) },
          examples: [{ payload: { type, id: '1', ...(EXAMPLES[type] && { data: EXAMPLES[type] }) } }],
        })
      },
    ),
  }
}

const keysOf = <Name extends string>(record: Readonly<Record<Name, unknown>>): readonly Name[] =>
  Object.keys(record) as Name[]

/** The messages that name a subscription, as a WebSocket that begins with a topic sends them. */
export const ABOUT_SUBSCRIPTIONS = ['subscribed', 'unsubscribed', 'bookmark', 'gap', 'snapshot'] as const

/** Puts such a message of a topic into the catalogue: the same one, with an example that is of the topic. */
export function aboutTopic(
  catalogue: Catalogue,
  type: (typeof ABOUT_SUBSCRIPTIONS)[number],
  { name, topic }: { readonly name: string; readonly topic: string },
): string {
  const correlation = Object.values<string>(ANSWERS).includes(type) ? ({ correlation: 'answer' } as const) : {}
  return catalogue.put(`${name}.${type}`, {
    ...{ type, schema: SOCKET_MESSAGES[type], ...correlation },
    ...exampleOf(type, 'socket', topic),
  })
}

/** `welcome` has none: it tells the limits in force, which are many. */
function exampleOf(
  type: string,
  place: 'stream' | 'socket',
  topic?: string,
): { examples?: readonly { payload: object; headers?: object }[] } {
  const data = EXAMPLES[type]
  if (data === undefined && type !== 'pong') return {}
  const ofSubscription = place === 'socket' && (type === 'bookmark' || type === 'gap') ? { topic: 'chat/*' } : {}
  const ofTopic = topic === undefined ? {} : { topic }
  const answers = place === 'socket' && Object.values<string>(ANSWERS).includes(type) ? { re: '1' } : {}
  const content = data && { [type === 'error' ? 'error' : 'data']: { ...ofSubscription, ...data, ...ofTopic } }
  const payload = { type, ...answers, ...content, timestamp: TIME }
  if (place === 'socket') return { examples: [{ payload }] }
  const id = type === 'gap' ? 'k7f2x.998' : CURSOR
  return { examples: [{ payload, headers: { event: type, ...(!WITHOUT_ID.includes(type) && { id }) } }] }
}
