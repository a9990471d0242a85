/** The parameters that operations share, with the bounds that are in force [WP-3.4] [WP-3.6]. */
import type { JsonSchema } from '@watchpost/core'
import type { Limits } from '@watchpost/protocol'
import { INFO, PRESENT } from '../messages.ts'
import { listOf, refTo, wholeFrom } from '../schemas.ts'

/** A parameter as OpenAPI has it, or a reference to one. */
export type Parameter = Readonly<Record<string, unknown>>

export type ParameterName =
  | ('After' | 'Last' | 'LastEventId' | 'LastEventIdQuery' | 'LastEventIdDashed' | 'IfNoneMatch')
  | ('Key' | 'Type' | 'Select' | 'Limit' | 'Wait' | 'Prefer' | 'State' | 'Delta' | 'Present' | 'Info')
  | ('IdempotencyKey' | 'TopicFilters' | 'Next' | 'NextConnection' | 'Subject' | 'ConnectionId')

export const parameter = (name: ParameterName): Parameter => ({ $ref: `#/components/parameters/${name}` })

export const parametersNamed = (...names: readonly ParameterName[]): readonly Parameter[] => names.map(parameter)

const inQuery = (name: string, schema: JsonSchema, description: string, more: object = {}): Parameter => ({
  ...{ name, in: 'query', description, schema },
  ...more,
})

const inHeader = (name: string, schema: JsonSchema, description: string): Parameter => ({
  ...{ name, in: 'header', description, schema },
})

/** Parameters that may be repeated are, rather than put together with commas. */
const REPEATED = { style: 'form', explode: true }

const text = (maxLength: number, minLength = 0): JsonSchema => ({
  type: 'string',
  ...(minLength > 0 && { minLength }),
  maxLength,
})

const flag: JsonSchema = { type: 'boolean', default: false }

const ID = text(64, 1)

/** All of them, by the names that references have. */
export function parameters(limits: Limits): Readonly<Record<ParameterName, Parameter>> {
  const repeated = (schema: JsonSchema): JsonSchema => listOf(schema, { maxItems: limits.filtersMax })
  return {
    ...startParameters(limits),
    Key: inQuery('key', repeated(text(limits.keyBytesMax)), 'Only events with one of these keys.', REPEATED),
    Type: inQuery('type', repeated(text(limits.typeBytesMax)), 'Only events of one of these types.', REPEATED),
    Select: inQuery(
      'select',
      repeated(refTo('Pointer')),
      'Of `data`, only what these JSON Pointers name [WP-3.6].',
      REPEATED,
    ),
    Limit: inQuery(
      'limit',
      { ...wholeFrom(1, limits.pageEventsMax), default: Math.min(100, limits.pageEventsMax) },
      'The most events of a page.',
    ),
    Wait: inQuery(
      'wait',
      wholeFrom(0, limits.waitSecondsMax),
      'Makes the request a long poll, which waits for so many seconds at most [WP-3.7].',
    ),
    Prefer: inHeader('Prefer', { type: 'string' }, '`wait=20` means the same as the parameter `wait` (RFC 7240).'),
    State: inQuery('state', flag, 'Of a WebSocket: whether the state comes first [WP-4.6].'),
    Delta: inQuery('delta', flag, 'Of a WebSocket: whether events may come as changes [WP-4.7].'),
    Present: inQuery('present', { type: 'boolean', default: true }, PRESENT),
    Info: inQuery('info', { type: 'string', contentMediaType: 'application/json' }, INFO),
    IdempotencyKey: inHeader(
      'Idempotency-Key',
      text(limits.idempotencyKeyBytesMax, 1),
      'The same body under the same key within 24 hours is published once [WP-3.10].',
    ),
    TopicFilters: inQuery(
      'topic',
      listOf(refTo('TopicFilter'), { minItems: 1, maxItems: limits.filtersMax }),
      'What to watch: topics and topic filters.',
      { ...REPEATED, required: true },
    ),
    ...listParameters(),
  }
}

type StartName = Extract<ParameterName, 'After' | 'Last' | 'IfNoneMatch' | `LastEventId${string}`>

const startParameters = (limits: Limits): Readonly<Record<StartName, Parameter>> => ({
  After: inQuery('after', refTo('Start'), 'Where to start [WP-3.4]. Absent: `earliest` for a page, else `latest`.'),
  Last: inQuery(
    'last',
    wholeFrom(0, limits.lastMax),
    'Starts with so many of the newest events that match, if no cursor is given.',
  ),
  LastEventId: inHeader('Last-Event-ID', LAST_EVENT_ID(limits), 'As `after`, and before it; empty counts as absent.'),
  LastEventIdQuery: inQuery('lastEventId', LAST_EVENT_ID(limits), 'As the header `Last-Event-ID`, which wins.'),
  LastEventIdDashed: inQuery('last-event-id', LAST_EVENT_ID(limits), 'As `lastEventId`, which wins.'),
  IfNoneMatch: inHeader(
    'If-None-Match',
    { type: 'string', examples: ['"k7f2x.1042"'] },
    'The `ETag` of a page or long poll, to go on from there; without news the answer is then 304.',
  ),
})

const LAST_EVENT_ID = ({ cursorBytesMax }: Limits): JsonSchema => ({
  ...{ type: 'string', maxLength: cursorBytesMax, pattern: '^[A-Za-z0-9._-]*$' },
})

type ListName = Extract<ParameterName, 'Next' | 'NextConnection' | 'Subject' | 'ConnectionId'>

const listParameters = (): Readonly<Record<ListName, Parameter>> => ({
  Next: inQuery('next', { type: 'string', minLength: 1 }, '`next` of the page before.'),
  NextConnection: inQuery('next', { type: 'string', pattern: '^\\d{1,15}$' }, '`next` of the list before.'),
  Subject: inQuery('subject', { type: 'string' }, 'Only connections of this subject.'),
  ConnectionId: {
    ...{ name: 'id', in: 'path', required: true, schema: ID },
    description: '`connection` of `welcome`, or `id` of the list.',
  },
})
