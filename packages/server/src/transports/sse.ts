/**
 * Server-Sent Events [WP-3.8]: `retry`, `welcome`, then the watch as it comes, with bookmarks in its silences.
 *
 * Next on the way down: {@link Watcher} in core/src/watch.ts.
 */
import type { Writable } from 'node:stream'
import type { Encoding, Located, Sink, Start, Subscription, Watch } from '@watchpost/core'
import { encodeControl, encodeSse, encodeSseEvent, formatCursor, typeOf } from '@watchpost/protocol'
import Negotiator from 'negotiator'
import type { App } from '../app.ts'
import type { Exchange, Headers } from '../http/exchange.ts'
import { goodbye, readFailure, welcome } from './control.ts'
import { type GzipChunk, GzipStream, gzipChunk } from './gzip.ts'

/** How long an `EventSource` waits before it reconnects, when nothing better is known. */
const RETRY_MS = 2_000

/** How long a client may take for the last frame of a stream. */
const LAST_FRAME_MS = 5_000

/** Frames as bytes, so that all members of a feed are written the same buffer. */
export function sseEncoding(epoch: string): Encoding<Buffer> {
  return {
    name: 'sse',
    events: (events) =>
      Buffer.from(
        events
          .map(({ offset, json }) => encodeSseEvent(formatCursor(epoch, { offset, trims: 0 }), typeOf(json), json))
          .join(''),
      ),
    bookmark: (cursor, timestamp) =>
      Buffer.from(encodeSseEvent(cursor, 'bookmark', encodeControl('bookmark', { cursor }, timestamp))),
    gap: (gap, timestamp) => Buffer.from(encodeSseEvent(gap.earliest, 'gap', encodeControl('gap', gap, timestamp))),
  }
}

/** The same frames compressed, which all members of a feed share as well. */
export function sseGzipEncoding(epoch: string): Encoding<GzipChunk> {
  const plain = sseEncoding(epoch)
  return {
    name: 'sse-gzip',
    events: (events, shared) => gzipChunk(plain.events(events, shared)),
    bookmark: (...told) => gzipChunk(plain.bookmark(...told)),
    gap: (...told) => gzipChunk(plain.gap(...told)),
  }
}

/** The bytes of one client's stream: what it begins with, what is sent for each chunk, and what it ends with. */
interface Body<Chunk> {
  begin(frame: Buffer): Buffer
  add(chunk: Chunk): Buffer
  end(frame: Buffer): Buffer
}

/** How the stream of one client is coded. */
interface Coding<Chunk> {
  readonly encoding: Encoding<Chunk>
  readonly body: Body<Chunk>
  readonly headers: Headers
}

const AS_IT_IS: Body<Buffer> = { begin: (frame) => frame, add: (chunk) => chunk, end: (frame) => frame }

/** A subscription's way to one client. */
class StreamSink<Chunk> implements Sink<Chunk> {
  readonly #stream: Writable
  readonly #body: Body<Chunk>
  readonly #lastFrame: (error: unknown) => string

  /** @param lastFrame of a stream that can't go on */
  constructor(stream: Writable, body: Body<Chunk>, lastFrame: (error: unknown) => string) {
    this.#stream = stream
    this.#body = body
    this.#lastFrame = lastFrame
  }

  get bufferedBytes(): number {
    return this.#stream.writableLength
  }

  begin(frame: string): void {
    this.#stream.write(this.#body.begin(Buffer.from(frame)))
  }

  write(chunk: Chunk): void {
    if (this.#stream.writable) this.#stream.write(this.#body.add(chunk))
  }

  /** Sends a last frame, and leaves a client that does not take it. */
  end(frame: string): void {
    const stream = this.#stream
    if (stream.writable) stream.end(this.#body.end(Buffer.from(frame)))
    setTimeout(() => stream.destroy(), LAST_FRAME_MS).unref()
  }

  drained(): Promise<void> {
    const stream = this.#stream
    // One that is ending never drains, and is closed when it has.
    if (stream.destroyed || stream.writableLength === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const settle = (): void => {
        stream.off('drain', settle).off('close', settle)
        resolve()
      }
      stream.on('drain', settle).on('close', settle)
    })
  }

  fail(error: unknown): void {
    this.end(this.#lastFrame(error))
  }
}

/** Serves a watch until the client leaves, stalls, or the server goes away. */
export async function serveSse(app: App, exchange: Exchange, watch: Watch, start: Start): Promise<void> {
  const located = await app.watcher.locate(watch, start)
  if (exchange.gone) return
  // In the same turn as the connection is counted, or many at once could pass the bound together.
  app.connections.demandRoom()
  const { sse, sseGzip } = app
  // Said in an answer that is not compressed too, since the next request may get one that is.
  if (sseGzip !== undefined) exchange.response.appendHeader('vary', 'Accept-Encoding')
  if (sseGzip === undefined || !acceptsGzip(exchange)) {
    serveCoded(app, exchange, watch, located, { encoding: sse, body: AS_IT_IS, headers: {} })
  } else {
    const headers = { 'content-encoding': 'gzip' }
    serveCoded(app, exchange, watch, located, { encoding: sseGzip, body: new GzipStream(), headers })
  }
}

/** Whether the request weighs `gzip` above no coding, or names it first of the two (RFC 9110, section 12.5.3). */
const acceptsGzip = ({ request }: Exchange): boolean =>
  new Negotiator(request).encoding(['identity', 'gzip']) === 'gzip'

function serveCoded<Chunk>(app: App, exchange: Exchange, watch: Watch, located: Located, coding: Coding<Chunk>): void {
  const stream = exchange.stream({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    ...coding.headers,
  })
  const sink = new StreamSink(stream, coding.body, (error) => failureFrame(app, error))
  const cursor = located.gap?.after ?? app.watcher.cursor(located.position)
  const id = app.connections.add({
    transport: 'sse',
    goAway: () => sink.end(goodbyeFrame(app)),
    get bufferedBytes() {
      return sink.bufferedBytes
    },
  })
  sink.begin(welcomeFrame(app, id, cursor))
  const subscription = app.watcher.subscribe(watch, located, coding.encoding, sink)
  endWith(app, exchange, stream, subscription, id)
}

/** Gives the subscription back when the stream closes, and cuts the stream when its client takes nothing for too long. */
function endWith<Chunk>(
  app: App,
  { response }: Exchange,
  stream: Writable,
  subscription: Subscription<Chunk>,
  id: string,
): void {
  // The timeout starts anew with each write and each byte that the client takes. When nothing waits for the client, it
  // was only not sent anything for so long.
  response.on('timeout', () => {
    if (stream.writableLength === 0) return
    app.metrics.cut.inc({ transport: 'sse', reason: 'stalled' })
    app.logger.info({ connection: id, reason: 'stalled' }, 'a connection was cut')
    stream.destroy()
  })
  response.setTimeout(app.limits.stalledMs)
  stream.on('error', () => stream.destroy())
  stream.on('close', () => {
    subscription.close()
    app.connections.remove(id)
  })
}

function welcomeFrame(app: App, connection: string, cursor: string): string {
  return encodeSse({ retryMs: RETRY_MS, id: cursor, event: 'welcome', data: welcome(app, connection, cursor) })
}

function goodbyeFrame(app: App): string {
  const { json, retryMs } = goodbye(app)
  return encodeSse({ retryMs, event: 'goodbye', data: json })
}

const failureFrame = (app: App, error: unknown): string => encodeSse({ event: 'error', data: readFailure(app, error) })
