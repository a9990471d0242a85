/** Who a request or connection speaks for, and until when. */
import type { KeyObject } from 'node:crypto'
import { ANONYMOUS, type Identity } from '@watchpost/core'
import { ProblemError } from '@watchpost/protocol'
import type { ClientCertificate } from '../http/tls.ts'

/** What in the configuration vouches for a session; when that changes, so may the session [WP-6.7]. */
export type Voucher =
  | { readonly kind: 'apiKey'; readonly hash: string }
  | { readonly kind: 'certificate'; readonly certificate: ClientCertificate }
  | TokenVoucher

export interface TokenVoucher {
  readonly kind: 'token'
  readonly algorithm: string
  /** The key that the configuration has, or the URL where the issuer publishes its own. */
  readonly signedBy: KeyObject | string
}

export interface Session {
  readonly identity: Identity
  /** When the credentials end, as milliseconds since the Unix epoch; absent if they don't. */
  readonly expiresMs?: number
  /** Absent for the anonymous. */
  readonly voucher?: Voucher
}

export const ANONYMOUS_SESSION: Session = { identity: ANONYMOUS }

/** Whether two sessions are of one holder; the anonymous are nobody's equals. */
export const isSameHolder = (before: Session, after: Session): boolean =>
  before.identity.holder !== undefined && before.identity.holder === after.identity.holder

/**
 * Checks that a connection may go on with other credentials: those of its holder, or the first ones of a client that had
 * none [WP-6.7].
 * @throws ProblemError `forbidden`
 */
export function demandSameHolder(before: Session, after: Session): void {
  if (before.identity.holder === undefined || isSameHolder(before, after)) return
  throw new ProblemError('forbidden', 'The credentials are those of somebody else; open a connection of their own.')
}
