/** The paths of each topic definition: watching, publishing and state, with the schemas of its own events. */
import type { JsonSchema } from '@watchpost/core'
import { anyOf, refTo, SEGMENT_PATTERN } from '../schemas.ts'
import type { TopicSchemas } from '../topics.ts'
import type { Building, Node, Paths } from './building.ts'
import { json } from './media.ts'
import { parametersNamed } from './parameters.ts'
import { publishBody, publishResponses } from './publishing.ts'
import { headersNamed, withHeaders } from './responses.ts'
import { type Sample, sampleOf, sampleState } from './sample.ts'
import { topicSecurity } from './security.ts'
import { tagOf } from './tags.ts'
import { ANY_TRANSPORT, type Watched, watchingParameters, watchingResponses, watchingText } from './watching.ts'
import { socketOf } from './websocket.ts'

/** Whether a template has but one parameter: then the path of its topics is that of any topic too. */
export const takesAnyTopic = (template: string): boolean => /^\{[^/]*\}$/.test(template)

/** The paths of one topic definition, as far as the caller may use them; of one that takes any topic, general-paths.ts has them. */
export function topicPaths(building: Building, topic: TopicSchemas): Paths {
  const { template } = topic.topic
  if (takesAnyTopic(template)) return {}
  const parameters = pathParameters(template)
  const shared = parameters.length > 0 ? { parameters } : {}
  const { state, ...operations } = topicOperations(building, topic)
  const paths: Paths = { [`/v1/topics/${template}`]: { ...shared, ...operations } }
  return state === undefined ? paths : { ...paths, [`/v1/state/${template}`]: { ...shared, get: state } }
}

/** What can be done with the topics of a definition, as far as the caller may. */
export interface TopicOperations {
  readonly get?: Node
  readonly post?: Node
  readonly state?: Node
}

/** Where another topic can stand in the path too, the operations take and give what is of any topic. */
export function topicOperations(building: Building, topic: TopicSchemas): TopicOperations {
  const sample = sampleOf(topic, building.documented.limits)
  return {
    ...(topic.watch && { get: watchOperation(building, topic, sample) }),
    ...(topic.publish && { post: publishOperation(building, topic, sample) }),
    ...(topic.keyed && topic.watch && { state: stateOperation(building, topic, sample) }),
  }
}

/** The schema of what is of the topic; where any topic can be meant, or of that. */
const ofTopic = ({ topic: { template } }: TopicSchemas, own: string, any: string): JsonSchema =>
  takesAnyTopic(template) ? anyOf(refTo(own), refTo(any)) : refTo(own)

/** The topic in the path of any topic. */
const anyTopicIn = ({ topic: { template } }: TopicSchemas, schema: 'Topic' | 'TopicFilter'): readonly Node[] =>
  takesAnyTopic(template) ? [topicInPath(template.slice(1, -1), schema)] : []

/** A topic or topic filter as what is one segment in the sense of OpenAPI. */
export const topicInPath = (name: string, schema: 'Topic' | 'TopicFilter'): Node => ({
  ...{ name, in: 'path', required: true, schema: refTo(schema) },
  description: `A topic${schema === 'Topic' ? '' : ' or topic filter'}; \`/\` as \`%2F\`, or as it is.`,
})

const pathParameters = (template: string): readonly Node[] =>
  [...template.matchAll(/\{([^/]*)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    description: 'Any one segment of a topic [WP-3.3].',
    schema: { type: 'string', pattern: `^${SEGMENT_PATTERN}$`, examples: [name] },
  }))

