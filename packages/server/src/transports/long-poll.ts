/** Long polls [WP-3.7]: a page that waits until it has something to say. */
import type { Attendance, Encoding, Located, Page, Sink, Start, Watch } from '@watchpost/core'
import type { App } from '../app.ts'
import { demandStillGood } from '../auth/still-good.ts'
import type { Connection } from '../http/connections.ts'
import type { Exchange } from '../http/exchange.ts'
import { limitOf } from '../http/query.ts'
import { type Appearance, attend } from '../presence.ts'
import { clientOf } from '../quotas/quotas.ts'
import { type PageFormat, sendPage } from './page.ts'
import type { Joining, Wanted } from './wanted.ts'

/** A poll only needs to hear that there is news; it then reads the page like any other, where nothing is that is not stored. */
const news: Encoding<'news' | 'none'> = {
  name: 'news',
  events: (events) => (events.some(({ passing }) => passing === undefined) ? 'news' : 'none'),
  bookmark: () => 'none',
  gap: () => 'news',
}

export async function serveLongPoll(
  app: App,
  exchange: Exchange,
  wanted: Wanted,
  { start, appearance }: Joining,
  wait: { readonly seconds: number; readonly format: PageFormat },
): Promise<void> {
  const limit = limitOf(exchange, app.limits)
  const watch = wanted(exchange.identity)
  const attendance = attendPolling(app, exchange, watch, appearance)
  try {
    const page = await pageWithNews(app, exchange, wanted, start, { limit, seconds: wait.seconds })
    sendPage(app, exchange, page, wait.format, { 'preference-applied': `wait=${wait.seconds}` })
  } finally {
    attendance?.leave()
  }
}

/** Of the anonymous, nothing goes on from one poll to the next, so they would come and go with each. */
function attendPolling(
  app: App,
  { identity }: Exchange,
  { selection: { filters } }: Watch,
  appearance: Appearance,
): Attendance | undefined {
  return identity.subject === undefined ? undefined : attend(app, { identity, connection: '', filters, appearance })
}

/** The next page that has an event, or one without when the time is over. */
async function pageWithNews(
  app: App,
  exchange: Exchange,
  wanted: Wanted,
  start: Start,
  { limit, seconds }: { readonly limit: number; readonly seconds: number },
): Promise<Page> {
  const { expiresMs = Number.POSITIVE_INFINITY } = exchange.session
  let hasWaited = false
  let watch = wanted(exchange.identity)
  let from = await app.watcher.locate(watch, start)
  let page = await app.watcher.page(watch, from, limit)
  // Whoever may watch no longer is not left waiting.
  const waitMs = Math.min(seconds * 1_000, expiresMs - app.clock.now())
  const untilMs = app.clock.monotonic() + waitMs
  while (page.events.length === 0 && !isOver(app, exchange, untilMs, hasWaited)) {
    from = { position: page.position }
    if (!page.more) {
      // A poll that is answered at once costs no more than a page.
      if (!hasWaited) app.quotas.demandHandshake(clientOf(app, exchange), exchange)
      hasWaited = true
      await newsAfter(app, exchange, watch, from, untilMs)
      // It may be here because of other rights than it began with.
      demandStillGood(app, exchange)
      watch = wanted(exchange.identity)
    }
    page = await app.watcher.page(watch, from, limit)
  }
  return page
}

/** While the server drains, whoever waited is answered, and whoever would wait from now on is refused [WP-3.17]. */
const isOver = (app: App, exchange: Exchange, untilMs: number, hasWaited: boolean): boolean =>
  exchange.gone || (hasWaited && app.connections.draining) || app.clock.monotonic() >= untilMs

/** Resolves when there is an event to send, the time is over, the client is gone or the server goes away. */
async function newsAfter(app: App, exchange: Exchange, watch: Watch, from: Located, untilMs: number): Promise<void> {
  app.connections.demandRoom(clientOf(app, exchange))
  const { response } = exchange
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: unknown, reason: string): void =>
      settle(() => reject(error instanceof Error ? error : new Error(String(error))), reason)
    const sink: Sink<'news' | 'none'> = {
      bufferedBytes: 0,
      write: (chunk) => {
        if (chunk === 'news') settle(resolve)
      },
      drained: () => Promise.resolve(),
      fail: (error) => refuse(error, 'the log could not be read'),
    }
    const subscription = app.watcher.subscribe(watch, from, news, sink)
    const waiting: Connection = {
      transport: 'long-poll',
      session: exchange.session,
      address: app.addresses.of(exchange.request),
      filters: watch.selection.filters,
      bufferedBytes: 0,
      goAway: () => {
        // The next poll is for another server.
        response.shouldKeepAlive = false
        settle(resolve, 'going away')
      },
      end: refuse,
      renew: () => settle(resolve),
      reassess: () => settle(resolve),
    }
    const id = app.connections.add(waiting)
    app.audit.note('connect', waiting, { connection: id })
    app.audit.note('subscribe', waiting, { connection: id, topics: waiting.filters })
    const stopTimer = app.clock.after(Math.max(0, untilMs - app.clock.monotonic()), () => settle(resolve))
    const onClose = (): void => settle(resolve, 'left')
    response.once('close', onClose)
    const settle = (act: () => void, reason = 'answered'): void => {
      stopTimer()
      response.off('close', onClose)
      app.connections.remove(id)
      app.audit.note('disconnect', waiting, { connection: id, reason })
      subscription.close()
      act()
    }
  })
}
