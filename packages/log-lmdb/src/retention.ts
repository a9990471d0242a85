/** Trims what a retention no longer keeps from the start of a topic [WP-6.4], a slice at a time. State is not touched. */
import type { Retention } from '@watchpost/core'
import { metaNumber, OFFSET_MAX, offsetOf, type Run, runAt, type Store, type TopicRow } from './store.ts'

interface Excess {
  readonly offset: number
  readonly bytes: number
}

export interface Trimmed {
  readonly more: boolean
}

/** Whether a retention lets go of anything of a topic now. Cheap, and takes no write lock. */
export function hasExcess(store: Store, topic: string, retention: Retention, nowMs: number): boolean {
  const row = store.topics.get(topic)
  return row !== undefined && excess(store, row, retention, nowMs, 1).length > 0
}

/** Trims up to `eventsMax` events. Runs in a write transaction. */
export function trim(store: Store, topic: string, retention: Retention, nowMs: number, eventsMax: number): Trimmed {
  const row = store.topics.get(topic)
  if (row === undefined) return { more: false }
  const found = excess(store, row, retention, nowMs, eventsMax + 1)
  const going = found.slice(0, eventsMax)
  const last = going.at(-1)
  if (last === undefined) return { more: false }
  for (const { offset, bytes } of going) {
    store.events.removeSync([row[0], offset])
    row[1]--
    row[2] -= bytes
  }
  row[3] = last.offset
  row[5] = metaNumber(store, 'trims') + 1
  store.meta.putSync('trims', row[5])
  store.topics.putSync(topic, row)
  if (last.offset > metaNumber(store, 'trimmed')) store.meta.putSync('trimmed', last.offset)
  dropRuns(store, going)
  return { more: found.length > going.length }
}

/** The first events of a topic that are too many, too large together, or too old: `countMax` of them at most. */
function excess(store: Store, row: TopicRow, retention: Retention, nowMs: number, countMax: number): Excess[] {
  const [number, events, bytes, trimmed] = row
  let tooMany = events - (retention.events ?? events)
  let tooLarge = bytes - (retention.bytes ?? bytes)
  const appendedBeforeMs = retention.ageMs === undefined ? Number.NEGATIVE_INFINITY : nowMs - retention.ageMs
  const found: Excess[] = []
  let run: Run | undefined
  const range = { start: [number, trimmed + 1] as [number, number], end: [number, OFFSET_MAX] as [number, number] }
  for (const { key, value } of store.events.getRange({ ...range, limit: countMax })) {
    const offset = offsetOf(key)
    if (tooMany <= 0 && tooLarge <= 0) {
      if (run === undefined || offset >= run.first + run.count) run = runAt(store, offset)
      if (run === undefined || run.appendedMs > appendedBeforeMs) break
    }
    const size = Buffer.byteLength(value)
    found.push({ offset, bytes: size })
    tooMany--
    tooLarge -= size
  }
  return found
}

function dropRuns(store: Store, going: readonly Excess[]): void {
  let run: Run | undefined
  for (const { offset } of going) {
    if (run === undefined || offset >= run.first + run.count) run = runAt(store, offset)
    if (run !== undefined && offset === run.first + run.count - 1) store.runs.removeSync(run.first)
  }
}
