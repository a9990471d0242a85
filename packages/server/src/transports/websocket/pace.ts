/** How fast a client's messages are read: only while it takes its answers and has little under way, so that what it can ask for has a bound. */
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'

/** When more than this waits for the client, or is under way for it, no more is read from its socket. */
const UNREAD_BYTES_MAX = 65_536
const REQUESTS_MAX = 64

/** The connection whose messages they are. */
export interface Paced {
  readonly peer: Pick<WebSocket, 'isPaused' | 'pause' | 'resume'>
  readonly socket: Socket
  readonly ended: boolean
  drained(): Promise<void>
}

export class Pace {
  readonly #connection: Paced
  #requests = 0
  #isAwaitingDrain = false
  #onSettled: (() => void) | undefined

  constructor(connection: Paced) {
    this.#connection = connection
  }

  /** Counts a request until it settles. It must not reject. */
  async during(work: Promise<void>): Promise<void> {
    this.#requests++
    await work
    this.#requests--
    if (this.#requests === 0) this.#onSettled?.()
    this.adjust()
  }

  /** Resolves when nothing is under way for the client. */
  settled(): Promise<void> {
    return this.#requests === 0 ? Promise.resolve() : new Promise((resolve) => (this.#onSettled = resolve))
  }

  /** To be called whenever something was asked or answered. */
  adjust(): void {
    const { peer, socket, ended } = this.#connection
    if (ended) return
    const isFull = socket.writableLength > UNREAD_BYTES_MAX
    const isBusy = isFull || this.#requests > REQUESTS_MAX
    if (isBusy && !peer.isPaused) peer.pause()
    else if (!isBusy && peer.isPaused) peer.resume()
    if (isFull && !this.#isAwaitingDrain) void this.#adjustOnceDrained()
  }

  async #adjustOnceDrained(): Promise<void> {
    this.#isAwaitingDrain = true
    await this.#connection.drained()
    this.#isAwaitingDrain = false
    this.adjust()
  }
}
