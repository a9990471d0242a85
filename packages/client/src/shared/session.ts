/** What a tab has in the place of a connection: it speaks to the tab that holds the one of all. */
import { remedyOf, unreachable, WatchpostError } from '../error.ts'
import type { Subscription } from '../subscription.ts'
import type { Opening, Session } from '../transports/transport.ts'
import { Channel } from './channel.ts'
import { type Asked, errorOfFailure, type FromHub, type FromTab, lockOf, type News } from './messages.ts'
import type { Seat } from './seat.ts'

const BEAT_MS = 1_000

/** What is not answered for so long is asked of nobody. By then also a busy tab has answered. */
const SILENT_MS = 4_000

/** Of a session that begins: before the client takes it for one that does not work. */
const OPENING_MS = 2_000

/** It is tried again at once: nothing is overloaded that time would help. */
const lost = (how: string): WatchpostError => unreachable(`the tab that holds the connection ${how}`, undefined, 0)

interface Carried {
  readonly subscription: Subscription
  hasBegun: boolean
}

export class SharedSession implements Session {
  /** It looks by itself whether the other tab lives, since timers of hidden tabs come late, and messages do not. */
  readonly isHolding = true
  readonly #opening: Opening
  readonly #seat: Seat
  readonly #id: string = crypto.randomUUID()
  readonly #channel: Channel
  readonly #carried = new Map<string, Carried>()
  readonly #leaveSeat: () => void
  readonly #ending = new AbortController()
  #members = 0
  #hub: string | undefined
  #beats: ReturnType<typeof setInterval> | undefined
  #askedMs = 0
  #heardMs = 0

  constructor(opening: Opening, seat: Seat) {
    this.#opening = opening
    this.#seat = seat
    this.#leaveSeat = seat.use()
    this.#channel = new Channel(seat.name, (message) => this.#take(message as FromHub | FromTab))
    for (const subscription of opening.subscriptions()) this.add(subscription)
    const { signal } = this.#ending
    const held = (): Promise<void> => {
      this.#begin()
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
    }
    navigator.locks.request(lockOf(seat.name, this.#id), { signal }, held).catch(() => {
      // Unless it is closed: such as in a frame that has no origin.
      this.#end(unreachable('this page can hold no locks'))
    })
  }

  add(subscription: Subscription): void {
    const member = `${this.#id} ${++this.#members}`
    this.#carried.set(member, { subscription, hasBegun: false })
    this.#watch(member, subscription)
  }

  remove(subscription: Subscription): void {
    for (const [member, carried] of this.#carried) {
      if (carried.subscription !== subscription) continue
      this.#carried.delete(member)
      if (this.#hub !== undefined) this.#post({ kind: 'leave', hub: this.#hub, session: this.#id, member })
    }
  }

  close(): void {
    if (this.#ending.signal.aborted) return
    clearInterval(this.#beats)
    this.#channel.close()
    this.#ending.abort()
    this.#leaveSeat()
  }

  // Inside.

  #begin(): void {
    if (this.#ending.signal.aborted) return
    this.#ask('open')
    this.#beats = setInterval(() => this.#beat(), BEAT_MS)
  }

  #ask(kind: 'open' | 'ping'): void {
    this.#askedMs = Date.now()
    this.#post({ kind, session: this.#id })
  }

  #beat(): void {
    const silentMs = Date.now() - this.#askedMs
    if (this.#heardMs >= this.#askedMs) this.#ask('ping')
    else if (this.#hub !== undefined) {
      if (silentMs > SILENT_MS) this.#end(lost('does not answer'))
    } else if (silentMs > OPENING_MS) {
      this.#askedMs = Date.now()
      this.#seat.takeOver().catch(() => undefined)
    }
  }

  /** Other tabs are heard too, and say nothing that would mean anything here. */
  #take(message: FromHub | FromTab): void {
    switch (message.kind) {
      case 'here':
        if (this.#hub === undefined) this.#ask('open')
        else this.#end(lost('is another one now'))
        return
      case 'welcome':
        if (message.session === this.#id && this.#hub === undefined) this.#welcome(message.hub)
        return
      case 'pong':
      case 'news':
      case 'gone':
        if (message.hub === this.#hub) this.#hear(message)
    }
  }

  #welcome(hub: string): void {
    this.#hub = hub
    this.#heardMs = Date.now()
    this.#opening.hearing.ready({ silenceMsMax: Number.POSITIVE_INFINITY })
    for (const [member, { subscription }] of this.#carried) this.#watch(member, subscription)
  }

  #hear(message: Exclude<FromHub, { readonly kind: 'here' | 'welcome' }>): void {
    this.#heardMs = Date.now()
    this.#opening.hearing.heard()
    if (message.kind === 'gone') this.#end(lost('gave it up'))
    if (message.kind !== 'news') return
    for (const member of message.to) {
      const carried = this.#carried.get(member)
      if (carried !== undefined) this.#tell(member, carried, message.news)
    }
  }

  #tell(member: string, carried: Carried, news: News): void {
    const { subscription } = carried
    switch (news.type) {
      case 'event':
        return subscription.event(news.event as Parameters<Subscription['event']>[0], news.characters)
      case 'bookmark':
        return subscription.bookmark(news.cursor)
      case 'gap':
        return subscription.gap(news.gap)
      case 'snapshot':
        return subscription.snapshot(news.events as Parameters<Subscription['snapshot']>[0], news.cursor, false)
      case 'restart':
        this.remove(subscription)
        return this.add(subscription)
      case 'failed':
        this.#carried.delete(member)
        return this.#opening.hearing.failed(subscription, this.#failureOf(errorOfFailure(news.error)))
      case 'status':
        if (news.status === 'open' && !carried.hasBegun) {
          carried.hasBegun = true
          subscription.begun()
        } else subscription.tellStatus(news.status, news.cause && errorOfFailure(news.cause))
    }
  }

  #watch(member: string, { filter, view, delta, info, start }: Subscription): void {
    if (this.#hub === undefined) return
    // As it will travel: what is JSON need not be what can be cloned, such as the proxies that some frameworks make.
    const asked = JSON.parse(JSON.stringify({ filter, view, delta, info, start })) as Asked
    this.#post({ kind: 'watch', hub: this.#hub, session: this.#id, member, asked })
  }

  /** The credentials that were refused are another tab's; one's own may be good, on a connection of one's own. */
  #failureOf(error: WatchpostError): WatchpostError {
    const hasOthers = this.#opening.settings.transports.length > 1
    if (remedyOf(error) !== 'credentials' || !hasOthers) return error
    return new WatchpostError('transport-not-offered', error.message)
  }

  #post(message: FromTab): void {
    this.#channel.post(message)
  }

  #end(error: WatchpostError): void {
    if (this.#ending.signal.aborted) return
    this.close()
    this.#opening.hearing.ended(error)
  }
}
