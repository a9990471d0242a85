/** All topic definitions of a server, and which of them a topic falls under. */
import { compareTemplates, type Limits, limitsWith, matchTemplate, ProblemError, topicFault } from '@watchpost/protocol'
import { type Action, allows, type Identity, SERVER } from './access.ts'
import { compileTopic, type Topic, type TopicDefinition } from './definition.ts'
import type { Retention } from './log.ts'
import { type Masked, maskedOf } from './mask.ts'
import { presentAt } from './presence/companion.ts'

/** A topic's definition, and what the template's parameters stand for. */
export interface Resolved {
  readonly topic: Topic
  readonly name: string
  readonly params: Readonly<Record<string, string>>
}

/** Names that clients send decide what is remembered, so it is bounded; past it, all is found anew. */
const REMEMBERED_MAX = 10_000

export interface RegistryOptions {
  readonly retention?: Retention | undefined
  readonly limits?: Limits
  /** A rule of a definition threw; it counts as one that denies. */
  readonly onRuleFailure?: (error: unknown, resolved: Resolved) => void
}

export class Registry {
  #topics: readonly Topic[]
  #generation = 0
  readonly #limits: Limits
  readonly #onRuleFailure: (error: unknown, resolved: Resolved) => void
  readonly #remembered = new Map<string, Resolved | undefined>()

  /** @throws DefinitionError */
  constructor(definitions: Readonly<Record<string, TopicDefinition>>, options: RegistryOptions = {}) {
    this.#limits = options.limits ?? limitsWith()
    this.#onRuleFailure = options.onRuleFailure ?? (() => undefined)
    this.#topics = this.#compile(definitions, options.retention)
  }

  /** The most literal first. */
  get topics(): readonly Topic[] {
    return this.#topics
  }

  /** Those beside the definitions with `presence` [WP-9.4], in the same order. */
  get companions(): readonly Topic[] {
    return this.#topics.flatMap(({ presence }) => presence ?? [])
  }

  /** How often the definitions were replaced. Whoever remembers what they said must forget it when this changes. */
  get generation(): number {
    return this.#generation
  }

  /**
   * Takes other definitions in the place of all that there are, in place, at once.
   * @throws DefinitionError, and then nothing has changed
   */
  redefine(
    definitions: Readonly<Record<string, TopicDefinition>>,
    { retention }: Pick<RegistryOptions, 'retention'> = {},
  ): void {
    this.#topics = this.#compile(definitions, retention)
    this.#remembered.clear()
    this.#generation++
  }

  #compile(definitions: Readonly<Record<string, TopicDefinition>>, retention: Retention | undefined): readonly Topic[] {
    return Object.entries(definitions)
      .map(([template, definition]) => compileTopic(template, definition, { retention, bounds: this.#limits }))
      .sort((a, b) => compareTemplates(a.template, b.template))
  }

  /** The definition that a topic falls under: of several templates that match, the most literal. */
  resolve(name: string): Resolved | undefined {
    if (this.#remembered.has(name)) return this.#remembered.get(name)
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear()
    const found = this.#find(name)
    this.#remembered.set(name, found)
    return found
  }

  #find(name: string): Resolved | undefined {
    const about = presentAt(name)
    if (about !== undefined) return this.#findCompanion(name, about)
    for (const topic of this.#topics) {
      const params = matchTemplate(topic.template, name)
      if (params !== undefined) return { topic, name, params }
    }
    return undefined
  }

  #findCompanion(name: string, about: string): Resolved | undefined {
    const resolved = this.resolve(about)
    return resolved?.topic.presence && { topic: resolved.topic.presence, name, params: resolved.params }
  }

  may(action: Action, resolved: Resolved, identity: Identity): boolean {
    const { topic, name, params } = resolved
    const about = presentAt(name)
    if (about !== undefined) return action === 'watch' && this.#mayWatch(about, identity)
    try {
      return allows(topic.access[action], action, { identity, topic: name, params })
    } catch (error) {
      // Such as a rule that looks for a claim that an identity does not have.
      this.#onRuleFailure(error, resolved)
      return false
    }
  }

  #mayWatch(name: string, identity: Identity): boolean {
    const resolved = this.resolve(name)
    return resolved !== undefined && this.may('watch', resolved, identity)
  }

  /**
   * What the identity may not see of a topic's data.
   * @throws ProblemError `internal` if the rule failed: then nothing may be shown
   */
  demandMasked(resolved: Resolved, identity: Identity): Masked {
    const masked = this.masked(resolved, identity)
    if (masked === undefined) throw new ProblemError('internal', 'The server failed; its log has the cause.')
    return masked
  }

  /** What the identity may not see of a topic's data; `undefined` if the rule failed, and then it may see nothing. */
  masked(resolved: Resolved, identity: Identity): Masked | undefined {
    const { topic, name, params } = resolved
    if (identity === SERVER) return []
    try {
      return maskedOf(topic.mask, { identity, topic: name, params })
    } catch (error) {
      this.#onRuleFailure(error, resolved)
      return undefined
    }
  }

  /**
   * The topic, if the identity may do this with it.
   * @throws ProblemError `invalid-parameter` for what is no topic name; `unknown-topic`, also for a topic that the identity may not see [WP-6.3]; else `unauthorized`
   *   for the anonymous and `forbidden` for everyone else
   */
  demand(action: Action, name: string, identity: Identity): Resolved {
    // Every topic that there can be can have such a one beside it.
    const fault = topicFault(presentAt(name) ?? name, this.#limits)
    if (fault !== undefined) throw new ProblemError('invalid-parameter', `Topic ${JSON.stringify(name)}: ${fault}.`)
    const resolved = this.resolve(name)
    if (resolved !== undefined && this.may(action, resolved, identity)) return resolved
    const other: Action = action === 'watch' ? 'publish' : 'watch'
    if (resolved === undefined || !this.may(other, resolved, identity)) {
      throw new ProblemError('unknown-topic', `There is no topic ${JSON.stringify(name)} that you may see.`)
    }
    throw new ProblemError(
      identity.subject === undefined ? 'unauthorized' : 'forbidden',
      `You may ${WORDS[other]} ${JSON.stringify(name)}, but not ${WORDS[action]} it.`,
    )
  }
}

const WORDS: Readonly<Record<Action, string>> = { watch: 'watch', publish: 'publish to' }
