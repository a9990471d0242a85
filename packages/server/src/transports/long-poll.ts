/** Long polls [WP-3.7]: a page that waits until it has something to say. */
import type { Encoding, Located, Sink, Start, Watch } from '@watchpost/core'
import type { App } from '../app.ts'
import type { Exchange } from '../http/exchange.ts'
import { limitOf } from '../http/query.ts'
import { type PageFormat, sendPage } from './page.ts'

/** A poll only needs to hear that there is news; it then reads the page like any other. */
const news: Encoding<'news' | 'none'> = {
  name: 'news',
  events: () => 'news',
  bookmark: () => 'none',
  gap: () => 'news',
}

export async function serveLongPoll(
  app: App,
  exchange: Exchange,
  watch: Watch,
  start: Start,
  wait: { readonly seconds: number; readonly format: PageFormat },
): Promise<void> {
  const limit = limitOf(exchange, app.limits)
  let from = await app.watcher.locate(watch, start)
  let page = await app.watcher.page(watch, from, limit)
  const untilMs = app.clock.monotonic() + wait.seconds * 1_000
  while (page.events.length === 0 && !isOver(app, exchange, untilMs)) {
    from = { position: page.position }
    if (!page.more) await newsAfter(app, exchange, watch, from, untilMs)
    page = await app.watcher.page(watch, from, limit)
  }
  sendPage(app, exchange, page, wait.format, { 'preference-applied': `wait=${wait.seconds}` })
}

const isOver = (app: App, exchange: Exchange, untilMs: number): boolean =>
  exchange.gone || app.connections.closing || app.clock.monotonic() >= untilMs

/** Resolves when there is an event to send, the time is over, the client is gone or the server goes away. */
async function newsAfter(app: App, exchange: Exchange, watch: Watch, from: Located, untilMs: number): Promise<void> {
  app.connections.demandRoom()
  const { response } = exchange
  await new Promise<void>((resolve, reject) => {
    const sink: Sink<'news' | 'none'> = {
      bufferedBytes: 0,
      write: (chunk) => {
        if (chunk === 'news') settle(resolve)
      },
      drained: () => Promise.resolve(),
      fail: (error) => settle(() => reject(error instanceof Error ? error : new Error(String(error)))),
    }
    const subscription = app.watcher.subscribe(watch, from, news, sink)
    const waiting = { transport: 'long-poll', goAway: () => settle(resolve), bufferedBytes: 0 } as const
    const id = app.connections.add(waiting)
    const stopTimer = app.clock.after(Math.max(0, untilMs - app.clock.monotonic()), () => settle(resolve))
    const onClose = (): void => settle(resolve)
    response.once('close', onClose)
    const settle = (act: () => void): void => {
      stopTimer()
      response.off('close', onClose)
      app.connections.remove(id)
      subscription.close()
      act()
    }
  })
}
