/** Publishing by POST [WP-3.9]. */
import type { JsonSchema } from '@watchpost/core'
import type { Json } from '@watchpost/protocol'
import { anyOf, listOf, refTo } from '../schemas.ts'
import { mayLackData, type TopicSchemas } from '../topics.ts'
import type { Building, Node } from './building.ts'
import { CLOUDEVENT, CLOUDEVENTS, json } from './media.ts'
import { headersNamed } from './responses.ts'
import { type Sample, sampleReceipt } from './sample.ts'

/**
 * What can be sent.
 * @param event the schema of one event
 * @param topic what the topic defines, or `undefined` if that is not known
 */
export function publishBody(
  { media, documented }: Building,
  event: JsonSchema,
  topic: TopicSchemas | undefined,
  sample: Sample | undefined,
): Node {
  const bounds = { minItems: 1, maxItems: documented.limits.publishEventsMax }
  const cloudEvent = topic === undefined ? refTo('NewCloudEvent') : cloudEventOf(topic)
  return {
    required: true,
    content: {
      'application/json': {
        schema: { anyOf: [event, listOf(event, bounds)] },
        ...(sample && { examples: examplesOf(sample.publish) }),
      },
      ...media.lines(event, sample && `${JSON.stringify(sample.publish)}\n`),
      [CLOUDEVENT]: { schema: cloudEvent },
      [CLOUDEVENTS]: { schema: listOf(cloudEvent, bounds) },
    },
  }
}

/** CloudEvents of a topic, whose `data` is what it is of the topic's own events. */
function cloudEventOf({ topic, keyed, types }: TopicSchemas): JsonSchema {
  const of = (required: readonly string[], properties: JsonSchema): JsonSchema => ({
    ...{ ...refTo('NewCloudEvent'), type: 'object' },
    ...(required.length > 0 && { required }),
    properties,
  })
  const removal = of(['subject'], { type: { enum: types.map(({ type }) => type) }, data: { type: 'null' } })
  const events = types.map(({ type, data }) =>
    of(mayLackData(topic, type) ? [] : ['data'], { type: { const: type }, data: refTo(data) }),
  )
  // A topic has at least one event type.
  return anyOf(...([...events, ...(keyed ? [removal] : [])] as [JsonSchema, ...JsonSchema[]]))
}

const examplesOf = (event: Json): Node => ({ one: { value: event }, several: { value: [event, event] } })

export const publishResponses = ({ problems }: Building): Node => ({
  201: {
    description: 'All events are durable.',
    headers: headersNamed('CacheControl', 'IdempotentReplayed', 'RateLimit', 'RateLimitPolicy'),
    content: json(refTo('Receipt'), sampleReceipt()),
  },
  ...problems.of('publishTopic'),
})
