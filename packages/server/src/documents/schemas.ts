/** What the schemas of all documents are made with, and the words that occur in many of them. */
import type { JsonSchema } from '@watchpost/core'
import type { Limits } from '@watchpost/protocol'

/** Schemas by the names that they have below `components.schemas`, in OpenAPI as in AsyncAPI. */
export type Schemas = Readonly<Record<string, JsonSchema>>

/** Points to a schema of a document by its name. */
export const refTo = (name: string): { readonly $ref: string } => ({ $ref: `#/components/schemas/${name}` })

/** The members of an object. Those whose names end in `?` may be absent. */
type Members = Readonly<Record<string, JsonSchema>>

/**
 * An object that may have members beside these, since a client ignores what it does not know [WP-1.1]. An empty
 * description is left out.
 */
export function open(description: string, members: Members): JsonSchema {
  return { type: 'object', ...(description !== '' && { description }), ...membersOf(members) }
}

/** An object without any members beside these, as the server takes what clients send. */
export function closed(description: string, members: Members): JsonSchema {
  return { ...open(description, members), additionalProperties: false }
}

function membersOf(members: Members): JsonSchema {
  const entries = Object.entries(members)
  const required = entries.flatMap(([name]) => (name.endsWith('?') ? [] : [name]))
  return {
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(entries.map(([name, schema]) => [name.replace(/\?$/, ''), schema])),
  }
}

export const listOf = (items: JsonSchema, bounds: JsonSchema = {}): JsonSchema => ({ type: 'array', items, ...bounds })

/** What any of these describes. */
export const anyOf = (...schemas: readonly [JsonSchema, ...JsonSchema[]]): JsonSchema =>
  schemas.length === 1 ? schemas[0] : { anyOf: schemas }

/** One text or several. */
export const severalOf = (item: JsonSchema, { filtersMax }: Limits): JsonSchema => ({
  anyOf: [item, listOf(item, { maxItems: filtersMax })],
})

/** Whole numbers; both bounds are included. */
export const wholeFrom = (minimum: number, maximum?: number): JsonSchema => ({
  type: 'integer',
  minimum,
  ...(maximum !== undefined && { maximum }),
})

/** One segment of a topic [WP-3.3], as a regular expression: neither `.` nor `..`, so with something else, or longer. */
export const SEGMENT_PATTERN = '(?:\\.{0,2}[A-Za-z0-9_~$@:+=,!-][A-Za-z0-9._~$@:+=,!-]*|\\.{3}[A-Za-z0-9._~$@:+=,!-]*)'

/** Segments that a slash joins, up to so many, as a regular expression for the whole. */
const pathOf = (segment: string, { topicSegmentsMax }: Limits): string =>
  `^${segment}(/${segment}){0,${topicSegmentsMax - 1}}$`

const CURSOR_PATTERN = '^[A-Za-z0-9._-]+$'

/** The first of the examples that a schema allows, as far as its length and pattern tell; no example if none is. */
function withExample(schema: JsonSchema, examples: readonly string[]): JsonSchema {
  const { maxLength = Infinity, pattern = '' } = schema as { readonly maxLength?: number; readonly pattern?: string }
  const isAllowed = new RegExp(pattern, 'u')
  const example = examples.find((each) => each.length <= maxLength && isAllowed.test(each))
  return example === undefined ? schema : { ...schema, examples: [example] }
}

/** Lengths are in characters here and in bytes there; what has only ASCII is as long in both. */
export const wordSchemas = (limits: Limits): Schemas =>
  Object.fromEntries(
    Object.entries(plainWords(limits)).map(([name, schema]) => [name, withExample(schema, EXAMPLES[name] ?? [])]),
  )

/** Long ones before short ones, for what limits leave. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  Cursor: ['k7f2x.1042', 'k.1'],
  Start: ['earliest', 'k.1'],
  Timestamp: ['2026-11-22T12:34:56.789Z'],
  Topic: ['chat/lobby', 'chat', 'a'],
  TopicFilter: ['chat/*', '*'],
  EventType: ['priceUpdate', 'p'],
  EventKey: ['MSFT', 'F'],
  Pointer: ['/price', '/p', ''],
}

const plainWords = (limits: Limits): Schemas => ({
  Cursor: {
    type: 'string',
    description: 'A position in the log: all up to here has been seen. Opaque; pass it on as you got it [WP-2.1].',
    minLength: 1,
    maxLength: limits.cursorBytesMax,
    pattern: CURSOR_PATTERN,
  },
  Start: {
    type: 'string',
    description: 'A cursor; or `earliest`, before the oldest event; or `latest`, after the newest [WP-2.2].',
    minLength: 1,
    maxLength: limits.cursorBytesMax,
    pattern: CURSOR_PATTERN,
  },
  Timestamp: {
    type: 'string',
    format: 'date-time',
    description: 'RFC 3339, in UTC, with milliseconds [WP-1.5].',
    pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$',
  },
  Topic: {
    type: 'string',
    description: 'A path of segments, joined by `/` [WP-3.3].',
    minLength: 1,
    maxLength: limits.topicBytesMax,
    pattern: pathOf(SEGMENT_PATTERN, limits),
  },
  TopicFilter: {
    type: 'string',
    description: 'A topic; or with `*` for any one segment, and `**` for any number of them [WP-3.3].',
    minLength: 1,
    maxLength: limits.topicBytesMax,
    pattern: pathOf(`(\\*\\*?|${SEGMENT_PATTERN})`, limits),
  },
  EventType: {
    type: 'string',
    minLength: 1,
    maxLength: limits.typeBytesMax,
    pattern: '^[A-Za-z0-9][A-Za-z0-9._:/-]*$',
  },
  EventKey: {
    type: 'string',
    description: `What the event is about; of a keyed topic, what it is the latest of. At most ${limits.keyBytesMax} bytes.`,
    minLength: 1,
    maxLength: limits.keyBytesMax,
  },
  Pointer: {
    type: 'string',
    description: 'A JSON Pointer (RFC 6901) below `data`.',
    maxLength: limits.selectBytesMax,
    pattern: '^(/([^~/]|~[01])*)*$',
  },
  PartOfData: {
    type: ['object', 'array', 'null'],
    items: {},
    description:
      'What is left of `data` when `select` names a part of it [WP-3.6], or when the topic keeps a part from you [WP-6.5].',
  },
})
