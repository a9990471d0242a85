/** A clock that stands still unless a test moves it, and whose turns of the event loop a test gives. */
import type { Clock } from '../src/clock.ts'

interface Timer {
  atMs: number
  readonly everyMs: number | undefined
  readonly callback: () => void
}

const START = Date.parse('2026-11-22T12:34:56.789Z')

export class ManualClock implements Clock {
  #elapsedMs = 0
  readonly #timers = new Set<Timer>()
  #turns: (() => void)[] = []

  now(): number {
    return START + Math.floor(this.#elapsedMs)
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  every(everyMs: number, callback: () => void): () => void {
    return this.#start({ atMs: this.#elapsedMs + everyMs, everyMs, callback })
  }

  after(afterMs: number, callback: () => void): () => void {
    return this.#start({ atMs: this.#elapsedMs + afterMs, everyMs: undefined, callback })
  }

  turn(): Promise<void> {
    return new Promise((resolve) => this.#turns.push(resolve))
  }

  #start(timer: Timer): () => void {
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  get timers(): number {
    return this.#timers.size
  }

  /** How many wait for a turn. */
  get waiting(): number {
    return this.#turns.length
  }

  /** Time goes by, and timers that fall due are called in the order of their times. */
  pass(ms: number): void {
    const untilMs = this.#elapsedMs + ms
    for (let timer = this.#due(untilMs); timer !== undefined; timer = this.#due(untilMs)) {
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.atMs)
      if (timer.everyMs === undefined) this.#timers.delete(timer)
      else timer.atMs += timer.everyMs
      timer.callback()
    }
    this.#elapsedMs = Math.max(this.#elapsedMs, untilMs)
  }

  /** Time goes by while the process works, so that no timer can be called. */
  work(ms: number): void {
    this.#elapsedMs += ms
  }

  #due(untilMs: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.atMs <= untilMs && (first === undefined || timer.atMs < first.atMs)) first = timer
    }
    return first
  }

  /** Gives a turn to all who wait for one now, and lets what follows from it happen. */
  async giveTurn(): Promise<void> {
    for (const resolve of this.#turns.splice(0)) resolve()
    await settled()
  }

  /** Gives a turn to the one who waits longest, and lets what follows from it happen. */
  async giveOneTurn(): Promise<void> {
    this.#turns.shift()?.()
    await settled()
  }

  /** Gives turns until nobody waits for one. */
  async giveTurns(): Promise<void> {
    await settled()
    for (let turns = 0; this.#turns.length > 0; turns++) {
      if (turns > 10_000) throw new Error('someone asks for turns without end')
      await this.giveTurn()
    }
  }

  /** Gives turns until a promise is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    const waiting = new Set([promise])
    const done = Promise.allSettled([promise]).finally(() => waiting.clear())
    await settled()
    while (waiting.size > 0) await this.giveTurn()
    await done
    return promise
  }
}

/** Resolves once all promises that could go on did so. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
