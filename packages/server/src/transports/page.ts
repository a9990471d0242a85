/** Pages [WP-3.7]: what is there, up to a limit, and where to go on. */
import type { Page, Start, Watch } from '@watchpost/core'
import type { App } from '../app.ts'
import { toCloudEvents } from '../formats/cloudevents.ts'
import type { Exchange, Headers } from '../http/exchange.ts'
import { etagOf, limitOf, mayBeNotModified } from '../http/query.ts'

export type PageFormat = 'json' | 'cloudevents'

export async function servePage(
  app: App,
  exchange: Exchange,
  watch: Watch,
  start: Start,
  format: PageFormat,
): Promise<void> {
  const limit = limitOf(exchange, app.limits)
  const located = await app.watcher.locate(watch, start)
  const page = await app.watcher.page(watch, located, limit)
  sendPage(app, exchange, page, format)
}

/** Sends a page; with `headers` beside those that every page has. */
export function sendPage(app: App, exchange: Exchange, page: Page, format: PageFormat, headers: Headers = {}): void {
  const cursor = app.watcher.cursor(page.position)
  const etag = etagOf(cursor)
  const all = {
    etag,
    ...(page.more && { link: `<${nextLink(exchange, cursor)}>; rel="next"` }),
    ...headers,
  }
  if (page.events.length === 0 && !page.more && mayBeNotModified(exchange, etag)) {
    exchange.send(304, '', all)
    return
  }
  const texts = page.events.map((event) => event.json)
  if (format === 'json') {
    exchange.json(200, `{"events":[${texts.join(',')}],"cursor":"${cursor}","more":${page.more}}`, all)
  } else {
    const body = JSON.stringify(texts.map((text) => toCloudEvents(text)))
    exchange.json(200, body, { ...all, 'content-type': 'application/cloudevents-batch+json; charset=utf-8' })
  }
}

/** The same request, from the page's end on. Relative, so that it holds behind any proxy. */
function nextLink(exchange: Exchange, cursor: string): string {
  const query = new URLSearchParams(exchange.url.searchParams)
  for (const name of ['last', 'lastEventId', 'last-event-id']) query.delete(name)
  query.set('after', cursor)
  return `${exchange.url.pathname}?${query.toString()}`
}
