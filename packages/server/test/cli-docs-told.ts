/** What `watchpost docs diff` says of a change of topics. */
import { Registry, type Schema, SERVER, type TopicDefinition } from '@watchpost/core'
import { limitsWith } from '@watchpost/protocol'
import { asyncapiOf } from '../src/documents/asyncapi/index.ts'
import { changesBetween } from '../src/documents/diff/compare.ts'
import { contractOf } from '../src/documents/diff/contract.ts'
import { type Documented, topicsFor } from '../src/documents/documented.ts'
import { openapiOf } from '../src/documents/openapi/index.ts'

/** Topic definitions by their templates. */
export type Topics = Readonly<Record<string, TopicDefinition>>

const documentedBy = (topics: Topics): Documented => ({
  topics: topicsFor(new Registry(topics), SERVER),
  limits: limitsWith(),
  credentials: undefined,
  baseUrl: 'http://127.0.0.1:8080',
  probes: false,
  version: '0.0.0',
})

/** All kinds of documents, and how each is made. */
export const KINDS = [
  ['OpenAPI', (topics: Topics): object => openapiOf(documentedBy(topics))],
  ['OpenAPI 3.2', (topics: Topics): object => openapiOf(documentedBy(topics), '3.2')],
  ['AsyncAPI', (topics: Topics): object => asyncapiOf(documentedBy(topics))],
] as const

/** All that a change of the topics is told as, each with whom it breaks before it. */
export function told(make: (topics: Topics) => object, before: Topics, after: Topics): readonly string[] {
  // Through JSON, as files have it.
  const contract = (topics: Topics) => contractOf(JSON.parse(JSON.stringify(make(topics))))
  const changes = changesBetween(contract(before), contract(after))
  return changes.map(({ breaks, text }) => `${breaks ?? 'nobody'}: ${text}`)
}

/** One topic, with one event type. */
export const price = (schema: Schema): Topics => ({ stocks: { events: { price: schema } } })
