/** Metrics in Prometheus' text format [WP-3.14]. One registry per server, so that several in a process don't mix. */
import type { Appended, Hub, Log, Presence } from '@watchpost/core'
import { LIMITS, type LimitName, PROBLEMS, ProblemError, type ProblemName } from '@watchpost/protocol'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Authenticator } from './auth/authenticator.ts'
import { ANONYMOUS_SESSION, type Session } from './auth/session.ts'
import type { Connections } from './http/connections.ts'

/** Named against Prometheus' own conventions, and of little use to an operator. */
const LEFT_OUT = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** The limits on how many there may be. What is over `messagesBurst` is refused for `messagesPerSecond`. */
const REFUSING = (Object.keys(LIMITS) as LimitName[]).filter((name) => {
  const { over } = LIMITS[name]
  if (name === 'presenceTopicsMax') return true
  return over === 'reach-maximum-connections' || (over === 'rate-limited' && name !== 'messagesBurst')
})

/**
 * What becomes of credentials. They are not looked at if they come too often (`limited`), and can't be if an issuer's keys
 * are not to be had (`failed`).
 */
const OUTCOMES = ['accepted', 'expired', 'refused', 'limited', 'failed'] as const

type Outcome = (typeof OUTCOMES)[number]

/** What figures are read off. */
interface Observed {
  readonly log: Log
  readonly hub: Hub
  readonly connections: Connections
  readonly presence: Presence
}

export class Metrics {
  readonly registry: Registry = new Registry()
  readonly requests: Counter<'route' | 'method' | 'status'>
  readonly problems: Counter<'problem'>
  readonly cut: Counter<'transport' | 'reason'>
  readonly refused: Counter<'limit'>
  readonly authentications: Counter<'outcome'>
  readonly #published: Counter<'topic'>
  readonly #publishes: Counter<'topic'>
  readonly #ephemeral: Counter<'topic'>

