/** The JSON Schemas of what topics carry: events as they are watched and published, pages and states of them. */
import type { JsonSchema, Topic } from '@watchpost/core'
import type { DocumentedTopic } from './documented.ts'
import { embed } from './embed.ts'
import { maskedSchema } from './masked.ts'
import type { Steps } from './members.ts'
import { Names } from './names.ts'
import { anyOf, closed, listOf, open, refTo, type Schemas, SEGMENT_PATTERN } from './schemas.ts'

/** The names of the schemas of one event type. */
export interface EventSchemaNames {
  readonly type: string
  /** Of `data`, as it is published; as it is watched, for those who may only do that. */
  readonly data: string
  /** Of the event as it is watched; absent if the caller may not. */
  readonly event: string
  /** Of the event as it is published. */
  readonly publish: string
  /** Whether such events are not stored, so that they are in no page. */
  readonly ephemeral: boolean
}

/** A topic definition and the names of its schemas. */
export interface TopicSchemas extends DocumentedTopic {
  /** Unique, and of letters, digits and `. _ -`: such as `chat.room` for `chat/{room}`. */
  readonly name: string
  readonly keyed: boolean
  readonly types: readonly EventSchemaNames[]
  /** Any event of the topic as it is watched. */
  readonly event: string
  /** Any event of the topic as it is published. */
  readonly newEvent: string
  /** A page of its events. */
  readonly page: string
  /** A page of its state, if it is keyed. */
  readonly state: string
}

/**
 * The schemas of all topics. Schemas that are the same are there once; names that mean several are told apart.
 * @param taken names that other schemas of the document have
 */
export function* topicSchemas(
  topics: readonly DocumentedTopic[],
  taken: Iterable<string>,
): Steps<{ readonly schemas: Schemas; readonly topics: readonly TopicSchemas[] }> {
  const names = new Names(taken)
  const schemas: Record<string, JsonSchema> = {}
  const add = (name: string, schema: JsonSchema): void => {
    schemas[name] = schema
  }
  const put = (wished: string, schema: JsonSchema): string => {
    const { name } = names.nameOf(wished, JSON.stringify(schema))
    add(name, schema)
    return name
  }
  const described: TopicSchemas[] = []
  for (const documented of topics) {
    yield
    const { topic } = documented
    const { template } = topic
    const keyed = topic.keyOf !== undefined
    // Only this has the template in it, so no two topics share it, and what is derived of it is theirs alone.
    const name = put(template, { type: 'string', description: `The topic ${template}.`, ...nameSchema(template) })
    const types = [...topic.schemas].map(([type, { flat, ephemeral }]): EventSchemaNames => {
      const watched = maskedSchema(flat, documented.masked ?? [])
      const hasBoth = documented.publish && watched !== flat
      const data = embed(documented.publish ? flat : watched, `${name}.${type}.data`, names, add)
      const shown = hasBoth ? embed(watched, `${name}.${type}.watched`, names, add) : data
      return {
        type,
        data,
        event: put(`${name}.${type}`, eventSchema(type, { name, data: shown, keyed, ephemeral })),
        ephemeral,
        publish: put(`${name}.${type}.publish`, publishSchema(documented, type, data)),
      }
    })
    const event = put(`${name}.event`, anyOf(...refsTo(types.map((each) => each.event))))
    const stored = types.filter(({ ephemeral }) => !ephemeral)
    const kept = stored.length === types.length ? event : put(`${name}.stored`, anyOf(...refsTo(stored.map(eventOf))))
    const removal = keyed && stored.length > 0 ? [removalSchema(stored)] : []
    described.push({
      ...{ ...documented, name, keyed, types, event },
      newEvent: put(`${name}.publish`, anyOf(...refsTo(types.map((each) => each.publish)), ...removal)),
      page: put(`${name}.page`, pageOf(kept)),
      state: put(`${name}.state`, stateOf(kept)),
    })
  }
  return { schemas, topics: described }
}

const eventOf = ({ event }: EventSchemaNames): string => event

/** Without any, as of a topic that stores nothing, there is nothing that fits. */
const refsTo = (names: readonly string[]): readonly [JsonSchema, ...JsonSchema[]] =>
  (names.length === 0 ? [{ not: {} }] : names.map(refTo)) as readonly JsonSchema[] as readonly [
    JsonSchema,
    ...JsonSchema[],
  ]

/** What the name of a topic of a template can be. */
function nameSchema(template: string): JsonSchema {
  if (!template.includes('{')) return { const: template }
  const literal = (text: string): string => text.replaceAll(/[.$+]/g, '\\$&')
  const segments = template.split('/').map((segment) => (segment.startsWith('{') ? SEGMENT_PATTERN : literal(segment)))
  return { pattern: `^${segments.join('/')}$` }
}

function eventSchema(
  type: string,
  {
    name,
    data,
    keyed,
    ephemeral,
  }: { readonly name: string; readonly data: string; readonly keyed: boolean; readonly ephemeral: boolean },
): JsonSchema {
  const removed = { type: 'null', description: 'The key is no longer in the state [WP-9.1].' }
  return open(ephemeral ? 'Not stored: it has no id, and comes only to those who watch right now [WP-9.3].' : '', {
    type: { const: type },
    topic: refTo(name),
    ...(!ephemeral && { id: refTo('Cursor') }),
    [keyed ? 'key' : 'key?']: refTo('EventKey'),
    data: { anyOf: [refTo(data), ...(keyed && !ephemeral ? [removed] : []), refTo('PartOfData')] },
    timestamp: refTo('Timestamp'),
  })
}

/** Of an event to publish: what is left out is null, and in a keyed topic null removes a key, which is described apart. */
export const mayLackData = ({ keyOf, schemas }: Topic, type: string): boolean =>
  keyOf === undefined && schemas.get(type)?.faults(null).length === 0

function publishSchema({ topic }: DocumentedTopic, type: string, data: string): JsonSchema {
  return closed('', {
    type: { const: type },
    [mayLackData(topic, type) ? 'data?' : 'data']: refTo(data),
    ...KEY_AND_TIME,
  })
}

const removalSchema = (types: readonly EventSchemaNames[]): JsonSchema =>
  closed('Removes the key from the state [WP-9.1].', {
    type: { enum: types.map(({ type }) => type) },
    'data?': { type: 'null' },
    key: refTo('EventKey'),
    'timestamp?': KEY_AND_TIME['timestamp?'],
  })

const KEY_AND_TIME = {
  'key?': refTo('EventKey'),
  'timestamp?': { type: 'string', format: 'date-time', description: 'RFC 3339; the time of the server if absent.' },
} as const

/** A page of events [WP-3.7]. */
export const pageOf = (event: string): JsonSchema =>
  open('Events in the order of the log [WP-3.7].', {
    events: listOf(refTo(event)),
    cursor: refTo('Cursor'),
    more: { type: 'boolean', description: 'Whether there may be more already.' },
  })

/** A page of the state of a keyed topic [WP-3.11]. */
export const stateOf = (event: string): JsonSchema =>
  open('The latest event of each key [WP-3.11].', {
    cursor: refTo('Cursor'),
    events: listOf(refTo(event)),
    'next?': { type: 'string', description: 'Goes on to the next page, as the parameter `next`.' },
  })
