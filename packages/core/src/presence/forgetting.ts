/**
 * Forgets presence topics that nobody is in. Whoever may watch can make one, by the name of any topic that a template
 * stands for, so they must not stay as other topics do.
 */
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Registry } from '../registry.ts'
import { partsOf, sweepEvery } from '../sweeps.ts'
import { isNamed, PRESENCE_PREFIX } from './companion.ts'

const EVERY_MS = 60_000

/** Topics looked at before other work gets its turn, and forgotten in one transaction. */
const TURN_TOPICS = 200

export interface ForgettingOptions {
  readonly log: Log
  readonly registry: Registry
  readonly clock: Clock
  /** The log could not be read or written; it is tried again. */
  readonly onFailure: (error: unknown) => void
}

/** Does so every minute, of those whose events were trimmed meanwhile. Returns how to stop. */
export const forgetRegularly = (options: ForgettingOptions): (() => void) =>
  sweepEvery({
    ...{ clock: options.clock, onFailure: options.onFailure, everyMs: EVERY_MS },
    sweep: (stopped) => forgetEmpty(options, stopped),
  })

async function forgetEmpty({ log, registry, clock }: ForgettingOptions, stopped: () => boolean): Promise<void> {
  for (const part of partsOf(log.topics(PRESENCE_PREFIX), TURN_TOPICS)) {
    if (stopped()) return
    const empty = part.filter(({ topic, events }) => events === 0 && !isNamed(registry, topic))
    await log.forget(empty.map(({ topic }) => topic))
    await clock.turn()
  }
}
