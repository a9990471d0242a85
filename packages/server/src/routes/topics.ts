/** The list of topics that the caller may watch or publish to [WP-3.12]. */
import type { App } from '../app.ts'
import { type DocumentedTopic, topicsFor } from '../documents/documented.ts'
import { maskedSchema } from '../documents/masked.ts'
import type { Exchange } from '../http/exchange.ts'

export function serveTopics(app: App, exchange: Exchange): void {
  const topics = topicsFor(app.registry, exchange.identity).map((documented) => describe(documented, exchange))
  exchange.json(200, JSON.stringify({ topics, limits: app.limits }))
}

function describe({ topic, watch, publish, lifecycle, masked = [] }: DocumentedTopic, { basePath }: Exchange): object {
  const { template, description, version, schemas, transports, retention, onSlow } = topic
  const keyed = topic.keyOf !== undefined
  const ephemeral = [...schemas].flatMap(([type, schema]) => (schema.ephemeral ? [type] : []))
  const root = `${basePath}/v1`
  // Whoever may publish is told all that can be.
  const isWhole = publish || masked.length === 0
  const events = [...schemas].map(([type, { json, flat }]) => [type, isWhole ? json : maskedSchema(flat, masked)])
  return {
    ...{ topic: template, description, version, deprecated: lifecycle },
    ...{ watch, publish },
    ...{ keyed, retention, transports: [...transports], ...(keyed && { onSlow }) },
    ...{ events: Object.fromEntries(events) as object },
    ...(ephemeral.length > 0 && { ephemeral }),
    ...{ links: { topic: `${root}/topics/${template}`, ...(keyed && { state: `${root}/state/${template}` }) } },
  }
}
