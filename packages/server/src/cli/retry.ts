/** Trying again, with growing and scattered delays, so that many clients of one server don't come back in step. */
import { setTimeout as delay } from 'node:timers/promises'
import { Interrupted } from './failure.ts'

const DELAY_MS_MAX = 30_000

/** The delay before the attempt that follows `failures` failed ones: doubled each time, and between half and all of that. */
export function backoffMs(failures: number, baseMs: number): number {
  const fullMs = Math.min(DELAY_MS_MAX, baseMs * 2 ** Math.min(20, Math.max(0, failures - 1)))
  return Math.round(fullMs * (0.5 + Math.random() / 2))
}

/** @throws Interrupted */
export async function sleep(forMs: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(forMs, undefined, { signal })
  } catch {
    throw new Interrupted()
  }
}
