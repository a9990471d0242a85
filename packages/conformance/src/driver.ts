/**
 * What a client of any transport can do. A cursor that one driver gave is a start for every other one [WP-2.1], so a
 * client may be made of several of them, one after the other.
 */
import type { EphemeralEvent, Event } from '@watchpost/protocol'

/** The ways to watch, as the problem `transport-not-offered` lists them [WP-3.5]. */
export type TransportName = 'page' | 'long-poll' | 'sse' | 'websocket'

export const TRANSPORT_NAMES: readonly TransportName[] = ['page', 'long-poll', 'sse', 'websocket']

/** What to watch, from where, and what of it. What is absent is not sent, so that the server's own default counts. */
export interface WatchRequest {
  /** Topic filters, at least one. */
  readonly topics: readonly string[]
  /** A cursor, or `earliest` or `latest`. */
  readonly after?: string | undefined
  /** Starts with the last so many matching events. */
  readonly last?: number | undefined
  readonly key?: readonly string[]
  readonly type?: readonly string[]
  /** JSON Pointers. */
  readonly select?: readonly string[]
  /** Whether to be a member of what is watched [WP-9.4], and what to tell of oneself. */
  readonly present?: boolean
  readonly info?: unknown
  /** `limit` of a page or long poll; the other transports have none. */
  readonly pageEvents?: number
  /** How long a long poll waits. Default 20. */
  readonly waitSeconds?: number
}

/** An event [WP-1.1]. `text` is its JSON as it came, where the transport speaks JSON. */
export interface EventDelivery {
  readonly kind: 'event'
  readonly event: Event
  readonly text: string | undefined
  readonly cursor: string | undefined
}

/** An event that is not stored [WP-9.3]: it leaves the cursor where it is. */
export interface EphemeralDelivery {
  readonly kind: 'ephemeral'
  readonly event: EphemeralEvent
  readonly text: string | undefined
  readonly cursor: string | undefined
}

/** Events that can't be delivered any more [WP-2.4]. `reason` and `after` come with the messages of streams alone. */
export interface GapDelivery {
  readonly kind: 'gap'
  readonly cursor: string
  readonly reason: string | undefined
  readonly after: string | undefined
}

/** All up to `cursor` has been seen, though nothing of it matched: a bookmark, the start of a stream, the end of a page. */
export interface BookmarkDelivery {
  readonly kind: 'bookmark'
  readonly cursor: string
}

/** What a client handles, one after the other; `cursor` is where to go on once it has been handled. */
export type Delivery = EventDelivery | EphemeralDelivery | GapDelivery | BookmarkDelivery

/** A watch that has begun: the server accepted it and knows where it starts. */
export interface Watching {
  /**
   * Where to go on after all that {@link next} gave: `undefined` as long as none is known, and on a WebSocket with
   * several topics, which has a cursor for each of them instead of one for all [WP-4.5].
   */
  readonly cursor: string | undefined
  /**
   * The next delivery, once there is one; `undefined` once the watch was left, or the connection ended in a way after
   * which a client connects again with its cursor.
   * @throws Refusal for an error message; Error for what no server may send, or a connection that was closed for good
   */
  next(): Promise<Delivery | undefined>
  /** Ends the watch as its transport wants it ended. What came and was not handled is forgotten. */
  leave(): Promise<void>
  /** Ends the watch like a network that fails: without a word. */
  cut(): void
}

/** What a publisher gives [WP-3.9]. */
export interface NewEvent {
  readonly type: string
  readonly data?: unknown
  readonly key?: string
  readonly timestamp?: string
}

/** What it is told: the event's cursor, and its time as it will be sent. */
export interface Published {
  readonly id: string
  readonly timestamp: string
}

export interface Driver {
  /** Unique among the drivers. */
  readonly name: string
  readonly transport: TransportName
  /** Where a watch starts that says nothing of it [WP-3.4]. */
  readonly startsAt: 'earliest' | 'latest'
  /**
   * @param baseUrl such as `http://127.0.0.1:8080`, with the base path if there is one
   * @throws Refusal
   */
  watch(baseUrl: string, request: WatchRequest): Promise<Watching>
  /**
   * Publishes one event in the way of the transport.
   * @throws Refusal
   */
  publish(baseUrl: string, topic: string, event: NewEvent): Promise<Published>
  /**
   * Publishes one event that is not stored, in the way of the transport. Answers what it is told, as it came.
   * @throws Refusal
   */
  publishEphemeral(baseUrl: string, topic: string, event: NewEvent): Promise<object>
}
