/** Health, readiness and metrics [WP-3.14]. */
import type { App } from '../app.ts'
import type { Exchange } from '../http/exchange.ts'
import { version } from '../version.ts'

/** The process runs and answers. */
export function serveHealth(_app: App, exchange: Exchange): void {
  exchange.json(200, JSON.stringify({ status: 'ok', version }))
}

/** New clients are welcome here; not once it drains. */
export function serveReadiness(app: App, exchange: Exchange): void {
  if (app.connections.draining) exchange.json(503, JSON.stringify({ status: 'going away' }))
  else exchange.json(200, JSON.stringify({ status: 'ready' }))
}

export async function serveMetrics(app: App, exchange: Exchange): Promise<void> {
  const { registry } = app.metrics
  const text = await registry.metrics()
  exchange.send(200, text, { 'content-type': registry.contentType, 'cache-control': 'no-store' })
}
