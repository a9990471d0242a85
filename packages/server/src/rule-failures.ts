/** Tells of rules that throw, without leaving to clients how much is logged: each request could make one fail. */
import type { Clock, Resolved } from '@watchpost/core'
import type { Logger } from 'pino'

/** A definition whose rule fails again within this time is only counted. */
const QUIET_MS = 60_000

interface Told {
  untilMs: number
  others: number
}

/** Logs a failure of each definition at most once in a while, and how many there were since the last one. */
export function logRuleFailures(
  logger: Logger,
  clock: Pick<Clock, 'monotonic'>,
): (error: unknown, resolved: Resolved) => void {
  const toldOf = new Map<string, Told>()
  return (error, { topic: { template }, name }) => {
    const nowMs = clock.monotonic()
    const told = toldOf.get(template)
    if (told !== undefined && nowMs < told.untilMs) {
      told.others++
      return
    }
    toldOf.set(template, { untilMs: nowMs + QUIET_MS, others: 0 })
    const details = { err: error, definition: template, topic: name, sinceLast: told?.others ?? 0 }
    logger.warn(details, 'a rule of a topic definition failed, and denied')
  }
}
