/** The topics that are not the server's own [WP-9.2]. */
import type { Log, TopicFacts } from './log.ts'

/** The names of the server's own topics, which lie together in the order of names, and what comes next to them. */
const OWN_FROM = '$'
const OWN_BEFORE = '%'

/** Those of the log in name order. The others, of which there can be far more, are not even read. */
export function* ordinaryTopics(log: Pick<Log, 'topics'>): Generator<TopicFacts> {
  yield* log.topics('', { before: OWN_FROM })
  yield* log.topics('', { from: OWN_BEFORE })
}