/** What all operations of a topic have. */
function operationOf(topic: TopicSchemas, verb: string, summary: string, text: string): Node {
  const { name, keyed, watch, lifecycle } = topic
  const { template, version, transports } = topic.topic
  const until = lifecycle?.sunset === undefined ? '' : `, and may be gone from ${lifecycle.sunset} on`
  const use = lifecycle?.use === undefined ? '' : ` Use \`${lifecycle.use}\` in its place.`
  const end = lifecycle === undefined ? [] : [`**Deprecated** since ${lifecycle.since}${until}.${use}`]
  return {
    operationId: `${verb}-${name}`,
    tags: [tagOf(template)],
    summary,
    description: [...end, text].join('\n\n'),
    ...(lifecycle !== undefined && { deprecated: true }),
    'x-topic': {
      topic: template,
      ...(version !== undefined && { version }),
      ...{ keyed, transports: watch ? [...transports] : [] },
      ...(lifecycle && { deprecated: lifecycle }),
    },
  }
}

/** Adds to every answer what an answer of a topic that is to end has. */
function answersOf({ topic: { deprecated, template } }: TopicSchemas, responses: Node): Node {
  if (takesAnyTopic(template)) return withHeaders(['Deprecation', 'Sunset', 'LifecycleLink'], responses)
  if (deprecated === undefined) return responses
  const sunset = deprecated.sunset === undefined ? [] : (['Sunset'] as const)
  return withHeaders(['Deprecation', ...sunset, 'LifecycleLink'], responses)
}

function watchOperation(building: Building, topic: TopicSchemas, sample: Sample | undefined): Node {
  const { documented, frames } = building
  const { template, transports } = topic.topic
  const isAny = takesAnyTopic(template)
  const watched: Watched = {
    operation: 'watchTopic',
    transports: isAny ? ANY_TRANSPORT : transports,
    page: ofTopic(topic, topic.page, 'AnyPage'),
    frame: frames.get(topic.name) ?? 'AnyFrame',
    sample,
  }
  const events = [topic.event, ...(isAny ? ['AnyEvent'] : [])]
  return {
    ...operationOf(topic, 'watch', `Watch ${template}`, watchingText(watched)),
    security: topicSecurity(documented, topic.topic, 'watch'),
    parameters: [...anyTopicIn(topic, 'TopicFilter'), ...watchingParameters(watched)],
    responses: answersOf(topic, watchingResponses(building, watched)),
    ...(watched.transports.has('websocket') && { 'x-websocket': socketOf(documented, events) }),
  }
}

function publishOperation(building: Building, topic: TopicSchemas, sample: Sample | undefined): Node {
  const text = 'Publishes one event or several: all of them or, if anything is wrong with one, none [WP-3.9].'
  const isAny = takesAnyTopic(topic.topic.template)
  const event = ofTopic(topic, topic.newEvent, 'AnyNewEvent')
  return {
    ...operationOf(topic, 'publish', `Publish to ${topic.topic.template}`, text),
    security: topicSecurity(building.documented, topic.topic, 'publish'),
    parameters: [...anyTopicIn(topic, 'Topic'), ...parametersNamed('IdempotencyKey')],
    requestBody: publishBody(building, event, isAny ? undefined : topic, sample),
    responses: answersOf(topic, publishResponses(building)),
  }
}

function stateOperation(building: Building, topic: TopicSchemas, sample: Sample | undefined): Node {
  const text = 'The latest event of each key, in the order of the keys [WP-3.11].'
  return {
    ...operationOf(topic, 'state', `State of ${topic.topic.template}`, text),
    security: topicSecurity(building.documented, topic.topic, 'watch'),
    parameters: [...anyTopicIn(topic, 'Topic'), ...stateParameters],
    responses: answersOf(topic, stateResponses(building, ofTopic(topic, topic.state, 'AnyState'), sample)),
  }
}

export const stateParameters: readonly Node[] = parametersNamed('Key', 'Select', 'Limit', 'Next')

export const stateResponses = ({ problems }: Building, state: JsonSchema, sample?: Sample): Node => ({
  200: {
    description: 'A page of the state.',
    headers: headersNamed('CacheControl'),
    content: json(state, sample && sampleState(sample)),
  },
  ...problems.of('readState'),
})
