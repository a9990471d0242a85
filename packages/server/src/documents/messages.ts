/**
 * The JSON Schemas of the messages that are the same for every topic [WP-1.3] [WP-4.3]: what streams and WebSockets send
 * beside events, what clients ask for over a WebSocket, and the answers. Every document has them from here; those of
 * events are in topics.ts.
 */
import type { JsonSchema } from '@watchpost/core'
import { type ControlType, LIMITS, type LimitName, type Limits, type RequestType } from '@watchpost/protocol'
import { lifecycleSchema } from './lifecycle.ts'
import { problemMembers, problemTypes } from './problems.ts'
import { closed, listOf, open, refTo, type Schemas, severalOf, wholeFrom, wordSchemas } from './schemas.ts'

/** The types of the control messages that a stream sends. */
export type StreamMessage = 'welcome' | 'bookmark' | 'gap' | 'events' | 'expiring' | 'goodbye' | 'error'

/** Names of schemas by the types of the control messages that a stream sends. */
export const STREAM_MESSAGES: Readonly<Record<StreamMessage, string>> = {
  welcome: 'Welcome',
  bookmark: 'Bookmark',
  gap: 'Gap',
  events: 'Events',
  expiring: 'Expiring',
  goodbye: 'Goodbye',
  error: 'ErrorMessage',
}

/** Names of schemas by the types of the control messages that a WebSocket sends. */
export const SOCKET_MESSAGES: Readonly<Record<ControlType | 'error', string>> = {
  welcome: 'Welcome',
  subscribed: 'Subscribed',
  unsubscribed: 'Unsubscribed',
  published: 'Published',
  authenticated: 'Authenticated',
  pong: 'Pong',
  bookmark: 'SubscriptionBookmark',
  gap: 'SubscriptionGap',
  snapshot: 'Snapshot',
  events: 'Events',
  expiring: 'Expiring',
  goodbye: 'Goodbye',
  error: 'ErrorMessage',
}

/** Names of schemas by the types of requests that a client sends over a WebSocket. */
export const SOCKET_REQUESTS: Readonly<Record<RequestType, string>> = {
  subscribe: 'SubscribeRequest',
  unsubscribe: 'UnsubscribeRequest',
  publish: 'PublishRequest',
  authenticate: 'AuthenticateRequest',
  ping: 'PingRequest',
}

/** The `type` of the message that answers a request, if no error does. */
export const ANSWERS: Readonly<Record<RequestType, ControlType>> = {
  subscribe: 'subscribed',
  unsubscribe: 'unsubscribed',
  publish: 'published',
  authenticate: 'authenticated',
  ping: 'pong',
}

/** All schemas that do not depend on the topics, by their names: of words, control messages, requests and any event. */
export const messageSchemas = (limits: Limits): Schemas => ({
  ...wordSchemas(limits),
  ...eventSchemas(),
  Limits: limitsSchema(),
  Lifecycle: lifecycleSchema,
  ...streamSchemas(),
  ...socketSchemas(),
  ...requestSchemas(limits),
})

const at = { timestamp: refTo('Timestamp') }

/** A control message. `members` are those of its data. */
const control = (type: ControlType, description: string, members: Record<string, JsonSchema>): JsonSchema =>
  open(description, { type: { const: type }, data: open('', members), ...at })

/** What `present` is, with which a client watches. */
export const PRESENT = 'Whether you count among those who are present, where the topic has presence [WP-9.4].'

/** What `info` is, with which a client watches. */
export const INFO = 'What you tell of yourself to those who watch who is present [WP-9.4].'

const RE: JsonSchema = { type: 'string', description: 'The `id` of the request that this answers.', maxLength: 64 }

/** A control message that can be the answer to a request. */
const answer = (type: ControlType, description: string, members?: Record<string, JsonSchema>): JsonSchema =>
  open(description, {
    type: { const: type },
    're?': RE,
    ...(members && { data: open('', members) }),
    ...at,
  })

const eventSchemas = (): Schemas => ({
  AnyEvent: open('An event of any topic that you may watch [WP-1.1].', {
    type: refTo('EventType'),
    topic: refTo('Topic'),
    'id?': { ...refTo('Cursor'), description: 'Absent if the event is not stored [WP-9.3].' },
    'key?': refTo('EventKey'),
    data: { description: 'Any JSON value.' },
    ...at,
  }),
  Delta: open('An event whose data is told as a change of the one before it with the same topic and key [WP-4.7].', {
    type: refTo('EventType'),
    topic: refTo('Topic'),
    id: refTo('Cursor'),
    key: refTo('EventKey'),
    patch: { description: 'A JSON Merge Patch (RFC 7396).' },
    ...at,
  }),
})

function limitsSchema(): JsonSchema {
  const names = Object.keys(LIMITS) as LimitName[]
  const members = names.map((name): [string, JsonSchema] => {
    const { min = 1, max, why } = LIMITS[name]
    return [name, { ...wholeFrom(min, max), description: why }]
  })
  return open('The limits in force [WP-8.1].', Object.fromEntries(members))
}

