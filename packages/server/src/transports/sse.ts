/**
 * Server-Sent Events [WP-3.8]: `retry`, `welcome`, then the watch as it comes, with bookmarks in its silences.
 *
 * Next on the way down: {@link Watcher} in core/src/watch.ts.
 */
import type { Writable } from 'node:stream'
import type { Encoding, Sink, Start, Subscription, Watch } from '@watchpost/core'
import {
  encodeControl,
  encodeError,
  encodeSse,
  encodeSseEvent,
  formatCursor,
  formatTimestamp,
  problemType,
  typeOf,
  type Welcome,
} from '@watchpost/protocol'
import type { App } from '../app.ts'
import type { Exchange } from '../http/exchange.ts'
import { version } from '../version.ts'

/** How long an `EventSource` waits before it reconnects, when nothing better is known. */
const RETRY_MS = 2_000

/** On the way out, clients are told to come back at moments spread over this time, so that they don't come all at once. */
const RETURN_SPREAD_MS = 5_000

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

/** A subscription's way to one client. */
class StreamSink implements Sink<Buffer> {
  readonly #stream: Writable
  readonly #onFailure: (error: unknown) => void

  constructor(stream: Writable, onFailure: (error: unknown) => void) {
    this.#stream = stream
    this.#onFailure = onFailure
  }

  get bufferedBytes(): number {
    return this.#stream.writableLength
  }

  write(chunk: Buffer): void {
    if (this.#stream.writable) this.#stream.write(chunk)
  }

  drained(): Promise<void> {
    const stream = this.#stream
    if (!stream.writable) return Promise.resolve()
    return new Promise((resolve) => {
      const settle = (): void => {
        stream.off('drain', settle).off('close', settle)
        resolve()
      }
      stream.on('drain', settle).on('close', settle)
    })
  }

  fail(error: unknown): void {
    this.#onFailure(error)
  }
}

/** Serves a watch until the client leaves, stalls, or the server goes away. */
export async function serveSse(app: App, exchange: Exchange, watch: Watch, start: Start): Promise<void> {
  const located = await app.watcher.locate(watch, start)
  if (exchange.gone) return
  // In the same turn as the connection is counted, or many at once could pass the bound together.
  app.connections.demandRoom()
  const stream = exchange.stream({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  const cursor = located.gap?.after ?? app.watcher.cursor(located.position)
  const { id, remove } = app.connections.add('sse', { goAway: () => endAfter(stream, goodbye(app)) })
  stream.write(greeting(app, id, cursor))
  const sink = new StreamSink(stream, (error) => endAfter(stream, failure(app, error)))
  const subscription = app.watcher.subscribe(watch, located, app.sse, sink)
  endWith(app, exchange, stream, subscription, remove)
}

/** Sends a last frame, and leaves a client that does not take it. */
function endAfter(stream: Writable, frame: string): void {
  if (stream.writable) stream.end(frame)
  setTimeout(() => stream.destroy(), LAST_FRAME_MS).unref()
}

/** Gives the subscription back when the stream closes, and cuts the stream when its client takes nothing for too long. */
function endWith(
  app: App,
  { response }: Exchange,
  stream: Writable,
  subscription: Subscription<Buffer>,
  remove: () => void,
): void {
  // The timeout starts anew with each write and each byte that the client takes. When nothing waits for the client, it
  // was only not sent anything for so long.
  response.on('timeout', () => {
    if (stream.writableLength > 0) stream.destroy()
  })
  response.setTimeout(app.limits.stalledMs)
  stream.on('error', () => stream.destroy())
  stream.on('close', () => {
    subscription.close()
    remove()
  })
}

function greeting(app: App, connection: string, cursor: string): string {
  const welcome: Welcome = { connection, cursor, heartbeatMs: app.heartbeatMs, limits: app.limits, server: version }
  const json = encodeControl('welcome', welcome, formatTimestamp(app.clock.now()))
  return encodeSse({ retryMs: RETRY_MS, id: cursor, event: 'welcome', data: json })
}

function goodbye(app: App): string {
  const retryMs = 500 + Math.floor(Math.random() * RETURN_SPREAD_MS)
  const json = encodeControl('goodbye', { retryAfter: retryMs / 1_000 }, formatTimestamp(app.clock.now()))
  return encodeSse({ retryMs, event: 'goodbye', data: json })
}

function failure(app: App, error: unknown): string {
  app.logger.error({ err: error }, 'a stream ended because the log could not be read')
  const problem = { type: problemType('internal'), message: 'The log could not be read; connect again to go on.' }
  return encodeSse({ event: 'error', data: encodeError(problem, formatTimestamp(app.clock.now())) })
}
