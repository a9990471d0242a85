/**
 * Heartbeats that carry a cursor [WP-3.8], on one shared wheel instead of a timer per subscription: subscriptions are
 * spread over slots, and the slots take turns, so that a crowd is never written to all at once.
 */
import type { Clock } from './clock.ts'

const SLOTS = 32

/** Each subscription is visited this often per heartbeat, so that a silence is noticed before it is a whole one. */
const VISITS_PER_HEARTBEAT = 2

export interface Beating {
  /** Sends a bookmark if the subscription was silent since `silentSinceMs` on the monotonic clock; `nowMs` is wall time. */
  beat(nowMs: number, silentSinceMs: number): void
}

export class Bookmarks {
  readonly #slots: readonly Set<Beating>[] = Array.from({ length: SLOTS }, () => new Set<Beating>())
  readonly #clock: Clock
  readonly #stop: () => void
  readonly #visitMs: number
  #next = 0
  #assigned = 0

  constructor(clock: Clock, heartbeatMs: number) {
    this.#clock = clock
    this.#visitMs = heartbeatMs / VISITS_PER_HEARTBEAT
    this.#stop = clock.every(this.#visitMs / SLOTS, () => this.#visit())
  }

  /** Starts beating; returns how to stop. */
  add(beating: Beating): () => void {
    const slot = this.#slots[this.#assigned++ % SLOTS] as Set<Beating>
    slot.add(beating)
    return () => slot.delete(beating)
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
