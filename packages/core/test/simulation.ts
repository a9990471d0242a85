/** Plays a script of steps on all of core, above a log in memory. What goes wrong is thrown by the step that shows it. */
import { formatCursor, ProblemError } from '@watchpost/protocol'
import type { Subscription } from '../src/subscription.ts'
import type { Located, Start, Watch } from '../src/watch.ts'
import { Ledger, type Published, type Wish, wants } from './ledger.ts'
import { settled } from './manual-clock.ts'
import type { StartWish, Step } from './script.ts'
import { type Chunk, OPEN, plainEncoding, RecordingSink, type World, world } from './support.ts'

const BUFFERED_BYTES_MAX = 150_000

/** What each character of an event weighs in a buffer, so that a few events fill it. */
const BYTES_PER_CHARACTER = 100

/** How long encoding a batch takes, so that flushes have something to wait for. */
const ENCODE_MS = 0.75

/** Hands each chunk to a ledger, and sees that nothing comes when nothing may. */
class CheckedSink extends RecordingSink {
  subscription: Subscription<Chunk> | undefined
  closed = false
  closesAtNextWrite = false
  readonly #ledger: Ledger
  readonly #onFault: (error: unknown) => void
  #chunkBytesMax = 0

  constructor(ledger: Ledger, slow: boolean, onFault: (error: unknown) => void) {
    super(slow)
    this.#ledger = ledger
    this.#onFault = onFault
  }

  override write(chunk: Chunk): void {
    super.write(chunk)
    this.#chunkBytesMax = Math.max(this.#chunkBytesMax, chunk.bytes)
    try {
      if (this.closed) throw new Error('a chunk was written after close')
      if (this.bufferedBytes > BUFFERED_BYTES_MAX + this.#chunkBytesMax) {
        throw new Error(`${this.bufferedBytes} bytes wait, of chunks of at most ${this.#chunkBytesMax}`)
      }
      this.#ledger.take(chunk)
    } catch (error) {
      this.#onFault(error)
    }
    if (this.closesAtNextWrite && this.subscription !== undefined) this.close()
  }

  override fail(error: unknown): void {
    this.#onFault(error)
  }

  close(): void {
    this.closed = true
    this.subscription?.close()
    // Whoever is gone keeps nobody waiting.
    this.take()
  }
}

interface Client {
  readonly wish: Wish
  readonly watch: Watch
  ledger: Ledger
  sink: CheckedSink
}

export interface Played {
  readonly steps: number
  readonly events: number
  readonly gaps: number
}

export class Simulation {
  readonly #world: World
  readonly #history: (Published | undefined)[] = [undefined]
  readonly #clients: Client[] = []
  /** What writes found wrong: thrown where they happen, it would pass for a failure of the log. */
  readonly #faults: unknown[] = []
  readonly #encoding = plainEncoding(() => this.#world.clock.work(ENCODE_MS), BYTES_PER_CHARACTER)
  #readers = 0
  #steps = 0
  #events = 0
  #gaps = 0

  constructor() {
    this.#world = world({
      byHand: true,
      sliceEventsMax: 3,
      limits: { bufferedBytesMax: BUFFERED_BYTES_MAX },
      topics: {
        'a/{x}': OPEN,
        'a/{x}/x': OPEN,
        'b/{x}': OPEN,
        c: OPEN,
        'secret/{x}': { ...OPEN, watch: 'granted' },
      },
    })
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
      clock.pass(100)
      await clock.giveTurns()
    }
    this.#check()
    for (const { ledger, sink } of this.#clients) {
      if (sink.closed) continue
      if (sink.subscription?.state !== 'live') throw new Error('a client that takes all is not live')
      ledger.reached(log.head)
    }
    if (this.#readers > 0) throw new Error('pages without end')
    for (const client of this.#clients) this.#close(client)
    await clock.giveTurns()
    this.#check()
    if (hub.feeds > 0) throw new Error(`${hub.feeds} feeds are left`)
    hub.close()
    if (clock.timers > 0) throw new Error(`${clock.timers} timers are left`)
    return { steps: this.#steps, events: this.#events, gaps: this.#gaps }
  }

  #check(): void {
    const [fault] = [...this.#faults, ...this.#world.failures]
    if (fault !== undefined) throw fault
  }

  async #act(step: Step): Promise<void> {
    const { log, clock } = this.#world
    switch (step.do) {
      case 'publish':
        return this.#publish(step.topic, step.events)
      case 'make durable':
        return log.advance(step.publishes)
      case 'give turn':
        return clock.giveTurn()
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

  async #clientActs(step: Extract<Step, { readonly client: number }>): Promise<void> {
    const client = this.#clients[step.client % Math.max(1, this.#clients.length)]
    if (client === undefined) return
    if (step.do === 'client takes') client.sink.take()
    else if (step.do === 'client closes') this.#close(client)
    else if (step.do === 'client closes at next write') client.sink.closesAtNextWrite = true
    else if (step.do === 'client resumes') await this.#resume(client, step.slow)
  }

  #publish(topic: string, events: readonly Pick<Published, 'type' | 'key'>[]): void {
    const published = events.map((event, i) => ({ ...event, topic, data: this.#history.length + i }))
    this.#history.push(...published)
    this.#events += events.length
    const messages = published.map(({ type, key, data }) => ({ type, data, ...(key !== undefined && { key }) }))
    // It is acknowledged when a later step makes it durable.
    this.#world.publish(topic, ...messages).catch((error: unknown) => this.#faults.push(error))
  }

  #watch(wish: Wish): Watch {
    const { filters, keys, types } = wish
    return this.#world.watcher.watch(filters, { keys, types }, { identity: { name: 'anonymous' }, transport: 'sse' })
  }

  async #subscribe(wish: Wish, start: StartWish, slow: boolean): Promise<void> {
    if (this.#clients.length >= 10) return
    const watch = this.#watch(wish)
    const from = await this.#locate(wish, watch, this.#startOf(start, 'latest'))
    const ledger = this.#ledger(wish, from)
    const sink = new CheckedSink(ledger, slow, (error) => this.#faults.push(error))
    this.#clients.push({ wish, watch, ledger, sink })
    sink.subscription = this.#world.watcher.subscribe(watch, from, this.#encoding, sink)
  }

  #close({ sink }: Client): void {
    this.#gaps += sink.closed ? 0 : sink.gaps.length
    sink.close()
  }

  async #resume(client: Client, slow: boolean): Promise<void> {
    const { wish, watch, ledger } = client
    this.#close(client)
    const from = await this.#locate(wish, watch, { after: ledger.cursor, otherwise: 'latest' })
    client.ledger = this.#ledger(wish, from)
    client.sink = new CheckedSink(client.ledger, slow, (error) => this.#faults.push(error))
    client.sink.subscription = this.#world.watcher.subscribe(watch, from, this.#encoding, client.sink)
  }

  #ledger(wish: Wish, { position, gap }: Located): Ledger {
    const cursor = gap?.after ?? this.#world.watcher.cursor(position)
    return new Ledger(this.#world.log, this.#history, wish, { cursor, position, ...(gap && { gap }) })
  }

  #startOf(start: StartWish, otherwise: Start['otherwise']): Start {
    if ('at' in start) return { after: start.at, otherwise }
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
        this.#gaps++
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
