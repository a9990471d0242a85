/**
 * A subscription is either catching up, reading the log at its own pace, or live, fed by the hub. It starts with the
 * former, if it was asked for with the topic's state, and becomes live once it stands where its feed stands. Both are
 * compared in one turn of the event loop, so there is nothing between the two that could be lost or repeated.
 *
 *   catching up --stands where the feed stands--> live
 *   live --more than `bufferedBytesMax` waits for the client--> catching up
 *   either --close()--> closed
 */
import { formatTimestamp, type Gap, type Position } from '@watchpost/protocol'
import type { Batch } from './batch.ts'
import type { Clock } from './clock.ts'
import type { Delivered, Feed, Member } from './feed.ts'
import type { Beating } from './heartbeats.ts'
import type { Hub } from './hub.ts'
import type { GapFound, Log, LoggedEvent } from './log.ts'
import { cursorOf } from './positions.ts'
import { SentBySiblings, type Sibling } from './siblings.ts'
import type { SnapshotPart, SnapshotReader } from './snapshot.ts'
import type { Watch } from './watch.ts'

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

/** The state of a topic that a subscription starts with; its events follow from the reader's own position on. */
export interface Snapshot<Chunk> {
  readonly reader: SnapshotReader
  encode(part: SnapshotPart): Chunk
}

/** What all subscriptions of a process have in common. */
export interface Surroundings {
  readonly log: Log
  readonly hub: Hub
  readonly clock: Clock
  readonly bufferedBytesMax: number
}

/** Where a subscription starts. */
export interface Beginning<Chunk> {
  readonly position: Position
  /** A gap to announce first, and the cursor that met it. */
  readonly gap?: Gap | undefined
  readonly snapshot?: Snapshot<Chunk> | undefined
  /** What siblings sent in the stead of the subscription whose place this one takes. */
  readonly sentBySiblings?: SentBySiblings | undefined
  /** As {@link Sibling.builds} of the subscription whose place this one takes. */
  readonly builds?: boolean
}

export type SubscriptionState = 'catching up' | 'live' | 'closed'

export class Subscription<Chunk> implements Member<Chunk>, Beating, Sibling {
  readonly #around: Surroundings
  readonly #feed: Feed<Chunk>
  readonly #sink: Sink<Chunk>
  readonly builds: boolean
  #state: SubscriptionState = 'catching up'
  #position: Position
  /** The state is still being sent. */
  #snapshot: Snapshot<Chunk> | undefined
  #sentBySiblings: SentBySiblings | undefined
  /** The client was sent every event that the feed showed after this offset. */
  #knownAfter: number
  /** Left the live feed because the client was slow, and did not join it again yet. */
  #isSlow = false
  #lastWriteMs: number
  /** Of events that are not stored, the subscription was sent those with numbers above the first and up to the second. */
  #passedAfter = 0
  #passedUpTo = 0

  /** @param feed is given back when the subscription is closed */
  constructor(
    around: Surroundings,
    feed: Feed<Chunk>,
    sink: Sink<Chunk>,
    { position, gap, snapshot, sentBySiblings, builds = false }: Beginning<Chunk>,
  ) {
    this.#around = around
    this.#feed = feed
    this.#sink = sink
    this.#position = position
    this.#snapshot = snapshot
    this.#sentBySiblings = sentBySiblings
    this.builds = builds || snapshot !== undefined || feed.view.hasDeltas
    this.#knownAfter = position.offset
    this.#lastWriteMs = around.clock.monotonic()
    around.hub.heartbeats.add(this)
    around.hub.catchingUp++
    if (gap !== undefined) this.#announce(gap)
    this.#startCatchingUp()
  }

  get state(): SubscriptionState {
    return this.#state
  }

  get closed(): boolean {
    return this.#state === 'closed'
  }

  get watch(): Watch {
    return this.#feed
  }

  get reached(): number {
    return this.#state === 'live' ? this.#feed.position : this.#position.offset
  }

  hasPassed(passing: number): boolean {
    const upTo = this.#state === 'live' ? this.#feed.passed : this.#passedUpTo
    return passing > this.#passedAfter && passing <= upTo
  }

