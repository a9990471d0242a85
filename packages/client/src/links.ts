/**
 * All connections of a client, and which transport they use: the best that works. One that does not bring the server's
 * first word in time is passed over; what worked is remembered; a better one is tried again later.
 *
 * Next on the way down: subscription.ts.
 */
import { WatchpostError } from './error.ts'
import { Link, type Links } from './link.ts'
import { isOffline, watchNetwork } from './network.ts'
import type { Settings } from './options.ts'
import { type Home, Subscription } from './subscription.ts'
import type { Transport } from './transports/transport.ts'

/** A transport that worked before has so many attempts before another one is tried. */
const ATTEMPTS_MAX = 3

/** The longest time until a better transport is tried again. */
const UPGRADE_MS_MAX = 600_000

const REMEMBERED = 'transport'

export class Connections implements Links, Home {
  readonly settings: Settings
  readonly #links = new Set<Link>()
  readonly #subscriptions = new Set<Subscription>()
  /** Attached, and not yet given to a link, so that what is attached at one time can share one. */
  #waiting: Subscription[] = []
  #begun: Promise<void> | undefined
  /** Into `settings.transports`. */
  #level = 0
  readonly #proven = new Set<Transport>()
  /** Transports that failed one after the other, without one that worked. */
  #passedOver = 0
  #upgrade: ReturnType<typeof setTimeout> | undefined
  #upgradeMs: number
  #stopWatching: (() => void) | undefined
  /** Ends the trial of a better transport. */
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
    // A topic that does not offer the transport in use says nothing of what works.
    if (transport !== this.settings.transports[this.#level]) return
    this.#passedOver = 0
    this.settings.keeper.set(REMEMBERED, transport.name)
    if (this.#level > 0 && this.#upgrade === undefined) this.#tryBetterLater()
  }

  givesUp(link: Link): boolean {
    const { transports } = this.settings
    // Without another way there is nothing but to wait.
    const isLast = link.subscriptions.every(({ excluded }) => excluded.size === transports.length - 1)
    if (isLast || isOffline()) return false
    if (this.#proven.has(link.transport) && link.failures < ATTEMPTS_MAX) return false
    // From its own place, since not every topic offers the transport in use.
    const level = (transports.indexOf(link.transport) + 1) % transports.length
    // Several links can fail at one time, for one reason.
    if (level !== this.#level) this.#passedOver++
    this.#level = level
    if (this.#passedOver < transports.length) return true
    // None works, so it is the network or the server: from now on it takes patience.
    this.#passedOver = 0
    return false
  }

  remove(link: Link): void {
    this.#links.delete(link)
    if (this.#links.size > 0) return
    this.#stopWatching?.()
    this.#stopWatching = undefined
    clearTimeout(this.#upgrade)
    this.#upgrade = undefined
    this.#endTrial?.()
  }

  close(): void {
    this.settings.closing.abort()
    for (const subscription of this.#subscriptions) subscription.end()
    for (const link of this.#links) link.close()
  }

  async #begin(): Promise<void> {
    const name = await this.settings.keeper.get(REMEMBERED)
    const level = this.settings.transports.findIndex((transport) => transport.name === name)
    this.#level = Math.max(0, level)
  }

  /** Gives those that wait to links. */
  #assign(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const subscription of waiting) {
      const transport = this.choose(subscription)
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
      for (const link of this.#links) link.heed(sign)
    })
  }

  choose({ excluded }: Subscription): Transport | undefined {
    const { transports } = this.settings
    const inOrder = [...transports.slice(this.#level), ...transports.slice(0, this.#level)]
    return inOrder.find((transport) => !excluded.has(transport))
  }

  #tryBetterLater(): void {
    clearTimeout(this.#upgrade)
    this.#upgrade = setTimeout(() => void this.#tryBetter(), this.#upgradeMs * (0.5 + Math.random() / 2))
    this.#upgradeMs = Math.min(UPGRADE_MS_MAX, this.#upgradeMs * 2)
  }

  /** Opens better transports on trial, and moves everything to one that works; the events never notice. */
  async #tryBetter(): Promise<void> {
    for (const [level, transport] of this.settings.transports.slice(0, this.#level).entries()) {
      if (!(await this.#works(transport)) || this.#links.size === 0) continue
      this.#level = level
      this.proved(transport)
      this.#moveTo(transport)
      break
    }
    this.#upgrade = undefined
    if (this.#level > 0 && this.#links.size > 0) this.#tryBetterLater()
  }

  #moveTo(transport: Transport): void {
    for (const link of this.#links) {
      for (const subscription of link.transport === transport ? [] : link.subscriptions) {
        if (subscription.excluded.has(transport)) continue
        link.restart(subscription)
      }
    }
  }

  /** Whether a transport brings the server's first word, tried beside what is in use. */
  async #works(transport: Transport): Promise<boolean> {
    const { settings } = this
    const watched = [...this.#subscriptions].find(({ excluded }) => !excluded.has(transport))
    if (watched === undefined) return false
    const token = await settings.credentials.fresh().catch(() => undefined)
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
      const hearing = { ...calls, ready: () => done(true), ended: () => done(false) }
      const session = transport.open({ settings, token, subscriptions: () => [probe], hearing })
    })
  }
}
