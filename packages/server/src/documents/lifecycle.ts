/** That a topic is to end: as clients are told of it in documents and messages. */
import type { Identity, JsonSchema, Registry, Topic } from '@watchpost/core'
import { isExact } from '@watchpost/protocol'
import { mayKnow } from './rights.ts'
import { open, refTo } from './schemas.ts'

/** A topic that is deprecated. */
export interface Lifecycle {
  /** The topic or template. */
  readonly topic: string
  /** Times as on the wire. */
  readonly since: string
  readonly sunset?: string
  /** The topic or template that takes its place. */
  readonly use?: string
}

/** `undefined` for a topic that is not deprecated. Its successor is named to those who may know of that. */
export function lifecycleOf(
  registry: Registry,
  { template, deprecated }: Topic,
  identity: Identity,
): Lifecycle | undefined {
  if (deprecated === undefined) return undefined
  const { use, ...times } = deprecated
  return { topic: template, ...times, ...(use !== undefined && mayKnow(registry, use, identity) && { use }) }
}

/** The member by which `welcome` and `subscribed` tell of those topics among the filters that are deprecated. */
export function endingsAmong(
  registry: Registry,
  filters: readonly string[],
  identity: Identity,
): { readonly deprecated?: readonly Lifecycle[] } {
  // What a wildcard matches is for the list of topics to tell: it may be much, and change.
  const named = new Set(filters.filter(isExact).map((filter) => registry.resolve(filter)?.topic))
  const endings = [...named].flatMap((topic) => (topic && lifecycleOf(registry, topic, identity)) ?? [])
  return endings.length === 0 ? {} : { deprecated: endings }
}

export const lifecycleSchema: JsonSchema = open('A topic that is deprecated.', {
  topic: { type: 'string', description: 'The topic or template that is.' },
  since: refTo('Timestamp'),
  'sunset?': refTo('Timestamp'),
  'use?': { type: 'string', description: 'The topic or template that takes its place.' },
})
