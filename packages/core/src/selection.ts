/**
 * Which topics a subscription covers, and what its identity may see of them: its filters, less what the identity may not
 * watch or the transport is not offered, and less what is masked [WP-6.3] [WP-6.5].
 */
import {
  filtersOverlap,
  isExact,
  type Json,
  literalPrefix,
  matchesFilter,
  type Position,
  topicOf,
} from '@watchpost/protocol'
import { decidedBy, type Identity } from './access.ts'
import { filterOf, type Topic, type Transport } from './definition.ts'
import type { Log, LoggedEvent, TopicFacts } from './log.ts'
import { type Masked, withoutMasked } from './mask.ts'
import { ordinaryTopics } from './ordinary-topics.ts'
import { presentAt } from './presence/companion.ts'
import type { Registry } from './registry.ts'

/** Verdicts remembered per selection, of which there can be one for each identity; past it, all are found anew. */
const REMEMBERED_MAX = 1_000

/** Up to so many topics are read through their own indexes; for more, reading the whole log in order is cheaper. */
const MERGED_MAX = 32

/** Who watches, and how; the server's own process watches without a transport. */
export interface Viewer {
  readonly identity: Identity
  readonly transport?: Transport
}

/** What may be seen of a topic; `undefined` if it is not covered. */
type Verdict = Masked | undefined

/** A mask that leaves nothing of an event's data. */
const ALL: Masked = [[]]

export class Selection {
  readonly filters: readonly string[]
  /** Equal names select equal topics, and show the same of them. */
  readonly name: string
  /** The topics, if no filter has a wildcard. */
  readonly exact: readonly string[] | undefined
  readonly #registry: Registry
  readonly #viewer: Viewer
  readonly #verdicts = new Map<string, Verdict>()
  /** Those of exact filters: decided when the watch was asked for, and again when topics are defined anew. */
  #decided: ReadonlyMap<string, Verdict>
  /** Of the definitions that all verdicts are by. */
  #generation: number

  /** Whether rules of the server's own decide about topics that wildcards match: they may answer otherwise another time. */
  readonly isByRules: boolean

  /** Exact filters must have passed {@link Registry.demand}; wildcards show what the identity may watch. */
  constructor(filters: readonly string[], registry: Registry, viewer: Viewer) {
    this.filters = [...new Set(filters)].sort()
    this.exact = this.filters.every(isExact) ? this.filters : undefined
    this.#registry = registry
    this.#viewer = viewer
    this.#generation = registry.generation
    this.#decided = new Map(this.filters.filter(isExact).map((topic) => [topic, this.#maskedOf(topic)]))
    const matched = this.#matchedByWildcards()
    this.isByRules = matched.some(({ access, mask }) => [access.watch, mask].some((rule) => typeof rule === 'function'))
    const decided = [...this.#decided.values(), this.#whatDecides(matched)]
    this.name = JSON.stringify([this.filters, viewer.transport, decided, this.#generation])
  }

  has(topic: string): boolean {
    return this.#verdict(topic) !== undefined
  }

  /** The event as the identity may see it; without any data if it is of a topic that is not covered. */
  masked(event: LoggedEvent): LoggedEvent {
    return withoutMasked(event, this.#verdict(topicOf(event.json)) ?? ALL)
  }

  #verdict(topic: string): Verdict {
    if (this.#generation !== this.#registry.generation) this.#decideAnew()
    if (this.#verdicts.has(topic)) return this.#verdicts.get(topic)
    if (this.#verdicts.size >= REMEMBERED_MAX) this.#verdicts.clear()
    const verdict = this.#decided.has(topic) ? this.#decided.get(topic) : this.#wildcardVerdict(topic)
    this.#verdicts.set(topic, verdict)
    return verdict
  }

  /** Whoever watches is told by somebody else; until then nothing is shown that is open no more. */
  #decideAnew(): void {
    this.#generation = this.#registry.generation
    this.#verdicts.clear()
    const decide = (topic: string): Verdict => (this.#mayWatch(topic) ? this.#maskedOf(topic) : undefined)
    this.#decided = new Map([...this.#decided.keys()].map((topic) => [topic, decide(topic)]))
  }

  #wildcardVerdict(topic: string): Verdict {
    return this.filters.some((filter) => matchesFilter(filter, topic)) && this.#mayWatch(topic)
      ? this.#maskedOf(topic)
      : undefined
  }

  #mayWatch(topic: string): boolean {
    const { identity, transport } = this.#viewer
    const resolved = this.#registry.resolve(topic)
    if (resolved === undefined || (transport !== undefined && !resolved.topic.transports.has(transport))) return false
    return this.#registry.may('watch', resolved, identity)
  }

  #maskedOf(topic: string): Verdict {
    const resolved = this.#registry.resolve(topic)
    return resolved && this.#registry.masked(resolved, this.#viewer.identity)
  }

  /** Has rules asked again about topics that wildcards match. */
  askAgain(): void {
    this.#verdicts.clear()
  }

  /** Goes on with what was decided before topics were defined anew, for what was sent by it. */
  keep(): void {
    this.#generation = this.#registry.generation
  }

  #matchedByWildcards(): readonly Topic[] {
    const wildcards = this.filters.filter((filter) => !isExact(filter))
    const isMatched = ({ template }: Topic): boolean =>
      wildcards.some((filter) => filtersOverlap(filter, filterOf(template)))
    return [...this.#registry.topics, ...this.#registry.companions].filter(isMatched)
  }

  /** What, besides the filters, decides about the topics that wildcards match: viewers for whom it is equal share feeds. */
  #whatDecides(matched: readonly Topic[]): Json {
    return matched.map(({ access, mask }) => {
      const { identity } = this.#viewer
      return [decidedBy(access.watch, 'watch', identity), typeof mask === 'function' ? identity.name : null]
    })
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
    if (this.exact !== undefined) return this.exact.filter((topic) => this.has(topic))
    const names: string[] = []
    for (const name of this.#existing(log)) {
      if (names.length === MERGED_MAX) return undefined
      names.push(name)
    }
    return names
  }

  /** Whether events after a position are gone from any of the topics by a trim that the position does not know. */
  hasLoss(log: Log, after: Position): boolean {
    // Wildcards may have matched topics that are forgotten by now.
    const matchesForgotten = this.exact === undefined && this.filters.some((filter) => presentAt(filter) !== undefined)
    if (matchesForgotten && isLost(log.forgotten, after)) return true
    for (const name of this.exact ?? this.#existing(log)) {
      const facts = log.topic(name) ?? (presentAt(name) === undefined ? undefined : log.forgotten)
      if (facts !== undefined && isLost(facts, after) && this.has(name)) return true
    }
    return false
  }

  *#existing(log: Log): Generator<string> {
    const seen = new Set<string>()
    for (const filter of this.filters) {
      for (const { topic } of reachableTopics(log, filter)) {
        if (seen.has(topic) || !this.has(topic)) continue
        seen.add(topic)
        yield topic
      }
    }
  }
}

/** All topics that a filter could match; of the server's own, no wildcard at its start matches any [WP-3.3]. */
function reachableTopics(log: Log, filter: string): Iterable<TopicFacts> {
  const prefix = literalPrefix(filter)
  return prefix === '' ? ordinaryTopics(log) : log.topics(prefix)
}

const isLost = ({ trimmed, trims }: Pick<TopicFacts, 'trimmed' | 'trims'>, after: Position): boolean =>
  trimmed > after.offset && trims > after.trims
