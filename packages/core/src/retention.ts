/** Trims what topics no longer keep, in small slices between publishes [WP-6.4]. */
import type { Clock } from './clock.ts'
import type { Log, Retention } from './log.ts'
import { ordinaryTopics } from './ordinary-topics.ts'
import { PRESENCE_PREFIX, PRESENCE_RETENTION } from './presence/companion.ts'
import type { Registry } from './registry.ts'
import { partsOf, sweepEvery } from './sweeps.ts'

const SWEEP_EVERY_MS = 1_000

/** There can be far more of these topics than of others, and it matters less how long after its time one is trimmed. */
const SWEEP_PRESENCE_EVERY_MS = 10_000

/** One transaction of the log; a publish waits for at most one. */
const SLICE_EVENTS = 500

/** Topics looked at before other work gets its turn. */
const TURN_TOPICS = 200

/** Presence topics looked at before other work gets its turn, and trimmed in one transaction. */
const PRESENCE_TOPICS = 100

export interface Sweeping {
  stop(): void
}

/**
 * Sweeps all topics every second, and those that tell who is present every ten, apart from the others, which so need not
 * wait for them. `onFailure` hears of a log that can't trim; the next sweep tries again.
 */
export function sweepRegularly(
  log: Log,
  registry: Registry,
  clock: Clock,
  onFailure: (error: unknown) => void,
): Sweeping {
  const stops = [
    sweepEvery({
      ...{ clock, onFailure, everyMs: SWEEP_EVERY_MS },
      sweep: (stopped) => sweep(log, registry, clock, stopped),
    }),
    sweepEvery({
      ...{ clock, onFailure, everyMs: SWEEP_PRESENCE_EVERY_MS },
      sweep: (stopped) => sweepPresence(log, clock, stopped),
    }),
  ]
  return {
    stop: () => {
      for (const stop of stops) stop()
    },
  }
}

async function sweep(log: Log, registry: Registry, clock: Clock, stopped: () => boolean): Promise<void> {
  if (registry.topics.every((topic) => isUnbounded(topic.retention))) return
  let seen = 0
  for (const { topic: name } of ordinaryTopics(log)) {
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

/** Also those whose definition went away, since else they could never be forgotten. */
async function sweepPresence(log: Log, clock: Clock, stopped: () => boolean): Promise<void> {
  for (const part of partsOf(log.topics(PRESENCE_PREFIX), PRESENCE_TOPICS)) {
    const names = part.map(({ topic }) => topic)
    for (let more = true; more; await clock.turn()) {
      if (stopped()) return
      more = (await log.trimEach(names, PRESENCE_RETENTION, SLICE_EVENTS)).more
    }
  }
}

const isUnbounded = (retention: Retention): boolean =>
  retention.events === undefined && retention.ageMs === undefined && retention.bytes === undefined
