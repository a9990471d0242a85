/** Server-Sent Events by `EventSource`, for where `fetch` can't stream. It is opened anew by us: a ticket is good for once. */
import { asError } from '../error.ts'
import { json, send, urlOf } from '../request.ts'
import { loadStates, type Message, Stream, watchQuery } from './stream.ts'
import type { Opening, Session, Transport } from './transport.ts'
import { ticketOf } from './websocket.ts'

/** As much of an `EventSource` as is used. */
export interface EventSourceLike {
  close(): void
  addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void
}

export type EventSourceConstructor = new (url: string, options?: { withCredentials?: boolean }) => EventSourceLike

const CONTROL = ['welcome', 'bookmark', 'gap', 'events', 'expiring', 'goodbye', 'error']

class EventSourceSession implements Session {
  readonly #opening: Opening
  readonly #EventSource: EventSourceConstructor
  readonly #stream: Stream
  readonly #ending = new AbortController()
  #source: EventSourceLike | undefined
  #hasBegun = false

  constructor(opening: Opening, EventSource: EventSourceConstructor) {
    this.#opening = opening
    this.#EventSource = EventSource
    this.#stream = new Stream(opening)
    this.#stream.signal = this.#ending.signal
    this.#open().catch((error: unknown) => this.#end(error))
  }

  async #open(): Promise<void> {
    const { settings, token } = this.#opening
    const { signal } = this.#ending
    await loadStates(this.#opening, signal)
    const types = await this.#types(signal)
    const ticket = token === undefined ? '' : `&ticket=${await ticketOf(this.#opening, signal)}`
    if (signal.aborted) return
    const url = urlOf(settings.base, '/v1/events', watchQuery(this.#opening)) + ticket
    const source = new this.#EventSource(url, { withCredentials: settings.cookies === 'include' })
    this.#source = source
    for (const type of [...CONTROL, ...types]) {
      source.addEventListener(type, ({ data }) => {
        // The source's own events have no data; its `error` says that the connection is lost.
        if (signal.aborted) return
        if (typeof data === 'string') this.#take(data)
        else if (type === 'error') void this.#lost()
      })
    }
  }

  /** An `EventSource` does not tell why it was refused, but the server does when it is asked by `fetch`. */
  async #lost(): Promise<void> {
    this.#source?.close()
    const { settings, token } = this.#opening
    const { signal } = this.#ending
    try {
      const asked = { query: watchQuery(this.#opening), headers: { accept: 'text/event-stream' }, signal, token }
      if (!this.#hasBegun) await send(settings, '/v1/events', asked)
      this.#end(this.#stream.end('the stream ended'))
    } catch (error) {
      this.#end(error)
    }
  }

  #take(text: string): void {
    this.#hasBegun = true
    try {
      this.#opening.hearing.heard()
      this.#stream.take(JSON.parse(text) as Message, text.length, this.#opening.subscriptions())
    } catch (error) {
      this.#end(error)
    }
  }

  /** An `EventSource` hears only the types that it knows: those that are asked for, or all that are defined. */
  async #types(signal: AbortSignal): Promise<readonly string[]> {
    const { settings, subscriptions, token } = this.#opening
    const [first] = subscriptions()
    if (first?.view.type !== undefined) return first.view.type
    const { topics } = await json<{ topics: { events: object }[] }>(settings, '/v1/topics', { signal, token })
    return [...new Set(topics.flatMap(({ events }) => Object.keys(events)))]
  }

  #end(error: unknown): void {
    if (this.#ending.signal.aborted) return
    this.close()
    this.#opening.hearing.ended(asError(error, 'the stream ended'))
  }

  renew(token: string): Promise<void> {
    return this.#stream.renew(token)
  }

  close(): void {
    this.#ending.abort()
    this.#source?.close()
  }
}

/**
 * The transport, to be named among the `transports` of a client.
 * @param EventSource in the place of the runtime's own
 */
export function eventSource(
  EventSource: EventSourceConstructor | undefined = (globalThis as { EventSource?: EventSourceConstructor })
    .EventSource,
): Transport {
  return {
    name: 'event-source',
    isAvailable: () => EventSource !== undefined,
    open: (opening) => new EventSourceSession(opening, EventSource as EventSourceConstructor),
  }
}
