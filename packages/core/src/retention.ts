/** Trims what topics no longer keep, in small slices between publishes [WP-6.4]. */
import type { Clock } from './clock.ts'
import type { Log, Retention } from './log.ts'
import type { Registry } from './registry.ts'

const SWEEP_EVERY_MS = 1_000

/** One transaction of the log; a publish waits for at most one. */
const SLICE_EVENTS = 500

/** Topics looked at before other work gets its turn. */
const TURN_TOPICS = 200

export interface Sweeping {
  stop(): void
}

/** Sweeps all topics every second, one sweep at a time. `onFailure` hears of a log that can't trim; the next sweep tries again. */
export function sweepRegularly(
  log: Log,
  registry: Registry,
  clock: Clock,
  onFailure: (error: unknown) => void,
): Sweeping {
  let sweeping = false
  let stopped = false
  const stopTimer = clock.every(SWEEP_EVERY_MS, () => {
    if (sweeping) return
    sweeping = true
    sweep(log, registry, clock, () => stopped)
      .catch((error: unknown) => {
        if (!stopped) onFailure(error)
      })
      .finally(() => {
        sweeping = false
      })
  })
  return {
    stop: () => {
      stopped = true
      stopTimer()
    },
  }
}

async function sweep(log: Log, registry: Registry, clock: Clock, stopped: () => boolean): Promise<void> {
  if (registry.topics.every((topic) => isUnbounded(topic.retention))) return
  let seen = 0
  for (const { topic: name } of log.topics()) {
    if (stopped()) return
    await trimTopic(log, name, registry, clock, stopped)
    if (++seen % TURN_TOPICS === 0) await clock.turn()
  }
}

async function trimTopic(
  log: Log,
  name: string,
  registry: Registry,
  clock: Clock,
  stopped: () => boolean,
): Promise<void> {
  while (!stopped()) {
    // Asked for each slice: there may be many, and what the topic keeps may be defined anew in between.
    const retention = registry.resolve(name)?.topic.retention
    if (retention === undefined || isUnbounded(retention)) return
    const { more } = await log.trim(name, retention, SLICE_EVENTS)
    if (!more) return
    await clock.turn()
  }
}

const isUnbounded = (retention: Retention): boolean =>
  retention.events === undefined && retention.ageMs === undefined && retention.bytes === undefined