  constructor() {
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry })
    for (const name of LEFT_OUT) this.registry.removeSingleMetric(name)
    this.#published = new Counter({
      name: 'watchpost_events_published_total',
      help: 'Events acknowledged by this process, by topic definition.',
      labelNames: ['topic'],
      registers,
    })
    this.#publishes = new Counter({
      name: 'watchpost_publishes_total',
      help: 'Publishes acknowledged by this process, by topic definition; each may hold many events.',
      labelNames: ['topic'],
      registers,
    })
    this.#ephemeral = new Counter({
      name: 'watchpost_events_ephemeral_total',
      help: 'Those of the events acknowledged by this process that are not stored, by topic definition.',
      labelNames: ['topic'],
      registers,
    })
    this.requests = new Counter({
      name: 'watchpost_http_requests_total',
      help: 'HTTP requests whose answer ended, by route, method and status.',
      labelNames: ['route', 'method', 'status'],
      registers,
    })
    this.problems = new Counter({
      name: 'watchpost_problems_total',
      help: 'Problems that clients were answered with.',
      labelNames: ['problem'],
      registers,
    })
    this.cut = new Counter({
      name: 'watchpost_connections_cut_total',
      help: 'Connections that were ended for what their clients did or failed to do, by transport and reason.',
      labelNames: ['transport', 'reason'],
      registers,
    })
    this.refused = new Counter({
      name: 'watchpost_refused_total',
      help: 'What was refused for a limit on how many there may be, such as connections and publishes, by its name.',
      labelNames: ['limit'],
      registers,
    })
    this.authentications = new Counter({
      name: 'watchpost_authentications_total',
      help: 'Credentials that clients sent, by what became of them.',
      labelNames: ['outcome'],
      registers,
    })
    this.#begin()
  }

  /** Series that begin with their first count have no rate over it, and alerts on them miss the first one. */
  #begin(): void {
    for (const problem of Object.keys(PROBLEMS) as ProblemName[]) this.problems.inc({ problem }, 0)
    for (const limit of REFUSING) this.refused.inc({ limit }, 0)
    for (const outcome of OUTCOMES) this.authentications.inc({ outcome }, 0)
  }

  /** `topic` is the definition's template: names of topics are the clients' choice, and would grow without bound. */
  countPublish(topic: string, { timestamps, ephemeral = [] }: Appended): void {
    this.#publishes.inc({ topic })
    this.#published.inc({ topic }, timestamps.length)
    this.#ephemeral.inc({ topic }, ephemeral.length)
  }

  /** Adds the figures that are read off the parts when they are asked for. */
  observe(parts: Observed): void {
    this.#observeDelivery(parts)
    this.#observePresence(parts)
  }

  #observeDelivery({ log, hub, connections }: Observed): void {
    this.#gauge('watchpost_log_head_offset', 'Events ever appended to the log.', () => log.head)
    this.#gauge('watchpost_hub_feeds', 'Different feeds that have subscriptions.', () => hub.feeds)
    this.#gauge(
      'watchpost_hub_lag_events',
      'Events that are durable but not yet handed to feeds.',
      () => log.head - hub.position,
    )
    this.#gauge(
      'watchpost_subscriptions_catching_up',
      'Subscriptions that read the log at this moment, since they are new or their clients were slow.',
      () => hub.catchingUp,
    )
    this.#gauge(
      'watchpost_buffered_bytes',
      'Bytes that wait in memory for clients to take them.',
      () => connections.bufferedBytes,
    )
    new Gauge({
      name: 'watchpost_connections',
      help: 'Open streams, WebSockets and waiting long polls, by transport.',
      labelNames: ['transport'],
      registers: [this.registry],
      collect() {
        this.reset()
        for (const transport of ['sse', 'long-poll', 'websocket'])
          this.set({ transport }, connections.counts().get(transport) ?? 0)
      },
    })
    this.#counter(
      'watchpost_events_dispatched_total',
      'Events handed to feeds by this process.',
      () => hub.eventsDispatched,
    )
    this.#counter(
      'watchpost_events_passed_over_total',
      'Events that slow clients were not sent, since their topic keeps only the latest of a key for them.',
      () => hub.eventsPassedOver,
    )
    this.#counter(
      'watchpost_events_missed_total',
      'Ephemeral events that this process was too busy to take before they were let go.',
      () => hub.eventsMissed,
    )
  }

  #observePresence({ log, presence }: Observed): void {
    let topics = 0
    // While the log can not be read, all other metrics are needed more than ever.
    const readTopics = (): number => {
      try {
        topics = log.transientTopics
      } catch {
        // What was read last is told again.
      }
      return topics
    }
    this.#gauge(
      'watchpost_presence_members',
      'Members that are connected to this process or were a moment ago, counted in each of their topics.',
      () => presence.members,
    )
    this.#gauge(
      'watchpost_presence_topics',
      'Topics of the log that tell who is present, as far as templates make them, until they are forgotten.',
      readTopics,
    )
    this.#counter(
      'watchpost_presence_events_total',
      'Events that tell of members, written by this process.',
      () => presence.eventsTold,
    )
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      ...{ name, help, registers: [this.registry] },
      collect() {
        this.set(read())
      },
    })
  }

  #counter(name: string, help: string, read: () => number): void {
    new Counter({
      ...{ name, help, registers: [this.registry] },
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }
}

/** The same authenticator, each use of which is counted, but for requests without credentials. */
export function countAuthentications(authenticator: Authenticator, { authentications }: Metrics): Authenticator {
  const count = (outcome: Outcome): void => authentications.inc({ outcome })
  const counted = async (find: Promise<Session>): Promise<Session> => {
    try {
      const session = await find
      if (session !== ANONYMOUS_SESSION) count('accepted')
      return session
    } catch (error) {
      count(outcomeOf(error))
      throw error
    }
  }
  return {
    ...authenticator,
    identify: (exchange) => counted(authenticator.identify(exchange)),
    verify: (...sent) => counted(authenticator.verify(...sent)),
  }
}

const OUTCOME_OF: Partial<Record<ProblemName, Outcome>> = {
  'token-expired': 'expired',
  unauthorized: 'refused',
  'rate-limited': 'limited',
}

function outcomeOf(error: unknown): Outcome {
  const problem = error instanceof ProblemError ? error.problem : undefined
  return (problem && OUTCOME_OF[problem]) ?? 'failed'
}
