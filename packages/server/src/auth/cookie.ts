/** The token in a cookie. Browsers send it whoever's page asks, so it counts only where a page that may ask did. */
import type { Exchange } from '../http/exchange.ts'
import { isOwnOrListedOrigin, type OriginOptions } from '../http/origin.ts'
import { Refused } from './refusal.ts'

/**
 * The value of the cookie; `undefined` if there is none, or the page that asks is not one that may use it.
 * @throws Refused if it was sent twice: another site below the same domain can set one beside the right one
 */
export function cookieToken(exchange: Exchange, name: string, origins: OriginOptions): string | undefined {
  const values = (exchange.header('cookie') ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at >= 0 && pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : []
  })
  const [value, ...others] = values
  if (value === undefined || value === '' || !mayUse(exchange, origins)) return undefined
  if (others.length > 0) throw new Refused('the cookie was sent twice')
  return value
}

function mayUse(exchange: Exchange, origins: OriginOptions): boolean {
  const origin = exchange.header('origin')
  // Browsers leave it out where a page reads from its own origin, and then say so in this way.
  if (origin === undefined) return exchange.method === 'GET' && exchange.header('sec-fetch-site') === 'same-origin'
  return isOwnOrListedOrigin(exchange, origin, origins)
}
