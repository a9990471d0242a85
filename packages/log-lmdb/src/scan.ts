/**
 * Reads events in order. One topic is one range of `events`; a few topics are merged; many, or all, are read along
 * `runs`, whose cost depends on how much is read and not on how many topics there are.
 */
import type { LoggedEvent, Scan, Scanned } from '@watchpost/core'
import { decodeRun, type EventKey, OFFSET_MAX, offsetOf, type Run, runAt, type Store } from './store.ts'

/** Up to so many topics a merge, with one cursor each, is cheaper than looking at what lies between their events. */
const MERGED_TOPICS_MAX = 16

type Backward = Omit<Scan, 'after'>

/** Collects events until a bound of the scan is met. */
class Page {
  readonly events: LoggedEvent[] = []
  readonly #eventsMax: number
  readonly #charactersMax: number
  #looked = 0
  #characters = 0
  /** The offset that was looked at last. */
  reached = 0

  constructor(scan: Backward) {
    this.#eventsMax = scan.eventsMax
    this.#charactersMax = scan.charactersMax
  }

  /** How many more may be looked at; at least 1 before the first. */
  get room(): number {
    return Math.max(this.#eventsMax - this.#looked, this.#looked === 0 ? 1 : 0)
  }

  /** Takes the next event; false if it is one too many. */
  add(offset: number, json: string): boolean {
    const characters = this.#characters + json.length
    if (this.#looked > 0 && (this.#looked >= this.#eventsMax || characters > this.#charactersMax)) return false
    this.#characters = characters
    this.#looked++
    this.reached = offset
    this.events.push({ offset, json })
    return true
  }

  /** Passes events of other topics, whose text is not read, up to `offset`; counts as one look. False as for `add`. */
  skip(offset: number): boolean {
    if (this.#looked > 0 && this.#looked >= this.#eventsMax) return false
    this.#looked++
    this.reached = offset
    return true
  }
}

/** Reads forwards: events with `after < offset <= upTo`. */
export function scanForward(store: Store, scan: Scan): Scanned {
  const upTo = Math.min(scan.upTo, OFFSET_MAX - 1)
  const page = new Page(scan)
  if (scan.after >= upTo) return { events: [], through: Math.max(scan.upTo, scan.after) }
  const topics = scan.topics === undefined ? undefined : numbersOf(store, scan.topics)
  const ended =
    topics === undefined || topics.length > MERGED_TOPICS_MAX
      ? forwardRuns(store, page, topics && new Set(topics), scan.after + 1, upTo)
      : forwardTopics(store, page, topics, scan.after + 1, upTo)
  return { events: page.events, through: ended ? scan.upTo : page.reached }
}

/** Reads backwards from `upTo`. `through` is 0 if nothing below was left out. */
export function scanBackward(store: Store, scan: Backward): Scanned {
  const upTo = Math.min(scan.upTo, OFFSET_MAX - 1)
  const page = new Page(scan)
  if (upTo < 1) return { events: [], through: 0 }
  const topics = scan.topics === undefined ? undefined : numbersOf(store, scan.topics)
  const ended =
    topics === undefined || topics.length > MERGED_TOPICS_MAX
      ? backwardRuns(store, page, topics && new Set(topics), upTo)
      : backwardTopics(store, page, topics, upTo)
  return { events: page.events, through: ended ? 0 : page.reached }
}

function numbersOf(store: Store, topics: readonly string[]): number[] {
  const numbers = new Set<number>()
  for (const topic of topics) {
    const row = store.topics.get(topic)
    if (row !== undefined) numbers.add(row[0])
  }
  return [...numbers]
}

interface Entry {
  key: EventKey
  value: string
}

function range(store: Store, topic: number, from: number, to: number, limit: number): Iterable<Entry> {
  return store.events.getRange({ start: [topic, from], end: [topic, to + 1], limit })
}

function rangeBack(store: Store, topic: number, from: number, to: number, limit: number): Iterable<Entry> {
  return store.events.getRange({ start: [topic, from], end: [topic, to - 1], reverse: true, limit })
}

/** Adds a whole range to the page; false if the page was full before the range ended. */
function addAll(page: Page, entries: Iterable<Entry>): boolean {
  for (const { key, value } of entries) if (!page.add(offsetOf(key), value)) return false
  return true
}

function forwardTopics(store: Store, page: Page, topics: readonly number[], from: number, upTo: number): boolean {
  // One more than there is room for, so that a page that just holds everything is known to.
  const ranges = topics.map((topic) => range(store, topic, from, upTo, page.room + 1))
  const [only] = ranges
  if (ranges.length === 1 && only !== undefined) return addAll(page, only)
  return merge(page, ranges, (a, b) => a < b)
}

function backwardTopics(store: Store, page: Page, topics: readonly number[], upTo: number): boolean {
  const ranges = topics.map((topic) => rangeBack(store, topic, upTo, 1, page.room + 1))
  const [only] = ranges
  if (ranges.length === 1 && only !== undefined) return addAll(page, only)
  return merge(page, ranges, (a, b) => a > b)
}

/** Takes from several ranges the event that comes first, again and again. */
function merge(page: Page, ranges: readonly Iterable<Entry>[], before: (a: number, b: number) => boolean): boolean {
  const iterators = ranges.map((entries) => entries[Symbol.iterator]())
  const heads = iterators.map((iterator) => iterator.next())
  try {
    for (;;) {
      let best = -1
      let bestOffset = 0
      for (const [i, head] of heads.entries()) {
        if (head.done === true) continue
        const offset = offsetOf(head.value.key)
        if (best < 0 || before(offset, bestOffset)) {
          best = i
          bestOffset = offset
        }
      }
      const head = heads[best]
      if (head === undefined || head.done === true) return true
      if (!page.add(bestOffset, head.value.value)) return false
      heads[best] = (iterators[best] as Iterator<Entry>).next()
    }
  } finally {
    // An iterator left open would keep the snapshot, and with it the space of what was trimmed.
    for (const iterator of iterators) iterator.return?.()
  }
}

type Wanted = ReadonlySet<number> | undefined

function forwardRuns(store: Store, page: Page, wanted: Wanted, from: number, upTo: number): boolean {
  const start = runAt(store, from)?.first ?? from
  for (const { key, value } of store.runs.getRange({ start, end: upTo + 1 })) {
    const run = decodeRun(key, value)
    const first = Math.max(run.first, from)
    const last = Math.min(run.first + run.count - 1, upTo)
    if (last < first) continue
    if (wanted !== undefined && !wanted.has(run.topic)) {
      if (!page.skip(last)) return false
    } else if (!addRun(store, page, run, first, last)) return false
  }
  return true
}

function backwardRuns(store: Store, page: Page, wanted: Wanted, upTo: number): boolean {
  for (const { key, value } of store.runs.getRange({ start: upTo, end: 0, reverse: true })) {
    const run = decodeRun(key, value)
    const last = Math.min(run.first + run.count - 1, upTo)
    if (wanted !== undefined && !wanted.has(run.topic)) {
      if (!page.skip(run.first)) return false
    } else if (run.first === last) {
      if (!addRun(store, page, run, last, last)) return false
    } else if (!addAll(page, rangeBack(store, run.topic, last, run.first, page.room + 1))) return false
  }
  return true
}

function addRun(store: Store, page: Page, run: Run, first: number, last: number): boolean {
  if (first < last) return addAll(page, range(store, run.topic, first, last, page.room + 1))
  // Most runs are one event; getting it is several times faster than a range.
  const json = store.events.get([run.topic, first])
  return json === undefined || page.add(first, json)
}
