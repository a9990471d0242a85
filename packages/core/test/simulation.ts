/** Plays a script of steps on all of core, above a log in memory. What goes wrong is thrown by the step that shows it. */

import { formatCursor, ProblemError } from '@watchpost/protocol'
import { ANONYMOUS } from '../src/access.ts'
import type { Snapshot } from '../src/subscription.ts'
import type { Located, Start, Watch } from '../src/watch.ts'
import { CheckedSink } from './checked-sink.ts'
import { Ledger } from './ledger.ts'
import { settled } from './manual-clock.ts'
import { type Publishing, published, type StartWish, type Step } from './script.ts'
import { type Chunk, plainEncoding, plainSnapshot, type World, world } from './support.ts'
import { isKeyed, type Published, TOPICS, type Wish, wants } from './wish.ts'

const BUFFERED_BYTES_MAX = 150_000

/** What each character of an event weighs in a buffer, so that a few events fill it. */
const BYTES_PER_CHARACTER = 100

/** How long encoding a batch takes, so that flushes have something to wait for. */
const ENCODE_MS = 0.75

/** A subscription from its beginning to its end. */
interface Subscribed {
  readonly ledger: Ledger
  readonly sink: CheckedSink
}

interface Client extends Subscribed {
  readonly wish: Wish
  readonly watch: Watch
}

/** What happened in a script. */
export interface Played {
  readonly steps: number
  /** What was published. */
  readonly events: number
  readonly gaps: number
  /** Events that came as patches. */
  readonly patches: number
  /** Parts of states. */
  readonly parts: number
  /** Events that slow clients were not sent, since newer ones followed. */
  readonly passedOver: number
  /** How often a fast client was put back to the log, since the hub was overtaken by trimming. */
  readonly dismissals: number
}

export class Simulation {
  readonly #world: World
  readonly #history: (Published | undefined)[] = [undefined]
  readonly #clients: Client[] = []
  readonly #subscribed: Subscribed[] = []
  /** What writes found wrong: thrown where they happen, it would pass for a failure of the log. */
  readonly #faults: unknown[] = []
  readonly #encoding = plainEncoding(() => this.#world.clock.work(ENCODE_MS), BYTES_PER_CHARACTER)
  #readers = 0
  #steps = 0
  #pageGaps = 0
  /** Whether the next step can put subscriptions back to the log, since what was trimmed was not handed out yet. */
  #mayBeOvertaken = false

  constructor() {
    const limits = { bufferedBytesMax: BUFFERED_BYTES_MAX }
    this.#world = world({ byHand: true, sliceEventsMax: 3, limits, topics: TOPICS })
  }

  async play(step: Step): Promise<void> {
    this.#steps++
    await this.#act(step)
    await settled()
    this.#check()
  }

