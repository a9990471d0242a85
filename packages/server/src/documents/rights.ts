/** What an identity may know of: topics by their definitions, where not everything can be decided, and by their names. */
import { type Action, type Identity, mayAllow, type Registry, type Topic } from '@watchpost/core'

/** Whether it may, as far as a definition tells. Where a rule decides topic by topic, it can be allowed. */
export function mayUse(registry: Registry, topic: Topic, action: Action, identity: Identity): boolean {
  const { template, access } = topic
  // Without parameters there is but one topic, so its rule can be asked; of others the anonymous are told nothing.
  if (!template.includes('{')) return registry.may(action, { topic, name: template, params: {} }, identity)
  if (typeof access[action] === 'function' && identity.subject === undefined) return false
  return mayAllow(topic, action, identity)
}

const ACTIONS: readonly Action[] = ['watch', 'publish']

/** Templates that stand for the same topics, whatever their parameters are called, have one form. */
const formOf = (template: string): string => template.replaceAll(/\{[^/]*\}/g, '{}')

/** Whether it may watch, or publish to, what a template or the name of a topic stands for. */
export function mayKnow(registry: Registry, name: string, identity: Identity): boolean {
  const form = formOf(name)
  const defined = registry.topics.find(({ template }) => formOf(template) === form)
  if (defined !== undefined) return ACTIONS.some((action) => mayUse(registry, defined, action, identity))
  const resolved = registry.resolve(name)
  return resolved !== undefined && ACTIONS.some((action) => registry.may(action, resolved, identity))
}
