/** The list of topics that the caller may watch or publish to [WP-3.12]. */
import type { Access, Topic } from '@watchpost/core'
import type { App } from '../app.ts'
import type { Exchange } from '../http/exchange.ts'

export function serveTopics(app: App, exchange: Exchange): void {
  const described = app.registry.topics.map((topic) => describe(topic, exchange.basePath))
  const topics = described.filter((topic) => topic.watch || topic.publish)
  exchange.json(200, JSON.stringify({ topics, limits: app.limits }))
}

/**
 * A template whose access is decided by a function may be open for some of its topics, so it is listed for what it may
 * be used for; each use is decided on its own.
 */
const mayBe = (access: Access): boolean => typeof access === 'function' || access === 'anyone'

function describe(topic: Topic, basePath: string): { readonly watch: boolean; readonly publish: boolean } {
  const { template, description, schemas, transports, retention, onSlow } = topic
  const keyed = topic.keyOf !== undefined
  const root = `${basePath}/v1`
  return {
    ...{ topic: template, description },
    watch: mayBe(topic.access.watch),
    publish: mayBe(topic.access.publish),
    ...{ keyed, retention, transports: [...transports], ...(keyed && { onSlow }) },
    ...{ events: Object.fromEntries([...schemas].map(([type, schema]) => [type, schema.json])) },
    ...{ links: { topic: `${root}/topics/${template}`, ...(keyed && { state: `${root}/state/${template}` }) } },
  }
}
