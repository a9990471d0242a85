/** The hub follows the log's head and hands each new event to the feeds that cover its topic. */
import { topicOf } from '@watchpost/protocol'
import type { Clock } from './clock.ts'
import type { DeltaMemory } from './delta.ts'
import { inOrder, PassingReader } from './ephemeral.ts'
import { type Delivery, type Encoding, Feed } from './feed.ts'
import { Heartbeats } from './heartbeats.ts'
import type { Log, LoggedEvent } from './log.ts'
import { Reader } from './reader.ts'
import type { Selection } from './selection.ts'
import { Turns } from './turns.ts'
import type { View } from './view.ts'

/** What is dispatched in one turn of the event loop. */
const TURN_EVENTS = 1_000
const TURN_CHARACTERS = 1_048_576

/** Publishers choose topic names, so what is remembered of them is bounded; past it, all is found anew. */
const REMEMBERED_MAX = 10_000

export interface HubOptions {
  readonly clock: Clock
  /** The longest time that a flush waits for another one of the same feed. */
  readonly coalesceMs: number
  readonly heartbeatMs: number
  /** The log could not be read; dispatching is tried again when it next grows. */
  readonly onFailure: (error: unknown) => void
  /** Is told what feeds wrote to their members, and when that was done. */
  readonly onDelivered?: ((delivery: Delivery) => void) | undefined
}

// Feeds of every kind of chunk stand in one table; each is only ever used with chunks of its own encoding.
type AnyFeed = Feed<never>

interface Entry {
  readonly feed: AnyFeed
  subscriptions: number
}

export class Hub {
  readonly heartbeats: Heartbeats
  /** Turns of the subscriptions that are catching up. */
  readonly turns: Turns
  readonly #log: Log
  readonly #options: HubOptions
  readonly #entries = new Map<string, Entry>()
  /** Which feeds cover a topic, found when the topic first has an event and forgotten when feeds come or go. */
  readonly #byTopic = new Map<string, readonly AnyFeed[]>()
  readonly #passing: PassingReader
  readonly #stopFollowing: () => void
  #position: number
  #dispatching = false
  #closed = false
  #failure: Error | undefined
  /** Events handed to feeds, as a count that only grows. */
  eventsDispatched = 0
  /** Events that slow clients were not sent, since a newer one of their key was there, as a count that only grows. */
  eventsPassedOver = 0
  /** Subscriptions that read the log at this moment. */
  catchingUp = 0
  readonly #deltaMemory: DeltaMemory = { characters: 0 }

  constructor(log: Log, options: HubOptions) {
    this.#log = log
    this.#options = options
    this.#position = log.head
    this.#passing = new PassingReader(log)
    this.#stopFollowing = log.onAdvance(() => void this.dispatch())
    this.heartbeats = new Heartbeats(options.clock, options.heartbeatMs)
    this.turns = new Turns(options.clock)
  }

  /** Every event up to this offset has been handed to the feeds that cover it. */
  get position(): number {
    return this.#position
  }

  /** Why the log could not be read when it was last tried; `undefined` if it could. */
  get failure(): Error | undefined {
    return this.#failure
  }

  get feeds(): number {
    return this.#entries.size
  }

  /** Ephemeral events that were let go before they could be handed to feeds, as a count that only grows. */
  get eventsMissed(): number {
    return this.#passing.missed
  }

