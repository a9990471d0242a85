/** Tickets [WP-3.15], by POST. */
import { formatTimestamp, ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import type { Exchange } from '../http/exchange.ts'

/** @throws ProblemError `unauthorized` for the anonymous; `rate-limited` */
export function issueTicket({ authenticator }: App, exchange: Exchange): void {
  if (authenticator === undefined) {
    throw new ProblemError('unauthorized', 'This server knows no credentials, so it gives no tickets.')
  }
  const { ticket, expiresMs } = authenticator.ticket(exchange.session)
  exchange.json(201, JSON.stringify({ ticket, expires: formatTimestamp(expiresMs) }))
}
