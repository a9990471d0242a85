/** Publishing by POST [WP-3.9]. */
import { createHash } from 'node:crypto'
import { ANONYMOUS, type Appended, type PublishOptions } from '@watchpost/core'
import { formatCursor, ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import { parsePublishBody } from '../formats/publish-body.ts'
import type { Exchange } from '../http/exchange.ts'

export async function publishTopic(app: App, exchange: Exchange, name: string): Promise<void> {
  const resolved = app.registry.demand('publish', name, ANONYMOUS)
  demandOwnOrigin(app, exchange)
  if (app.connections.closing) throw new ProblemError('going-away', 'This server is shutting down.', { retryAfter: 1 })
  const idempotencyKey = idempotencyKeyOf(app, exchange)
  await app.bodies.with(exchange, async (body) => {
    const events = parsePublishBody(body, exchange.header('content-type'))
    const options = idempotencyKey === undefined ? {} : { idempotency: scoped(idempotencyKey, name, body) }
    const appended = await app.publisher.publish(resolved, events, options)
    if (!appended.replayed) app.metrics.countPublish(resolved.topic.template, appended.timestamps.length)
    acknowledge(app, exchange, appended)
  })
}

/**
 * A browser lets any page send a POST without asking first, as long as its type is none that needs asking; so it is the
 * server that has to refuse pages of other origins [WP-3.13].
 * @throws ProblemError `forbidden`
 */
function demandOwnOrigin({ cors }: App, exchange: Exchange): void {
  const origin = exchange.header('origin')
  if (origin === undefined || cors?.origins === '*' || cors?.origins.includes(origin) === true) return
  const host = exchange.header('host') ?? exchange.header(':authority')
  if (host !== undefined && origin.replace(/^https?:\/\//, '') === host) return
  const detail = `Pages of ${JSON.stringify(origin)} may not publish here; cors.origins in the configuration can allow it.`
  throw new ProblemError('forbidden', detail)
}

function acknowledge(app: App, exchange: Exchange, { first, timestamps, replayed }: Appended): void {
  // Ids and timestamps need no escapes, so they are put together as text: a publish may have thousands of them.
  const events = timestamps.map((timestamp, index) => {
    const id = formatCursor(app.log.epoch, { offset: first + index, trims: 0 })
    return `{"id":"${id}","timestamp":"${timestamp}"}`
  })
  exchange.json(201, `{"events":[${events.join(',')}]}`, replayed ? { 'idempotent-replayed': 'true' } : {})
}

/** @throws ProblemError `invalid-parameter` */
function idempotencyKeyOf(app: App, exchange: Exchange): string | undefined {
  const key = exchange.header('idempotency-key')
  if (key === undefined) return undefined
  const { idempotencyKeyBytesMax } = app.limits
  if (key !== '' && Buffer.byteLength(key) <= idempotencyKeyBytesMax) return key
  throw new ProblemError('invalid-parameter', `Idempotency-Key: must have 1 to ${idempotencyKeyBytesMax} bytes.`)
}

/** A key counts per publisher and topic; hashed, it has one length and shows nothing of itself in the store. */
function scoped(key: string, topic: string, body: Buffer): NonNullable<PublishOptions['idempotency']> {
  return {
    key: createHash('sha256')
      .update(JSON.stringify([ANONYMOUS.name, topic, key]))
      .digest('base64url'),
    fingerprint: createHash('sha256').update(body).digest('base64url'),
  }
}
