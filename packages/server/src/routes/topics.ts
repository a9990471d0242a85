/** The list of topics that the caller may watch or publish to [WP-3.12]. */
import { type Action, mayAllow, type Topic } from '@watchpost/core'
import type { App } from '../app.ts'
import type { Exchange } from '../http/exchange.ts'

export function serveTopics(app: App, exchange: Exchange): void {
  const described = app.registry.topics.map((topic) => describe(app, topic, exchange))
  const topics = described.filter((topic) => topic.watch || topic.publish)
  exchange.json(200, JSON.stringify({ topics, limits: app.limits }))
}

function describe(
  { registry }: App,
  topic: Topic,
  exchange: Exchange,
): { readonly watch: boolean; readonly publish: boolean } {
  const { basePath, identity } = exchange
  const { template, description, schemas, transports, retention, onSlow } = topic
  const keyed = topic.keyOf !== undefined
  // Without parameters there is but one topic, so its rule can be asked; of others the anonymous are told nothing.
  const may = (action: Action): boolean => {
    if (!template.includes('{')) return registry.may(action, { topic, name: template, params: {} }, identity)
    if (typeof topic.access[action] === 'function' && identity.subject === undefined) return false
    return mayAllow(topic, action, identity)
  }
  const root = `${basePath}/v1`
  return {
    ...{ topic: template, description },
    watch: may('watch'),
    publish: may('publish'),
    ...{ keyed, retention, transports: [...transports], ...(keyed && { onSlow }) },
    ...{ events: Object.fromEntries([...schemas].map(([type, schema]) => [type, schema.json])) },
    ...{ links: { topic: `${root}/topics/${template}`, ...(keyed && { state: `${root}/state/${template}` }) } },
  }
}
