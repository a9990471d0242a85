/** The machine's own time, for core. */
import type { Clock } from '@watchpost/core'

/** Timers hold no longer time, and end at once when they are asked to. */
export const TIMER_MS_MAX = 2_147_483_647

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  every: (everyMs, callback) => {
    const timer = setInterval(callback, everyMs)
    timer.unref()
    return () => clearInterval(timer)
  },
  after: (afterMs, callback) => {
    const timer = setTimeout(callback, afterMs)
    return () => clearTimeout(timer)
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
}
