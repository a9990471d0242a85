/** Finds out from the log how far each data set was published, so that a restart neither repeats nor skips a record. */
import type { WatchedEvent, Watchpost } from 'watchpost'
import type { Topics } from './config.ts'

/** The last event of each topic that plays a data set; absent if there is none yet. */
export interface LastEvents {
  readonly stocks?: WatchedEvent<Topics, 'stocks'>
  readonly quakes?: WatchedEvent<Topics, 'quakes'>
}

/**
 * Reads the log up to the event `until`, which must be one of `host`. The log has one order for all topics, so whatever
 * of the others comes before an event that was published just now is all there is of them.
 */
export async function lastEvents(watchpost: Watchpost<Topics>, until: string): Promise<LastEvents> {
  let last: LastEvents = {}
  for await (const event of watchpost.watch(['stocks', 'quakes', 'host'], { after: 'earliest' })) {
    if (event.type === 'gap') continue
    if (event.id === until) return last
    if (event.type === 'priceUpdate') last = { ...last, stocks: event }
    if (event.type === 'quake') last = { ...last, quakes: event }
  }
  throw new Error('the log was closed while it was read')
}

/**
 * How many records were published, if `last` was the last of them.
 * @throws Error when it is none of the records, so that nothing is mixed up
 */
export function countDone<T, E>(records: readonly T[], last: E | undefined, isSame: (record: T, last: E) => boolean) {
  if (last === undefined) return 0
  const index = records.findIndex((record) => isSame(record, last))
  if (index >= 0) return index + 1
  throw new Error('the log ends with a record that the data set does not have; choose another --data-dir')
}
