/**
 * The way of a publish: checked event by event, appended as one transaction, acknowledged when durable. All of its events
 * are in the log afterwards, or none [WP-3.9].
 */
import { type EventFault, formatTimestamp, type Limits, ProblemError } from '@watchpost/protocol'
import type { Clock } from './clock.ts'
import type { Appended, Log, PreparedEvent } from './log.ts'
import { Faults, prepareEvent } from './prepare.ts'
import type { Resolved } from './registry.ts'

/** How long the answer to a publish with an idempotency key is kept [WP-3.10]. */
const IDEMPOTENCY_KEEP_MS = 86_400_000

/** A publish with more faults than this reports just the first ones. */
const FAULTS_MAX = 100

export interface PublishOptions {
  readonly idempotency?: { readonly key: string; readonly fingerprint: string }
}

export class Publisher {
  readonly #log: Log
  readonly #limits: Limits
  readonly #clock: Clock

  constructor(log: Log, limits: Limits, clock: Clock) {
    this.#log = log
    this.#limits = limits
    this.#clock = clock
  }

  /**
   * Publishes parsed JSON values as the events of a topic.
   * @throws ProblemError `invalid-event` with all faults, `message-too-large`, or what {@link Log.append} throws
   */
  async publish(resolved: Resolved, events: readonly unknown[], options: PublishOptions = {}): Promise<Appended> {
    const prepared = this.#prepare(resolved, events)
    const { idempotency } = options
    const { name, topic } = resolved
    return this.#log.append({
      topic: name,
      keyed: topic.keyOf !== undefined,
      events: prepared,
      // What is defined by its own name is the operator's choice, and of a number that is known.
      ...(topic.template !== name && { topicsMax: this.#limits.topicsMax }),
      ...(idempotency && { idempotency: { ...idempotency, keepMs: IDEMPOTENCY_KEEP_MS } }),
    })
  }

  #prepare(resolved: Resolved, events: readonly unknown[]): PreparedEvent[] {
    const { publishEventsMax } = this.#limits
    if (events.length === 0) throw new ProblemError('invalid-message', 'A publish needs at least one event.')
    if (events.length > publishEventsMax) {
      throw new ProblemError(
        'message-too-large',
        `A publish may hold ${publishEventsMax} events, not ${events.length}.`,
      )
    }
    const now = formatTimestamp(this.#clock.now())
    const faults = new Faults()
    const prepared: PreparedEvent[] = []
    for (const [index, value] of events.entries()) {
      faults.event = index
      const event = prepareEvent(resolved, value, now, this.#limits, faults)
      if (event !== undefined) prepared.push(event)
      if (faults.list.length >= FAULTS_MAX) break
    }
    if (faults.list.length > 0) throw invalid(faults.list)
    return prepared
  }
}

function invalid(faults: readonly EventFault[]): ProblemError {
  const { event, path, message } = faults[0] as EventFault
  const where = path === '' ? `Event ${event}` : `Event ${event}, ${path}`
  return new ProblemError('invalid-event', `${where}: ${message}.`, { errors: faults.slice(0, FAULTS_MAX) })
}
