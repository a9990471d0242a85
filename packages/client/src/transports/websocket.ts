/** WebSocket [WP-4.1]: one socket for all subscriptions of a client, as long as no event can be for two of them. */
import { later } from '../backoff.ts'
import { asError, errorOf, WatchpostError } from '../error.ts'
import type { SocketLike } from '../options.ts'
import { matchesFilter } from '../protocol.ts'
import { json, send } from '../request.ts'
import type { Patched } from '../state.ts'
import type { Subscription } from '../subscription.ts'
import { type Message, Stream } from './stream.ts'
import type { Opening, Session, Transport } from './transport.ts'

/** Closed so, it was by the client's own fault [WP-4.9]: the same would happen again. */
const FAULTS = [1002, 1003, 1007, 1008, 1009, 4400]

interface Carried {
  readonly subscription: Subscription
  /** Whether what comes for its topic is for it; before that it is for one that was there before. */
  isSubscribed: boolean
}

type Answered = (answer: Message, error: WatchpostError | undefined) => void

class SocketSession implements Session {
  readonly #opening: Opening
  readonly #stream: Stream
  readonly #carried = new Map<string, Carried>()
  /** Requests that are not answered yet, by their ids. */
  readonly #asked = new Map<string, (answer: Message) => void>()
  /** Topics that it is being unsubscribed from: until that is answered, they can't be subscribed to again. */
  readonly #leaving = new Set<string>()
  #socket: SocketLike | undefined
  #requests = 0
  #isReady = false
  readonly #ending = new AbortController()

  constructor(opening: Opening) {
    this.#opening = opening
    this.#stream = new Stream(opening)
    for (const subscription of opening.subscriptions()) this.add(subscription)
    this.#open().catch((error: unknown) => this.#end(asError(error, 'the WebSocket failed')))
  }

