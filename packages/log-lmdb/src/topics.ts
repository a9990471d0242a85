/** Reads what is kept of topics, a page at a time, in the order of their names. */
import type { TopicFacts } from '@watchpost/core'
import type { Store, TopicRow } from './store.ts'

/** A page takes a fraction of a millisecond, and who looks at the first few topics only reads little more than those. */
const PAGE_TOPICS = 256

export interface TopicsPage {
  readonly facts: readonly TopicFacts[]
  /** The last topic of the page, if there may be more. */
  readonly nextAfter?: string
}

/** The first topics that begin with `prefix`, of those after `after` if that is given. */
export function readTopics(store: Store, prefix: string, after: string | undefined): TopicsPage {
  const start = after ?? prefix
  const range = { ...(start === '' ? {} : { start }), exclusiveStart: after !== undefined, limit: PAGE_TOPICS }
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
