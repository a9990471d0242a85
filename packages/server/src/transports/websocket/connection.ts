/**
 * One WebSocket: what its client asks for, what it is told, and its end. Frames of events are made once per feed and
 * written to the socket as they are; the library reads what the client sends.
 *
 * Next on the way down: {@link Watcher} in core/src/watch.ts.
 */
import type { Socket } from 'node:net'
import type { Beating, Encoding } from '@watchpost/core'
import {
  type ControlType,
  encodeControl,
  encodeError,
  formatTimestamp,
  PROBLEMS,
  ProblemError,
  problemType,
} from '@watchpost/protocol'
import { type RawData, WebSocket } from 'ws'
import type { App } from '../../app.ts'
import type { Connection as OpenConnection } from '../../http/connections.ts'
import { goodbye, readFailure, welcome } from '../control.ts'
import { webSocketEncoding } from './encodings.ts'
import { type Format, JSON_FORMAT } from './formats.ts'
import { frames } from './frames.ts'
import { type Lively, Liveness } from './liveness.ts'
import { Pace, type Paced } from './pace.ts'
import { demandText, idOf, publishRequest, type Request, requestOf, wishOf } from './requests.ts'
import { type Carrier, Subscriptions } from './subscriptions.ts'
import { type Prepared, prepare } from './wish.ts'

/** So many bad messages within so long are no mistake any more [WP-4.8]. */
const BAD_MESSAGES_MAX = 10
const BAD_MESSAGES_MS = 60_000

/** How long a client may take for its part of the closing handshake. */
export const CLOSE_MS = 5_000

/** Levels that a message may nest beside those of an event's data. */
const MESSAGE_DEPTH = 3

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

export class Connection implements Carrier, Lively, Paced, Beating, OpenConnection {
  readonly transport = 'websocket'
  readonly app: App
  readonly socket: Socket
  readonly peer: Peer
  readonly encoding: Encoding<Buffer>
  readonly #format: Format
  readonly #compressed: boolean
  readonly #id: string
  readonly #liveness: Liveness
  readonly #pace: Pace
  readonly #subscriptions: Subscriptions
  /** When bad messages came, on the monotonic clock. */
  #badMs: readonly number[] | undefined
  /** Subscribing takes its time, so what changes subscriptions is done one after the other. */
  #changes: Promise<void> | undefined
  #draining: Promise<void> | undefined
  /** Takes no more requests. */
  #isLeaving = false
  #isEnded = false

  constructor(app: App, peer: Peer, socket: Socket, format: Format) {
    this.app = app
    this.socket = socket
    this.peer = peer
    this.#format = format
    this.#compressed = peer.extensions !== ''
    this.encoding = webSocketEncoding(format, this.#compressed)
    this.#subscriptions = new Subscriptions(this)
    this.#liveness = new Liveness(this)
    this.#pace = new Pace(this)
    this.#id = app.connections.add(this)
    app.hub.heartbeats.add(this)
    peer.connection = this
    peer.on('message', onMessage).on('error', onError).on('close', onClose)
  }

  /** Greets the client, and subscribes to what its URL asked for. */
  begin(prepared: Prepared | undefined): void {
    const { watcher, log } = this.app
    const cursor = prepared === undefined ? watcher.cursor({ offset: log.head, trims: 0 }) : this.#startOf(prepared)
    this.#send(welcome(this.app, this.#id, cursor))
    if (prepared !== undefined) this.#subscribe(prepared, undefined)
  }

  /** Tells the client why it may not stay. */
  refuse(problem: ProblemError): void {
    this.#answerProblem(problem, undefined)
    this.#cut(PROBLEMS[problem.problem].close ?? 1011, 'limit')
  }

  // As the rest of the server sees it.

  get bufferedBytes(): number {
    return this.socket.writableLength
  }

  goAway(): void {
    void this.#goAway()
  }

  async #goAway(): Promise<void> {
    this.#isLeaving = true
    // What was asked for is answered first: a publish that is in the log has to be told of.
    await this.#pace.settled()
    this.#send(goodbye(this.app).json)
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
    this.#cut(4408, reason)
  }

  // As the library sees it.

