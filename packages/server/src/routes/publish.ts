/** Publishing by POST [WP-3.9]. */
import { ANONYMOUS, type Appended } from '@watchpost/core'
import { formatCursor, ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import { parsePublishBody } from '../formats/publish-body.ts'
import type { Exchange } from '../http/exchange.ts'
import { demandOwnOrigin } from '../http/origin.ts'
import { idempotencyOf } from '../idempotency.ts'

export async function publishTopic(app: App, exchange: Exchange, name: string): Promise<void> {
  const resolved = app.registry.demand('publish', name, ANONYMOUS)
  demandOwnOrigin(app, exchange, 'publish')
  if (app.connections.closing) throw new ProblemError('going-away', 'This server is shutting down.', { retryAfter: 1 })
  const key = exchange.header('idempotency-key')
  const scope = { identity: ANONYMOUS, topic: name, limits: app.limits }
  await app.bodies.with(exchange, async (body) => {
    const events = parsePublishBody(body, exchange.header('content-type'))
    const options = key === undefined ? {} : { idempotency: idempotencyOf(key, 'Idempotency-Key', scope, body) }
    const appended = await app.publisher.publish(resolved, events, options)
    if (!appended.replayed) app.metrics.countPublish(resolved.topic.template, appended.timestamps.length)
    acknowledge(app, exchange, appended)
  })
}

function acknowledge(app: App, exchange: Exchange, { first, timestamps, replayed }: Appended): void {
  // Ids and timestamps need no escapes, so they are put together as text: a publish may have thousands of them.
  const events = timestamps.map((timestamp, index) => {
    const id = formatCursor(app.log.epoch, { offset: first + index, trims: 0 })
    return `{"id":"${id}","timestamp":"${timestamp}"}`
  })
  exchange.json(201, `{"events":[${events.join(',')}]}`, replayed ? { 'idempotent-replayed': 'true' } : {})
}
