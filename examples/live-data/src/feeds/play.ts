/** How records come by and by: a data set at a pace, and measurements by the clock. */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** A faster pace is reached by more records at a time, since timers are not finer than about a millisecond. */
const TICK_MS_MIN = 20

/** After a pause of the whole process, as in a machine's sleep, the feed goes on instead of catching up in one burst. */
const CATCH_UP_MS_MAX = 1_000

export interface Playing<T> {
  readonly records: readonly T[]
  /** How many records were published before. */
  readonly done: number
  readonly recordsPerSecond: number
  readonly publish: (records: readonly T[]) => Promise<unknown>
  readonly signal: AbortSignal
}

/** Publishes what is left of the records, in order; resolves to whether it came to the end rather than being aborted. */
export async function play<T>({ records, done, recordsPerSecond, publish, signal }: Playing<T>): Promise<boolean> {
  const tickMs = Math.max(TICK_MS_MIN, 1_000 / recordsPerSecond)
  let position = done
  let owed = 1
  let lastMs = performance.now()
  while (position < records.length) {
    const batch = records.slice(position, position + Math.floor(owed))
    if (batch.length > 0) await publish(batch)
    position += batch.length
    owed -= batch.length
    if (!(await slept(tickMs, signal))) return false
    const nowMs = performance.now()
    owed += (recordsPerSecond * Math.min(nowMs - lastMs, CATCH_UP_MS_MAX)) / 1_000
    lastMs = nowMs
  }
  return true
}

/** Calls at even intervals until aborted; a call that takes longer than one makes the next ones be left out, not late. */
export async function everyMs(intervalMs: number, call: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  let dueMs = performance.now() + intervalMs
  while (await slept(dueMs - performance.now(), signal)) {
    await call()
    const lateMs = Math.max(0, performance.now() - dueMs)
    dueMs += intervalMs * (1 + Math.floor(lateMs / intervalMs))
  }
}

/** Resolves to `false` at once when aborted. */
async function slept(delayMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(Math.max(0, delayMs), undefined, { signal })
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}
