/** Control messages [WP-1.3], and the types that are theirs alone [WP-1.2]. */
import type { Limits } from './limits.ts'

export const RESERVED_TYPES: ReadonlySet<string> = new Set([
  ...['welcome', 'error', 'ping', 'pong', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'],
  ...['publish', 'published', 'authenticate', 'authenticated', 'expiring'],
  ...['bookmark', 'gap', 'snapshot', 'events', 'goodbye'],
])

/** Why events can't be delivered [WP-2.4]: `trimmed` away, or the cursor belongs to another log (`epoch`). */
export type GapReason = 'trimmed' | 'epoch'

/** Events between `after` and `earliest` can no longer be delivered; go on from `earliest`. Both are cursors. */
export interface Gap {
  readonly reason: GapReason
  readonly after: string
  readonly earliest: string
}

export interface Welcome {
  readonly connection: string
  readonly cursor: string
  readonly heartbeatMs: number
  readonly limits: Limits
  readonly server: string
}

/** What a client asks for over a WebSocket [WP-4.3]. */
export const REQUEST_TYPES = ['subscribe', 'unsubscribe', 'publish', 'authenticate', 'ping'] as const
export type RequestType = (typeof REQUEST_TYPES)[number]

/** The types of control messages that a server sends, but for errors. */
export type ControlType =
  | 'welcome'
  | 'bookmark'
  | 'gap'
  | 'snapshot'
  | 'events'
  | 'goodbye'
  | 'subscribed'
  | 'unsubscribed'
  | 'published'
  | 'authenticated'
  | 'expiring'
  | 'pong'

/**
 * Encodes a control message `{type, re?, data?, timestamp}`; without `data`, the message has none.
 * @param re the id of the request that it answers
 */
export function encodeControl(type: ControlType, data: object | undefined, timestamp: string, re?: string): string {
  return `{"type":"${type}"${asMember('re', re)}${asMember('data', data)},"timestamp":"${timestamp}"}`
}

/** An error as messages carry it; `message` is the problem's detail. */
export interface MessageError {
  readonly type: string
  readonly message: string
  readonly [member: string]: unknown
}

/** Encodes an error message [WP-1.4]; `re` is the id of the request that it answers. */
export function encodeError(error: MessageError, timestamp: string, re?: string): string {
  return `{"type":"error"${asMember('re', re)},"error":${JSON.stringify(error)},"timestamp":"${timestamp}"}`
}

const asMember = (name: string, value: string | object | undefined): string =>
  value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`
