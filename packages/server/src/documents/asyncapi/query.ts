/** What the address of a stream or a handshake can carry [WP-3.4] [WP-3.6], as AsyncAPI's bindings tell of it. */
import type { JsonSchema } from '@watchpost/core'
import type { Limits } from '@watchpost/protocol'
import { INFO, PRESENT } from '../messages.ts'
import { closed, open, refTo, severalOf, wholeFrom } from '../schemas.ts'

/** Where to start, and what to see. */
const watchMembers = (limits: Limits): Readonly<Record<string, JsonSchema>> => ({
  'after?': refTo('Start'),
  'last?': { ...wholeFrom(0, limits.lastMax), description: 'Starts with so many of the newest events.' },
  'key?': severalOf({ type: 'string', maxLength: limits.keyBytesMax }, limits),
  'type?': severalOf({ type: 'string', maxLength: limits.typeBytesMax }, limits),
  'select?': severalOf(refTo('Pointer'), limits),
  'present?': { type: 'boolean', default: true, description: PRESENT },
  'info?': { type: 'string', description: `${INFO} As JSON.` },
})

const topicMember = (limits: Limits): Readonly<Record<string, JsonSchema>> => ({
  topic: severalOf(refTo('TopicFilter'), limits),
})

/** The parts of AsyncAPI's bindings that are alike in all channels of a protocol. */
const WS = { method: 'GET', bindingVersion: '0.1.0' } as const
const HTTP = { bindingVersion: '0.3.0' } as const

const HANDSHAKE_HEADERS: JsonSchema = open('', {
  'Sec-WebSocket-Protocol?': {
    description: 'The first that is known of those offered counts; JSON, if none is [WP-4.2].',
    enum: ['watchpost.v1.json', 'watchpost.v1.msgpack'],
  },
})

/** The handshake on `/v1`, which takes nothing. */
export const socketBindings = (): object => ({ ws: { ...WS, headers: HANDSHAKE_HEADERS } })

/** The handshake on a topic. */
export function topicSocketBindings(limits: Limits, keyed: boolean): object {
  const flags = {
    'state?': { type: 'boolean', description: 'Whether the state comes first [WP-4.6].' },
    'delta?': { type: 'boolean', description: 'Whether events may come as changes [WP-4.7].' },
  }
  const query = open('', { ...watchMembers(limits), ...(keyed && flags) })
  return { ws: { ...WS, query, headers: HANDSHAKE_HEADERS } }
}

/** The request for a stream; of several topics, their names are in the query too. */
export const streamBindings = (limits: Limits, several: boolean): object => ({
  http: {
    ...{ method: 'GET', ...HTTP },
    query: open('', { ...(several && topicMember(limits)), ...watchMembers(limits) }),
  },
})

/** The request of a publish. */
export const publishBindings = (): object => ({ http: { method: 'POST', ...HTTP } })

/** Headers of the body of a publish. */
export const publishHeaders = (limits: Limits): JsonSchema =>
  open('', {
    'Content-Type?': { const: 'application/json' },
    'Idempotency-Key?': {
      ...{ type: 'string', minLength: 1, maxLength: limits.idempotencyKeyBytesMax },
      description: 'The same body under the same key within 24 hours is published once [WP-3.10].',
    },
  })

/** Of an answer: its status. */
export const answerBindings = (statusCode: number): object => ({ http: { ...HTTP, statusCode } })

/** What a stream has beside the message itself: its `event:` and, where a cursor belongs to it, its `id:`. */
export const streamHeaders = (type: string, hasId: boolean): JsonSchema =>
  closed('', { event: { const: type }, ...(hasId && { id: refTo('Cursor') }) })
