/** Publishing by POST [WP-3.9]. */
import { type Appended } from '@watchpost/core'
import { ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import { actorOf } from '../audit.ts'
import { demandStillGood } from '../auth/still-good.ts'
import { parsePublishBody } from '../formats/publish-body.ts'
import type { Exchange } from '../http/exchange.ts'
import { demandOwnOrigin } from '../http/origin.ts'
import { idempotencyOf } from '../idempotency.ts'
import { idsOf, publishFor } from '../publishing.ts'
import { clientOf, publisherKey } from '../quotas/quotas.ts'

export async function publishTopic(app: App, exchange: Exchange, name: string): Promise<void> {
  // Counted first, or topics could be guessed at any rate; told last, or an answer would say which there are.
  const client = clientOf(app, exchange)
  const tellLeft = app.quotas.demandHttpPublish(client, exchange)
  app.registry.demand('publish', name, exchange.identity)
  tellLeft()
  demandOwnOrigin(app, exchange, 'publish')
  if (app.connections.closing) throw new ProblemError('going-away', 'This server is shutting down.', { retryAfter: 1 })
  const key = exchange.header('idempotency-key')
  const scope = { identity: exchange.identity, topic: name, limits: app.limits }
  await app.bodies.with(exchange, publisherKey(client), async (body) => {
    const events = parsePublishBody(body, exchange.header('content-type'))
    const options = key === undefined ? {} : { idempotency: idempotencyOf(key, 'Idempotency-Key', scope, body) }
    const { headers } = exchange.request
    // A body can take its time, in which rights may have ended.
    demandStillGood(app, exchange)
    const resolved = app.registry.demand('publish', name, exchange.identity)
    acknowledge(app, exchange, await publishFor(app, actorOf(app, exchange), { resolved, events, options, headers }))
  })
}

function acknowledge(app: App, exchange: Exchange, appended: Appended): void {
  const { timestamps, replayed } = appended
  const ids = idsOf(app, appended)
  // Ids and timestamps need no escapes, so they are put together as text: a publish may have thousands of them.
  const idMember = (id: string | undefined): string => (id === undefined ? '' : `"id":"${id}",`)
  const events = timestamps.map((timestamp, index) => `{${idMember(ids[index])}"timestamp":"${timestamp}"}`)
  exchange.json(201, `{"events":[${events.join(',')}]}`, replayed ? { 'idempotent-replayed': 'true' } : {})
}
