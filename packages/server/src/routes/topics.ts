/** The list of topics that the caller may watch or publish to [WP-3.12]. */
import type { Access, Topic } from '@watchpost/core'
import type { App } from '../app.ts'
import type { Exchange } from '../http/exchange.ts'

export function serveTopics(app: App, exchange: Exchange): void {
  const topics = app.registry.topics.map(describe).filter((topic) => topic.watch || topic.publish)
  exchange.json(200, JSON.stringify({ topics, limits: app.limits }))
}

/**
 * A template whose access is decided by a function may be open for some of its topics, so it is listed for what it may
 * be used for; each use is decided on its own.
 */
const mayBe = (access: Access): boolean => typeof access === 'function' || access === 'anyone'

function describe(topic: Topic): { readonly watch: boolean; readonly publish: boolean } {
  const { template, description, schemas, transports, retention } = topic
  const keyed = topic.keyOf !== undefined
  return {
    ...{ topic: template, description },
    watch: mayBe(topic.access.watch),
    publish: mayBe(topic.access.publish),
    ...{ keyed, retention, transports: [...transports] },
    ...{ events: Object.fromEntries([...schemas].map(([type, schema]) => [type, schema.json])) },
    ...{ links: { topic: `/v1/topics/${template}`, ...(keyed && { state: `/v1/state/${template}` }) } },
  }
}
