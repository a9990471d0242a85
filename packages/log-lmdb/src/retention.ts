/** Trims what a retention no longer keeps from the start of a topic [WP-6.4], a slice at a time. State is not touched. */
import type { Retention } from '@watchpost/core'
import { type EventKey, metaNumber, OFFSET_MAX, offsetOf, type Run, runAt, type Store, type TopicRow } from './store.ts'

interface Excess {
  readonly offset: number
  readonly bytes: number
}

/** Topics whose oldest event is remembered: some 10 MB of them. */
const REMEMBERED_TOPICS_MAX = 100_000

/** Who was not asked for in so long may be a topic that another process trimmed and forgot. */
const STALE_MS = 600_000

interface Oldest {
  readonly trimmed: number
  readonly appendedMs: number
  readonly askedMs: number
}

/**
 * Remembers when the oldest event of each topic was appended, so that a sweep over many topics that keeps everything
 * looks nothing up. What is remembered stays true, whichever process trims: another event becomes the oldest only by a
 * trim, and that moves the topic's `trimmed`.
 */
export class OldestEvents {
  readonly #topicsMax: number
  /** By topic number; who was asked for longest ago comes first. */
  readonly #remembered = new Map<number, Oldest>()

  constructor(topicsMax: number = REMEMBERED_TOPICS_MAX) {
    this.#topicsMax = topicsMax
  }

  /** When the oldest event of a topic that has events was appended; `undefined` if that can't be told. */
  appendedMs(store: Store, [number, , , trimmed]: TopicRow, nowMs: number): number | undefined {
    const remembered = this.#remembered.get(number)
    this.#remembered.delete(number)
    const appendedMs =
      remembered?.trimmed === trimmed ? remembered.appendedMs : oldestAppendedMs(store, number, trimmed)
    if (appendedMs !== undefined && this.#hasRoom(nowMs)) {
      this.#remembered.set(number, { trimmed, appendedMs, askedMs: nowMs })
    }
    return appendedMs
  }

  /** Topics beyond the bound are looked up each time. To let others go for them would be to let those go that the next sweep begins with. */
  #hasRoom(nowMs: number): boolean {
    if (this.#remembered.size < this.#topicsMax) return true
    for (const [number, { askedMs }] of this.#remembered) {
      if (Math.abs(nowMs - askedMs) < STALE_MS) return false
      this.#remembered.delete(number)
      return true
    }
    return false
  }

  forget([number]: TopicRow): void {
    this.#remembered.delete(number)
  }
}

function oldestAppendedMs(store: Store, number: number, trimmed: number): number | undefined {
  for (const { key } of store.events.getRange({ ...keptRange(number, trimmed), limit: 1 })) {
    return runAt(store, offsetOf(key))?.appendedMs
  }
  return undefined
}

/** Whether a retention lets go of anything of a topic now. Cheap, and takes no write lock. */
export function hasExcess(
  store: Store,
  topic: string,
  retention: Retention,
  nowMs: number,
  oldest: OldestEvents,
): boolean {
  const row = store.topics.get(topic)
  if (row === undefined) return false
  const [, events, bytes] = row
  if (events === 0) {
    oldest.forget(row)
    return false
  }
  if (events > (retention.events ?? events) || bytes > (retention.bytes ?? bytes)) return true
  if (retention.ageMs === undefined) return false
  const appendedMs = oldest.appendedMs(store, row, nowMs)
  return appendedMs !== undefined && appendedMs <= nowMs - retention.ageMs
}

/** What trims of one transaction share. */
export interface Trimming {
  readonly retention: Retention
  readonly nowMs: number
  readonly eventsMax: number
  readonly oldest: OldestEvents
}

/** Trims up to `eventsMax` events, of one topic after the other. Runs in a write transaction. */
export function trimEach(store: Store, topics: readonly string[], trimming: Trimming): { readonly more: boolean } {
  let left = trimming.eventsMax
  for (const topic of topics) {
    // Whether there is something in the rest is not known.
    if (left === 0) return { more: true }
    const { count, more } = trim(store, topic, { ...trimming, eventsMax: left })
    if (more) return { more }
    left -= count
  }
  return { more: false }
}

/** Answers how many events went. */
function trim(
  store: Store,
  topic: string,
  { retention, nowMs, eventsMax, oldest }: Trimming,
): { readonly count: number; readonly more: boolean } {
  const row = store.topics.get(topic)
  const found = row === undefined ? [] : excess(store, row, retention, nowMs, eventsMax + 1)
  const going = found.slice(0, eventsMax)
  const last = going.at(-1)
  if (row === undefined || last === undefined) return { count: 0, more: false }
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
  if (row[1] === 0) oldest.forget(row)
  return { count: going.length, more: found.length > going.length }
}

/** The first events of a topic that are too many, too large together, or too old: `countMax` of them at most. */
function excess(store: Store, row: TopicRow, retention: Retention, nowMs: number, countMax: number): Excess[] {
  const [number, events, bytes, trimmed] = row
  let tooMany = events - (retention.events ?? events)
  let tooLarge = bytes - (retention.bytes ?? bytes)
  const appendedBeforeMs = retention.ageMs === undefined ? Number.NEGATIVE_INFINITY : nowMs - retention.ageMs
  const found: Excess[] = []
  let run: Run | undefined
  for (const { key, value } of store.events.getRange({ ...keptRange(number, trimmed), limit: countMax })) {
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

const keptRange = (number: number, trimmed: number): { start: EventKey; end: EventKey } => ({
  start: [number, trimmed + 1],
  end: [number, OFFSET_MAX],
})

function dropRuns(store: Store, going: readonly Excess[]): void {
  let run: Run | undefined
  for (const { offset } of going) {
    if (run === undefined || offset >= run.first + run.count) run = runAt(store, offset)
    if (run !== undefined && offset === run.first + run.count - 1) store.runs.removeSync(run.first)
  }
}
