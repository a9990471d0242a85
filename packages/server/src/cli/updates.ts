/** What comes from a watch, whatever the transport, and how it is asked for. */
import type { EphemeralEvent, Event, Gap } from '@watchpost/protocol'
import type { Client } from './client.ts'

/** Some news, in the order of the log. Once it is handled, `cursor` is where to go on. */
export interface Update {
  readonly events: readonly WatchedEvent[]
  readonly cursor: string
  /** Events were lost before those of this update. */
  readonly gap?: Gap
  /** The server had no more to send just then. */
  readonly caughtUp?: boolean
}

/** An event, and the JSON text to show. */
export interface WatchedEvent {
  readonly event: Event | EphemeralEvent
  readonly json: string
}

/** What to watch, and from where. */
export interface WatchRequest {
  readonly client: Client
  readonly path: string
  /** `topic`, and what else of the query says what is sent [WP-3.6]. */
  readonly view: Readonly<Record<string, readonly string[]>>
  /** A cursor or sentinel; it is used before `last`. */
  readonly after: string | undefined
  readonly last: number | undefined
  readonly signal: AbortSignal
}
