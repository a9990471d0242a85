/** The state of a keyed topic by GET [WP-3.11]. */
import { formatNext, parseNext, readState } from '@watchpost/core'
import type { App } from '../app.ts'
import type { Exchange } from '../http/exchange.ts'
import { limitOf, nextOf, several } from '../http/query.ts'

export function serveState(app: App, exchange: Exchange, name: string): void {
  const resolved = app.registry.demand('watch', name, exchange.identity)
  const nextText = nextOf(exchange)
  const request = {
    keys: several(exchange, 'key', app.limits),
    select: several(exchange, 'select', app.limits),
    limit: limitOf(exchange, app.limits),
    masked: app.registry.demandMasked(resolved, exchange.identity),
    next: nextText === undefined ? undefined : parseNext(nextText, app.log.epoch),
  }
  const page = readState(app.log, resolved, request, app.limits)
  const next = page.next && formatNext(page.next, (position) => app.watcher.cursor(position))
  const texts = page.events.map((event) => event.json).join(',')
  const cursor = app.watcher.cursor(page.position)
  const nextMember = next === undefined ? '' : `,"next":${JSON.stringify(next)}`
  exchange.json(200, `{"cursor":"${cursor}","events":[${texts}]${nextMember}}`)
}
