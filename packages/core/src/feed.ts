/**
 * A feed: the live subscriptions that see the same thing in the same encoding. A batch of events is encoded once, and
 * every member is written the same chunk.
 *
 * Flushes wait for each other only as long as the last one kept the event loop busy, and never longer than `coalesceMs`:
 * an event that comes when there is time goes out at once, and many events to many members share one write per member.
 */
import { formatCursor, formatTimestamp, type Gap } from '@watchpost/protocol'
import type { Clock } from './clock.ts'
import type { LoggedEvent } from './log.ts'
import type { Selection } from './selection.ts'
import type { View } from './view.ts'

/** Turns what a subscription is told into a transport's chunks. Each chunk may go to many subscribers, so it is never changed. */
export interface Encoding<Chunk> {
  /** Equal names encode equally. */
  readonly name: string
  events(events: readonly LoggedEvent[]): Chunk
  bookmark(cursor: string, timestamp: string): Chunk
  gap(gap: Gap, timestamp: string): Chunk
}

/** A subscription as its feed sees it. */
export interface Member<Chunk> {
  /** Takes a chunk of live events. Answers `false` if the client is too slow for the live feed and left it. */
  deliver(chunk: Chunk): boolean
  /** Puts the subscription back to reading the log from `offset` on. */
  dismiss(offset: number): void
}

/** How many times its own duration a flush may keep the next one waiting. */
const REST_FACTOR = 4

export interface FeedOptions<Chunk> {
  readonly selection: Selection
  readonly view: View
  readonly encoding: Encoding<Chunk>
  readonly coalesceMs: number
  readonly clock: Clock
  readonly epoch: string
  /** How far the hub has dispatched. */
  readonly dispatched: () => number
}

export class Feed<Chunk> {
  readonly selection: Selection
  readonly view: View
  readonly encoding: Encoding<Chunk>
  /** When members were last written to, on the monotonic clock. */
  lastFlushMs: number = Number.NEGATIVE_INFINITY
  readonly #members = new Set<Member<Chunk>>()
  readonly #options: FeedOptions<Chunk>
  #pending: LoggedEvent[] = []
  #restsUntilMs: number = Number.NEGATIVE_INFINITY
  #stopTimer: (() => void) | undefined
  #bookmark: { readonly offset: number; readonly nowMs: number; readonly chunk: Chunk } | undefined

  constructor(options: FeedOptions<Chunk>) {
    this.selection = options.selection
    this.view = options.view
    this.encoding = options.encoding
    this.#options = options
  }

  get size(): number {
    return this.#members.size
  }

  /** All events that the feed covers up to this offset were written to its members. */
  get position(): number {
    const first = this.#pending[0]
    return first === undefined ? this.#options.dispatched() : first.offset - 1
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
    if (this.#members.size > 0 && this.view.shows(event)) this.#pending.push(this.view.render(event))
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
    const { clock, coalesceMs } = this.#options
    const startMs = clock.monotonic()
    const chunk = this.encoding.events(this.#pending)
    // Emptied first: whoever leaves during the loop takes the feed's position, which must be behind this chunk.
    this.#pending = []
    for (const member of this.#members) {
      if (member.deliver(chunk)) continue
      this.#members.delete(member)
      member.dismiss(this.position)
    }
    this.lastFlushMs = clock.monotonic()
    this.#restsUntilMs = this.lastFlushMs + Math.min(coalesceMs, (this.lastFlushMs - startMs) * REST_FACTOR)
  }

  /** Puts all members back to reading the log, after writing them what is pending. */
  dismiss(): void {
    this.flush()
    const offset = this.position
    for (const member of this.#members) member.dismiss(offset)
    this.#members.clear()
  }

  /** The bookmark that members are due, made once for all that ask at the same time. */
  bookmark(nowMs: number): Chunk {
    const offset = this.position
    if (this.#bookmark?.offset !== offset || this.#bookmark.nowMs !== nowMs) {
      const { epoch } = this.#options
      const chunk = this.encoding.bookmark(formatCursor(epoch, { offset, trims: 0 }), formatTimestamp(nowMs))
      this.#bookmark = { offset, nowMs, chunk }
    }
    return this.#bookmark.chunk
  }

  #drop(): void {
    this.#clearTimer()
    this.#pending = []
  }

  #clearTimer(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
  }
}
