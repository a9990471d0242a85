/** What a transport is: it opens sessions, each of which turns what it hears into the same few calls. */
import type { WatchpostError } from '../error.ts'
import type { Settings } from '../options.ts'
import type { Subscription } from '../subscription.ts'

/** What the first word of a server tells. */
export interface Told {
  /** The connection counts as lost when it has been silent for so long. */
  readonly silenceMsMax: number
  /** The most subscriptions that it carries. */
  readonly subscriptionsMax?: number | undefined
}

/** Whoever has opened a session. Nothing is heard of a session that is closed. */
export interface Hearing {
  ready(told: Told): void
  /** Anything came: the connection lives. */
  heard(): void
  /** It is over, be it ended or never begun. */
  ended(error: WatchpostError): void
  /** The credentials end soon [WP-6.7]. */
  expiring(): void
  /** One of its subscriptions was refused, or ended. */
  failed(subscription: Subscription, error: WatchpostError): void
  /** What came can't be told for which of its subscriptions it is: each needs a session of its own. */
  split(): void
}

/** One connection of a transport, which is open or being opened. */
export interface Session {
  /** Whether it waits for its subscription to have room rather than being silent. */
  readonly isHolding?: boolean
  /** Carries one more. */
  add?(subscription: Subscription): void
  /** Carries it no longer. */
  remove?(subscription: Subscription): void
  /** Makes the server say something. */
  check?(): void
  /** Goes on with another token. */
  renew?(token: string): Promise<void>
  close(): void
}

/** What a session is opened for and with. */
export interface Opening {
  readonly settings: Settings
  /** What is carried now. */
  readonly subscriptions: () => readonly Subscription[]
  readonly token: string | undefined
  readonly hearing: Hearing
}

export interface Transport {
  /** Under which it is remembered. */
  readonly name: string
  /** Whether this runtime has what it needs, if not all have. */
  isAvailable?(settings: Settings): boolean
  /** Whether one session carries any subscriptions, also ones that come later; else only those that stand at one place. */
  readonly isShared?: boolean
  /** Whether a session that carries one subscription stops reading while that has no room. */
  readonly canHold?: boolean
  open(opening: Opening): Session
}
