/** Plays a script of clients with several subscriptions each on all of core. What goes wrong is thrown by the step that shows it. */

import { formatCursor } from '@watchpost/protocol'
import { ANONYMOUS } from '../src/access.ts'
import { Siblings } from '../src/siblings.ts'
import type { Sink, Subscription } from '../src/subscription.ts'
import type { Start } from '../src/watch.ts'
import { settled } from './manual-clock.ts'
import { type Publishing, published, type StartWish } from './script.ts'
import { type Account, SiblingLedger } from './sibling-ledger.ts'
import { CLIENTS, type SiblingStep } from './siblings-script.ts'
import { type Chunk, plainEncoding, RecordingSink, type World, world } from './support.ts'
import { type Published, TOPICS, type Wish } from './wish.ts'

const BUFFERED_BYTES_MAX = 150_000

/** What each character of an event weighs in a buffer, so that a few events fill it. */
const BYTES_PER_CHARACTER = 100

/** How long encoding a batch takes, so that flushes have something to wait for. */
const ENCODE_MS = 0.75

const SUBSCRIPTIONS_MAX = 5

/** What bookmarks and gaps may add to what waits for a client, beyond one chunk of events. */
const CONTROL_BYTES_MAX = 1_000

interface Open {
  readonly account: Account
  readonly subscription: Subscription<Chunk>
}

/** A connection: one sink for all of its subscriptions. */
interface Client {
  readonly siblings: Siblings
  readonly ledger: SiblingLedger
  readonly sink: RecordingSink
  chunkBytesMax: number
  open: readonly Open[]
}

/** What happened in a script. */
export interface SiblingsPlayed {
  readonly events: number
  /** Deliveries that counted for more than one subscription. */
  readonly shared: number
  /** Deliveries of what had been sent before, for a subscription that was made later. */
  readonly again: number
  readonly gaps: number
  readonly slow: number
}

export class SiblingsSimulation {
  readonly #world: World
  readonly #history: (Published | undefined)[] = [undefined]
  readonly #clients: readonly Client[]
  /** What writes found wrong: thrown where they happen, it would pass for a failure of the log. */
  readonly #faults: unknown[] = []
  readonly #encoding = plainEncoding(() => this.#world.clock.work(ENCODE_MS), BYTES_PER_CHARACTER)