  broken(error: Error): void {
    // The library ends the connection with the code that fits.
    this.app.metrics.cut.inc({ transport: 'websocket', reason: 'protocol' })
    this.app.logger.debug({ err: error, connection: this.#id }, 'a WebSocket broke its protocol')
  }

  closed(): void {
    this.#leave()
    this.app.hub.heartbeats.remove(this)
    this.app.connections.remove(this.#id)
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
    this.#send(readFailure(this.app, error))
    this.#end(1011, 'the log could not be read')
  }

  // What the client asks for.

  take(data: Buffer, isBinary: boolean): void {
    if (this.#isEnded || this.#isLeaving) return
    if (isBinary === (this.#format === JSON_FORMAT)) return this.#cut(1003, 'wrong kind of frame')
    let re: string | undefined
    try {
      const message = this.#read(data)
      re = idOf(message)
      void this.#pace.during(this.#settled(this.#perform(requestOf(message), data.length, re), re))
    } catch (error) {
      this.#answerProblem(error, re)
    }
    this.#pace.adjust()
  }

  /** @throws ProblemError `invalid-message` */
  #read(data: Buffer): unknown {
    try {
      return this.#format.read(data, this.app.limits.eventDepthMax + MESSAGE_DEPTH)
    } catch (error) {
      throw new ProblemError('invalid-message', (error as Error).message)
    }
  }

  /** @throws ProblemError, or rejects with it */
  #perform({ type, data }: Request, bytes: number, re: string | undefined): Promise<void> {
    switch (type) {
      case 'subscribe': {
        const wish = wishOf(data, this.app.limits)
        return this.#change(async () => this.#subscribe(await prepare(this.app, wish), re))
      }
      case 'unsubscribe': {
        const topic = demandText(data, 'topic')
        return this.#change(() =>
          this.#answer('unsubscribed', { topic, cursor: this.#subscriptions.remove(topic) }, re),
        )
      }
      case 'publish':
        return this.app.bodies.holding(bytes, async () => {
          this.#answer('published', await publishRequest(this.app, data), re)
        })
      case 'authenticate':
        demandText(data, 'token')
        throw new ProblemError('unauthorized', 'This server knows no tokens; what it serves, it serves without.')
      case 'ping':
        this.#answer('pong', undefined, re)
        return Promise.resolve()
    }
  }

  #subscribe(prepared: Prepared, re: string | undefined): void {
    if (this.#isEnded) return
    const data = { topic: prepared.filter, cursor: this.#startOf(prepared) }
    this.#subscriptions.add(prepared, () => this.#answer('subscribed', data, re))
  }

  /** The cursor that a subscription is said to start from. A gap is announced to whoever has the one that met it. */
  #startOf({ located }: Prepared): string {
    return located.gap?.after ?? this.app.watcher.cursor(located.position)
  }

  /** Resolves when a request is answered, be it with its failure. */
  async #settled(work: Promise<void>, re: string | undefined): Promise<void> {
    try {
      await work
    } catch (error) {
      this.#answerProblem(error, re)
    }
  }

  #change(act: () => Promise<void> | void): Promise<void> {
    const changed = (this.#changes ?? Promise.resolve()).then(act)
    this.#changes = changed.catch(() => undefined)
    return changed
  }

  // What the client is told.

  #answer(type: ControlType, data: object | undefined, re: string | undefined): void {
    this.#send(encodeControl(type, data, formatTimestamp(this.app.clock.now()), re))
  }

  #answerProblem(error: unknown, re: string | undefined): void {
    const { metrics, logger, clock } = this.app
    const problem =
      error instanceof ProblemError
        ? error
        : new ProblemError('internal', 'The server failed; its log has the cause.', {}, error)
    metrics.problems.inc({ problem: problem.problem })
    const level = problem.status >= 500 ? 'error' : 'debug'
    logger[level]({ err: problem.cause ?? problem, connection: this.#id, problem: problem.problem }, problem.message)
    const { allow: _sentAsHeader, ...members } = problem.members
    const body = { type: problemType(problem.problem), message: problem.message, ...members }
    this.#send(encodeError(body, formatTimestamp(clock.now()), re))
    if (problem.problem === 'invalid-message') this.#countBad()
  }

  #countBad(): void {
    const nowMs = this.app.clock.monotonic()
    this.#badMs = [...(this.#badMs ?? []).filter((ms) => nowMs - ms < BAD_MESSAGES_MS), nowMs]
    if (this.#badMs.length >= BAD_MESSAGES_MAX) this.#cut(4400, 'bad messages')
  }

  #send(json: string): void {
    this.write(this.frame(json))
  }

  frame(json: string): Buffer {
    return frames([this.#format.payload(json)], this.#compressed)
  }

  // Its end.

  /** Ends the connection for what its client did, or did not. */
  #cut(code: number, reason: string): void {
    const { metrics, logger } = this.app
    metrics.cut.inc({ transport: 'websocket', reason })
    logger.info({ connection: this.#id, code, reason }, 'a connection was cut')
    this.#end(code, reason)
  }

  #end(code: number, reason: string): void {
    if (this.#isEnded) return
    this.#leave()
    this.peer.close(code, reason)
    // The client's part of the closing handshake is to be heard.
    this.peer.resume()
    // A client that closed its end already is not timed out by the library.
    setTimeout(() => this.socket.destroy(), CLOSE_MS).unref()
  }

  #leave(): void {
    this.#isEnded = true
    this.#subscriptions.close()
  }
}
