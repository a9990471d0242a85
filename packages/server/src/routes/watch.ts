/** Watching by GET: which transport answers is a matter of content negotiation [WP-3.5]. */
import { type Transport } from '@watchpost/core'
import Negotiator from 'negotiator'
import type { App } from '../app.ts'
import type { Exchange } from '../http/exchange.ts'
import { afterOf, demandOthers, lastOf, several, viewOf, waitOf } from '../http/query.ts'
import { appearanceOf } from '../presence.ts'
import { serveLongPoll } from '../transports/long-poll.ts'
import { servePage } from '../transports/page.ts'
import { serveSse } from '../transports/sse.ts'
import type { Wanted } from '../transports/wanted.ts'

const JSON_TYPE = 'application/json'
const SSE_TYPE = 'text/event-stream'
const CLOUDEVENTS_TYPE = 'application/cloudevents-batch+json'

export const watchTopic = (app: App, exchange: Exchange, topic: string): Promise<void> => watch(app, exchange, [topic])

export const watchEvents = (app: App, exchange: Exchange): Promise<void> =>
  watch(app, exchange, several(exchange, 'topic', app.limits))

async function watch(app: App, exchange: Exchange, filters: readonly string[]): Promise<void> {
  const accepted = new Negotiator(exchange.request).mediaType([JSON_TYPE, SSE_TYPE, CLOUDEVENTS_TYPE])
  demandOthers(exchange, app.limits)
  const waitSeconds = waitOf(exchange, app.limits)
  const transport: Transport = accepted === SSE_TYPE ? 'sse' : waitSeconds === undefined ? 'page' : 'long-poll'
  const start = { after: afterOf(exchange, app.limits), last: lastOf(exchange, app.limits) }
  const view = viewOf(exchange, app.limits)
  const appearance = appearanceOf(exchange, app.limits)
  const wanted: Wanted = (identity) => app.watcher.watch(filters, view, { identity, transport })
  const format = accepted === CLOUDEVENTS_TYPE ? 'cloudevents' : 'json'
  const live = { start: { ...start, otherwise: 'latest' }, appearance } as const
  if (transport === 'sse') return serveSse(app, exchange, wanted, live)
  if (waitSeconds === undefined) {
    return servePage(app, exchange, wanted(exchange.identity), { ...start, otherwise: 'earliest' }, format)
  }
  return serveLongPoll(app, exchange, wanted, live, { seconds: waitSeconds, format })
}
