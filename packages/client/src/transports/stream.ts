/** What streams [WP-3.8] and sockets say alike, and how requests ask for it. */
import { errorOf, unreachable, WatchpostError } from '../error.ts'
import { matchesFilter } from '../protocol.ts'
import { json, type Query, send } from '../request.ts'
import { loadState, type Patched } from '../state.ts'
import type { Subscription } from '../subscription.ts'
import type { Gap } from '../watch.ts'
import type { Opening } from './transport.ts'

/** Silences of so many heartbeats mean that the connection is lost; bookmarks, or answers to pings, come sooner. */
const SILENT_HEARTBEATS = 2.5

export interface Message {
  readonly type: string
  readonly topic?: string
  readonly re?: string
  readonly data?: Readonly<Record<string, unknown>>
  readonly error?: Readonly<Record<string, unknown>>
}

/** What one request for all subscriptions asks for. They have one view, and start at one place. */
export function watchQuery({ subscriptions }: Opening): Query {
  const all = subscriptions()
  const [first] = all
  const info = JSON.stringify(first?.info) as string | undefined
  return { topic: all.map(({ filter }) => filter), ...first?.view, ...first?.start, info }
}

/** Loads the state of those that begin with it [WP-3.11]. @throws WatchpostError; what `signal` was aborted with */
export async function loadStates(
  { settings, subscriptions, hearing, token }: Opening,
  signal: AbortSignal,
): Promise<void> {
  for (const subscription of subscriptions()) {
    if (subscription.start.state === undefined) continue
    const { key, select } = subscription.view
    const asked = { query: { key, select }, signal, heard: () => hearing.heard(), token }
    // One attempt: whoever makes them waits between them, as long as the server asks for.
    const { events, cursor } = await loadState<Patched>(settings, subscription.filter, asked, json)
    signal.throwIfAborted()
    subscription.snapshot(events, cursor, false)
  }
}

/** Hands an event to those of several that it is for; all of them stand behind it now. */
export function deliver(subscriptions: readonly Subscription[], event: Patched, characters?: number): void {
  for (const subscription of subscriptions) {
    if (matchesFilter(subscription.filter, event.topic)) subscription.event(event, characters)
    else if (event.id !== undefined) subscription.bookmark(event.id)
  }
}

export class Stream {
  /** What the server said is wrong. */
  error: WatchpostError | undefined
  /** Ends what it asks for. */
  signal: AbortSignal | undefined
  readonly #opening: Opening
  #connection = ''
  #retryAfterMs: number | undefined

  constructor(opening: Opening) {
    this.#opening = opening
  }

  /** Why it ended, once it has. */
  end(message: string): WatchpostError {
    return this.error ?? unreachable(message, undefined, this.#retryAfterMs)
  }

  /** @param subscriptions whom it is for, or may be for */
  take(message: Message, characters: number, subscriptions: readonly Subscription[]): void {
    const { hearing } = this.#opening
    const { data = {}, error = {} } = message
    if (message.topic !== undefined) return deliver(subscriptions, message as Patched, characters)
    if (message.type === 'welcome') {
      this.#connection = String(data['connection'])
      hearing.ready({
        silenceMsMax: Number(data['heartbeatMs']) * SILENT_HEARTBEATS,
        subscriptionsMax: (data['limits'] as Record<string, number> | undefined)?.['subscriptionsPerConnection'],
      })
    }
    switch (message.type) {
      case 'welcome':
      case 'bookmark':
        for (const subscription of subscriptions) subscription.bookmark(String(data['cursor']))
        return
      case 'gap':
        // It does not say whose events are lost.
        if (subscriptions.length > 1) hearing.split()
        else subscriptions[0]?.gap(data as unknown as Gap)
        return
      case 'events':
        for (const event of data['events'] as readonly Patched[]) deliver(subscriptions, event)
        return
      case 'expiring':
        return hearing.expiring()
      case 'goodbye':
        this.#retryAfterMs = Number(data['retryAfter']) * 1_000
        return
      case 'error':
        this.error = errorOf(error)
    }
  }

  /** Gives the connection another token [WP-3.16]. @throws WatchpostError */
  async renew(token: string): Promise<void> {
    await send(this.#opening.settings, `/v1/connections/${this.#connection}/token`, {
      body: '',
      token,
      signal: this.signal,
    })
  }
}
