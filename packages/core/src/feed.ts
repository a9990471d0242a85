/**
 * A feed: the live subscriptions that see the same thing in the same encoding. A batch of events is encoded once, and
 * every member is written the same chunk.
 *
 * Flushes wait for each other only as long as the last one kept the event loop busy, and never longer than `coalesceMs`:
 * an event that comes when there is time goes out at once, and many events to many members share one write per member.
 */
import { formatCursor, formatTimestamp, type Gap, topicOf } from '@watchpost/protocol'
import { Batch, type BatchedEvent } from './batch.ts'
import type { Clock } from './clock.ts'
import { type DeltaMemory, Deltas } from './delta.ts'
import type { LoggedEvent } from './log.ts'
import type { Reader } from './reader.ts'
import type { Selection } from './selection.ts'
import type { View } from './view.ts'

/** Turns what a subscription is told into a transport's chunks. Each chunk may go to many subscribers, so it is never changed. */
export interface Encoding<Chunk> {
  /** Equal names encode equally. */
  readonly name: string
  /** @param shared whether the chunk goes to all members of a feed, or to one subscription that is catching up */
  events(events: readonly LoggedEvent[], shared: boolean): Chunk
  /** `filters` are those of the selection, for transports that carry several. */
  bookmark(cursor: string, timestamp: string, filters: readonly string[]): Chunk
  gap(gap: Gap, timestamp: string, filters: readonly string[]): Chunk
}

/**
 * What became of live events that a member was given: taken; or taken, but its client is too slow for the next ones; or
 * not taken, since it is too slow already.
 */
export type Delivered = 'taken' | 'last taken' | 'not taken'

/** A subscription as its feed sees it. */
export interface Member<Chunk> {
  deliver(batch: Batch<Chunk>): Delivered
  /** Puts the subscription back to reading the log from `offset` on. */
  dismiss(offset: number): void
}

/** What a feed wrote to its members at one time. */
export interface Delivery {
  readonly events: readonly LoggedEvent[]
  /** How many members it was written to. */
  readonly members: number
  /** The name of the encoding. */
  readonly encoding: string
  readonly tookMs: number
}

/** How many times its own duration a flush may keep the next one waiting. */
const REST_FACTOR = 4

export interface FeedOptions<Chunk> {
  readonly selection: Selection
  readonly view: View
  readonly encoding: Encoding<Chunk>
  readonly reader: Reader
  readonly coalesceMs: number
  readonly clock: Clock
  readonly epoch: string
  /** How far the hub has dispatched. */
  readonly dispatched: () => number
  readonly deltaMemory: DeltaMemory
  /** Is told of each delivery once it is done. */
  readonly onDelivered?: ((delivery: Delivery) => void) | undefined
}

export class Feed<Chunk> {
  readonly selection: Selection
  readonly view: View
  readonly encoding: Encoding<Chunk>
  /** Reads what the feed shows from the log, for who is catching up. */
  readonly reader: Reader
  /** The number of the newest event that is not stored and was written to the members. */
  passed = 0
  /** When members were last written an event that has an id, on the monotonic clock. */
  lastFlushMs: number = Number.NEGATIVE_INFINITY
  readonly #members = new Set<Member<Chunk>>()
  readonly #options: FeedOptions<Chunk>
  readonly #deltas: Deltas | undefined
  #pending: BatchedEvent[] = []
  #restsUntilMs: number = Number.NEGATIVE_INFINITY
  #stopTimer: (() => void) | undefined
  #bookmark: { readonly offset: number; readonly nowMs: number; readonly chunk: Chunk } | undefined

  constructor(options: FeedOptions<Chunk>) {
    this.selection = options.selection
    this.view = options.view
    this.encoding = options.encoding
    this.reader = options.reader
    this.#options = options
    this.#deltas = options.view.hasDeltas ? new Deltas(options.deltaMemory) : undefined
  }

  get size(): number {
    return this.#members.size
  }

  /** All events that the feed covers up to this offset were written to its members. */
  get position(): number {
    const first = this.#pending[0]
    if (first === undefined) return this.#options.dispatched()
    const { offset, passing } = first.event
    return passing === undefined ? offset - 1 : offset
  }

  /** The caller must stand exactly at {@link position}, or it would miss events or see some twice. */
  join(member: Member<Chunk>): void {
    this.#members.add(member)
  }

  leave(member: Member<Chunk>): void {
    this.#members.delete(member)
    if (this.#members.size === 0) this.#drop()
  }

  /** Takes an event of a topic that the feed covers; {@link flushSoon} sends it. */
  offer(event: LoggedEvent): void {
    if (!this.view.shows(event)) return
    // What comes after an event that the feed did not take has no known predecessor.
    if (this.#members.size === 0) return this.#deltas?.clear()
    const shown = this.view.render(this.selection.masked(event))
    this.#pending.push({ event: shown, delta: this.#deltaOf(shown) })
  }

  #deltaOf(event: LoggedEvent): BatchedEvent['delta'] {
    if (this.#deltas === undefined || event.passing !== undefined) return undefined
    return this.selection.isKeyed(topicOf(event.json)) ? this.#deltas.next(event) : undefined
  }

  flushSoon(): void {
    if (this.#pending.length === 0 || this.#stopTimer !== undefined) return
    const waitMs = this.#restsUntilMs - this.#options.clock.monotonic()
    if (waitMs <= 0) this.flush()
    else this.#stopTimer = this.#options.clock.after(waitMs, () => this.flush())
  }

  /** Writes what is pending to all members now. */
  flush(): void {
    this.#clearTimer()
    if (this.#pending.length === 0) return
    const { clock, coalesceMs, onDelivered } = this.#options
    const members = this.#members.size
    const startMs = clock.monotonic()
    const before = this.position
    const batch = new Batch(this.#pending, (events) => this.encoding.events(events, true))
    // Emptied first: what others take for the feed's position during the loop must be behind this batch.
    this.#pending = []
    this.passed = Math.max(this.passed, batch.passed)
    for (const member of this.#members) {
      const delivered = member.deliver(batch)
      if (delivered === 'taken') continue
      this.#members.delete(member)
      member.dismiss(delivered === 'last taken' ? this.position : before)
    }
    const nowMs = clock.monotonic()
    const tookMs = nowMs - startMs
    // Else events without an id could keep the bookmarks away that move cursors on.
    if (batch.hasStored) this.lastFlushMs = nowMs
    this.#restsUntilMs = nowMs + Math.min(coalesceMs, tookMs * REST_FACTOR)
    onDelivered?.({ events: batch.events, members, encoding: this.encoding.name, tookMs })
  }

  /** Puts all members back to reading the log, after writing them what is pending. */
  dismiss(): void {
    this.flush()
    const offset = this.position
    for (const member of this.#members) member.dismiss(offset)
    this.#members.clear()
    this.#drop()
  }

  /** The bookmark that members are due, made once for all that ask at the same time. */
  bookmark(nowMs: number): Chunk {
    const offset = this.position
    if (this.#bookmark?.offset !== offset || this.#bookmark.nowMs !== nowMs) {
      const { epoch } = this.#options
      const cursor = formatCursor(epoch, { offset, trims: 0 })
      const chunk = this.encoding.bookmark(cursor, formatTimestamp(nowMs), this.selection.filters)
      this.#bookmark = { offset, nowMs, chunk }
    }
    return this.#bookmark.chunk
  }

  #drop(): void {
    this.#clearTimer()
    this.#pending = []
    this.#deltas?.clear()
  }

  #clearTimer(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
  }
}
