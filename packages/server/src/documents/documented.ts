/** What the documents are made of: everything that they say comes from here, and from the tables of the protocol. */
import type { Identity, Masked, Registry, Topic } from '@watchpost/core'
import type { Limits } from '@watchpost/protocol'
import type { App } from '../app.ts'
import type { CredentialKinds } from '../auth/authenticator.ts'
import type { InfoOptions } from '../config/config.ts'
import type { Exchange } from '../http/exchange.ts'
import { version } from '../version.ts'
import { baseUrlOf } from './base-url.ts'
import { type Lifecycle, lifecycleOf } from './lifecycle.ts'
import { mayUse } from './rights.ts'

/** A topic definition that the caller may watch or publish to. Where a rule decides topic by topic, it can be allowed. */
export interface DocumentedTopic {
  readonly topic: Topic
  readonly watch: boolean
  readonly publish: boolean
  /** Absent of a topic that is not deprecated. */
  readonly lifecycle?: Lifecycle
  /** What is kept from the caller of the data that it watches; absent if that is nothing, or decided topic by topic. */
  readonly masked?: Masked
}

/** The subject of a document: what runs, as far as one caller may see it. */
export interface Documented {
  readonly topics: readonly DocumentedTopic[]
  /** Those in force. */
  readonly limits: Limits
  /** How clients can say who they are; `undefined` if nobody is asked. */
  readonly credentials: CredentialKinds | undefined
  /** Where the routes are, as the client reaches them, without a slash at its end: `https://api.example.com/live`. */
  readonly baseUrl: string
  /** Whether `/healthz`, `/readyz` and `/metrics` are served there too. */
  readonly probes: boolean
  /** Of the server. */
  readonly version: string
  /** What the documents say of the API as a whole, as far as the configuration does. */
  readonly info?: InfoOptions
}

/** What is documented to who asks. */
export const documentedFor = (app: App, exchange: Exchange): Documented => ({
  topics: topicsFor(app.registry, exchange.identity),
  limits: app.limits,
  credentials: app.authenticator?.kinds,
  baseUrl: baseUrlOf(app, exchange),
  probes: exchange.probes,
  version,
  info: app.info,
})

/** The topic definitions that an identity may watch or publish to. */
export const topicsFor = (registry: Registry, identity: Identity): readonly DocumentedTopic[] =>
  registry.topics
    .flatMap((topic) => {
      const watch = mayUse(registry, topic, 'watch', identity)
      const publish = mayUse(registry, topic, 'publish', identity)
      const { presence } = topic
      // Open to who may watch the topic that it is about.
      return [
        { topic, watch, publish },
        ...(presence === undefined ? [] : [{ topic: presence, watch, publish: false }]),
      ]
    })
    .filter(({ watch, publish }) => watch || publish)
    .map((documented) => {
      const lifecycle = lifecycleOf(registry, documented.topic, identity)
      const masked = documented.watch ? maskedOf(registry, documented.topic, identity) : []
      return { ...documented, ...(lifecycle && { lifecycle }), ...(masked.length > 0 && { masked }) }
    })

/** As far as it is the same for all topics of a template. Of whom the rule fails for, all is kept [WP-6.5]. */
function maskedOf(registry: Registry, topic: Topic, identity: Identity): Masked {
  const { template, mask } = topic
  if (typeof mask === 'function' && template.includes('{')) return []
  return registry.masked({ topic, name: template, params: {} }, identity) ?? [[]]
}
