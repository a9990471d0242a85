/** When the credentials of a connection end [WP-6.7]: its client is told in time, and cut when it brings no new ones. */
import { type Clock } from '@watchpost/core'
import { TIMER_MS_MAX } from '../clock.ts'
import type { Session } from './session.ts'

/** The connection that has the session. */
export interface Expiring {
  /** The session ends at this time, in milliseconds since the Unix epoch. */
  expiring(expiresMs: number): void
  expired(): void
}

export class Expiry {
  readonly #clock: Clock
  readonly #noticeMs: number
  readonly #connection: Expiring
  #stopTimer: (() => void) | undefined

  /** @param noticeMs how long before its end a session's client is told */
  constructor(clock: Clock, noticeMs: number, connection: Expiring) {
    this.#clock = clock
    this.#noticeMs = noticeMs
    this.#connection = connection
  }

  /** Watches a session in the place of the one before. */
  watch({ expiresMs }: Session): void {
    this.stop()
    if (expiresMs === undefined) return
    this.#at(expiresMs - this.#noticeMs, () => {
      this.#connection.expiring(expiresMs)
      this.#at(expiresMs, () => this.#connection.expired())
    })
  }

  stop(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
  }

  #at(timeMs: number, act: () => void): void {
    const waitMs = Math.max(0, timeMs - this.#clock.now())
    this.#stopTimer = this.#clock.after(Math.min(waitMs, TIMER_MS_MAX), () => {
      if (waitMs > TIMER_MS_MAX) this.#at(timeMs, act)
      else act()
    })
  }
}
