/**
 * Ends HTTP/2 connections whose clients keep the server busy with the protocol itself. Node and its nghttp2 bound what
 * such a client makes them hold; these bounds are on what it makes them do.
 */
import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Limits } from '@watchpost/protocol'
import { Rate } from '../quotas/rate.ts'

type Counted = 'settings' | 'pings' | 'resets'

/** Of one connection. A client that does its work stays far below each, and so does a proxy that carries many. */
const RATES: Readonly<Record<Counted, Rate>> = {
  /** Clients change their settings once, or a few times when they grow a window; each is answered and applied. */
  settings: new Rate(1, 30),
  /** Clients ask every few seconds whether the connection lives, or with each round trip how long that takes. */
  pings: new Rate(20, 200),
  /**
   * Streams that end without an answer: of clients that leave, many at once behind a proxy. Each may have cost a read of
   * the log, and is not counted among the streams that may be open at once any more.
   */
  resets: new Rate(50, 500),
}

/**
 * Bytes that came and belong to no request: window updates, empty or unknown frames, headers that are refused. They cost
 * time by their number, and nothing else tells of them; so many may come at once after a pause.
 */
const OVERHEAD_BYTES_BURST = 1_048_576

/** And so many in the long run, beside what {@link OVERHEAD_PER_SENT} allows. */
const OVERHEAD_BYTES_PER_SECOND = 65_536

/** Whoever is sent much confirms much. An answer to a ping or to settings is as long as what it answers, so not all counts. */
const OVERHEAD_PER_SENT = 0.5

/** A body comes in frames, which have headers and padding. */
const BODY_OVERHEAD = 2

/** How often the bytes of all connections are looked at. */
const LOOK_EVERY_MS = 1_000

type Reason = Counted | 'overhead'

/** Why a connection was ended; the server's event `sessionError` tells of it. */
export class Http2Abuse extends Error {
  override readonly name = 'Http2Abuse'
  readonly reason: Reason

  constructor(reason: Reason) {
    super(`an HTTP/2 client sent more ${reason === 'overhead' ? 'that belongs to no request' : reason} than any needs`)
    this.reason = reason
  }
}

export class Http2Guard {
  readonly #limits: Limits
  readonly #accounts = new Set<Account>()
  #timer: NodeJS.Timeout | undefined

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Watches a session from its beginning to its end. */
  guard(session: ServerHttp2Session): void {
    const account = new Account(session, this.#limits)
    this.#accounts.add(account)
    session.once('close', () => this.#accounts.delete(account))
  }

  start(): void {
    this.#timer = setInterval(() => {
      for (const account of this.#accounts) account.look()
    }, LOOK_EVERY_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

/** What one connection did. */
class Account {
  readonly #session: ServerHttp2Session
  readonly #limits: Limits
  /** When the whole burst of each rate is there again. */
  readonly #wholeMs = { settings: 0, pings: 0, resets: 0 }
  /** What the bodies of open requests may take, by the number of the stream. */
  readonly #bodies = new Map<number, number>()
  #bodyBytes = 0
  /** What may still come before the connection is ended. */
  #allowedBytes = OVERHEAD_BYTES_BURST
  #readBytes = 0
  #writtenBytes = 0
  #lookedMs = performance.now()

  constructor(session: ServerHttp2Session, limits: Limits) {
    this.#session = session
    this.#limits = limits
    session.on('remoteSettings', () => this.#count('settings'))
    session.on('ping', () => this.#count('pings'))
    const closed = (stream: ServerHttp2Stream): void => this.#close(stream)
    // One function for all streams of the connection.
    function onClose(this: ServerHttp2Stream): void {
      closed(this)
    }
    session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      this.#open(stream, headers)
      stream.on('close', onClose)
    })
  }

  #count(reason: Counted): void {
    const taken = RATES[reason].take(this.#wholeMs[reason], performance.now())
    this.#wholeMs[reason] = taken.wholeMs
    if (taken.waitMs > 0) this.#end(reason)
  }

  #open(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    this.#allowedBytes += this.#limits.headerBytesMax
    if (stream.endAfterHeaders || stream.id === undefined) return
    const length = Number(headers['content-length'] ?? this.#limits.publishBytesMax)
    const bytes = BODY_OVERHEAD * Math.min(Number.isNaN(length) ? 0 : length, this.#limits.publishBytesMax)
    this.#bodies.set(stream.id, bytes)
    this.#bodyBytes += bytes
    this.#allowedBytes += bytes
  }

  #close({ id = 0, rstCode }: ServerHttp2Stream): void {
    this.#bodyBytes -= this.#bodies.get(id) ?? 0
    this.#bodies.delete(id)
    if (rstCode !== constants.NGHTTP2_NO_ERROR) this.#count('resets')
  }

  look(): void {
    if (this.#session.destroyed) return
    const nowMs = performance.now()
    const { bytesRead, bytesWritten } = this.#session.socket
    this.#allowedBytes +=
      (OVERHEAD_BYTES_PER_SECOND * (nowMs - this.#lookedMs)) / 1_000 +
      OVERHEAD_PER_SENT * (bytesWritten - this.#writtenBytes) -
      (bytesRead - this.#readBytes)
    this.#lookedMs = nowMs
    this.#readBytes = bytesRead
    this.#writtenBytes = bytesWritten
    if (this.#allowedBytes < 0) return this.#end('overhead')
    // What requests that are over did not use is no credit for later.
    this.#allowedBytes = Math.min(this.#allowedBytes, OVERHEAD_BYTES_BURST + this.#bodyBytes)
  }

  #end(reason: Reason): void {
    if (!this.#session.destroyed) {
      this.#session.destroy(new Http2Abuse(reason), constants.NGHTTP2_ENHANCE_YOUR_CALM)
    }
  }
}
