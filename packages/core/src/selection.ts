/** Which topics a subscription covers: its filters, less what its identity may not watch or its transport is not offered [WP-6.3]. */
import { isExact, literalPrefix, matchesFilter, type Position } from '@watchpost/protocol'
import type { Identity } from './access.ts'
import type { Transport } from './definition.ts'
import type { Log } from './log.ts'
import type { Registry } from './registry.ts'

/** Verdicts remembered per selection; past it, all are found anew. */
const REMEMBERED_MAX = 10_000

/** Up to so many topics are read through their own indexes; for more, reading the whole log in order is cheaper. */
const MERGED_MAX = 32

/** Who watches, and how; the server's own process watches without a transport. */
export interface Viewer {
  readonly identity: Identity
  readonly transport?: Transport
}

export class Selection {
  readonly filters: readonly string[]
  /** Equal names select equal topics. */
  readonly name: string
  /** The topics, if no filter has a wildcard. */
  readonly exact: readonly string[] | undefined
  readonly #registry: Registry
  readonly #viewer: Viewer
  readonly #verdicts = new Map<string, boolean>()

  /** Exact filters must have passed {@link Registry.demand}; wildcards show what the identity may watch. */
  constructor(filters: readonly string[], registry: Registry, viewer: Viewer) {
    this.filters = [...new Set(filters)].sort()
    this.name = JSON.stringify([this.filters, viewer.identity.name, viewer.transport])
    this.exact = this.filters.every(isExact) ? this.filters : undefined
    this.#registry = registry
    this.#viewer = viewer
  }

  has(topic: string): boolean {
    const known = this.#verdicts.get(topic)
    if (known !== undefined) return known
    if (this.#verdicts.size >= REMEMBERED_MAX) this.#verdicts.clear()
    const verdict = this.filters.some((filter) => matchesFilter(filter, topic)) && this.#mayWatch(topic)
    this.#verdicts.set(topic, verdict)
    return verdict
  }

  #mayWatch(topic: string): boolean {
    const { identity, transport } = this.#viewer
    const resolved = this.#registry.resolve(topic)
    if (resolved === undefined || (transport !== undefined && !resolved.topic.transports.has(transport))) return false
    try {
      return this.#registry.may('watch', resolved, identity)
    } catch {
      // The server's own rule failed. Thrown on, that would keep the hub from handing out any event, to anyone.
      return false
    }
  }

  /** The topic, if it is just one and has a state. */
  get keyedTopic(): string | undefined {
    const [topic, ...others] = this.exact ?? []
    if (topic === undefined || others.length > 0) return undefined
    return this.isKeyed(topic) ? topic : undefined
  }

  isKeyed(topic: string): boolean {
    return this.#registry.resolve(topic)?.topic.keyOf !== undefined
  }

  /** Whether a slow client is sent just the newest event of each key of the topic. */
  passesOver(topic: string): boolean {
    return this.#registry.resolve(topic)?.topic.onSlow === 'latest'
  }

  /** The topics to read by index, or `undefined` to read the whole log and ask {@link has} of each event. */
  indexed(log: Log): readonly string[] | undefined {
    if (this.exact !== undefined) return this.exact
    const names: string[] = []
    for (const name of this.#existing(log)) {
      if (names.length === MERGED_MAX) return undefined
      names.push(name)
    }
    return names
  }

  /** Whether events after a position are gone from any of the topics by a trim that the position does not know. */
  hasLoss(log: Log, after: Position): boolean {
    for (const name of this.exact ?? this.#existing(log)) {
      const facts = log.topic(name)
      if (facts !== undefined && facts.trimmed > after.offset && facts.trims > after.trims) return true
    }
    return false
  }

  *#existing(log: Log): Generator<string> {
    const seen = new Set<string>()
    for (const filter of this.filters) {
      for (const { topic } of log.topics(literalPrefix(filter))) {
        if (seen.has(topic) || !this.has(topic)) continue
        seen.add(topic)
        yield topic
      }
    }
  }
}
