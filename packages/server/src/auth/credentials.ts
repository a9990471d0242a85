/** Where a request can carry credentials [WP-6.6], and which of them count. */
import type { Exchange } from '../http/exchange.ts'
import type { OriginOptions } from '../http/origin.ts'
import { cookieToken } from './cookie.ts'
import { Refused } from './refusal.ts'

export type Credentials = { readonly token: string } | { readonly ticket: string }

export interface CredentialOptions extends OriginOptions {
  readonly cookie?: string
  readonly queryToken?: boolean
}

const SUBPROTOCOL = 'bearer.'

/**
 * The first that there are; `undefined` if there are none. Those in the query are taken away from it, so that nothing
 * that is made of the address, such as a link to the next page, has them.
 * @throws Refused for those that can be read in more than one way
 */
export function credentialsOf(exchange: Exchange, options: CredentialOptions): Credentials | undefined {
  const ticket = takenFromQuery(exchange, 'ticket')
  const queryToken = takenFromQuery(exchange, 'token')
  const sent = bearerOf(exchange) ?? subprotocolToken(exchange)
  if (sent !== undefined) return { token: sent }
  if (ticket !== undefined) return { ticket: once(ticket) }
  if (queryToken !== undefined && options.queryToken === true) return { token: once(queryToken) }
  const { cookie } = options
  const inCookie = cookie === undefined ? undefined : cookieToken(exchange, cookie, options)
  return inCookie === undefined ? undefined : { token: inCookie }
}

/** Other schemes are not ours, such as what a proxy asks for. */
function bearerOf({ request: { rawHeaders } }: Exchange): string | undefined {
  const values = rawHeaders.filter((_value, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'authorization')
  const tokens = values.flatMap((value) => /^bearer(?: +(.*))?$/i.exec(value.trim())?.slice(1) ?? [])
  // Of several, whatever stands between may have looked at another one.
  if (tokens.length > 0 && values.length > 1) throw new Refused('Authorization was sent twice')
  return tokens.length === 0 ? undefined : (tokens[0] ?? '')
}

/** Of a WebSocket, which browsers give no other way to send something along. */
function subprotocolToken(exchange: Exchange): string | undefined {
  if (exchange.head === undefined) return undefined
  const offered = (exchange.header('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim())
  const tokens = offered.filter((name) => name.startsWith(SUBPROTOCOL))
  return tokens.length === 0 ? undefined : once(tokens).slice(SUBPROTOCOL.length)
}

function takenFromQuery({ url: { searchParams } }: Exchange, name: string): readonly string[] | undefined {
  if (!searchParams.has(name)) return undefined
  const values = searchParams.getAll(name)
  searchParams.delete(name)
  return values
}

function once([value = '', ...others]: readonly string[]): string {
  if (others.length > 0) throw new Refused('the credentials were sent twice')
  return value
}
