/**
 * How often something may happen: so many at once after a pause, and so many a second in the long run. What is known of
 * who does it is one number, the time at which all of the burst is there again (the generic cell rate algorithm).
 */

/** What became of an attempt. */
export interface Taken {
  /** 0 if it may happen; else how long to wait until it may. */
  readonly waitMs: number
  /** How many more may happen now. */
  readonly left: number
  /** When all of the burst is there again, on the clock that the attempt was timed by. */
  readonly wholeMs: number
}

/** Sums of fractions of a millisecond are not exact. */
const INEXACT_MS = 1e-3

export class Rate {
  readonly perSecond: number
  readonly burst: number
  readonly #eachMs: number

  /** @param burst default as many as in a second */
  constructor(perSecond: number, burst: number = perSecond) {
    this.perSecond = perSecond
    this.burst = burst
    this.#eachMs = 1_000 / perSecond
  }

  /** How long it takes until all of the burst is there again, from when all of it was used. */
  get windowMs(): number {
    return this.burst * this.#eachMs
  }

  /**
   * Takes one, if one is there. An attempt that fails costs nothing.
   * @param wholeMs as the last attempt gave it, or 0 before the first
   * @param nowMs on a clock that never goes back
   */
  take(wholeMs: number, nowMs: number): Taken {
    const usedMs = Math.max(0, wholeMs - nowMs) + this.#eachMs
    const overMs = usedMs - this.windowMs
    if (overMs > INEXACT_MS) return { waitMs: overMs, left: 0, wholeMs }
    const left = Math.floor((INEXACT_MS - overMs) / this.#eachMs)
    return { waitMs: 0, left, wholeMs: nowMs + usedMs }
  }
}
