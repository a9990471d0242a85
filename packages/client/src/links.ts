/**
 * All connections of a client, and which transport they use: the best that works. One that does not bring the server's
 * first word in time is passed over; what worked is remembered; what was passed over is tried again later.
 *
 * Next on the way down: subscription.ts.
 */
import { remedyOf, WatchpostError } from './error.ts'
import { Link, type Links } from './link.ts'
import { isOffline, watchNetwork } from './network.ts'
import type { Settings } from './options.ts'
import { type Home, Subscription } from './subscription.ts'
import type { Transport } from './transports/transport.ts'

/** A transport that worked before has so many attempts before another one is tried. */
const ATTEMPTS_MAX = 3

/** The longest time until what was passed over is tried again. */
const UPGRADE_MS_MAX = 600_000

const REMEMBERED = 'transport'

export class Connections implements Links, Home {
  readonly settings: Settings
  readonly #links = new Set<Link>()
  readonly #subscriptions = new Set<Subscription>()
  /** Attached, and not yet given to a link, so that what is attached at one time can share one. */
  #waiting: Subscription[] = []
  #begun: Promise<void> | undefined
  /** Transports that failed, and were not found to work since. */
  #passedOver = new Set<Transport>()
  readonly #proven = new Set<Transport>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #isTrying = false
  #upgradeMs: number
  #stopWatching: (() => void) | undefined
  /** Ends the trial of one that was passed over. */
  #endTrial: (() => void) | undefined

  constructor(settings: Settings) {
    this.settings = settings
    this.#upgradeMs = settings.upgradeMs
  }

  attach(subscription: Subscription): void {
    if (this.settings.closing.signal.aborted) return subscription.end()
    this.#subscriptions.add(subscription)
    this.#waiting.push(subscription)
    this.#begun ??= this.#begin()
    void this.#begun.then(() => this.#assign())
  }

  detach(subscription: Subscription): void {
    this.#subscriptions.delete(subscription)
    this.#waiting = this.#waiting.filter((each) => each !== subscription)
    for (const link of this.#links) link.release(subscription)
  }

  get hasReached(): boolean {
    return this.#proven.size > 0
  }

  proved(transport: Transport): void {
    this.#proven.add(transport)
    // A trial is not what is really asked for, which may fail where that works.
    if (!this.#isTrying && this.#passedOver.size === 0) this.#upgradeMs = this.settings.upgradeMs
    // What stands in for a better one that the topic does not offer says nothing of which is the best that works.
    if (transport === this.choose()) this.settings.keeper.set(REMEMBERED, transport.name)
    this.#tryLater()
  }

  givesUp({ transport, subscriptions, failures }: Link): boolean {
    const usable = this.settings.transports.filter((each) => subscriptions.some(({ excluded }) => !excluded.has(each)))
    // Without another way there is nothing but to wait.
    if (usable.length === 1 || isOffline()) return false
    if (this.#proven.has(transport) && failures < ATTEMPTS_MAX) return false
    this.#passedOver.add(transport)
    // Never back without a wait, or links that fail at one time would send each other round and round.
    const further = usable.slice(usable.indexOf(transport))
    if (further.some((each) => !this.#passedOver.has(each))) return true
    // None works, so it is the network or the server: from now on it takes patience.
    usable.forEach((each) => this.#passedOver.delete(each))
    return false
  }

  remove(link: Link): void {
    this.#links.delete(link)
    if (this.#links.size > 0) return
    this.#stopWatching?.()
    this.#stopWatching = undefined
    this.#stopTimer()
    this.#endTrial?.()
  }

  close(): void {
    this.settings.closing.abort()
    for (const subscription of this.#subscriptions) subscription.end()
    for (const link of this.#links) link.close()
  }

  async #begin(): Promise<void> {
    const name = await this.settings.keeper.get(REMEMBERED)
    const { transports } = this.settings
    const index = transports.findIndex((transport) => transport.name === name)
    this.#passedOver = new Set(transports.slice(0, Math.max(0, index)))
  }

  /** Gives those that wait to links. */
  #assign(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const subscription of waiting) {
      const transport = this.choose(subscription.excluded)
      if (transport === undefined) {
        const message = `${subscription.filter} offers none of the transports`
        subscription.end(new WatchpostError('transport-not-offered', message))
        continue
      }
      const fitting = [...this.#links].find((link) => link.transport === transport && link.takes(subscription))
      const link = fitting ?? new Link(transport, this)
      this.#links.add(link)
      link.carry(subscription)
    }
    if (this.#links.size === 0) return
    this.#stopWatching ??= watchNetwork((sign) => {
      // It may be another network, which lets through what the one before did not.
      if (sign === 'online' && this.#timer !== undefined) void this.#try()
      for (const link of this.#links) link.heed(sign)
    })
  }

  choose(excluded: ReadonlySet<Transport> = new Set()): Transport | undefined {
    const offered = this.settings.transports.filter((transport) => !excluded.has(transport))
    // What was passed over is better than nothing.
    return offered.find((transport) => !this.#passedOver.has(transport)) ?? offered[0]
  }

  #tryLater(): void {
    if (this.#passedOver.size === 0 || this.#links.size === 0) return
    this.#timer ??= setTimeout(() => void this.#try(), this.#upgradeMs * (0.5 + Math.random() / 2))
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Opens what was passed over on trial, and moves everything to the best that works; the events never notice. */
  async #try(): Promise<void> {
    if (this.#isTrying) return
    this.#isTrying = true
    this.#upgradeMs = Math.min(UPGRADE_MS_MAX, this.#upgradeMs * 2)
    for (const transport of [...this.#passedOver]) {
      if (!(await this.#works(transport))) continue
      this.#passedOver.delete(transport)
      this.proved(transport)
    }
    this.#isTrying = false
    this.#move()
    this.#stopTimer()
    this.#tryLater()
  }

  #move(): void {
    for (const link of this.#links) {
      for (const subscription of link.subscriptions) {
        if (this.choose(subscription.excluded) !== link.transport) link.restart(subscription)
      }
    }
  }

  /** Whether a transport brings the server's first word, tried beside what is in use. */
  async #works(transport: Transport): Promise<boolean> {
    const { settings } = this
    const watched = [...this.#subscriptions].find(({ excluded }) => !excluded.has(transport))
    if (watched === undefined) return false
    const token = await settings.credentials.fresh().catch(() => undefined)
    if (this.#links.size === 0) return false
    return new Promise<boolean>((resolve) => {
      const nothing = (): void => undefined
      const done = (works: boolean): void => {
        clearTimeout(timer)
        session.close()
        resolve(works)
      }
      this.#endTrial = () => done(false)
      const timer = setTimeout(this.#endTrial, settings.probeMs)
      // Carried by nobody, it takes nothing.
      const probe = new Subscription(watched.filter, { present: false }, settings, { attach: nothing, detach: nothing })
      const calls = { heard: nothing, expiring: nothing, failed: nothing, split: nothing }
      const ended = (error: WatchpostError): void => {
        // Then it says nothing of the others.
        if (remedyOf(error) === 'transport') watched.excluded.add(transport)
        done(false)
      }
      const hearing = { ...calls, ready: () => done(true), ended }
      const session = transport.open({ settings, token, subscriptions: () => [probe], hearing })
    })
  }
}
