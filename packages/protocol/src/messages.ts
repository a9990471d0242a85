/** Control messages [WP-1.3], and the types that are theirs alone [WP-1.2]. */
import type { Limits } from './limits.ts'

export const RESERVED_TYPES: ReadonlySet<string> = new Set([
  ...['welcome', 'error', 'ping', 'pong', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'],
  ...['publish', 'published', 'authenticate', 'authenticated', 'expiring'],
  ...['bookmark', 'gap', 'snapshot', 'goodbye'],
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

/** Encodes a control message `{type, data, timestamp}`. */
export function encodeControl(
  type: 'welcome' | 'bookmark' | 'gap' | 'goodbye',
  data: object,
  timestamp: string,
): string {
  return `{"type":"${type}","data":${JSON.stringify(data)},"timestamp":"${timestamp}"}`
}

/** Encodes an error message [WP-1.4]; `message` is the problem's detail. */
export function encodeError(
  error: { readonly type: string; readonly message: string; readonly [member: string]: unknown },
  timestamp: string,
): string {
  return `{"type":"error","error":${JSON.stringify(error)},"timestamp":"${timestamp}"}`
}
