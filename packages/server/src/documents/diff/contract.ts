/** What a document promises to watchers and publishers, whichever kind of document says it. */
import type { ConfiguredTopic } from '../configured.ts'
import { asyncapiTopics } from './asyncapi.ts'
import { configuredLimits, configuredTopics } from './configured.ts'
import type { Side } from './faults.ts'
import type { Ending } from './lifecycle.ts'
import { openapiTopics } from './openapi.ts'
import type { Operations } from './operations.ts'
import type { Placed } from './placed.ts'
import { isObject } from './pointed.ts'

/** Schemas of `data` by event type. */
export type Events = ReadonlyMap<string, Placed>

/** What is promised of the topics of one definition. */
export interface TopicContract {
  /** Absent if they can't be watched, or published to. */
  readonly watched?: Events
  readonly published?: Events
  /** By which they can be watched. */
  readonly transports: ReadonlySet<string>
  readonly operations: Operations
  readonly keyed: boolean
  /** Absent of a topic that is not deprecated. */
  readonly ending?: Ending
  /** What only a configuration says; absent in documents that a server sent. */
  readonly configured?: ConfiguredTopic
}

/** One change, as a sentence. `breaks` says whom; absent, it breaks nobody. */
export interface Change {
  readonly breaks?: Side
  readonly text: string
}

export interface Contract {
  readonly kind: 'OpenAPI' | 'AsyncAPI'
  /** By their templates. */
  readonly topics: ReadonlyMap<string, TopicContract>
  /** Those that only a configuration says, as far as it is known. */
  readonly limits: ReadonlyMap<string, number>
}

/** @throws RangeError that says why a document is none that can be read */
export function contractOf(document: unknown): Contract {
  if (!isObject(document)) throw new RangeError('it is no document: neither an object of JSON nor one of YAML')
  const { asyncapi, openapi } = document
  if (typeof asyncapi === 'string') {
    if (!asyncapi.startsWith('3.')) throw new RangeError(`it is AsyncAPI ${asyncapi}; AsyncAPI 3 is what is read here`)
    return { kind: 'AsyncAPI', ...configured(document, some(asyncapiTopics(document))) }
  }
  if (typeof openapi === 'string') {
    if (!/^3\.[12]/.test(openapi))
      throw new RangeError(`it is OpenAPI ${openapi}; OpenAPI 3.1 or 3.2 is what is read here`)
    return { kind: 'OpenAPI', ...configured(document, some(openapiTopics(document))) }
  }
  throw new RangeError('it is neither an OpenAPI nor an AsyncAPI document')
}

/** A document without topics is most likely not what it was taken for. */
function some(topics: Contract['topics']): Contract['topics'] {
  if (topics.size > 0) return topics
  throw new RangeError('it describes no topics; make it with `watchpost docs`, or load it from a server')
}

function configured(document: Readonly<Record<string, unknown>>, topics: Contract['topics']): Omit<Contract, 'kind'> {
  const known = configuredTopics(document)
  const all = [...topics].map(([template, topic]): [string, TopicContract] => {
    const own = known.get(template)
    return [template, own === undefined ? topic : { ...topic, configured: own }]
  })
  return { topics: new Map(all), limits: configuredLimits(document) }
}
