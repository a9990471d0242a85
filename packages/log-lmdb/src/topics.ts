/** Reads what is kept of topics, a page at a time, in the order of their names. */
import type { NameRange, TopicFacts } from '@watchpost/core'
import type { Store, TopicRow } from './store.ts'

/** A page takes a fraction of a millisecond, and who looks at the first few topics only reads little more than those. */
const PAGE_TOPICS = 256

export interface TopicsPage {
  readonly facts: readonly TopicFacts[]
  /** The last topic of the page, if there may be more. */
  readonly nextAfter?: string
}

/** Which topics to read: those that begin with `prefix`, of the range of names. */
export interface TopicsAsked extends NameRange {
  readonly prefix: string
  /** The last topic of the page before this one. */
  readonly after: string | undefined
}

/** The first topics of those that are asked for. */
export function readTopics(store: Store, { prefix, from = '', before, after }: TopicsAsked): TopicsPage {
  // Characters of names are one byte each [WP-3.3], so texts compare as their bytes do.
  const start = after ?? (from > prefix ? from : prefix)
  const bounds = { ...(start !== '' && { start }), ...(before !== undefined && { end: before }) }
  const range = { ...bounds, exclusiveStart: after !== undefined, limit: PAGE_TOPICS }
  const facts: TopicFacts[] = []
  for (const { key, value } of store.topics.getRange(range)) {
    if (!key.startsWith(prefix)) return { facts }
    facts.push(factsOf(key, value))
  }
  const last = facts.at(-1)
  return facts.length < PAGE_TOPICS || last === undefined ? { facts } : { facts, nextAfter: last.topic }
}

/** What a topic's row tells. */
export const factsOf = (topic: string, [, events, bytes, trimmed, last, trims]: TopicRow): TopicFacts => ({
  topic,
  events,
  bytes,
  trimmed,
  trims,
  last,
})
