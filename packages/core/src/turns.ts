/**
 * Turns of those who read the log at their own pace: one after the other, and never for so long at a stretch that whoever
 * publishes or is live would notice, however many there are.
 */
import type { Clock } from './clock.ts'

/** How long reading may go on before everything else in the event loop has its turn. */
const STRETCH_MS = 5

export class Turns {
  readonly #clock: Clock
  #waiting: (() => void)[] = []
  #isGiving = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when the caller may read one slice, at once and without awaiting anything first. */
  next(): Promise<void> {
    const turn = new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (!this.#isGiving) void this.#give()
    return turn
  }

  async #give(): Promise<void> {
    this.#isGiving = true
    while (this.#waiting.length > 0) {
      const round = this.#waiting
      this.#waiting = []
      let untilMs = this.#clock.monotonic() + STRETCH_MS
      for (const resolve of round) {
        resolve()
        // By then, whoever was resolved has read.
        await Promise.resolve()
        if (this.#clock.monotonic() < untilMs) continue
        await this.#clock.turn()
        untilMs = this.#clock.monotonic() + STRETCH_MS
      }
      await this.#clock.turn()
    }
    this.#isGiving = false
  }
}
