/** Which web pages may do what browsers let any page do [WP-3.13]. */
import { ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import type { Exchange } from './exchange.ts'

/**
 * A browser lets any page send some POSTs, and open WebSockets, without asking first; so it is the server that has to
 * refuse pages of other origins.
 * @throws ProblemError `forbidden`
 */
export function demandOwnOrigin({ cors }: App, exchange: Exchange, act: string): void {
  const origin = exchange.header('origin')
  if (origin === undefined || cors?.origins === '*' || cors?.origins.includes(origin) === true) return
  const host = exchange.header('host') ?? exchange.header(':authority')
  if (host !== undefined && origin.replace(/^https?:\/\//, '') === host) return
  const detail = `Pages of ${JSON.stringify(origin)} may not ${act} here; cors.origins in the configuration can allow it.`
  throw new ProblemError('forbidden', detail)
}