  /** Everything up to here was written to the sink. */
  get position(): Position {
    return { offset: this.reached, trims: this.#position.trims }
  }

  close(): void {
    if (this.#state === 'closed') return
    const { hub } = this.#around
    this.#position = this.position
    if (this.#state === 'live') this.#passedUpTo = this.#feed.passed
    else hub.catchingUp--
    this.#state = 'closed'
    this.#sentBySiblings = undefined
    hub.heartbeats.remove(this)
    this.#feed.leave(this)
    hub.release(this.#feed)
  }

  /** Closes it, and gives what the one is to begin with that takes its place. */
  handOver(): Beginning<Chunk> {
    const { position, builds } = this
    // What it sent in the stead of others was by what was open then.
    this.#feed.selection.keep()
    const beginning = { position, snapshot: this.#snapshot, sentBySiblings: this.#sentBySiblings, builds }
    this.close()
    return beginning
  }

  meet(other: Sibling, after: number): void {
    // Or those that came and went before anything was sent would gather.
    this.#forgetSiblings()
    this.#sentBySiblings ??= new SentBySiblings()
    this.#sentBySiblings.add(other, after)
  }

  sentByNow(): ReturnType<Sibling['sentByNow']> {
    return this.#sentBySiblings?.sentByNow(this.reached)
  }

  flush(): void {
    if (this.#state === 'live') this.#feed.flush()
  }

  deliver(batch: Batch<Chunk>): Delivered {
    const { bufferedBytesMax, clock } = this.#around
    // Looked at first: many subscriptions can share a sink, and each would add a whole batch to one that is full.
    this.#isSlow = this.#sink.bufferedBytes > bufferedBytesMax
    if (this.#isSlow) return 'not taken'
    if (this.#sentBySiblings === undefined) {
      this.#sink.write(batch.chunkFor(this.#knownAfter))
    } else {
      this.#writeUnsent(batch.events)
      this.#write(this.#feed.bookmark(clock.now()))
      this.#forgetSiblings()
    }
    this.#isSlow = this.#sink.bufferedBytes > bufferedBytesMax
    return this.#isSlow ? 'last taken' : 'taken'
  }

  dismiss(offset: number): void {
    if (this.#state !== 'live') return
    this.#position = { offset, trims: this.#position.trims }
    this.#passedUpTo = this.#feed.passed
    this.#state = 'catching up'
    this.#around.hub.catchingUp++
    this.#startCatchingUp()
  }

  beat(nowMs: number, silentSinceMs: number): void {
    if (Math.max(this.#lastWriteMs, this.#state === 'live' ? this.#feed.lastFlushMs : 0) > silentSinceMs) return
    // A client that has not taken what it was sent needs no more to tell it that the connection lives.
    if (this.#state === 'closed' || this.#sink.bufferedBytes > 0) return
    try {
      this.#write(this.#state === 'live' ? this.#feed.bookmark(nowMs) : this.#bookmark(nowMs))
    } catch (error) {
      // The log can't be read. This is called by a timer, where a throw would end the process.
      this.#sink.fail(error)
    }
  }

  #startCatchingUp(): void {
    // A failure to read is the sink's to report; nobody waits for the promise.
    this.#catchUp().catch((error: unknown) => {
      if (this.#state !== 'closed') this.#sink.fail(error)
    })
  }

  async #catchUp(): Promise<void> {
    const { clock, log, hub } = this.#around
    // Whoever subscribes holds the subscription before its first chunk comes.
    await Promise.resolve()
    // What a feed remembers may be trimmed from the log, where this subscription would have met it.
    if (this.#feed.view.hasDeltas) this.#knownAfter = Math.max(this.#knownAfter, log.trimmed)
    let hasTurn = false
    while (this.#state === 'catching up') {
      // Comes first: a slow client that went live again as it stands would be written to without bound.
      if (this.#sink.bufferedBytes > CATCHING_UP_BYTES) {
        await this.#sink.drained()
        // A sink that is at its end may have nothing to wait for, and all else must go on.
        await clock.turn()
        hasTurn = false
      } else if (this.#snapshot === undefined && this.#joined()) {
        return
      } else if (hasTurn) {
        // Behind a slice, standing where the feed stands is acted on in this very turn, before the feed moves on.
        hasTurn = false
        if (this.#snapshot !== undefined) this.#readSnapshot(this.#snapshot)
        else this.#readSlice()
      } else {
        await hub.turns.next()
        hasTurn = true
      }
    }
  }

  #readSnapshot(snapshot: Snapshot<Chunk>): void {
    const { reader } = snapshot
    const part = reader.read()
    this.#write(snapshot.encode(part))
    if (part.more) return
    this.#snapshot = undefined
    if (reader.isWhole) this.#knownAfter = 0
  }

  /** Becomes live if the subscription stands where its feed stands. */
  #joined(): boolean {
    const { hub } = this.#around
    const feed = this.#feed
    if (this.#position.offset > feed.position) {
      // A cursor can be ahead of what the feed has sent, for it counts from the log's head; the feed is brought up to it.
      void hub.dispatch()
      feed.flush()
      // Else the subscription would ask again and again for what can't be read.
      if (this.#position.offset > feed.position && hub.failure !== undefined) throw hub.failure
    }
    if (this.#position.offset !== feed.position) return false
    this.#state = 'live'
    this.#passedAfter = feed.passed
    this.#isSlow = false
    hub.catchingUp--
    feed.join(this)
    return true
  }

  /** Sends the next slice. */
  #readSlice(): void {
    const feed = this.#feed
    if (this.#position.offset > feed.position) return
    if (this.#sentBySiblings !== undefined && this.#around.log.trimmed > this.#position.offset) {
      // What was trimmed from beyond here will count as sent, so those who hold it still send it now.
      this.#sentBySiblings.flush()
      if (this.#sink.bufferedBytes > CATCHING_UP_BYTES) return
    }
    const slice = feed.reader.read(this.#position, feed.position)
    if (slice.gap !== undefined) this.#announceFound(slice.gap)
    if (this.#sentBySiblings !== undefined) this.#writeUnsent(slice.events)
    else this.#writeAll(this.#isSlow ? this.#withoutSuperseded(slice.events, slice.position) : slice.events)
    this.#position = slice.position
    if (this.#sentBySiblings !== undefined) {
      this.#write(this.#bookmark(this.#around.clock.now()))
      this.#forgetSiblings()
    }
  }

  #withoutSuperseded(events: readonly LoggedEvent[], through: Position): readonly LoggedEvent[] {
    const newest = this.#feed.reader.withoutSuperseded(events)
    if (newest.length === events.length) return events
    this.#around.hub.eventsPassedOver += events.length - newest.length
    this.#knownAfter = Math.max(this.#knownAfter, through.offset)
    return newest
  }

  #writeAll(events: readonly LoggedEvent[]): void {
    if (events.length > 0) this.#write(this.#feed.encoding.events(events, false))
  }

  /** Passes nothing over for a slow client: what counts for others would be lost to those who see less of its key. */
  #writeUnsent(events: readonly LoggedEvent[]): void {
    this.#writeAll(this.#sentBySiblings?.unsent(events) ?? events)
  }

  #forgetSiblings(): void {
    this.#sentBySiblings?.forget(this.reached)
    if (this.#sentBySiblings?.isEmpty === true) this.#sentBySiblings = undefined
  }

  #announceFound(found: GapFound): void {
    const { log } = this.#around
    const after = cursorOf(log, this.#position)
    const earliest = cursorOf(log, { offset: this.#position.offset, trims: found.trims })
    this.#knownAfter = Math.max(this.#knownAfter, log.trimmed)
    this.#announce({ reason: found.reason, after, earliest })
  }

  #announce(gap: Gap): void {
    const { encoding, selection } = this.#feed
    this.#write(encoding.gap(gap, formatTimestamp(this.#around.clock.now()), selection.filters))
  }

  /** A bookmark of where the subscription itself stands. */
  #bookmark(nowMs: number): Chunk {
    const { encoding, selection } = this.#feed
    return encoding.bookmark(cursorOf(this.#around.log, this.position), formatTimestamp(nowMs), selection.filters)
  }

  #write(chunk: Chunk): void {
    this.#lastWriteMs = this.#around.clock.monotonic()
    this.#sink.write(chunk)
  }
}
