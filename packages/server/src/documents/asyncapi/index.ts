/** The AsyncAPI document of a server: what runs, as far as one caller may see it. A pure function of that. */
import type { JsonSchema } from '@watchpost/core'
import type { Documented } from '../documented.ts'
import { infoOf } from '../info.ts'
import { type Making, Members, membersOf, type Steps, whole } from '../members.ts'
import { Referred } from '../referred.ts'
import type { Section } from './channels.ts'
import { Dialect } from './dialect.ts'
import { streamOfSeveral, topicHttp } from './http.ts'
import { type Material, materialOf } from './material.ts'
import { DocumentSchemas } from './schemas.ts'
import { securitySchemes } from './security.ts'
import { serversOf } from './servers.ts'
import { multiplexed, topicSocket } from './socket.ts'

/** A document of AsyncAPI 3.0.0. */
export type AsyncApiDocument = Readonly<Record<string, unknown>>

/** Describes streams, WebSockets and publishing; pages, long polls and all else are in the OpenAPI document. */
export const asyncapiOf = (documented: Documented): AsyncApiDocument => whole(asyncapiMembers(documented))

/** The members of the document, each made when it is asked for. */
export function* asyncapiMembers(documented: Documented): Making {
  const schemas = yield* DocumentSchemas.of(documented)
  const material = yield* materialOf(documented, schemas)
  const sections = yield* sectionsOf(material)
  const referred = new Referred()
  yield ['asyncapi', '3.0.0']
  yield ['info', toldOf(documented)]
  yield ['defaultContentType', 'application/json']
  yield ['servers', serversOf(documented)]
  for (const kind of ['channels', 'operations'] as const) {
    yield [kind, new Members(sectionMembers(kind, sections, referred))]
  }
  yield ['components', new Members(componentMembers(material, schemas, referred))]
}

const DESCRIPTION =
  'Events of one durable log, by Server-Sent Events and WebSocket. Pages, long polls and the rest of HTTP are in `/openapi.json`.'

/** AsyncAPI knows licences by their URLs only. */
function toldOf(documented: Documented): object {
  const { license, ...info } = infoOf(documented, DESCRIPTION)
  const { identifier: _unknown, ...terms } = license ?? {}
  return {
    ...info,
    ...(license && { license: terms }),
    externalDocs: { description: 'The OpenAPI document', url: `${documented.baseUrl}/openapi.json` },
  }
}

function* sectionsOf(material: Material): Steps<readonly Section[]> {
  const sections = [multiplexed(material), streamOfSeveral(material)]
  for (const topic of material.topics) {
    sections.push(topicSocket(topic, material), topicHttp(topic, material))
    yield
  }
  return sections
}

/** No section has a name of another. */
function* sectionMembers(kind: keyof Section, sections: readonly Section[], referred: Referred): Making {
  for (const section of sections) {
    referred.noteIn(section[kind])
    yield* membersOf(section[kind])
  }
}

/** Only those that channels and operations refer to. */
function* componentMembers({ documented, catalogue }: Material, schemas: DocumentSchemas, referred: Referred): Making {
  yield* referred.follow({ messages: catalogue.all, schemas: schemas.all })
  yield ['messages', new Members(referred.among('messages', catalogue.all))]
  yield ['schemas', new Members(inDialect(referred.among('schemas', schemas.all), new Dialect(schemas.all)))]
  yield ['correlationIds', CORRELATION_IDS]
  const schemes = securitySchemes(documented.credentials)
  if (Object.keys(schemes).length > 0) yield ['securitySchemes', schemes]
}

function* inDialect(schemas: Iterable<readonly [name: string, schema: JsonSchema]>, dialect: Dialect): Making {
  for (const [name, schema] of schemas) yield [name, dialect.inDraft7(schema)]
}

const CORRELATION_IDS = {
  request: {
    description: 'A text of the client; the answer has it as `re` [WP-4.3].',
    location: '$message.payload#/id',
  },
  answer: { description: 'The `id` of the request that is answered.', location: '$message.payload#/re' },
} as const