  constructor() {
    const limits = { bufferedBytesMax: BUFFERED_BYTES_MAX }
    this.#world = world({ byHand: true, sliceEventsMax: 3, limits, topics: TOPICS })
    this.#clients = Array.from({ length: CLIENTS }, () => ({
      siblings: new Siblings(),
      ledger: new SiblingLedger(this.#world.log, this.#history),
      sink: new RecordingSink(),
      chunkBytesMax: 0,
      open: [],
    }))
  }

  async play(step: SiblingStep): Promise<void> {
    await this.#act(step)
    await settled()
    this.#check()
  }

  /** All take all, and then must have been sent all; then nothing may be left of any. */
  async end(): Promise<SiblingsPlayed> {
    const { log, clock, hub } = this.#world
    log.advance()
    for (let round = 0; round < 60; round++) {
      for (const { sink } of this.#clients) {
        sink.slow = false
        sink.take()
      }
      clock.pass(100)
      await clock.giveTurns()
    }
    this.#check()
    for (const { ledger, open } of this.#clients) {
      if (open.some(({ subscription }) => subscription.state !== 'live')) throw new Error('who takes all is not live')
      ledger.checkEnd(log.head)
    }
    for (const client of this.#clients) for (const open of client.open) this.#close(client, open)
    this.#check()
    if (hub.catchingUp !== 0 || hub.feeds > 0) throw new Error(`${hub.catchingUp} and ${hub.feeds} are left`)
    hub.close()
    if (clock.timers > 0) throw new Error(`${clock.timers} timers are left`)
    return this.#played()
  }

  #played(): SiblingsPlayed {
    const sum = (of: (client: Client) => number): number =>
      this.#clients.reduce((total, client) => total + of(client), 0)
    return {
      events: this.#history.length - 1,
      shared: sum(({ ledger }) => ledger.shared),
      again: sum(({ ledger }) => ledger.again),
      gaps: sum(({ sink }) => sink.gaps.length),
      slow: sum(({ ledger }) => Number(ledger.wasSlow)),
    }
  }

  #check(): void {
    const [fault] = [...this.#faults, ...this.#world.failures]
    if (fault !== undefined) throw fault
    for (const { ledger, open } of this.#clients) {
      for (const { account, subscription } of open) ledger.reached(account, subscription.position.offset)
      ledger.checkStep()
    }
  }

  async #act(step: SiblingStep): Promise<void> {
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
      default:
        return this.#clientActs(step, this.#clients[step.client] as Client)
    }
  }

  async #clientActs(step: Extract<SiblingStep, { readonly client: number }>, client: Client): Promise<void> {
    switch (step.do) {
      case 'subscribe':
        return this.#subscribe(client, step.wish, step.start)
      case 'unsubscribe': {
        const open = client.open[step.nth % Math.max(1, client.open.length)]
        return open && this.#close(client, open)
      }
      case 'renew':
        return this.#renew(client, step.transport)
      case 'client takes':
        return client.sink.take()
      case 'client turns':
        client.sink.slow = step.slow
    }
  }

  #publish(topic: string, events: readonly Publishing[]): void {
    const all = events.map((event, i) => published(topic, event, this.#history.length + i))
    this.#history.push(...all)
    const messages = all.map(({ type, key, data }) => ({ type, data, ...(key !== undefined && { key }) }))
    this.#world.publish(topic, ...messages).catch((error: unknown) => this.#faults.push(error))
  }

  async #subscribe(client: Client, wish: Wish, start: StartWish): Promise<void> {
    const { watcher, clock } = this.#world
    const { filters, keys, types } = wish
    const isOpen = client.open.some(({ account }) => account.filter === filters[0])
    if (isOpen || client.open.length >= SUBSCRIPTIONS_MAX) return
    const watch = watcher.watch(filters, { keys, types }, { identity: ANONYMOUS, transport: 'websocket' })
    const from = await clock.until(watcher.locate(watch, this.#startOf(start)))
    client.siblings.demandCompatible(watch, watch.view.hasDeltas)
    const account = client.ledger.open(wish, from.position, from.gap)
    const subscription = watcher.subscribe(watch, from, this.#encoding, this.#sinkOf(client, account))
    client.siblings.add(subscription)
    client.open = [...client.open, { account, subscription }]
  }

  /** Another transport makes it another selection, and so another feed, as other rights would. */
  #renew(client: Client, transport: 'sse' | 'websocket'): void {
    for (const open of client.open) {
      const { account, subscription } = open
      const { filters, keys, types } = account.wish
      const watch = this.#world.watcher.watch(filters, { keys, types }, { identity: ANONYMOUS, transport })
      client.siblings.remove(subscription)
      const sink = this.#sinkOf(client, account)
      const renewed = this.#world.watcher.replace(subscription, watch, this.#encoding, sink)
      client.siblings.add(renewed)
      client.open = [...client.open.filter((each) => each !== open), { account, subscription: renewed }]
    }
  }

  /** The client's sink, as one of its subscriptions has it. */
  #sinkOf(client: Client, account: Account): Sink<Chunk> {
    const { sink, ledger } = client
    return {
      write: (chunk) => {
        sink.write(chunk)
        client.chunkBytesMax = Math.max(client.chunkBytesMax, chunk.bytes)
        if (sink.bufferedBytes > BUFFERED_BYTES_MAX) ledger.wasSlow = true
        try {
          if (sink.bufferedBytes > BUFFERED_BYTES_MAX + client.chunkBytesMax + CONTROL_BYTES_MAX) {
            throw new Error(`${sink.bufferedBytes} bytes wait, of chunks of at most ${client.chunkBytesMax}`)
          }
          ledger.take(account, chunk)
        } catch (error) {
          this.#faults.push(error)
        }
      },
      get bufferedBytes() {
        return sink.bufferedBytes
      },
      drained: () => sink.drained(),
      fail: (error) => this.#faults.push(error),
    }
  }

  #close(client: Client, open: Open): void {
    client.siblings.remove(open.subscription)
    open.subscription.close()
    client.ledger.close(open.account, open.subscription.position.offset)
    client.open = client.open.filter((each) => each !== open)
  }

  #startOf(start: StartWish): Start {
    if ('with' in start) return { otherwise: 'latest' }
    if ('at' in start) return { after: start.at, otherwise: 'latest' }
    if ('last' in start) return { last: start.last, otherwise: 'latest' }
    const offset = Math.round(start.share * this.#world.log.head)
    return { after: formatCursor(start.epoch, { offset, trims: 0 }), otherwise: 'latest' }
  }
}
