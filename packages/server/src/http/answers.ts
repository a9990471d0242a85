/** Counts the bytes of answers that wait for their clients to take them, and bounds them in all and for each address. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Limits, ProblemError } from '@watchpost/protocol'
import { Shares } from './shares.ts'

/** Answers up to this size are never refused, so that an operator can still look at a server that holds too much. */
const ALWAYS_BYTES = 16_384

/** How many addresses it takes to hold all that may be held. */
const PARTS = 8

export class Answers {
  readonly #shares: Shares
  readonly #stalledMs: number
  readonly #clientOf: (request: IncomingMessage) => string

  /** @param clientOf names whom an answer is for */
  constructor({ answeringBytesMax, pageBytesMax, stalledMs }: Limits, clientOf: (request: IncomingMessage) => string) {
    // A page fits in any case.
    this.#shares = new Shares(answeringBytesMax, Math.max(answeringBytesMax / PARTS, pageBytesMax))
    this.#stalledMs = stalledMs
    this.#clientOf = clientOf
  }

  /** @throws ProblemError `overloaded` if so many bytes more may not wait */
  demandRoom(request: IncomingMessage, bytes: number): void {
    if (bytes <= ALWAYS_BYTES || this.#shares.hasRoom(this.#clientOf(request), bytes)) return
    const detail = 'As much as may wait for clients to take it does already.'
    throw new ProblemError('overloaded', detail, { retryAfter: 1 })
  }

  /** Counts an answer as waiting until its response is closed; `cut` ends one of which nothing is taken for long. */
  hold(request: IncomingMessage, response: ServerResponse, bytes: number, cut: () => void): void {
    const client = this.#clientOf(request)
    this.#shares.hold(client, bytes)
    response.once('close', () => this.#shares.hold(client, -bytes))
    if (bytes > ALWAYS_BYTES) response.setTimeout(this.#stalledMs, cut)
  }
}