  /** Every client takes all, and then it must have seen all; then nothing may be left of any. */
  async end(): Promise<Played> {
    const { log, clock, hub } = this.#world
    log.advance()
    for (let round = 0; round < 100; round++) {
      for (const { sink } of this.#clients) sink.slow = false
      for (const { sink } of this.#clients) sink.take()
      await settled()
      this.#check()
      clock.pass(100)
      await settled()
      for (let turns = 0; clock.waiting > 0; turns++) {
        if (turns > 1_000) throw new Error('someone asks for turns without end')
        await this.#giveTurn()
      }
    }
    this.#check()
    for (const { ledger, sink } of this.#clients) {
      if (sink.closed) continue
      if (sink.subscription?.state !== 'live') throw new Error('a client that takes all is not live')
      ledger.reached(log.head)
      if (ledger.state?.isWhole === false) throw new Error('a state without end')
    }
    if (hub.catchingUp > 0) throw new Error(`${hub.catchingUp} are catching up`)
    if (this.#readers > 0) throw new Error('pages without end')
    for (const { sink } of this.#clients) sink.close()
    await clock.giveTurns()
    this.#check()
    if (hub.feeds > 0) throw new Error(`${hub.feeds} feeds are left`)
    if (hub.catchingUp !== 0) throw new Error(`${hub.catchingUp} are catching up, of none`)
    hub.close()
    if (clock.timers > 0) throw new Error(`${clock.timers} timers are left`)
    const played = this.#played()
    if (hub.eventsPassedOver < played.passedOver) throw new Error(`${hub.eventsPassedOver} were passed over, or more`)
    return played
  }

  #played(): Played {
    const sum = (of: (subscribed: Subscribed) => number): number =>
      this.#subscribed.reduce((total, subscribed) => total + of(subscribed), 0)
    return {
      steps: this.#steps,
      events: this.#history.length - 1,
      gaps: this.#pageGaps + sum(({ sink }) => sink.gaps.length),
      patches: sum(({ ledger }) => ledger.known.patches),
      parts: sum(({ ledger }) => ledger.state?.parts ?? 0),
      passedOver: sum(({ ledger }) => ledger.passedOver),
      dismissals: sum(({ sink }) => sink.dismissals),
    }
  }

  #check(): void {
    const [fault] = [...this.#faults, ...this.#world.failures]
    if (fault !== undefined) throw fault
    for (const { sink } of this.#clients) sink.observe(this.#mayBeOvertaken)
    const { log, hub } = this.#world
    this.#mayBeOvertaken = log.trimmed > hub.position
  }

  async #act(step: Step): Promise<void> {
    const { log, clock } = this.#world
    switch (step.do) {
      case 'publish':
        return this.#publish(step.topic, step.events)
      case 'make durable':
        return log.advance(step.publishes)
      case 'give turn':
        return this.#giveTurn()
      case 'pass time':
        return clock.pass(step.ms)
      case 'trim':
        return void (await log.trim(step.topic, { events: step.keep }, 1_000))
      case 'subscribe':
        return this.#subscribe(step.wish, step.start, step.slow)
      case 'read pages':
        return this.#readPages(step.wish, step.start, step.limit)
      default:
        return this.#clientActs(step)
    }
  }

  /** Gives all who wait a turn, one after the other, and sees who is live between two of them. */
  async #giveTurn(): Promise<void> {
    const { clock } = this.#world
    for (let waiting = clock.waiting; waiting > 0; waiting--) {
      await clock.giveOneTurn()
      this.#check()
    }
  }

  async #clientActs(step: Extract<Step, { readonly client: number }>): Promise<void> {
    const client = this.#clients[step.client % Math.max(1, this.#clients.length)]
    if (client === undefined) return
    if (step.do === 'client takes') client.sink.take()
    else if (step.do === 'client closes') client.sink.close()
    else if (step.do === 'client closes at next write') client.sink.closesAtNextWrite = true
    else if (step.do === 'client resumes') await this.#resume(client, step.slow)
  }

  #publish(topic: string, events: readonly Publishing[]): void {
    const all = events.map((event, i) => published(topic, event, this.#history.length + i))
    this.#history.push(...all)
    const messages = all.map(({ type, key, data }) => ({ type, data, ...(key !== undefined && { key }) }))
    // It is acknowledged when a later step makes it durable.
    this.#world.publish(topic, ...messages).catch((error: unknown) => this.#faults.push(error))
  }

  #watch({ filters, keys, types, select, delta }: Wish): Watch {
    const options = { keys, types, select: select.map((name) => `/${name}`), delta }
    return this.#world.watcher.watch(filters, options, { identity: ANONYMOUS, transport: 'websocket' })
  }

  async #subscribe(wish: Wish, start: StartWish, slow: boolean): Promise<void> {
    if (this.#clients.length >= 10) return
    const watch = this.#watch(wish)
    const snapshot = 'with' in start && hasState(wish) ? plainSnapshot(this.#world.watcher, watch) : undefined
    const from = snapshot?.from ?? (await this.#locate(wish, watch, this.#startOf(start, 'latest')))
    this.#clients.push({ wish, watch, ...this.#begin(wish, watch, from, slow, snapshot) })
  }

  #begin(wish: Wish, watch: Watch, from: Located, slow: boolean, snapshot: Snapshot<Chunk> | undefined): Subscribed {
    const ledger = this.#ledger(wish, from, snapshot !== undefined)
    const sink = new CheckedSink(ledger, slow, BUFFERED_BYTES_MAX, (error) => this.#faults.push(error))
    sink.subscription = this.#world.watcher.subscribe(watch, from, this.#encoding, sink, snapshot)
    const subscribed = { ledger, sink }
    this.#subscribed.push(subscribed)
    return subscribed
  }

  async #resume(client: Client, slow: boolean): Promise<void> {
    const { wish, watch, ledger } = client
    client.sink.close()
    const from = await this.#locate(wish, watch, { after: ledger.cursor, otherwise: 'latest' })
    Object.assign(client, this.#begin(wish, watch, from, slow, undefined))
  }

  #ledger(wish: Wish, { position, gap }: Located, withState = false): Ledger {
    const cursor = gap?.after ?? this.#world.watcher.cursor(position)
    return new Ledger(this.#world.log, this.#history, wish, { cursor, position, withState, ...(gap && { gap }) })
  }

  #startOf(start: StartWish, otherwise: Start['otherwise']): Start {
    if ('at' in start) return { after: start.at, otherwise }
    if ('with' in start) return { otherwise }
    if ('last' in start) return { last: start.last, otherwise }
    const offset = Math.round(start.share * this.#world.log.head)
    return { after: formatCursor(start.epoch, { offset, trims: 0 }), otherwise }
  }

  async #locate(wish: Wish, watch: Watch, start: Start): Promise<Located> {
    const { watcher, clock, log } = this.#world
    const head = log.head
    const from = await clock.until(watcher.locate(watch, start))
    if (start.after === 'earliest' && from.position.offset !== 0) throw new Error('earliest is not the start')
    if (start.after === 'latest' && from.position.offset !== head) throw new Error('latest is not the head')
    if (start.last !== undefined) this.#checkLast(wish, start.last, from.position.offset, head)
    return from
  }

  #checkLast(wish: Wish, last: number, offset: number, head: number): void {
    const kept = [...this.#history.entries()].filter(
      ([at, event]) => at <= head && event !== undefined && this.#world.log.keeps(at) && wants(wish, event),
    )
    const shown = kept.filter(([at]) => at > offset).length
    if (shown !== Math.min(last, kept.length)) throw new Error(`starts with ${shown} events, not the last ${last}`)
  }

  /** Reads all pages, as a client that goes on from wherever an answer tells it to, while other steps are played. */
  async #readPages(wish: Wish, start: StartWish, limit: number): Promise<void> {
    const watch = this.#watch(wish)
    const from = await this.#locate(wish, watch, this.#startOf(start, 'earliest'))
    this.#readers++
    this.#readOn(wish, watch, from, limit)
      .catch((error: unknown) => this.#faults.push(error))
      .finally(() => this.#readers--)
  }

  async #readOn(wish: Wish, watch: Watch, start: Located, limit: number): Promise<void> {
    const { watcher, clock, log } = this.#world
    let from = start
    let ledger = this.#ledger(wish, from)
    for (let more = true; more; ) {
      const head = log.head
      try {
        const page = await watcher.page(watch, from, limit)
        if (page.events.length > limit) throw new Error('more than the limit')
        for (const event of page.events) ledger.event(event)
        ledger.bookmark(watcher.cursor(page.position))
        more = page.more
        if (!more && page.position.offset < head)
          throw new Error(`pages end at ${page.position.offset}, not at ${head}`)
        from = await watcher.locate(watch, { after: ledger.cursor, otherwise: 'earliest' })
      } catch (error) {
        if (!(error instanceof ProblemError) || error.problem !== 'cursor-expired') throw error
        this.#pageGaps++
        const after = error.members.earliest ?? ''
        const isOfThisLog = from.gap === undefined
        from = await watcher.locate(watch, { after, otherwise: 'earliest' })
        if (isOfThisLog) ledger.expired(after)
        else ledger = this.#ledger(wish, from)
      }
      await clock.turn()
    }
  }
}

const hasState = ({ filters: [topic = '', ...others] }: Wish): boolean =>
  isKeyed(topic) && !topic.includes('*') && others.length === 0
