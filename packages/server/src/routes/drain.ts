/** POST `/v1/drain` [WP-3.17]. */
import type { App } from '../app.ts'
import { actorOf } from '../audit.ts'
import type { Exchange } from '../http/exchange.ts'
import { demandAdmin } from './connections.ts'

/** @throws ProblemError `unauthorized` or `forbidden` */
export function startDrain(app: App, exchange: Exchange): void {
  demandAdmin(exchange)
  const isFirst = !app.drain.hasBegun
  const drained = app.drain.begin()
  if (isFirst) app.audit.note('drain', actorOf(app, exchange), drained)
  exchange.json(202, JSON.stringify(drained))
}
