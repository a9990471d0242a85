/** The URL by which a client reaches the server, as far as it can be known. */
import type { TLSSocket } from 'node:tls'
import type { App } from '../app.ts'
import type { Exchange } from '../http/exchange.ts'
import { forwardedElements } from '../http/forwarded.ts'

/** What a client calls the server when it does not say: HTTP/1.0 asks for no host. */
const NOBODY = 'localhost'

/** Where the routes are, without a slash at its end. Proxies that are trusted say how they were reached. */
export function baseUrlOf({ addresses }: App, exchange: Exchange): string {
  const proxied = addresses.isProxied(exchange.request)
  const host =
    (proxied ? toldOf(exchange, 'host') : undefined) ?? exchange.header('host') ?? exchange.header(':authority')
  const told = (proxied ? toldOf(exchange, 'proto') : undefined) ?? schemeOf(exchange)
  const scheme = told === 'https' ? 'https' : 'http'
  return `${originOf(`${scheme}://${host ?? NOBODY}`) ?? `${scheme}://${NOBODY}`}${exchange.basePath}`
}

/** Names and addresses, as URLs have them: what else may stand there has a meaning in JSON or YAML. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/

/** `undefined` for what is no URL, since it is the client's own word, and may be no host at all. */
function originOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { origin, host } = new URL(url)
  return HOST.test(host) ? origin : undefined
}

const schemeOf = ({ request }: Exchange): string =>
  (request.socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http'

/**
 * What the nearest proxy says of the request that it got, in `Forwarded` (RFC 7239) or in `X-Forwarded-*`. It passes the
 * one that it does not write on as the client sent it: so where both are there and differ, neither counts.
 */
function toldOf(exchange: Exchange, what: 'host' | 'proto'): string | undefined {
  const [standard, common] = [exchange.header('forwarded'), exchange.header(`x-forwarded-${what}`)]
  const said = [
    ...(standard === undefined ? [] : [forwardedElements(standard).at(-1)?.get(what)]),
    ...(common === undefined ? [] : [common.split(',').at(-1)]),
  ].map((value) => value?.trim().toLowerCase())
  const [value] = said
  return said.every((each) => each === value) ? value : undefined
}
