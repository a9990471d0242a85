/** The JSON Schemas of what only HTTP carries: answers of the server's own routes, CloudEvents, frames of streams. */
import type { JsonSchema } from '@watchpost/core'
import { problemType } from '@watchpost/protocol'
import { STREAM_MESSAGES } from '../messages.ts'
import { PROBLEM_NAMES } from '../problems.ts'
import { closed, listOf, open, refTo, type Schemas, wholeFrom } from '../schemas.ts'
import { pageOf, stateOf } from '../topics.ts'

/** A frame of a stream [WP-3.8]. `messages` are the names of the schemas of what its data can be. */
export const frameOf = (messages: readonly string[]): JsonSchema =>
  open('One event of the stream (WHATWG HTML, section 9.2).', {
    event: { type: 'string', description: 'The `type` of the message.' },
    'id?': { ...refTo('Cursor'), description: 'Where to go on after it; `error`, `expiring` and `goodbye` have none.' },
    'retry?': { ...wholeFrom(0), description: 'Milliseconds to wait before the client connects again.' },
    data: {
      type: 'string',
      contentMediaType: 'application/json',
      contentSchema: { anyOf: [...messages, ...Object.values(STREAM_MESSAGES)].map(refTo) },
    },
  })

/** All of them, by their names. */
export const httpSchemas = (): Schemas => ({
  AnyPage: pageOf('AnyEvent'),
  AnyState: stateOf('AnyEvent'),
  AnyFrame: frameOf(['AnyEvent']),
  AnyNewEvent: closed('An event to publish; its topic says what `data` can be.', {
    type: refTo('EventType'),
    'data?': { description: 'Any JSON value; `null` if absent.' },
    'key?': refTo('EventKey'),
    'timestamp?': { type: 'string', format: 'date-time' },
  }),
  Receipt: open('What was published, in order. All of it is durable.', {
    events: listOf(open('', { 'id?': refTo('Cursor'), timestamp: refTo('Timestamp') })),
  }),
  ...cloudEvents(),
  ...listSchemas(),
  ...connectionSchemas(),
  ProblemRow: open('A kind of problem.', {
    type: { enum: PROBLEM_NAMES.map(problemType) },
    status: wholeFrom(400, 599),
    title: { type: 'string' },
    retry: { enum: ['no', 'later', 'elsewhere', 'from earliest', 'with a new token'] },
    when: { type: 'string' },
    fix: { type: 'string', description: 'What to do.' },
    'close?': { ...wholeFrom(1_000, 4_999), description: 'What a WebSocket is closed with after it.' },
  }),
  ProblemList: open('', { problems: listOf(refTo('ProblemRow')) }),
})

const cloudEvents = (): Schemas => ({
  CloudEvent: open('An event as a CloudEvent 1.0 [WP-3.9].', {
    specversion: { const: '1.0' },
    id: refTo('Cursor'),
    source: { type: 'string', format: 'uri-reference', description: 'The path of the topic.' },
    type: refTo('EventType'),
    'subject?': refTo('EventKey'),
    time: refTo('Timestamp'),
    datacontenttype: { const: 'application/json' },
    data: { description: 'Any JSON value.' },
  }),
  NewCloudEvent: open('A CloudEvent 1.0 to publish: `subject` is the key [WP-3.9].', {
    specversion: { const: '1.0' },
    id: { type: 'string', minLength: 1, description: 'Not kept.' },
    source: { type: 'string', minLength: 1, description: 'Not kept.' },
    type: refTo('EventType'),
    'subject?': refTo('EventKey'),
    'time?': { type: 'string', format: 'date-time' },
    'data?': { description: 'Any JSON value.' },
    'data_base64?': { not: {}, description: 'Not taken.' },
  }),
})

const listSchemas = (): Schemas => ({
  TopicDescription: open('A topic definition that you may watch or publish to [WP-3.12].', {
    topic: { type: 'string', description: 'A topic, or a template with `{parameters}`.' },
    'description?': { type: 'string' },
    'version?': { type: 'string' },
    'deprecated?': refTo('Lifecycle'),
    watch: { type: 'boolean', description: 'Whether you may; of a template, whether it can be allowed.' },
    publish: { type: 'boolean' },
    keyed: { type: 'boolean' },
    retention: open('', { 'events?': wholeFrom(1), 'ageMs?': wholeFrom(1), 'bytes?': wholeFrom(1) }),
    transports: listOf(refTo('Transport')),
    'onSlow?': { enum: ['all', 'latest'] },
    events: {
      type: 'object',
      description: 'JSON Schemas (2020-12) of `data` by event type.',
      additionalProperties: { type: 'object' },
    },
    links: open('Paths.', { topic: { type: 'string' }, 'state?': { type: 'string' } }),
  }),
  TopicList: open('', { topics: listOf(refTo('TopicDescription')), limits: refTo('Limits') }),
})

const connectionSchemas = (): Schemas => ({
  Ticket: open('', {
    ticket: { type: 'string', description: 'For the parameter `ticket`, once.' },
    expires: refTo('Timestamp'),
  }),
  Connection: open('A connection of this process [WP-3.16].', {
    id: { type: 'string' },
    transport: refTo('Transport'),
    'subject?': { type: 'string', description: 'Absent for the anonymous.' },
    'issuer?': { description: '`iss` of its token, if that has one.' },
    address: { type: 'string' },
    since: refTo('Timestamp'),
    'expires?': refTo('Timestamp'),
    topics: listOf(refTo('TopicFilter')),
    bufferedBytes: { ...wholeFrom(0), description: 'What waits for the client.' },
  }),
  ConnectionList: open('', { connections: listOf(refTo('Connection')), 'next?': { type: 'string' } }),
  Cut: open('', { cut: { ...wholeFrom(0), description: 'How many connections were ended.' } }),
  Renewal: open('', { 'expires?': refTo('Timestamp') }),
  Drained: open('', { connections: wholeFrom(0), drainMs: wholeFrom(0) }),
})