const streamSchemas = (): Schemas => ({
  Welcome: control('welcome', 'The stream has begun.', {
    connection: { type: 'string', description: 'Names the connection, to renew its credentials [WP-3.16].' },
    cursor: refTo('Cursor'),
    heartbeatMs: { ...wholeFrom(1), description: 'A silence of so many milliseconds is broken by a bookmark.' },
    limits: refTo('Limits'),
    server: { type: 'string', description: 'The version of the server.' },
    'deprecated?': listOf(refTo('Lifecycle'), { description: 'Of the topics that are named, those that are to end.' }),
  }),
  Bookmark: control('bookmark', 'All up to `cursor` has been seen, though nothing matched.', {
    cursor: refTo('Cursor'),
  }),
  Gap: control('gap', 'Events can no longer be delivered [WP-2.4].', GAP),
  Events: control('events', 'Several events of a topic that tells who is present, up to `cursor` [WP-9.5].', {
    topic: refTo('Topic'),
    cursor: refTo('Cursor'),
    events: listOf(refTo('AnyEvent')),
  }),
  Expiring: control('expiring', 'The credentials of this connection end then [WP-6.7].', {
    expires: refTo('Timestamp'),
  }),
  Goodbye: control('goodbye', 'The server goes away; connect again, with the last cursor.', {
    retryAfter: { type: 'number', minimum: 0, description: 'Seconds to wait before.' },
  }),
  ErrorMessage: open('Something went wrong [WP-1.4].', {
    type: { const: 'error' },
    're?': RE,
    error: open('', {
      type: { type: 'string', enum: problemTypes() },
      message: { type: 'string', description: 'For people.' },
      ...problemMembers(),
    }),
    ...at,
  }),
})

const GAP = {
  reason: { enum: ['trimmed', 'epoch'], description: 'Trimmed away, or the cursor is of another log.' },
  after: refTo('Cursor'),
  earliest: refTo('Cursor'),
}

const filter = { topic: refTo('TopicFilter') }

const socketSchemas = (): Schemas => ({
  Subscribed: answer('subscribed', 'The subscription to `topic` starts at `cursor` [WP-4.4].', {
    ...filter,
    cursor: refTo('Cursor'),
    'deprecated?': listOf(refTo('Lifecycle'), { description: 'That the topic is to end, if it is.' }),
  }),
  Unsubscribed: answer('unsubscribed', 'The subscription to `topic` ended at `cursor`.', {
    ...filter,
    cursor: refTo('Cursor'),
  }),
  Published: answer('published', 'The event is durable.', {
    topic: refTo('Topic'),
    'id?': { ...refTo('Cursor'), description: 'Absent if the event is not stored [WP-9.3].' },
    ...at,
  }),
  Authenticated: answer('authenticated', 'The connection goes on with the new credentials [WP-6.7].', {
    'expires?': refTo('Timestamp'),
  }),
  Pong: answer('pong', 'The answer to `ping`.'),
  SubscriptionBookmark: control('bookmark', 'The subscription to `topic` has seen all up to `cursor`.', {
    ...filter,
    cursor: refTo('Cursor'),
  }),
  SubscriptionGap: control('gap', 'The subscription to `topic` lost events [WP-2.4].', { ...filter, ...GAP }),
  Snapshot: control('snapshot', 'A part of the state that was asked for [WP-4.6].', {
    topic: refTo('Topic'),
    cursor: refTo('Cursor'),
    events: listOf(refTo('AnyEvent')),
    more: { type: 'boolean', description: 'Whether another part follows.' },
  }),
})

/** A request. Members that are not named are refused, so that a misspelt one does not pass as absent [WP-4.3]. */
const request = (type: RequestType, description: string, members?: Record<string, JsonSchema>): JsonSchema =>
  closed(description, {
    type: { const: type },
    'id?': { type: 'string', maxLength: 64, description: 'Your own; the answer has it as `re`.' },
    ...(members ? { data: closed('', members) } : { 'data?': { type: 'object', maxProperties: 0 } }),
    'timestamp?': { description: 'Ignored.' },
  })

const requestSchemas = (limits: Limits): Schemas => ({
  SubscribeRequest: request('subscribe', 'Subscribes to a topic filter [WP-4.4].', {
    ...filter,
    'after?': refTo('Start'),
    'last?': { ...wholeFrom(0, limits.lastMax), description: 'Starts with so many of the newest events.' },
    'key?': severalOf({ type: 'string', maxLength: limits.keyBytesMax }, limits),
    'type?': severalOf({ type: 'string', maxLength: limits.typeBytesMax }, limits),
    'select?': severalOf(refTo('Pointer'), limits),
    'state?': { type: 'boolean', description: 'Whether the state comes first [WP-4.6].' },
    'delta?': { type: 'boolean', description: 'Whether events may come as changes [WP-4.7].' },
    'present?': { type: 'boolean', default: true, description: PRESENT },
    'info?': { description: INFO },
  }),
  UnsubscribeRequest: request('unsubscribe', 'Ends a subscription.', filter),
  PublishRequest: request('publish', 'Publishes one event.', {
    topic: refTo('Topic'),
    type: refTo('EventType'),
    'data?': { description: 'What the topic defines for events of the type.' },
    'key?': refTo('EventKey'),
    'timestamp?': { type: 'string', format: 'date-time' },
    'idempotencyKey?': {
      type: 'string',
      minLength: 1,
      maxLength: limits.idempotencyKeyBytesMax,
      description: 'The same event under the same key within 24 hours is published once [WP-3.10].',
    },
  }),
  AuthenticateRequest: request('authenticate', 'Gives the connection new credentials [WP-6.7].', {
    token: { type: 'string', description: 'A JWT or an API key.' },
  }),
  PingRequest: request('ping', 'Asks for a `pong`.'),
})
