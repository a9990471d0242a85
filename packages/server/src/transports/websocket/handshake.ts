/**
 * Opening WebSockets [WP-4.1]. What can be refused is refused before the upgrade, as a problem document, since browsers
 * show a page nothing of what comes between a handshake and its end but a code.
 *
 * Next on the way down: connection.ts.
 */
import type { IncomingMessage } from 'node:http'
import { type Limits, ProblemError } from '@watchpost/protocol'
import { type ServerOptions, WebSocketServer } from 'ws'
import type { App } from '../../app.ts'
import { actorOf } from '../../audit.ts'
import { demandStillGood } from '../../auth/still-good.ts'
import type { Exchange } from '../../http/exchange.ts'
import { lifecycleLines } from '../../http/lifecycle-headers.ts'
import { demandOwnOrigin } from '../../http/origin.ts'
import { afterOf, demandOthers, flagOf, lastOf, viewOf } from '../../http/query.ts'
import { appearanceOf } from '../../presence.ts'
import { clientOf } from '../../quotas/quotas.ts'
import { CLOSE_MS, Connection, Peer } from './connection.ts'
import { FORMATS, type Format, JSON_FORMAT } from './formats.ts'
import { type Prepared, prepare } from './wish.ts'

/** Of the WebSocket protocol (RFC 6455). */
const VERSION = '13'

/** More fragments than this in one message are a flood [WP-4.9]. */
const FRAGMENTS_MAX = 16_384

/** The options of the library that reads what clients send. */
export function webSocketServerOptions(limits: Pick<Limits, 'messageBytesMax'>, compression: boolean): ServerOptions {
  return {
    noServer: true,
    clientTracking: false,
    maxPayload: limits.messageBytesMax,
    // Known to the library, but not to its types yet.
    ...{ maxFragments: FRAGMENTS_MAX, closeTimeout: CLOSE_MS },
    handleProtocols: (offered) => formatOf([...offered])?.subprotocol ?? false,
    // No context is kept from message to message, on either side: so frames can be shared, and an idle connection holds
    // none.
    perMessageDeflate: compression && { serverNoContextTakeover: true, clientNoContextTakeover: true },
  }
}

export const createWebSocketServer = (limits: Limits, compression: boolean): WebSocketServer =>
  new WebSocketServer({ ...webSocketServerOptions(limits, compression), WebSocket: Peer })

/** @throws ProblemError always */
export function demandUpgrade(): never {
  throw new ProblemError('upgrade-required', 'This path is for WebSockets; connect to it with a WebSocket client.')
}

/** @throws ProblemError always */
export function refuseEventsSocket(): never {
  const detail = 'A WebSocket is opened on /v1 or on a topic; on /v1, subscribe to each of several topics.'
  throw new ProblemError('transport-not-offered', detail, { transports: ['page', 'long-poll', 'sse'] })
}

export function openSocket(app: App, exchange: Exchange): void {
  app.quotas.demandHandshake(clientOf(app, exchange), exchange)
  open(app, exchange, undefined)
}

/** Opens a socket that is subscribed to the topic from the start. */
export async function openTopicSocket(app: App, exchange: Exchange, filter: string): Promise<void> {
  const { limits } = app
  app.quotas.demandHandshake(clientOf(app, exchange), exchange)
  demandOthers(exchange, limits)
  const wish = {
    filter,
    view: { ...viewOf(exchange, limits), delta: flagOf(exchange, 'delta') },
    after: afterOf(exchange, limits),
    last: lastOf(exchange, limits),
    state: flagOf(exchange, 'state'),
    appearance: appearanceOf(exchange, limits),
  }
  const prepared = await prepare(app, wish, exchange.identity)
  if (!exchange.gone) open(app, exchange, prepared)
}

function open(app: App, exchange: Exchange, prepared: Prepared | undefined): void {
  demandOwnOrigin(app, exchange, 'open a WebSocket')
  const format = demandFormat(exchange.header('sec-websocket-protocol'))
  demandStillGood(app, exchange)
  // In the same turn as the connection is counted, or many at once could pass the bound together.
  const client = clientOf(app, exchange)
  app.connections.demandRoom(client, 2)
  const refusal = app.connections.refusal(client)
  const connection = new Connection(app, upgrade(app, exchange), exchange, format)
  try {
    if (refusal === undefined) connection.begin(prepared)
    else connection.end(refusal, 'limit')
    if (refusal !== undefined) app.audit.refusal(actorOf(app, exchange), { problem: refusal, request: 'GET /v1' })
  } catch (error) {
    // The handshake is done, so this can only be told as a message.
    connection.fail(error)
  }
}

/** Offers of compression with a smaller window than the frames have that all share. */
const SMALL_WINDOW = /server_max_window_bits\s*=\s*"?(?:[89]|1[0-4])\b/

/** The library would end a handshake that offers nothing else, where it is to go on without (RFC 7692, section 5). */
function declineSmallWindows({ headers }: IncomingMessage): void {
  const offers = headers['sec-websocket-extensions']?.split(',').filter((offer) => !SMALL_WINDOW.test(offer)) ?? []
  if (offers.length > 0) headers['sec-websocket-extensions'] = offers.join(',').trim()
  else delete headers['sec-websocket-extensions']
}

/** @throws ProblemError `upgrade-required` */
function upgrade({ webSockets }: App, exchange: Exchange): Peer {
  const { request, head = Buffer.alloc(0) } = exchange
  if (exchange.header('sec-websocket-version') !== VERSION) {
    throw new ProblemError('upgrade-required', `Sec-WebSocket-Version: must be ${VERSION}.`)
  }
  declineSmallWindows(request)
  let peer: Peer | undefined
  let fault = 'the client has left'
  const onFault = (error: Error): void => {
    fault = error.message
  }
  // All of it happens within the call.
  const onHeaders = (lines: string[]): void => void lines.push(...lifecycleLines(exchange))
  webSockets.once('wsClientError', onFault)
  webSockets.once('headers', onHeaders)
  webSockets.handleUpgrade(request, request.socket, head, (opened) => {
    peer = opened as Peer
  })
  webSockets.off('wsClientError', onFault)
  webSockets.off('headers', onHeaders)
  if (peer === undefined) throw new ProblemError('upgrade-required', `This is no handshake of a WebSocket: ${fault}.`)
  exchange.upgraded()
  return peer
}

/** @throws ProblemError `invalid-parameter` */
function demandFormat(offered: string | undefined): Format {
  if (offered === undefined) return JSON_FORMAT
  const format = formatOf(offered.split(',').map((name) => name.trim()))
  if (format !== undefined) return format
  const known = FORMATS.map(({ subprotocol }) => subprotocol).join(' or ')
  throw new ProblemError('invalid-parameter', `Sec-WebSocket-Protocol: offer ${known}, or nothing for JSON.`)
}

/** The first of those offered that is known. */
function formatOf(offered: readonly string[]): Format | undefined {
  for (const name of offered) {
    const format = FORMATS.find(({ subprotocol }) => subprotocol === name)
    if (format !== undefined) return format
  }
  return undefined
}
