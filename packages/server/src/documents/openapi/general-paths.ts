/** The paths for any topic and for several: by names and topic filters that the path does not know. */
import { TRANSPORTS } from '@watchpost/core'
import { refTo } from '../schemas.ts'
import type { Building, Node, Paths } from './building.ts'
import { json } from './media.ts'
import { parameter, parametersNamed } from './parameters.ts'
import { publishBody, publishResponses } from './publishing.ts'
import { headersNamed, withHeaders } from './responses.ts'
import { securityOf } from './security.ts'
import { stateParameters, stateResponses, takesAnyTopic, topicInPath, topicOperations } from './topic-paths.ts'
import { ANY_TRANSPORT, type Watched, watchingParameters, watchingResponses, watchingText } from './watching.ts'
import { handshakeHeaders, socketOf, switching } from './websocket.ts'

const TAG = 'All topics'

export const generalPaths = (building: Building): Paths => ({
  '/v1': { get: openWebSocket(building) },
  '/v1/topics': { get: listTopics(building) },
  '/v1/events': { get: watchEvents(building) },
  ...anyTopic(building),
})

function openWebSocket({ documented, problems, topics }: Building): Node {
  return {
    ...{ operationId: 'openWebSocket', tags: [TAG], summary: 'Open a WebSocket' },
    description: [
      'One socket carries many subscriptions, and publishes too [WP-4.1].',
      'Where the server is part of another one, that answers requests here that ask for no WebSocket.',
    ].join('\n\n'),
    externalDocs: { description: 'AsyncAPI', url: `${documented.baseUrl}/asyncapi.json` },
    security: securityOf(documented, 'anyone'),
    parameters: handshakeHeaders(),
    responses: { 101: switching(), ...problems.of('openWebSocket') },
    'x-websocket': socketOf(
      documented,
      topics.filter(({ watch }) => watch).map(({ event }) => event),
    ),
  }
}

function listTopics({ documented, problems }: Building): Node {
  return {
    ...{ operationId: 'listTopics', tags: [TAG], summary: 'List topics' },
    description: 'The topics that you may watch or publish to, and the limits in force [WP-3.12].',
    security: securityOf(documented, 'anyone'),
    responses: {
      200: {
        description: 'Topics and limits.',
        headers: headersNamed('CacheControl'),
        content: json(refTo('TopicList')),
      },
      ...problems.of('listTopics'),
    },
  }
}

function watchEvents(building: Building): Node {
  const watched: Watched = {
    operation: 'watchEvents',
    transports: new Set(TRANSPORTS.filter((transport) => transport !== 'websocket')),
    page: refTo('AnyPage'),
    frame: 'AnyFrame',
    sample: undefined,
  }
  return {
    ...{ operationId: 'watchEvents', tags: [TAG], summary: 'Watch several topics' },
    description: watchingText(watched),
    security: securityOf(building.documented, 'anyone'),
    parameters: [parameter('TopicFilters'), ...watchingParameters(watched)],
    responses: answersOf(watchingResponses(building, watched)),
  }
}

/** Adds to every answer what an answer about a topic that is to end has. */
const answersOf = (responses: Node): Node => withHeaders(['Deprecation', 'Sunset', 'LifecycleLink'], responses)

/** Of one segment in the sense of OpenAPI, which a topic with slashes is once these are escaped. */
function anyTopic(building: Building): Paths {
  // Two paths that differ in nothing but the names of parameters are the same for OpenAPI.
  const taking = building.topics.find(({ topic }) => takesAnyTopic(topic.template))
  const own = taking && topicOperations(building, taking)
  const template = taking?.topic.template ?? '{topic}'
  const named = (schema: 'Topic' | 'TopicFilter'): Node => topicInPath(template.slice(1, -1), schema)
  return {
    [`/v1/topics/${template}`]: {
      get: own?.get ?? watchAny(building, named('TopicFilter')),
      post: own?.post ?? publishAny(building, named('Topic')),
    },
    [`/v1/state/${template}`]: { get: own?.state ?? readAnyState(building, named('Topic')) },
  }
}

function watchAny(building: Building, topic: Node): Node {
  const watched: Watched = {
    operation: 'watchTopic',
    transports: ANY_TRANSPORT,
    page: refTo('AnyPage'),
    frame: 'AnyFrame',
    sample: undefined,
  }
  return {
    ...{ operationId: 'watchTopic', tags: [TAG], summary: 'Watch a topic or topic filter' },
    description: watchingText(watched),
    security: securityOf(building.documented, 'anyone'),
    parameters: [topic, ...watchingParameters(watched)],
    responses: answersOf(watchingResponses(building, watched)),
    'x-websocket': socketOf(building.documented, ['AnyEvent']),
  }
}

function publishAny(building: Building, topic: Node): Node {
  return {
    ...{ operationId: 'publishTopic', tags: [TAG], summary: 'Publish to a topic' },
    description: 'Publishes one event or several: all of them or, if anything is wrong with one, none [WP-3.9].',
    security: securityOf(building.documented, 'anyone'),
    parameters: [topic, ...parametersNamed('IdempotencyKey')],
    requestBody: publishBody(building, refTo('AnyNewEvent'), undefined, undefined),
    responses: answersOf(publishResponses(building)),
  }
}

function readAnyState(building: Building, topic: Node): Node {
  return {
    ...{ operationId: 'readState', tags: [TAG], summary: 'State of a keyed topic' },
    description: 'The latest event of each key, in the order of the keys [WP-3.11].',
    security: securityOf(building.documented, 'anyone'),
    parameters: [topic, ...stateParameters],
    responses: answersOf(stateResponses(building, refTo('AnyState'))),
  }
}
