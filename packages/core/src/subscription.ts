/**
 * A subscription is either catching up, reading the log at its own pace, or live, fed by the hub. It starts with the
 * former and becomes live once it stands where its feed stands. Both are compared in one turn of the event loop, so there
 * is nothing between the two that could be lost or repeated.
 *
 *   catching up --stands where the feed stands--> live
 *   live --more than `bufferedBytesMax` waits for the client--> catching up
 *   either --close()--> closed
 */
import { formatTimestamp, type Gap, type Position } from '@watchpost/protocol'
import type { Beating } from './bookmarks.ts'
import type { Clock } from './clock.ts'
import type { Feed, Member } from './feed.ts'
import type { Hub } from './hub.ts'
import type { GapFound, Log } from './log.ts'
import { cursorOf } from './positions.ts'
import type { Reader } from './reader.ts'

/** Where a subscription's chunks go. */
export interface Sink<Chunk> {
  /** Takes a chunk in any case; a closed sink drops it. */
  write(chunk: Chunk): void
  /** What was written and not yet taken by the client. */
  readonly bufferedBytes: number
  /** Resolves once the client took everything, or is gone. */
  drained(): Promise<void>
  /** The subscription can't go on, because the log can't be read. */
  fail(error: unknown): void
}

/** While catching up, only when less than this waits is the next slice read, or the feed joined: the log is the buffer, not the memory. */
const CATCHING_UP_BYTES = 65_536

export interface SubscriptionOptions<Chunk> {
  readonly log: Log
  readonly hub: Hub
  readonly feed: Feed<Chunk>
  readonly reader: Reader
  readonly sink: Sink<Chunk>
  readonly clock: Clock
  readonly bufferedBytesMax: number
  readonly position: Position
  /** A gap to announce first, and the cursor that met it. */
  readonly gap?: Gap | undefined
}

export type SubscriptionState = 'catching up' | 'live' | 'closed'

export class Subscription<Chunk> implements Member<Chunk>, Beating {
  readonly #options: SubscriptionOptions<Chunk>
  readonly #stopBeating: () => void
  #state: SubscriptionState = 'catching up'
  #position: Position
  #lastWriteMs: number

  constructor(options: SubscriptionOptions<Chunk>) {
    this.#options = options
    this.#position = options.position
    this.#lastWriteMs = options.clock.monotonic()
    this.#stopBeating = options.hub.bookmarks.add(this)
    if (options.gap !== undefined) this.#announce(options.gap)
    this.#startCatchingUp()
  }

  get state(): SubscriptionState {
    return this.#state
  }

  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#stopBeating()
    this.#options.feed.leave(this)
    this.#options.hub.release(this.#options.feed)
  }

  deliver(chunk: Chunk): boolean {
    const { sink, bufferedBytesMax } = this.#options
    sink.write(chunk)
    return sink.bufferedBytes <= bufferedBytesMax
  }

  dismiss(offset: number): void {
    if (this.#state !== 'live') return
    this.#position = { offset, trims: this.#position.trims }
    this.#state = 'catching up'
    this.#startCatchingUp()
  }

  beat(nowMs: number, silentSinceMs: number): void {
    const { feed, sink, log } = this.#options
    if (Math.max(this.#lastWriteMs, this.#state === 'live' ? feed.lastFlushMs : 0) > silentSinceMs) return
    // A client that has not taken what it was sent needs no more to tell it that the connection lives.
    if (this.#state === 'closed' || sink.bufferedBytes > 0) return
    try {
      if (this.#state === 'live') this.#write(feed.bookmark(nowMs))
      else this.#write(feed.encoding.bookmark(cursorOf(log, this.#position), formatTimestamp(nowMs)))
    } catch (error) {
      // The log can't be read. This is called by a timer, where a throw would end the process.
      sink.fail(error)
    }
  }

  #startCatchingUp(): void {
    // A failure to read is the sink's to report; nobody waits for the promise.
    this.#catchUp().catch((error: unknown) => {
      if (this.#state !== 'closed') this.#options.sink.fail(error)
    })
  }

  async #catchUp(): Promise<void> {
    const { sink, clock } = this.#options
    // Whoever subscribes holds the subscription before its first chunk comes.
    await Promise.resolve()
    while (this.#state === 'catching up') {
      // Comes first: a slow client that went live again as it stands would be written to without bound.
      if (sink.bufferedBytes > CATCHING_UP_BYTES) await sink.drained()
      else if (this.#joined()) return
      else if (!this.#readSlice()) await clock.turn()
    }
  }

  /** Becomes live if the subscription stands where its feed stands. */
  #joined(): boolean {
    const { feed, hub } = this.#options
    if (this.#position.offset > feed.position) {
      // A cursor can be ahead of what the feed has sent, for it counts from the log's head; the feed is brought up to it.
      void hub.dispatch()
      feed.flush()
      // Else the subscription would ask again and again for what can't be read.
      if (this.#position.offset > feed.position && hub.failure !== undefined) throw hub.failure
    }
    if (this.#position.offset !== feed.position) return false
    this.#state = 'live'
    feed.join(this)
    return true
  }

  /** Sends the next slice. Answers whether the next one may follow in the same turn: then nothing was read. */
  #readSlice(): boolean {
    const { feed, reader } = this.#options
    if (this.#position.offset > feed.position) return false
    const slice = reader.read(this.#position, feed.position)
    if (slice.gap !== undefined) this.#announceFound(slice.gap)
    if (slice.events.length > 0) this.#write(feed.encoding.events(slice.events))
    this.#position = slice.position
    // Standing at the feed's position must be acted on in this very turn, before the feed moves on.
    return this.#position.offset === feed.position
  }

  #announceFound(found: GapFound): void {
    const { log } = this.#options
    const after = cursorOf(log, this.#position)
    const earliest = cursorOf(log, { offset: this.#position.offset, trims: found.trims })
    this.#announce({ reason: found.reason, after, earliest })
  }

  #announce(gap: Gap): void {
    const { feed, clock } = this.#options
    this.#write(feed.encoding.gap(gap, formatTimestamp(clock.now())))
  }

  #write(chunk: Chunk): void {
    this.#lastWriteMs = this.#options.clock.monotonic()
    this.#options.sink.write(chunk)
  }
}
