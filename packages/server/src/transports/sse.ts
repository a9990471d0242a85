/**
 * Server-Sent Events [WP-3.8]: `retry`, `welcome`, then the watch as it comes, with bookmarks in its silences.
 *
 * Next on the way down: {@link Watcher} in core/src/watch.ts.
 */
import type { Writable } from 'node:stream'
import type { Encoding, Located } from '@watchpost/core'
import Negotiator from 'negotiator'
import type { App } from '../app.ts'
import { demandStillGood } from '../auth/still-good.ts'
import type { Exchange, Headers } from '../http/exchange.ts'
import type { Appearance } from '../presence.ts'
import { clientOf } from '../quotas/quotas.ts'
import { GzipStream } from './gzip.ts'
import { type Body, goodbyeFrame, SseConnection } from './sse-connection.ts'
import type { Joining, Wanted } from './wanted.ts'

/** How the stream of one client is coded. */
interface Coding<Chunk> {
  readonly encoding: Encoding<Chunk>
  readonly body: Body<Chunk>
  readonly headers: Headers
  readonly appearance: Appearance
}

const HEADERS: Headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

const asItIs = (bytes: Buffer): Buffer => bytes

const AS_IT_IS: Body<Buffer> = { begin: asItIs, add: asItIs, tell: asItIs, end: asItIs }

/** Serves a watch until the client leaves, stalls, or the server goes away. */
export async function serveSse(app: App, exchange: Exchange, wanted: Wanted, joining: Joining): Promise<void> {
  const { start, appearance } = joining
  const watch = wanted(exchange.identity)
  if (isToGo(app, exchange)) return sayGoodbye(app, exchange)
  const client = clientOf(app, exchange)
  app.quotas.demandHandshake(client, exchange)
  const located = await app.watcher.locate(watch, start)
  if (exchange.gone) return
  demandStillGood(app, exchange)
  if (isToGo(app, exchange)) return sayGoodbye(app, exchange)
  // In the same turn as the connection is counted, or many at once could pass the bound together.
  app.connections.demandRoom(client)
  const { sse, sseGzip } = app
  // Said in an answer that is not compressed too, since the next request may get one that is.
  if (sseGzip !== undefined) exchange.response.appendHeader('vary', 'Accept-Encoding')
  if (sseGzip === undefined || !acceptsGzip(exchange)) {
    serveCoded(app, exchange, wanted, located, { encoding: sse, body: AS_IT_IS, headers: {}, appearance })
  } else {
    const headers = { 'content-encoding': 'gzip' }
    serveCoded(app, exchange, wanted, located, { encoding: sseGzip, body: new GzipStream(), headers, appearance })
  }
}

/** A proxy takes 503 for a reason to ask another server; an `EventSource`, for one to give up for good. */
const isToGo = ({ connections, addresses }: App, { request }: Exchange): boolean =>
  connections.draining && !addresses.isProxied(request)

function sayGoodbye(app: App, exchange: Exchange): void {
  exchange.send(200, goodbyeFrame(app), HEADERS)
}

/** Whether the request weighs `gzip` above no coding, or names it first of the two (RFC 9110, section 12.5.3). */
const acceptsGzip = ({ request }: Exchange): boolean =>
  new Negotiator(request).encoding(['identity', 'gzip']) === 'gzip'

function serveCoded<Chunk>(
  app: App,
  exchange: Exchange,
  wanted: Wanted,
  located: Located,
  coding: Coding<Chunk>,
): void {
  const stream = exchange.stream({ ...HEADERS, ...coding.headers })
  const connection = new SseConnection(app, exchange, wanted, { stream, ...coding })
  cutWhenStalled(app, exchange, stream, connection)
  connection.begin(located)
}

/** Cuts a stream whose client takes nothing for too long. */
function cutWhenStalled<Chunk>(
  app: App,
  { response }: Exchange,
  stream: Writable,
  connection: SseConnection<Chunk>,
): void {
  // The timeout starts anew with each write and each byte that the client takes. When nothing waits for the client, it
  // was only not sent anything for so long.
  response.on('timeout', () => {
    if (stream.writableLength > 0) connection.cut('stalled')
  })
  response.setTimeout(app.limits.stalledMs)
}
