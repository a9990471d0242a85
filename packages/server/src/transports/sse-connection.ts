/** One client's stream of Server-Sent Events: what it is sent, how it goes on when rights change, and its end. */
import type { Writable } from 'node:stream'
import type { Attendance, Encoding, Located, Sink, Subscription, Watch } from '@watchpost/core'
import { encodeSse, ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import { type Expiring, Expiry } from '../auth/expiry.ts'
import { demandSameHolder, type Session } from '../auth/session.ts'
import type { Connection } from '../http/connections.ts'
import type { Exchange } from '../http/exchange.ts'
import { type Appearance, attend } from '../presence.ts'
import { encodingFor } from './bundles.ts'
import { countCut, expired, expiring, goodbye, problemMessage, readFailure, welcome } from './control.ts'
import type { Wanted } from './wanted.ts'

/** How long an `EventSource` waits before it reconnects, when nothing better is known. */
const RETRY_MS = 2_000

/** How long a client may take for the last frame of a stream. */
const LAST_FRAME_MS = 5_000

/** The bytes of one client's stream: what it begins with, what is sent for chunks and for frames of its own, and its end. */
export interface Body<Chunk> {
  begin(frame: Buffer): Buffer
  add(chunk: Chunk): Buffer
  tell(frame: Buffer): Buffer
  end(frame: Buffer): Buffer
}

/** Where the bytes go, and how they are made. */
interface Channel<Chunk> {
  readonly stream: Writable
  readonly body: Body<Chunk>
  readonly encoding: Encoding<Chunk>
  /** How the client is seen by those who watch presence. */
  readonly appearance: Appearance
}

/** The last frame of a stream whose server goes away. */
export function goodbyeFrame(app: App): string {
  const { json, retryMs } = goodbye(app)
  return encodeSse({ retryMs, event: 'goodbye', data: json })
}

export class SseConnection<Chunk> implements Connection, Sink<Chunk>, Expiring {
  readonly transport = 'sse'
  readonly address: string
  readonly #app: App
  readonly #wanted: Wanted
  readonly #stream: Writable
  readonly #body: Body<Chunk>
  readonly #encoding: Encoding<Chunk>
  readonly #appearance: Appearance
  readonly #id: string
  #session: Session
  #expiry: Expiry | undefined
  #watch: Watch
  #subscription: Subscription<Chunk> | undefined
  #attendance: Attendance | undefined
  #endReason = 'left'
  #isEnding = false

  constructor(app: App, exchange: Exchange, wanted: Wanted, { stream, body, encoding, appearance }: Channel<Chunk>) {
    this.#app = app
    this.#wanted = wanted
    this.#stream = stream
    this.#body = body
    this.#appearance = appearance
    this.#session = exchange.session
    // Made anew, since finding the start took its time, in which rights or topics may have changed.
    this.#watch = wanted(exchange.identity)
    this.#encoding = encodingFor(encoding, this.#watch, app.log.epoch)
    this.address = app.addresses.of(exchange.request)
    this.#id = app.connections.add(this)
    app.audit.note('connect', this, { connection: this.#id })
    stream.on('error', () => stream.destroy())
    stream.on('close', () => this.#closed())
  }

  /** Greets the client, and sends it everything from there on. */
  begin(located: Located): void {
    const { watcher } = this.#app
    const cursor = located.gap?.after ?? watcher.cursor(located.position)
    const data = welcome(this.#app, this.#id, cursor, this.filters, this.#session.identity)
    const frame = encodeSse({ retryMs: RETRY_MS, id: cursor, event: 'welcome', data })
    this.#stream.write(this.#body.begin(Buffer.from(frame)))
    this.#watchExpiry()
    this.#subscription = watcher.subscribe(this.#watch, located, this.#encoding, this)
    this.#attend()
    this.#app.audit.note('subscribe', this, { connection: this.#id, topics: this.filters })
  }

  // As its subscription sees it.

  get bufferedBytes(): number {
    return this.#stream.writableLength
  }

  write(chunk: Chunk): void {
    if (this.#stream.writable) this.#stream.write(this.#body.add(chunk))
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
    const reason = 'the log could not be read'
    if (!this.#isEnding) this.#end(reason, encodeSse({ event: 'error', data: readFailure(this.#app, error) }))
  }

  // As the rest of the server sees it.

  get session(): Session {
    return this.#session
  }

  get filters(): readonly string[] {
    return this.#watch.selection.filters
  }

  goAway(): void {
    if (this.#isEnding) return
    this.#end('going away', goodbyeFrame(this.#app))
  }

  end(problem: ProblemError, reason: string): void {
    if (this.#isEnding) return
    countCut(this.#app, 'sse', this.#id, reason)
    this.#end(reason, encodeSse({ event: 'error', data: problemMessage(this.#app, this.#id, problem) }))
  }

  /** Ends it without a word to a client that takes none. */
  cut(reason: string): void {
    countCut(this.#app, 'sse', this.#id, reason)
    if (!this.#isEnding) this.#endReason = reason
    this.#stream.destroy()
  }

  renew(session: Session): void {
    if (this.#isEnding) throw new ProblemError('not-found', 'The connection has ended.')
    demandSameHolder(this.#session, session)
    this.#session = session
    this.#app.audit.note('authenticate', this, { connection: this.#id, expiresMs: session.expiresMs })
    this.#watchExpiry()
    this.reassess()
  }

  reassess(): void {
    const before = this.#subscription
    if (this.#isEnding || before === undefined) return
    try {
      this.#watch = this.#wanted(this.#session.identity)
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      return this.end(error, 'revoked')
    }
    const { name, isByRules } = this.#watch.selection
    if (name === before.watch.selection.name && !isByRules) return
    // It sees other topics, or other things of them, from where it stands on.
    this.#subscription = this.#app.watcher.replace(before, this.#watch, this.#encoding, this)
    this.#attend()
  }

  #attend(): void {
    const { identity } = this.#session
    const attendant = { identity, connection: this.#id, filters: this.filters, appearance: this.#appearance }
    this.#attendance = attend(this.#app, attendant, this.#attendance)
  }

  // As its credentials see it.

  expiring(expiresMs: number): void {
    if (!this.#stream.writable) return
    const frame = encodeSse({ event: 'expiring', data: expiring(this.#app, expiresMs) })
    this.#stream.write(this.#body.tell(Buffer.from(frame)))
  }

  expired(): void {
    this.end(expired(), 'expired')
  }

  #watchExpiry(): void {
    if (this.#expiry === undefined && this.#session.expiresMs === undefined) return
    this.#expiry ??= new Expiry(this.#app.clock, this.#app.expiringMs, this)
    this.#expiry.watch(this.#session)
  }

  // Its end.

  /** Sends a last frame, and leaves a client that does not take it. */
  #end(reason: string, frame: string): void {
    this.#isEnding = true
    this.#endReason = reason
    this.#leave()
    const stream = this.#stream
    if (stream.writable) stream.end(this.#body.end(Buffer.from(frame)))
    setTimeout(() => stream.destroy(), LAST_FRAME_MS).unref()
  }

  #leave(): void {
    this.#expiry?.stop()
    this.#subscription?.close()
    this.#attendance?.leave()
  }

  #closed(): void {
    this.#isEnding = true
    this.#leave()
    this.#app.connections.remove(this.#id)
    this.#app.audit.note('disconnect', this, { connection: this.#id, reason: this.#endReason })
  }
}
