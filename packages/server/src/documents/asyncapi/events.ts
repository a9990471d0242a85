/** The messages of one topic: its events as they are watched, and as they are published. */
import { type JsonSchema, maskedData } from '@watchpost/core'
import type { Json, Limits } from '@watchpost/protocol'
import { exampleData } from '../examples.ts'
import { listOf, refTo, type Schemas } from '../schemas.ts'
import type { EventSchemaNames, TopicSchemas } from '../topics.ts'
import type { Catalogue, MessageParts } from './catalogue.ts'
import { publishHeaders, streamHeaders } from './query.ts'

/** Names of messages in the catalogue. There are none of what the caller may not do, or the topic does not offer. */
export interface EventMessages {
  /** Events that WebSockets send. */
  readonly watched: readonly string[]
  /** The same as frames of a stream. */
  readonly streamed: readonly string[]
  /** Bodies of POST: one event, or several. */
  readonly posted: readonly string[]
  /** Requests over a WebSocket. */
  readonly requested: readonly string[]
}

/** What messages are put into, and made from. */
export interface Parts {
  readonly catalogue: Catalogue
  readonly limits: Limits
  readonly schemas: Schemas
  /** Adds a schema under a name like the wished one, and answers the name that it got. */
  readonly addSchema: (wished: string, schema: JsonSchema) => string
}

const ID = 'k7f2x.1042'
const TIME = '2026-11-22T12:34:56.789Z'

/** Puts all messages of a topic into the catalogue. */
export function eventMessages(topic: TopicSchemas, parts: Parts): EventMessages {
  const { watch, publish, types } = topic
  const { transports } = topic.topic
  return {
    watched: watch && transports.has('websocket') ? types.map((names) => watched(topic, names, parts)) : [],
    streamed: watch && transports.has('sse') ? types.map((names) => streamed(topic, names, parts)) : [],
    posted: publish ? posted(topic, parts) : [],
    requested: publish ? requested(topic, parts) : [],
  }
}

const partsOf = ({ topic }: TopicSchemas, type: string): Pick<MessageParts, 'type' | 'deprecated'> => ({
  type,
  ...(topic.deprecated && { deprecated: true }),
})

const watched = (topic: TopicSchemas, { type, event }: EventSchemaNames, { catalogue }: Parts): string =>
  catalogue.put(event, {
    ...{ ...partsOf(topic, type), schema: event },
    ...examples(topic, type, (data) => ({ payload: watchedEvent(topic, type, data) })),
  })

const streamed = (topic: TopicSchemas, { type, event, ephemeral }: EventSchemaNames, { catalogue }: Parts): string =>
  catalogue.put(`${event}.sse`, {
    ...{ ...partsOf(topic, type), schema: event, headers: streamHeaders(type, !ephemeral) },
    ...examples(topic, type, (data) => ({
      ...{ payload: watchedEvent(topic, type, data), headers: { event: type, ...(!ephemeral && { id: ID }) } },
    })),
  })

function posted(topic: TopicSchemas, { catalogue, limits, schemas, addSchema }: Parts): readonly string[] {
  const headers = publishHeaders(limits)
  const single = topic.types.map(({ type, publish }) =>
    catalogue.put(publish, {
      ...{ ...partsOf(topic, type), schema: publish, headers },
      ...examples(topic, type, (data) => ({ payload: { type, data } })),
    }),
  )
  const bounds = { minItems: 1, maxItems: limits.publishEventsMax, description: 'Events that are published together.' }
  const several = addSchema(`${topic.name}.publish.batch`, listOf(refTo(topic.newEvent), bounds))
  const removal = removalOf(topic, schemas)
  const removals = removal && addSchema(`${topic.name}.remove`, removal)
  return [
    ...single,
    ...(removals === undefined ? [] : [catalogue.put(removals, { type: 'removal', schema: removals, headers })]),
    catalogue.put(several, { type: 'batch', schema: several, headers }),
  ]
}

/** The schema of an event that removes a key, if the topic is keyed: the one that is of no type. */
function removalOf(topic: TopicSchemas, schemas: Schemas): JsonSchema | undefined {
  const choices = schemas[topic.newEvent]?.['anyOf'] as readonly JsonSchema[] | undefined
  return choices?.find((choice) => !('$ref' in choice))
}

function requested(topic: TopicSchemas, { catalogue, schemas, addSchema }: Parts): readonly string[] {
  const put = (wished: string, event: JsonSchema, more: Pick<MessageParts, 'examples' | 'deprecated'>): string => {
    const schema = addSchema(`${wished}.request`, requestSchema(topic, event, schemas))
    return catalogue.put(schema, { type: 'publish', schema, correlation: 'request', ...more })
  }
  const deprecated = topic.topic.deprecated === undefined ? {} : { deprecated: true }
  const removal = removalOf(topic, schemas)
  return [
    ...topic.types.map(({ type, publish }) =>
      put(publish, schemas[publish] ?? {}, {
        ...deprecated,
        ...examples(topic, type, (data) => ({
          payload: { type: 'publish', id: '1', data: { topic: exampleTopic(topic), type, data } },
        })),
      }),
    ),
    ...(removal ? [put(`${topic.name}.remove`, removal, deprecated)] : []),
  ]
}

/** A request to publish: an event's members, and to which topic, in the `data` of the message. */
function requestSchema({ name }: TopicSchemas, event: JsonSchema, schemas: Schemas): JsonSchema {
  const request = schemas['PublishRequest'] as JsonSchema
  const properties = request['properties'] as Readonly<Record<string, JsonSchema>>
  const data = properties['data'] as JsonSchema
  const members = { ...(data['properties'] as object), ...(event['properties'] as object), topic: refTo(name) }
  const required = ['topic', ...((event['required'] as readonly string[] | undefined) ?? [])]
  return { ...request, properties: { ...properties, data: { ...data, required, properties: members } } }
}

type Example = NonNullable<MessageParts['examples']>[number]

function examples(topic: TopicSchemas, type: string, make: (data: Json) => Example): Pick<MessageParts, 'examples'> {
  const data = exampleData(topic.topic, type)
  return data === undefined ? {} : { examples: [make(data)] }
}

function watchedEvent(topic: TopicSchemas, type: string, data: Json): object {
  const key = topic.topic.keyOf?.(type, data)
  const id = topic.topic.schemas.get(type)?.ephemeral === true ? {} : { id: ID }
  const shown = maskedData(data, topic.masked ?? [])
  return { type, topic: exampleTopic(topic), ...id, ...(key !== undefined && { key }), data: shown, timestamp: TIME }
}

/** A topic of the template: each parameter stands for its own name. */
export const exampleTopic = ({ topic }: TopicSchemas): string => topic.template.replaceAll(/[{}]/g, '')