  async #open(): Promise<void> {
    const { settings, token } = this.#opening
    let url = `${settings.base.replace(/^http/, 'ws')}/v1`
    const protocols = ['watchpost.v1.json']
    // A browser can set no headers; what is no name of a subprotocol has to become a ticket.
    if (token !== undefined && /^[\w!#$%&'*+.^`|~-]+$/.test(token)) protocols.push(`bearer.${token}`)
    else if (token !== undefined) url += `?ticket=${await ticketOf(this.#opening, this.#ending.signal)}`
    if (this.#ending.signal.aborted || settings.WebSocket === undefined) return
    const socket = new settings.WebSocket(url, protocols)
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#hear(String(data)))
    socket.addEventListener('close', ({ code = 1006 }) => void this.#closed(code))
    // What `close` does not tell, nobody is told.
    socket.addEventListener('error', () => undefined)
  }

  add(subscription: Subscription): void {
    const carried = { subscription, isSubscribed: false }
    this.#carried.set(subscription.filter, carried)
    if (this.#isReady) this.#subscribe(carried)
  }

  remove(subscription: Subscription): void {
    const topic = subscription.filter
    // What was refused, or has ended, is there no more.
    if (this.#carried.get(topic)?.subscription !== subscription) return
    this.#carried.delete(topic)
    if (!this.#isReady || this.#leaving.has(topic)) return
    this.#leaving.add(topic)
    this.#ask('unsubscribe', { topic }, () => {
      this.#leaving.delete(topic)
      const carried = this.#carried.get(topic)
      if (carried !== undefined) this.#subscribe(carried)
    })
  }

  check(): void {
    this.#ask('ping')
  }

  async renew(token: string): Promise<void> {
    this.#ask('authenticate', { token })
  }

  close(): void {
    this.#ending.abort()
    this.#socket?.close()
  }

  #subscribe(carried: Carried): void {
    const { filter: topic, view, delta, info, start } = carried.subscription
    if (this.#leaving.has(topic)) return
    const isCarried = (): boolean => this.#carried.get(topic) === carried
    const answered = ({ data }: Message, error: WatchpostError | undefined): void => {
      if (!isCarried()) return
      if (error !== undefined) {
        this.#carried.delete(topic)
        return this.#opening.hearing.failed(carried.subscription, error)
      }
      carried.isSubscribed = true
      carried.subscription.begun()
      if (start.state === undefined) carried.subscription.bookmark(String(data?.['cursor']))
    }
    this.#ask('subscribe', { topic, ...view, ...start, delta: delta || undefined, info }, answered, isCarried)
  }

  /** @param isWanted whether it is still to be asked, should it have come too soon */
  #ask(type: string, data?: object, answered: Answered = () => undefined, isWanted: () => boolean = () => true): void {
    const id = String(++this.#requests)
    this.#asked.set(id, (answer) => {
      const error = answer.error && errorOf(answer.error)
      if (error?.problem !== 'rate-limited') return answered(answer, error)
      // It was not carried out [WP-4.11].
      later(error.retryAfterMs ?? 0, () => {
        if (!this.#ending.signal.aborted && isWanted()) this.#ask(type, data, answered, isWanted)
      })
    })
    this.#socket?.send(JSON.stringify({ type, id, data }))
  }

  #hear(text: string): void {
    if (this.#ending.signal.aborted) return
    try {
      this.#take(text)
    } catch (error) {
      this.#socket?.close()
      this.#end(asError(error, 'the WebSocket failed'))
    }
  }

  #take(text: string): void {
    this.#opening.hearing.heard()
    const message = JSON.parse(text) as Message
    const { type, topic, re, data = {} } = message
    if (re !== undefined) {
      this.#asked.get(re)?.(message)
      this.#asked.delete(re)
      return
    }
    const { subscription } = this.#carriedFor(topic ?? String(data['topic']), topic !== undefined || type === 'events')
    if (type === 'snapshot') {
      const part = data as { readonly events: readonly Patched[]; readonly cursor: string; readonly more: boolean }
      subscription?.snapshot(part.events, part.cursor, part.more)
    } else if (type === 'unsubscribed') this.#unsubscribed(subscription)
    else this.#stream.take(message, text.length, subscription === undefined ? [] : [subscription])
    if (type !== 'welcome') return
    this.#isReady = true
    for (const carried of this.#carried.values()) this.#subscribe(carried)
  }

  /** What comes for a filter or, if it is events that come, for a topic. */
  #carriedFor(name: string, isTopic: boolean): Partial<Carried> {
    const isFor = ({ subscription }: Carried): boolean => isTopic && matchesFilter(subscription.filter, name)
    const carried = this.#carried.get(name) ?? [...this.#carried.values()].find(isFor)
    return carried?.isSubscribed === true ? carried : {}
  }

  /** Not asked for: the error before it says why [WP-4.4], and nothing of how the connection ends. */
  #unsubscribed(subscription: Subscription | undefined): void {
    const error = this.#stream.end('the subscription ended')
    this.#stream.error = undefined
    if (subscription === undefined) return
    this.#carried.delete(subscription.filter)
    this.#opening.hearing.failed(subscription, error)
  }

  /** A browser does not tell why a handshake was refused, but the server does when it is asked without one. */
  async #closed(code: number): Promise<void> {
    const { settings, token } = this.#opening
    const { signal } = this.#ending
    const message = `the WebSocket ended with code ${code}`
    let error = FAULTS.includes(code) ? new WatchpostError('invalid-message', message) : this.#stream.end(message)
    try {
      if (!this.#isReady && this.#stream.error === undefined && !signal.aborted)
        await send(settings, '/v1', { token, signal })
    } catch (thrown) {
      if (thrown instanceof WatchpostError && thrown.problem !== 'upgrade-required') error = thrown
    }
    this.#end(error)
  }

  #end(error: WatchpostError): void {
    if (this.#ending.signal.aborted) return
    this.#ending.abort()
    this.#opening.hearing.ended(error)
  }
}

/** What stands for a token in a URL [WP-3.15]. @throws WatchpostError */
export async function ticketOf({ settings, token }: Opening, signal: AbortSignal): Promise<string> {
  const { ticket } = await json<{ ticket: string }>(settings, '/v1/tickets', { body: '', token, signal })
  return encodeURIComponent(ticket)
}

export const webSocket: Transport = {
  name: 'websocket',
  isShared: true,
  isAvailable: (settings) => settings.WebSocket !== undefined,
  open: (opening) => new SocketSession(opening),
}
