/**
 * Forgets transient topics of which nothing is kept. Their numbers are never given again; what was trimmed from them is
 * remembered for all of them together, so that whoever resumes from before it is told of a gap, as by the topics themselves.
 */
import type { TopicFacts } from '@watchpost/core'
import { metaNumber, type Store } from './store.ts'

/** Whether a topic is there, was counted among the transient ones, and has neither events nor state. */
export function isForgettable(store: Store, topic: string): boolean {
  const row = store.topics.get(topic)
  if (row === undefined || row[6] !== true || row[1] > 0) return false
  const [first] = store.state.getRange({ start: [row[0], ''], end: [row[0] + 1, ''], limit: 1 })
  return first === undefined
}

/** Runs in a write transaction. */
export function forget(store: Store, topics: readonly string[]): void {
  let { trimmed, trims } = forgottenOf(store)
  let count = 0
  for (const topic of topics) {
    const row = store.topics.get(topic)
    // Somebody may have come meanwhile.
    if (row === undefined || !isForgettable(store, topic)) continue
    store.topics.removeSync(topic)
    count++
    trimmed = Math.max(trimmed, row[3])
    trims = Math.max(trims, row[5])
  }
  if (count === 0) return
  store.meta.putSync('transient', Math.max(0, metaNumber(store, 'transient') - count))
  store.meta.putSync('forgotten', metaNumber(store, 'forgotten') + count)
  store.meta.putSync('forgottenTrimmed', trimmed)
  store.meta.putSync('forgottenTrims', trims)
}

/** What was trimmed from those that are forgotten. */
export const forgottenOf = (store: Store): Pick<TopicFacts, 'trimmed' | 'trims'> => ({
  trimmed: metaNumber(store, 'forgottenTrimmed'),
  trims: metaNumber(store, 'forgottenTrims'),
})
