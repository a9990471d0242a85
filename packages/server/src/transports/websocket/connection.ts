/**
 * One WebSocket, from its welcome to its end. Frames of events are made once per feed and written to the socket as they
 * are; the library reads what the client sends.
 *
 * Next on the way down: dialogue.ts.
 */
import type { Socket } from 'node:net'
import type { Beating, Encoding } from '@watchpost/core'
import { PROBLEMS, ProblemError } from '@watchpost/protocol'
import { type RawData, WebSocket } from 'ws'
import type { App } from '../../app.ts'
import { type Expiring, Expiry } from '../../auth/expiry.ts'
import { demandSameHolder, type Session } from '../../auth/session.ts'
import type { Connection as OpenConnection } from '../../http/connections.ts'
import type { Exchange } from '../../http/exchange.ts'
import { countCut, expired, expiring, goodbye, readFailure, welcome } from '../control.ts'
import { Dialogue, type Speaker, startOf } from './dialogue.ts'
import { webSocketEncoding } from './encodings.ts'
import { type Format, JSON_FORMAT } from './formats.ts'
import { frames } from './frames.ts'
import { type Lively, Liveness } from './liveness.ts'
import { type Carrier, Subscriptions } from './subscriptions.ts'
import type { Prepared } from './wish.ts'

/** How long a client may take for its part of the closing handshake. */
export const CLOSE_MS = 5_000

/** A client's end as the library gives it; the connection takes it over. */
export class Peer extends WebSocket {
  connection: Connection | undefined
}

// Of each connection there may be many thousands, so listeners are not made anew for each.
const connectionOf = (peer: WebSocket): Connection | undefined => (peer as Peer).connection
function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  connectionOf(this)?.take(data as Buffer, isBinary)
}
function onError(this: WebSocket, error: Error): void {
  connectionOf(this)?.broken(error)
}
function onClose(this: WebSocket): void {
  connectionOf(this)?.closed()
}

export class Connection implements Carrier, Lively, Speaker, Expiring, Beating, OpenConnection {
  readonly transport = 'websocket'
  readonly address: string
  readonly app: App
  readonly socket: Socket
  readonly peer: Peer
  readonly encoding: Encoding<Buffer>
  readonly format: Format
  readonly #compressed: boolean
  readonly id: string
  readonly #liveness: Liveness
  readonly #dialogue: Dialogue
  #session: Session
  /** Of those whose credentials end. */
  #expiry: Expiry | undefined
  readonly subscriptions: Subscriptions
  #draining: Promise<void> | undefined
  #endReason = 'left'
  /** Takes no more requests. */
  #isLeaving = false
  #isEnded = false

