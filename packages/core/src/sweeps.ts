/** What sweeps over topics share: one at a time, and a part of the topics at a time. */
import type { Clock } from './clock.ts'
import type { TopicFacts } from './log.ts'

export interface RegularSweep {
  readonly clock: Clock
  readonly everyMs: number
  /** Does one sweep; asks `stopped` before whatever it would do next. */
  readonly sweep: (stopped: () => boolean) => Promise<void>
  /** A sweep failed before it was stopped; the next one tries again. */
  readonly onFailure: (error: unknown) => void
}

/** Sweeps every `everyMs`, but for when the sweep before is not done yet. Returns how to stop. */
export function sweepEvery({ clock, everyMs, sweep, onFailure }: RegularSweep): () => void {
  let isBusy = false
  let isStopped = false
  const stop = clock.every(everyMs, () => {
    if (isBusy) return
    isBusy = true
    sweep(() => isStopped)
      .catch((error: unknown) => {
        if (!isStopped) onFailure(error)
      })
      .finally(() => {
        isBusy = false
      })
  })
  return () => {
    isStopped = true
    stop()
  }
}

/** The same topics, so many at a time. */
export function* partsOf(topics: Iterable<TopicFacts>, topicsMax: number): Generator<readonly TopicFacts[]> {
  let part: TopicFacts[] = []
  for (const facts of topics) {
    part.push(facts)
    if (part.length < topicsMax) continue
    yield part
    part = []
  }
  if (part.length > 0) yield part
}
