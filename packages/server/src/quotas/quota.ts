/** A rate for each of many who are told apart by a key. */
import type { Clock } from '@watchpost/core'
import type { Rate, Taken } from './rate.ts'

/** Keys are the clients' choice, so they are bounded. Who comes once they are used up shares one quota with the others. */
const KEYS_MAX = 65_536
const OTHERS = ''

/**
 * Remembers a key only for as long as it is not allowed everything: whoever did nothing for a window is as good as new.
 * So keys are kept in two generations, the older of which is dropped whole when a window is over; it needs no timer.
 */
export class Quota {
  readonly rate: Rate
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #keysMax: number
  #recent = new Map<string, number>()
  #older = new Map<string, number>()
  #sinceMs: number

  constructor(rate: Rate, clock: Pick<Clock, 'monotonic'>, keysMax: number = KEYS_MAX) {
    this.rate = rate
    this.#clock = clock
    this.#keysMax = keysMax
    this.#sinceMs = clock.monotonic()
  }

  /** How many keys are remembered. */
  get keys(): number {
    return this.#recent.size + this.#older.size
  }

  /** @param key not empty */
  take(key: string): Taken {
    const nowMs = this.#clock.monotonic()
    const { slot, wholeMs } = this.#known(key, nowMs)
    const taken = this.rate.take(wholeMs, nowMs)
    this.#recent.set(slot, taken.wholeMs)
    return taken
  }

  /** For how long {@link take} would fail; 0 if it would not. Takes nothing. */
  waitMs(key: string): number {
    const nowMs = this.#clock.monotonic()
    return this.rate.take(this.#known(key, nowMs).wholeMs, nowMs).waitMs
  }

  #known(key: string, nowMs: number): { readonly slot: string; readonly wholeMs: number } {
    this.#forget(nowMs)
    const slot = this.#recent.has(key) || this.#recent.size < this.#keysMax ? key : OTHERS
    return { slot, wholeMs: this.#recent.get(slot) ?? this.#older.get(slot) ?? 0 }
  }

  #forget(nowMs: number): void {
    const passedMs = nowMs - this.#sinceMs
    if (passedMs < this.rate.windowMs) return
    this.#older = passedMs < 2 * this.rate.windowMs ? this.#recent : new Map()
    this.#recent = new Map()
    this.#sinceMs = nowMs
  }
}