  /** The feed of a selection, view and encoding. Give it back with {@link release}. */
  acquire<Chunk>(selection: Selection, view: View, encoding: Encoding<Chunk>): Feed<Chunk> {
    const name = nameOf(selection, view, encoding)
    let entry = this.#entries.get(name)
    if (entry === undefined) {
      const { clock, coalesceMs, onDelivered } = this.#options
      const dispatched = (): number => this.#position
      const ours = { dispatched, epoch: this.#log.epoch, deltaMemory: this.#deltaMemory }
      const reader = new Reader(this.#log, selection, view)
      const feed = new Feed({ selection, view, encoding, reader, clock, coalesceMs, onDelivered, ...ours })
      entry = { feed: feed as unknown as AnyFeed, subscriptions: 0 }
      this.#entries.set(name, entry)
      this.#forget(selection)
    } else if (selection.isByRules) {
      // Of one identity, and what it may see now holds for all that it watches.
      entry.feed.selection.askAgain()
      this.#forget(selection)
    }
    entry.subscriptions++
    return entry.feed as unknown as Feed<Chunk>
  }

  /** Finds out anew which feeds cover which topics, since topics were defined anew. */
  reconsider(): void {
    this.#byTopic.clear()
  }

  release<Chunk>(feed: Feed<Chunk>): void {
    const name = nameOf(feed.selection, feed.view, feed.encoding)
    const entry = this.#entries.get(name)
    if (entry === undefined || --entry.subscriptions > 0) return
    this.#entries.delete(name)
    this.#forget(feed.selection)
  }

  /** Hands out what the log has beyond {@link position}, in turns; the first one before this returns. Never rejects. */
  async dispatch(): Promise<void> {
    if (this.#dispatching) return
    this.#dispatching = true
    try {
      while (!this.#closed && this.#isBehind) {
        this.#dispatchTurn()
        this.#failure = undefined
        if (this.#isBehind) await this.#options.clock.turn()
      }
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error))
      this.#options.onFailure(error)
    } finally {
      this.#dispatching = false
    }
  }

  close(): void {
    this.#closed = true
    this.#stopFollowing()
    this.heartbeats.close()
  }

  get #isBehind(): boolean {
    return this.#position < this.#log.head || this.#passing.isBehind
  }

  #dispatchTurn(): void {
    const { head } = this.#log
    if (this.#entries.size === 0) {
      this.#position = head
      this.#passing.skip()
      return
    }
    if (this.#log.trimmed > this.#position) return this.#overtaken(head)
    const { passing, upTo } = this.#passing.read(head)
    const bounds = { after: this.#position, upTo, eventsMax: TURN_EVENTS, charactersMax: TURN_CHARACTERS }
    const { events: stored, through } = this.#log.scan(bounds)
    const events = passing.length === 0 ? stored : inOrder(stored, this.#passing.take(passing, through))
    const touched = new Set<AnyFeed>()
    for (const event of events) this.#offer(event, touched)
    this.eventsDispatched += events.length
    this.#position = through
    for (const feed of touched) feed.flushSoon()
  }

  /**
   * Retention trimmed events that were not dispatched yet. Reading on would lose them silently, so every subscription
   * goes back to reading the log, where it finds and announces the gap if its topics have one.
   */
  #overtaken(upTo: number): void {
    for (const { feed } of this.#entries.values()) feed.dismiss()
    this.#position = upTo
    this.#passing.skip()
  }

  #offer(event: LoggedEvent, touched: Set<AnyFeed>): void {
    for (const feed of this.#covering(topicOf(event.json))) {
      feed.offer(event)
      touched.add(feed)
    }
  }

  #covering(topic: string): readonly AnyFeed[] {
    const known = this.#byTopic.get(topic)
    if (known !== undefined) return known
    if (this.#byTopic.size >= REMEMBERED_MAX) this.#byTopic.clear()
    const feeds = [...this.#entries.values()].map(({ feed }) => feed).filter((feed) => feed.selection.has(topic))
    this.#byTopic.set(topic, feeds)
    return feeds
  }

  #forget(selection: Selection): void {
    if (selection.exact === undefined) this.#byTopic.clear()
    else for (const topic of selection.exact) this.#byTopic.delete(topic)
  }
}

const nameOf = <Chunk>(selection: Selection, view: View, encoding: Encoding<Chunk>): string =>
  `${encoding.name} ${selection.name} ${view.name}`
