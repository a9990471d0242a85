/**
 * One connection with all its attempts: it opens a transport, and opens it again, by the table of machine.ts.
 *
 * Next on the way down: transports/websocket.ts.
 */
import { backoffMs, later } from './backoff.ts'
import { remedyOf, unreachable, type WatchpostError } from './error.ts'
import { type Happening, next, type Status } from './machine.ts'
import type { Sign } from './network.ts'
import type { Settings } from './options.ts'
import { mayOverlap } from './overlap.ts'
import type { Carrier, Subscription } from './subscription.ts'
import type { Hearing, Session, Told, Transport } from './transports/transport.ts'

/** A connection that stayed open for so long was no failure, so that what comes next is a first one again. */
const STABLE_MS = 1_000

/** Until a connection without subscriptions is closed: others may follow. */
const LINGER_MS = 2_000

/** The links of a client, as one of them sees it. */
export interface Links {
  readonly settings: Settings
  /** Whether any transport has worked. */
  readonly hasReached: boolean
  /** A transport works. */
  proved(transport: Transport): void
  /** An attempt failed; whether the subscriptions are to be carried in another way, rather than later. */
  givesUp(link: Link): boolean
  /** The transport that is to carry now what these can't carry. */
  choose(excluded: ReadonlySet<Transport>): Transport | undefined
  attach(subscription: Subscription): void
  remove(link: Link): void
}

export class Link implements Carrier, Hearing {
  status: Status = 'idle'
  readonly transport: Transport
  readonly #links: Links
  #subscriptions: readonly Subscription[] = []
  #subscriptionsMax = Number.POSITIVE_INFINITY
  #session: Session | undefined
  /** Tells what was begun for the present attempt from what was begun for those before it. */
  #attempt = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #openedMs = 0
  #heardMs = 0
  #silenceMsMax = 0
  #isChecked = false
  /** Whether another token was asked for since the last one that was taken. */
  #hasRefreshed = false
  #token: string | undefined
  /** The server asked not to be tried before. */
  #notBeforeMs = 0

  constructor(transport: Transport, links: Links) {
    this.transport = transport
    this.#links = links
  }

  get subscriptions(): readonly Subscription[] {
    return this.#subscriptions
  }

