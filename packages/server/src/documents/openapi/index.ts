/**
 * The OpenAPI document of a server: what runs, as far as one caller may see it.
 *
 * Next on the way down: topic-paths.ts for the paths of each topic, operations.ts for the problems of each operation.
 */

import type { JsonSchema } from '@watchpost/core'
import type { Documented } from '../documented.ts'
import { infoOf } from '../info.ts'
import { type Making, Members, membersOf, whole } from '../members.ts'
import { messageSchemas } from '../messages.ts'
import { Names } from '../names.ts'
import { problemSchemas } from '../problems.ts'
import { Referred } from '../referred.ts'
import type { Schemas } from '../schemas.ts'
import { type TopicSchemas, topicSchemas } from '../topics.ts'
import type { Building, Node, Paths } from './building.ts'
import { generalPaths } from './general-paths.ts'
import { Media, type OpenApiVersion } from './media.ts'
import { parameters } from './parameters.ts'
import { headers, ProblemResponses } from './responses.ts'
import { frameOf, httpSchemas } from './schemas.ts'
import { securitySchemes } from './security.ts'
import { serverPaths } from './server-paths.ts'
import { ownTags, tagOf } from './tags.ts'
import { takesAnyTopic, topicPaths } from './topic-paths.ts'

const RELEASES: Readonly<Record<OpenApiVersion, string>> = { '3.1': '3.1.1', '3.2': '3.2.0' }

/** A document of OpenAPI 3.1.1 or 3.2.0. A pure function of what is documented. */
export const openapiOf = (documented: Documented, version: OpenApiVersion = '3.1'): Node =>
  whole(openapiMembers(documented, version))

/** The members of the document, each made when it is asked for. */
export function* openapiMembers(documented: Documented, version: OpenApiVersion): Making {
  const { limits, baseUrl } = documented
  const general = { ...messageSchemas(limits), ...problemSchemas(), ...httpSchemas() }
  const known = yield* topicSchemas(documented.topics, Object.keys(general))
  const frames = framesOf(known.topics, new Names([...Object.keys(general), ...Object.keys(known.schemas)]))
  const problems = new ProblemResponses(limits)
  const building: Building = {
    ...{ documented, topics: known.topics, frames: frames.names },
    ...{ media: new Media(version), problems },
  }
  const referred = new Referred()
  yield ['openapi', RELEASES[version]]
  yield ['info', infoOf(documented, descriptionOf(documented))]
  yield ['externalDocs', { description: 'Reference, and a place to try it', url: `${baseUrl}/docs` }]
  yield ['servers', [{ url: baseUrl, description: 'This server' }]]
  yield ['tags', tagsOf(known.topics, documented)]
  yield ['paths', new Members(pathMembers(building, referred))]
  const schemas = { ...known.schemas, ...frames.schemas, ...general }
  yield ['components', new Members(componentMembers(building, schemas, referred))]
}

function* pathMembers(building: Building, referred: Referred): Making {
  const all = function* (): Generator<Paths, void, undefined> {
    for (const topic of building.topics) yield topicPaths(building, topic)
    yield generalPaths(building)
    yield serverPaths(building)
  }
  for (const paths of all()) {
    referred.noteIn(paths)
    yield* membersOf(paths)
  }
}

/** Only those that the paths refer to. */
function* componentMembers({ documented, problems }: Building, schemas: Schemas, referred: Referred): Making {
  const { limits } = documented
  const components = { schemas, parameters: parameters(limits), headers: headers(), responses: problems.components }
  yield* referred.follow(components)
  for (const [kind, all] of Object.entries(components)) yield [kind, new Members(referred.among(kind, all))]
  yield ['securitySchemes', securitySchemes(documented)]
}

const descriptionOf = ({ baseUrl }: Documented): string =>
  [
    'Publish an event once; watch it page by page, by long poll, as a stream or by WebSocket, with one cursor.',
    'This document has the topics that you may watch or publish to. Marks such as [WP-3.5] are clauses of the protocol.',
    `What WebSockets and streams carry is told in full in AsyncAPI: ${baseUrl}/asyncapi.json`,
  ].join('\n\n')

const tagsOf = (topics: readonly TopicSchemas[], documented: Documented): readonly Node[] =>
  [
    ...topics.map(({ topic: { template, description } }) => [tagOf(template), description ?? `The topic ${template}.`]),
    ...ownTags(documented),
  ].map(([name, description]) => ({ name, description }))

/** The schemas of the frames of what can be watched, and their names by those of the topics. */
function framesOf(
  topics: readonly TopicSchemas[],
  names: Names,
): { readonly schemas: Schemas; readonly names: ReadonlyMap<string, string> } {
  const schemas: Record<string, JsonSchema> = {}
  const found = new Map<string, string>()
  for (const topic of topics.filter(({ watch }) => watch)) {
    const frame = frameOf([topic.event, ...(takesAnyTopic(topic.topic.template) ? ['AnyEvent'] : [])])
    const { name } = names.nameOf(`${topic.name}.frame`, JSON.stringify(frame))
    schemas[name] = frame
    found.set(topic.name, name)
  }
  return { schemas, names: found }
}
