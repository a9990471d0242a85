/** Counts the bytes of answers that wait for their clients to take them, and bounds them for the whole process. */
import type { ServerResponse } from 'node:http'
import { type Limits, ProblemError } from '@watchpost/protocol'

/** Answers up to this size are never refused, so that an operator can still look at a server that holds too much. */
const ALWAYS_BYTES = 16_384

export class Answers {
  readonly #limits: Limits
  #waitingBytes = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** @throws ProblemError `overloaded` if so many bytes more may not wait */
  demandRoom(bytes: number): void {
    if (bytes <= ALWAYS_BYTES || this.#waitingBytes + bytes <= this.#limits.answeringBytesMax) return
    const detail = 'As much as may wait for clients to take it does already.'
    throw new ProblemError('overloaded', detail, { retryAfter: 1 })
  }

  /** Counts an answer as waiting until its response is closed. */
  hold(response: ServerResponse, bytes: number): void {
    this.#waitingBytes += bytes
    response.once('close', () => {
      this.#waitingBytes -= bytes
    })
  }
}
