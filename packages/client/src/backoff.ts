/** How long to wait before the next attempt. */
import type { WatchpostError } from './error.ts'

/** Timers know no longer time, and would elapse at once. */
export const TIMER_MS_MAX: number = 2 ** 31 - 1

export interface Backoff {
  /** The first wait is drawn from 0 to this. */
  readonly backoffBaseMs: number
  /** No wait is longer, unless the server asks for it. */
  readonly backoffMsMax: number
}

/**
 * As the server asks; else exponential, with full jitter: clients that were cut off together come back at moments spread
 * over the whole time.
 * @param failures how many attempts failed before, from 0 on
 * @param random from 0 to 1
 */
export const backoffMs = (
  { backoffBaseMs, backoffMsMax }: Backoff,
  { retryAfterMs }: Pick<WatchpostError, 'retryAfterMs'>,
  failures: number,
  random: number = Math.random(),
): number => Math.min(TIMER_MS_MAX, retryAfterMs ?? random * Math.min(backoffMsMax, backoffBaseMs * 2 ** failures))

/** Does something after a while, unless nothing else keeps the process alive until then. */
export function later(waitMs: number, act: () => void): void {
  const timer: unknown = setTimeout(act, waitMs)
  ;(timer as { unref?: () => void }).unref?.()
}
