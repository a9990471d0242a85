/** All topic definitions of a server, and which of them a topic falls under. */
import { compareTemplates, type Limits, limitsWith, matchTemplate, ProblemError, topicFault } from '@watchpost/protocol'
import { type Action, allows, type Identity } from './access.ts'
import { compileTopic, type Topic, type TopicDefinition } from './definition.ts'
import type { Retention } from './log.ts'

/** A topic's definition, and what the template's parameters stand for. */
export interface Resolved {
  readonly topic: Topic
  readonly name: string
  readonly params: Readonly<Record<string, string>>
}

/** Names that clients send decide what is remembered, so it is bounded; past it, all is found anew. */
const REMEMBERED_MAX = 10_000

export class Registry {
  readonly topics: readonly Topic[]
  readonly #limits: Limits
  readonly #remembered = new Map<string, Resolved | undefined>()

  /** @throws DefinitionError */
  constructor(
    definitions: Readonly<Record<string, TopicDefinition>>,
    options: { readonly retention?: Retention | undefined; readonly limits?: Limits } = {},
  ) {
    this.#limits = options.limits ?? limitsWith()
    const bounds = this.#limits
    this.topics = Object.entries(definitions)
      .map(([template, definition]) => compileTopic(template, definition, { retention: options.retention, bounds }))
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
    for (const topic of this.topics) {
      const params = matchTemplate(topic.template, name)
      if (params !== undefined) return { topic, name, params }
    }
    return undefined
  }

  may(action: Action, resolved: Resolved, identity: Identity): boolean {
    const { topic, name, params } = resolved
    return allows(topic.access[action], { identity, topic: name, params })
  }

  /**
   * The topic, if the identity may do this with it.
   * @throws ProblemError `invalid-parameter` for what is no topic name; `unknown-topic`, also for a topic that the identity may not see [WP-6.3]; else `unauthorized`
   *   for the anonymous and `forbidden` for everyone else
   */
  demand(action: Action, name: string, identity: Identity): Resolved {
    const fault = topicFault(name, this.#limits)
    if (fault !== undefined) throw new ProblemError('invalid-parameter', `Topic ${JSON.stringify(name)}: ${fault}.`)
    const resolved = this.resolve(name)
    if (resolved !== undefined && this.may(action, resolved, identity)) return resolved
    const other: Action = action === 'watch' ? 'publish' : 'watch'
    if (resolved === undefined || !this.may(other, resolved, identity)) {
      throw new ProblemError('unknown-topic', `There is no topic ${JSON.stringify(name)} that you may see.`)
    }
    throw new ProblemError(
      identity.subject === undefined ? 'unauthorized' : 'forbidden',
      `You may ${other} ${JSON.stringify(name)}, but not ${action} it.`,
    )
  }
}
