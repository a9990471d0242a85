/** Which web pages may do what browsers let any page do [WP-3.13]. */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import type { CorsOptions } from '../config/config.ts'
import type { Exchange } from './exchange.ts'

/**
 * A browser lets any page send some POSTs, and open WebSockets, without asking first; so it is the server that has to
 * refuse pages of other origins.
 * @throws ProblemError `forbidden`
 */
export function demandOwnOrigin({ cors }: App, exchange: Exchange, act: string): void {
  const origin = exchange.header('origin')
  if (origin === undefined || cors?.origins === '*' || cors?.origins.includes(origin) === true) return
  // Behind a proxy a page of clear text may be its own as well: what it does here it does in nobody's name.
  if (isOwnOrigin(exchange, origin, false)) return
  const detail = `Pages of ${JSON.stringify(origin)} may not ${act} here; cors.origins in the configuration can allow it.`
  throw new ProblemError('forbidden', detail)
}

export interface OriginOptions {
  readonly cors: CorsOptions | undefined
  /** Whether a proxy that is trusted brings a request. */
  readonly isProxied: (request: IncomingMessage) => boolean
}

/**
 * Whether a page of an origin may act in the name of whoever looks at it, with what browsers send along by themselves.
 * Other than for what anyone may see, `cors.origins: '*'` is no leave for that.
 */
export function isOwnOrListedOrigin(exchange: Exchange, origin: string, { cors, isProxied }: OriginOptions): boolean {
  if (cors !== undefined && cors.origins !== '*' && cors.origins.includes(origin)) return true
  return isOwnOrigin(exchange, origin, isProxied(exchange.request))
}

/**
 * A page that came in clear text can be anybody's who is on the way, so it is the server's own only if the server speaks
 * no TLS.
 * @param isEncryptedBefore whether TLS is taken to end at a proxy
 */
function isOwnOrigin(exchange: Exchange, origin: string, isEncryptedBefore: boolean): boolean {
  const host = exchange.header('host') ?? exchange.header(':authority')
  const isEncrypted = isEncryptedBefore || (exchange.request.socket as Partial<TLSSocket>).encrypted === true
  return origin === `https://${host}` || (!isEncrypted && origin === `http://${host}`)
}
