/** One WebSocket [WP-4.1]: messages in the order in which they came, and requests with their answers [WP-4.3]. */
import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import type { Codec, Decoded } from './codec.ts'
import { Refusal, refusalOf } from './refusal.ts'

/** How a connection ended. */
export interface Closed {
  readonly code: number
  readonly reason: string
}

type Members = Readonly<Record<string, unknown>>

interface Asked {
  readonly resolve: (data: Members) => void
  readonly reject: (error: unknown) => void
}

export class Connection {
  /** Resolves when it is over, however it ended; a connection that broke has code 1006. */
  readonly closed: Promise<Closed>
  readonly #socket: WebSocket
  readonly #codec: Codec
  readonly #onMessage: (decoded: Decoded) => void
  readonly #asked = new Map<string, Asked>()
  #lastId = 0
  #onGreeting: ((refusal: Refusal | undefined) => void) | undefined
  /** What the server said that no server may say. */
  #fault: Error | undefined

  private constructor(url: string, codec: Codec, onMessage: (decoded: Decoded) => void) {
    this.#codec = codec
    this.#onMessage = onMessage
    this.#socket = new WebSocket(url.replace(/^http/, 'ws'), codec.subprotocol)
    this.#socket.on('message', (frame, isBinary) => this.#take(frame as Buffer, isBinary))
    // Of a handshake that failed, or of a frame that no server may send; a network that fails is only a close.
    this.#socket.on('error', (error) => {
      this.#fault ??= error
    })
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', (code, reason) => {
        const closed = { code, reason: reason.toString('utf8') }
        this.#giveUp(this.fault ?? endedWith(closed))
        resolve(closed)
      })
    })
  }

  /**
   * Opens a connection, and waits for its `welcome`.
   * @param url of `http:` or `https:`
   * @param onMessage is told of every message, in order, `welcome` and answers included
   * @throws Refusal, of the handshake or in the place of `welcome`
   */
  static async open(url: string | URL, codec: Codec, onMessage: (decoded: Decoded) => void): Promise<Connection> {
    const connection = new Connection(String(url), codec, onMessage)
    const ended = connection.closed.then((closed) => connection.fault ?? endedWith(closed))
    const failure = await Promise.race([connection.#greeted(), connection.#refused(), ended])
    if (failure === undefined) return connection
    // `ws` leaves a socket whose handshake was refused to whoever reads the answer.
    connection.cut()
    throw failure
  }

  /** Why the connection was given up by this side, if it was. */
  get fault(): Error | undefined {
    return this.#fault
  }

  /**
   * Sends a request and waits for its answer.
   * @returns the answer's `data`
   * @throws Refusal if it is an error
   */
  request(type: string, data?: object): Promise<Members> {
    const id = String(++this.#lastId)
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      this.#socket.send(this.#codec.encode({ type, id, ...(data && { data }) }), (error) => {
        if (error === null || error === undefined) return
        this.#asked.delete(id)
        reject(error)
      })
    })
  }

  /** Takes nothing more from the network until {@link resume}. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Closes as RFC 6455 has it, and waits until the server has agreed. */
  async close(): Promise<void> {
    this.#socket.close(1000)
    await this.closed
  }

  /** Ends it like a network that fails. */
  cut(): void {
    this.#socket.terminate()
  }

  #take(frame: Buffer, isBinary: boolean): void {
    try {
      const decoded = this.#codec.decode(frame, isBinary)
      this.#onMessage(decoded)
      const { type, re, data, error } = decoded.message
      if (this.#onGreeting !== undefined) this.#greet(decoded.message)
      // A request that could not be read has no `re` in its answer, and may be any of those that wait.
      if (type === 'error' && re === undefined) this.#giveUp(new Refusal(undefined, error as Members))
      if (typeof re !== 'string') return
      const asked = this.#asked.get(re)
      if (asked === undefined) throw new Error(`request ${re} was answered twice, or never made`)
      this.#asked.delete(re)
      if (type === 'error') asked.reject(new Refusal(undefined, error as Members))
      else asked.resolve((data ?? {}) as Members)
    } catch (fault) {
      this.#fault ??= fault as Error
      this.cut()
    }
  }

  #giveUp(error: Error): void {
    for (const { reject } of this.#asked.values()) reject(error)
    this.#asked.clear()
  }

  #greet({ type, error }: Members): void {
    if (type !== 'welcome' && type !== 'error') {
      throw new Error(`the first message must be welcome, not ${String(type)}`)
    }
    this.#onGreeting?.(type === 'error' ? new Refusal(undefined, error as Members) : undefined)
    this.#onGreeting = undefined
  }

  /** Resolves with the first message: `undefined` if it welcomes. */
  #greeted(): Promise<Refusal | undefined> {
    return new Promise((resolve) => {
      this.#onGreeting = resolve
    })
  }

  /** Resolves when the handshake is refused. */
  #refused(): Promise<Error> {
    return new Promise((resolve) => {
      this.#socket.on('unexpected-response', (_request, response: IncomingMessage) => {
        readRefusal(response).then(resolve, resolve)
      })
    })
  }
}

async function readRefusal(response: IncomingMessage): Promise<Refusal> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks).toString('utf8')
  return refusalOf(response.statusCode ?? 0, response.headers['content-type'], body)
}

const endedWith = ({ code, reason }: Closed): Error => new Error(`the connection ended with ${code} ${reason}`)
