/**
 * One shared wheel for everything that must not be silent for longer than a heartbeat, instead of a timer for each: what
 * beats is spread over slots, and the slots take turns, so that a crowd is never written to all at once.
 */
import type { Clock } from './clock.ts'

const SLOTS = 32

/** Each of them is visited this often per heartbeat, so that a silence is noticed before it is a whole one. */
const VISITS_PER_HEARTBEAT = 2

export interface Beating {
  /** Visited; says what is due if it was silent since `silentSinceMs` on the monotonic clock. `nowMs` is wall time. */
  beat(nowMs: number, silentSinceMs: number): void
}

export class Heartbeats {
  readonly heartbeatMs: number
  readonly #slots: readonly Set<Beating>[] = Array.from({ length: SLOTS }, () => new Set<Beating>())
  readonly #clock: Clock
  readonly #stop: () => void
  readonly #visitMs: number
  #next = 0
  #assigned = 0

  constructor(clock: Clock, heartbeatMs: number) {
    this.heartbeatMs = heartbeatMs
    this.#clock = clock
    this.#visitMs = heartbeatMs / VISITS_PER_HEARTBEAT
    this.#stop = clock.every(this.#visitMs / SLOTS, () => this.#visit())
  }

  add(beating: Beating): void {
    this.#slots[this.#assigned++ % SLOTS]?.add(beating)
  }

  /** Looks through the slots, since to remember one for each would cost more than to look. */
  remove(beating: Beating): void {
    this.#slots.some((slot) => slot.delete(beating))
  }

  close(): void {
    this.#stop()
  }

  #visit(): void {
    const nowMs = this.#clock.now()
    const silentSinceMs = this.#clock.monotonic() - this.#visitMs
    for (const beating of this.#slots[this.#next] as Set<Beating>) beating.beat(nowMs, silentSinceMs)
    this.#next = (this.#next + 1) % SLOTS
  }
}
