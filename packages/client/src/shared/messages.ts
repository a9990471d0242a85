/** What the tabs of an origin say to the one that holds their connection, and what it says to them. */
import { WatchpostError } from '../error.ts'
import type { Status } from '../machine.ts'
import type { Event } from '../protocol.ts'
import type { Start, Subscription } from '../subscription.ts'
import type { Gap } from '../watch.ts'

/** Tabs may have different versions of this package: those with another one of these messages do not share. */
export const VERSION = 1

/** What a subscription asks for. */
export type Asked = Pick<Subscription, 'filter' | 'view' | 'delta' | 'info'> & { readonly start: Start }

/** From a tab. A `session` is one tab's, a `member` one of its subscriptions. */
export type FromTab =
  | { readonly kind: 'open'; readonly session: string }
  | { readonly kind: 'ping'; readonly session: string }
  | {
      readonly kind: 'watch'
      readonly hub: string
      readonly session: string
      readonly member: string
      readonly asked: Asked
    }
  | { readonly kind: 'leave'; readonly hub: string; readonly session: string; readonly member: string }

/** To members. */
export type News =
  | { readonly type: 'event'; readonly event: Event<string, unknown>; readonly characters: number }
  | { readonly type: 'bookmark'; readonly cursor: string }
  | { readonly type: 'gap'; readonly gap: Gap }
  | { readonly type: 'snapshot'; readonly events: readonly Event<string, unknown>[]; readonly cursor: string }
  | { readonly type: 'status'; readonly status: Status; readonly cause: Failure | undefined }
  | { readonly type: 'failed'; readonly error: Failure }
  /** It has to ask again, from where it stands. */
  | { readonly type: 'restart' }

/** From a hub. `here` is said once, when it begins, and `gone` when it ends. */
export type FromHub =
  | { readonly kind: 'here'; readonly hub: string }
  | { readonly kind: 'gone'; readonly hub: string }
  | { readonly kind: 'welcome'; readonly hub: string; readonly session: string }
  | { readonly kind: 'pong'; readonly hub: string; readonly session: string }
  | { readonly kind: 'news'; readonly hub: string; readonly to: readonly string[]; readonly news: News }

/** An error, as far as it can be cloned. */
export type Failure = Pick<WatchpostError, 'problem' | 'message' | 'status' | 'retryAfterMs' | 'members'>

export const failureOf = ({ problem, message, status, retryAfterMs, members }: WatchpostError): Failure => ({
  problem,
  message,
  status,
  retryAfterMs,
  members,
})

export const errorOfFailure = ({ problem, message, ...options }: Failure): WatchpostError =>
  new WatchpostError(problem, message, options)

/** The name of the lock that a session holds while it lives. */
export const lockOf = (name: string, session: string): string => `${name} ${session}`
