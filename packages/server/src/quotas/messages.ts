/** How fast one WebSocket's client may send messages, and when it has been told often enough. */
import type { MessageRates } from './quotas.ts'

export class MessageQuota {
  readonly #rates: MessageRates
  #wholeMs = 0
  #refusedWholeMs = 0
  #isIgnored = false

  constructor(rates: MessageRates) {
    this.#rates = rates
  }

  /** Whether the client goes on regardless, more often refused than anyone is who listens. */
  get isIgnored(): boolean {
    return this.#isIgnored
  }

  /**
   * Counts a message at a moment of the monotonic clock.
   * @returns 0 if it may be taken, else for how many milliseconds none may
   */
  take(nowMs: number): number {
    const { messages, refused } = this.#rates
    const { waitMs, wholeMs } = messages.take(this.#wholeMs, nowMs)
    this.#wholeMs = wholeMs
    if (waitMs > 0) {
      const told = refused.take(this.#refusedWholeMs, nowMs)
      this.#refusedWholeMs = told.wholeMs
      this.#isIgnored = told.waitMs > 0
    }
    return waitMs
  }
}