  constructor(app: App, peer: Peer, exchange: Exchange, format: Format) {
    const { request, session } = exchange
    this.app = app
    this.socket = request.socket
    this.#session = session
    this.peer = peer
    this.format = format
    this.#compressed = peer.extensions !== ''
    this.encoding = webSocketEncoding(format, this.#compressed)
    this.subscriptions = new Subscriptions(this)
    this.#liveness = new Liveness(this)
    this.address = app.addresses.of(request)
    this.#dialogue = new Dialogue(this)
    this.id = app.connections.add(this)
    app.audit.note('connect', this, { connection: this.id })
    app.hub.heartbeats.add(this)
    peer.connection = this
    peer.on('message', onMessage).on('error', onError).on('close', onClose)
  }

  /** Greets the client, and subscribes to what its URL asked for. */
  begin(prepared: Prepared | undefined): void {
    const { watcher, log } = this.app
    const cursor = prepared === undefined ? watcher.cursor({ offset: log.head, trims: 0 }) : startOf(this.app, prepared)
    const filters = prepared === undefined ? [] : [prepared.wish.filter]
    this.send(welcome(this.app, this.id, cursor, filters, this.session.identity))
    this.#watchExpiry()
    if (prepared !== undefined) this.#dialogue.subscribe(prepared)
  }

  // As the rest of the server sees it.

  get bufferedBytes(): number {
    return this.socket.writableLength
  }

  get session(): Session {
    return this.#session
  }

  get filters(): readonly string[] {
    return this.subscriptions.filters
  }

  end(problem: ProblemError, reason: string): void {
    if (this.#isEnded) return
    this.#dialogue.answerProblem(problem)
    this.cut(PROBLEMS[problem.problem].close ?? 1011, reason)
  }

  goAway(): void {
    if (!this.#isEnded && !this.#isLeaving) void this.#goAway()
  }

  async #goAway(): Promise<void> {
    this.#isLeaving = true
    // What was asked for is answered first: a publish that is in the log has to be told of.
    await this.#dialogue.settled()
    this.send(goodbye(this.app).json)
    this.#end(1001, 'going away')
  }

  beat(): void {
    if (!this.#isEnded) this.#liveness.check()
  }

  get isPaused(): boolean {
    return this.peer.isPaused
  }

  get ended(): boolean {
    return this.#isEnded
  }

  ping(): void {
    this.peer.ping()
  }

  giveUp(reason: 'silent' | 'stalled'): void {
    this.cut(4408, reason)
  }

  // As the library sees it.

  broken(error: Error): void {
    // The library ends the connection with the code that fits.
    if (!this.#isEnded) this.#endReason = 'protocol'
    this.app.metrics.cut.inc({ transport: 'websocket', reason: 'protocol' })
    this.app.logger.debug({ err: error, connection: this.id }, 'a WebSocket broke its protocol')
  }

  closed(): void {
    this.#leave()
    this.app.hub.heartbeats.remove(this)
    this.app.connections.remove(this.id)
    this.app.audit.note('disconnect', this, { connection: this.id, reason: this.#endReason })
  }

  take(data: Buffer, isBinary: boolean): void {
    if (this.#isEnded || this.#isLeaving) return
    if (isBinary === (this.format === JSON_FORMAT)) this.cut(1003, 'wrong kind of frame')
    else this.#dialogue.take(data)
  }

  // As its subscriptions see it.

  write(chunk: Buffer): void {
    // Nothing may follow on a close frame, be it ours or the answer to the client's.
    if (!this.#isEnded && this.peer.readyState === WebSocket.OPEN && this.socket.writable) this.socket.write(chunk)
  }

  drained(): Promise<void> {
    const { socket } = this
    // One that is ending never drains, and is closed when it has.
    if (socket.destroyed || socket.writableLength === 0) return Promise.resolve()
    this.#draining ??= new Promise((resolve) => {
      const settle = (): void => {
        socket.off('drain', settle).off('close', settle)
        this.#draining = undefined
        resolve()
      }
      socket.on('drain', settle).on('close', settle)
    })
    return this.#draining
  }

  fail(error: unknown): void {
    if (this.#isEnded) return
    this.send(readFailure(this.app, error))
    this.#end(1011, 'the log could not be read')
  }

  // As its credentials see it.

  renew(session: Session): void {
    if (this.#isEnded) throw new ProblemError('not-found', 'The connection has ended.')
    demandSameHolder(this.#session, session)
    this.app.connections.claim(this.id, session.identity.holder)
    this.#session = session
    this.app.audit.note('authenticate', this, { connection: this.id, expiresMs: session.expiresMs })
    this.#watchExpiry()
    this.reassess()
  }

  reassess(): void {
    this.#dialogue.reassess()
  }

  expiring(expiresMs: number): void {
    this.send(expiring(this.app, expiresMs))
  }

  expired(): void {
    this.end(expired(), 'expired')
  }

  #watchExpiry(): void {
    if (this.#expiry === undefined && this.#session.expiresMs === undefined) return
    this.#expiry ??= new Expiry(this.app.clock, this.app.expiringMs, this)
    this.#expiry.watch(this.#session)
  }

  // What the client is told.

  send(json: string): void {
    this.write(this.frame(json))
  }

  frame(json: string): Buffer {
    return frames([this.format.payload(json)], this.#compressed)
  }

  // Its end.

  cut(code: number, reason: string): void {
    countCut(this.app, 'websocket', this.id, reason)
    this.#end(code, reason)
  }

  #end(code: number, reason: string): void {
    if (this.#isEnded) return
    this.#endReason = reason
    this.#leave()
    this.peer.close(code, reason)
    // The client's part of the closing handshake is to be heard.
    this.peer.resume()
    // A client that closed its end already is not timed out by the library.
    setTimeout(() => this.socket.destroy(), CLOSE_MS).unref()
  }

  #leave(): void {
    this.#isEnded = true
    this.#expiry?.stop()
    this.subscriptions.close()
  }
}