  /** The most failures that one of its subscriptions has seen. */
  get failures(): number {
    return Math.max(0, ...this.#subscriptions.map(({ failures }) => failures))
  }

  /** Whether it can carry one more. */
  takes(subscription: Subscription): boolean {
    const carried = this.#subscriptions
    if (this.transport.isShared) {
      // No event may be for two of them, or their orders would mix [WP-4.5].
      const isApart = !carried.some(({ filter }) => mayOverlap(filter, subscription.filter))
      return isApart && carried.length < this.#subscriptionsMax
    }
    // One request is for all, so it is not sent yet.
    return this.#session === undefined && carried.some((other) => placeOf(other) === placeOf(subscription))
  }

  carry(subscription: Subscription): void {
    this.#subscriptions = [...this.#subscriptions, subscription]
    subscription.carriedBy(this)
    // A listener may have ended it.
    if (subscription.carrier !== this) return this.release(subscription)
    this.#session?.add?.(subscription)
    this.#happens('want')
  }

  /** Carries it no longer. */
  release(subscription: Subscription): void {
    if (!this.#subscriptions.includes(subscription)) return
    this.#subscriptions = this.#subscriptions.filter((each) => each !== subscription)
    this.#session?.remove?.(subscription)
    if (subscription.carrier === this) subscription.carrier = undefined
    if (this.#subscriptions.length > 0) return
    const mayLinger = this.transport.isShared && this.status === 'open'
    // Whatever happens then, it ends unless it carries others.
    if (mayLinger) this.#after(LINGER_MS, () => this.#happens('want'))
    else this.#happens('end')
  }

  full(subscription: Subscription): void {
    // One that is alone is not read from; see the transports by fetch.
    if (this.transport.canHold && this.#subscriptions.length === 1) return
    this.release(subscription)
    subscription.pause()
  }

  restart(subscription: Subscription): void {
    this.release(subscription)
    this.#links.attach(subscription)
  }

  /** Goes by what became of the network. */
  heed(sign: Sign): void {
    const isOpen = this.status === 'open'
    if (sign === 'online') for (const subscription of this.#subscriptions) subscription.failures = 0
    if (sign === 'online' || (sign === 'awake' && !isOpen)) {
      if (isOpen || Date.now() >= this.#notBeforeMs) this.#happens('wake')
    } else if (isOpen && this.#session?.isHolding !== true) this.#look(sign)
  }

  /** Looks whether the connection still lives. By the clock on the wall, which goes on while a machine sleeps. */
  #look(sign: Sign): void {
    const canAsk = this.#session?.check !== undefined
    if (sign === 'offline' && !canAsk) return this.#happens('wake')
    // What can be asked has to answer soon, if there is a reason to doubt.
    const leftMs = canAsk && sign !== 'beat' ? this.#links.settings.probeMs : this.#silenceMsMax
    this.#heardMs = Math.min(this.#heardMs, Date.now() + leftMs - this.#silenceMsMax)
    const silentMs = Date.now() - this.#heardMs
    if (silentMs > this.#silenceMsMax) return this.ended(unreachable('it fell silent'))
    if (this.#isChecked || silentMs <= this.#silenceMsMax / 2) return
    this.#isChecked = true
    this.#session?.check?.()
  }

  /** Ends it; its subscriptions are somebody else's. */
  close(): void {
    this.#subscriptions = []
    this.#happens('end')
  }

  // As its session tells it.

  ready({ silenceMsMax, subscriptionsMax = Number.POSITIVE_INFINITY }: Told): void {
    this.heard()
    if (this.status === 'open') return
    this.#silenceMsMax = silenceMsMax
    this.#subscriptionsMax = subscriptionsMax
    for (const subscription of this.#subscriptions.slice(subscriptionsMax)) this.restart(subscription)
    this.#openedMs = Date.now()
    this.#links.proved(this.transport)
    this.#happens('ready')
  }

  heard(): void {
    this.#heardMs = Date.now()
    this.#isChecked = false
    // Its state can be long.
    if (this.status === 'connecting') this.#probe()
  }

  /** The session is over, or could not begin. */
  ended(error: WatchpostError): void {
    const wasOpen = this.status === 'open'
    const wasStable = wasOpen && Date.now() - this.#openedMs >= STABLE_MS
    if (wasStable) this.#hasRefreshed = false
    for (const subscription of this.#subscriptions) subscription.failures = wasStable ? 0 : subscription.failures + 1
    // A proxy can know of no server while that is replaced; before the first word of one, the address is wrong.
    const isPassing = error.problem === 'unreachable' && error.status !== 401 && this.#links.hasReached
    const remedy = isPassing ? 'time' : remedyOf(error)
    if (remedy === 'credentials' && this.#links.settings.credentials.canRenew && !this.#hasRefreshed) {
      this.#hasRefreshed = true
      return this.#happens('refused', error)
    }
    if (remedy !== 'time') return this.#refused(error)
    this.#notBeforeMs = Date.now() + (error.retryAfterMs ?? 0)
    if (!wasOpen && this.#session && error.retryAfterMs === undefined && this.#links.givesUp(this))
      return this.#handBack()
    this.#happens('lost', error, backoffMs(this.#links.settings, error, Math.max(0, this.failures - 1)))
  }

  expiring(): void {
    void this.#renew()
  }

  /** Gives the connection another token before the one that it has ends [WP-6.7]. */
  async #renew(): Promise<void> {
    const { credentials } = this.#links.settings
    const attempt = this.#attempt
    if (!credentials.canRenew) return
    try {
      const token = await credentials.fresh()
      if (attempt === this.#attempt && token !== undefined) await this.#session?.renew?.(token)
    } catch {
      // Then the connection ends with its credentials, and begins with others.
    }
  }

  failed(subscription: Subscription, error: WatchpostError): void {
    const remedy = remedyOf(error)
    if (remedy === 'time') {
      const waitMs = backoffMs(this.#links.settings, error, subscription.failures++)
      const attempt = this.#attempt
      subscription.tellStatus('waiting', error)
      return later(waitMs, () => {
        // Another attempt has taken it along by itself.
        if (attempt === this.#attempt && this.#subscriptions.includes(subscription)) this.#session?.add?.(subscription)
      })
    }
    this.release(subscription)
    if (remedy !== 'transport') return subscription.end(error)
    subscription.excluded.add(this.transport)
    this.#links.attach(subscription)
  }

  split(): void {
    for (const subscription of this.#subscriptions) subscription.isAlone = true
    this.#handBack()
  }

  // What happens, and what is done about it.

  #happens(happening: Happening, cause?: WatchpostError, waitMs = 0): void {
    // One that carries nothing any more ends, whatever happens.
    const status = next(this.status, this.#subscriptions.length > 0 ? happening : 'end')
    if (status === this.status) return
    this.status = status
    // What was open may have been so for long.
    if (happening === 'wake') this.#hasRefreshed = false
    clearTimeout(this.#timer)
    if (status !== 'open') {
      this.#attempt++
      this.#session?.close()
      this.#session = undefined
    }
    for (const subscription of this.#subscriptions) {
      // What carries several tells of each when it has begun.
      if (status !== 'open') subscription.tellStatus(status, cause)
      else if (!this.transport.isShared) subscription.begun()
    }
    // A listener may have ended them all.
    if (this.status !== status) return
    if (status === 'closed') this.#links.remove(this)
    else if (status === 'waiting') this.#after(waitMs, () => this.#happens('elapsed'))
    else if (happening === 'renewed') this.#open()
    else if (status !== 'open') void this.#connect()
  }

  #after(waitMs: number, act: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(act, waitMs)
  }

  async #connect(): Promise<void> {
    const attempt = this.#attempt
    const [first] = this.#subscriptions
    // Meanwhile another one may be in use, or the best one be tried again.
    if (first && this.#links.choose(first.excluded) !== this.transport) return this.#handBack()
    try {
      this.#token = await this.#links.settings.credentials.fresh()
    } catch (error) {
      if (attempt === this.#attempt) this.ended(unreachable('the token function failed', error))
      return
    }
    if (attempt !== this.#attempt) return
    if (this.status === 'refreshing') this.#happens('renewed')
    else this.#open()
  }

  #open(): void {
    this.#probe()
    this.#session = this.transport.open({
      settings: this.#links.settings,
      token: this.#token,
      hearing: this,
      subscriptions: () => this.#subscriptions,
    })
  }

  #probe(): void {
    const { probeMs } = this.#links.settings
    this.#after(probeMs, () => {
      this.ended(unreachable(`${this.transport.name} brought no word in ${probeMs} ms`))
    })
  }

  /** The same would happen again, though perhaps not to each of several. */
  #refused(error: WatchpostError): void {
    if (this.#subscriptions.length > 1 && !this.transport.isShared) return this.split()
    const subscriptions = this.#subscriptions
    this.close()
    for (const subscription of subscriptions) this.failed(subscription, error)
  }

  /** Lets its subscriptions be carried by others. */
  #handBack(): void {
    const subscriptions = this.#subscriptions
    this.close()
    for (const subscription of subscriptions) this.#links.attach(subscription)
  }
}

/** What the subscriptions of one request have in common: the view, what they tell of themselves, and where they stand. */
function placeOf({ start, view, info, isAlone }: Subscription): string {
  const isByItself = isAlone || start.state !== undefined || start.last !== undefined
  return isByItself ? String(Math.random()) : JSON.stringify([view, start, info])
}
