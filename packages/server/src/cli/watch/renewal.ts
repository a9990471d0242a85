/** Gives a WebSocket a new token before the old one ends [WP-6.7]. A stream gets it when it connects again. */
import type { WebSocket } from 'ws'
import { type Credentials, LOOK_EVERY_MS } from '../credentials.ts'
import { note, printable } from '../terminal.ts'
import type { Message } from './messages.ts'

/** Names the requests that this makes. */
const REQUEST_ID = 'authenticate'

export class Renewal {
  readonly #socket: WebSocket
  readonly #credentials: Credentials
  #timer: NodeJS.Timeout | undefined

  constructor(socket: WebSocket, credentials: Credentials) {
    this.#socket = socket
    this.#credentials = credentials
  }

  /** Acts on what is said about the token, and answers the other messages. */
  withoutItsOwn(messages: readonly Message[]): readonly Message[] {
    return messages.filter(({ body: { type, re, error } }) => {
      if (type === 'expiring') this.#look()
      if (re !== REQUEST_ID) return true
      if (type === 'authenticated') this.stop()
      // The old token is good until its end, and there may be a better one until then.
      if (type === 'error') note(printable(`the new token was refused: ${error?.message ?? 'no reason was given'}`))
      return false
    })
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Looks for a new token from now on, and sends each that there is. */
  #look(): void {
    this.stop()
    this.#send()
    this.#timer = setInterval(() => this.#send(), LOOK_EVERY_MS)
  }

  #send(): void {
    const token = this.#credentials.takeNew()
    if (token === undefined) return
    this.#socket.send(JSON.stringify({ type: 'authenticate', id: REQUEST_ID, data: { token } }))
  }
}
