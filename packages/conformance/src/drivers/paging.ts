/**
 * Pages and long polls [WP-3.7]. A page is asked for by `after`, a poll by the `ETag` of the one before it, so that both
 * ways to name a start are used.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from '@watchpost/protocol'
import type { Delivery, Driver, Watching, WatchRequest } from '../driver.ts'
import { elementTexts } from '../json-text.ts'
import { postOne, postOneEphemeral } from '../publish.ts'
import { refusalOf } from '../refusal.ts'
import { startingUrl, watchUrl } from '../target.ts'

/** How long a client of pages rests when there was nothing new. */
const REST_MS = 25

const WAIT_SECONDS = 20

interface Page {
  readonly events: readonly Event[]
  readonly cursor: string
  readonly more: boolean
}

class PagedWatching implements Watching {
  cursor: string | undefined
  readonly #baseUrl: string
  readonly #request: WatchRequest
  readonly #isPolling: boolean
  readonly #ending = new AbortController()
  #deliveries: Delivery[] = []
  /** Where the next page begins, which is ahead of `cursor` while a page is being handled. */
  #pageCursor: string | undefined
  #rests = false

  constructor(baseUrl: string, request: WatchRequest, isPolling: boolean) {
    this.#baseUrl = baseUrl
    this.#request = request
    this.#isPolling = isPolling
  }

  /** Asks for the first page. A poll does not wait for it, so that its start is known before anything happens. */
  async begin(): Promise<void> {
    const { after, pageEvents } = this.#request
    if (after !== undefined && after !== 'earliest' && after !== 'latest') this.cursor = after
    const url = startingUrl(this.#baseUrl, this.#request)
    if (pageEvents !== undefined) url.searchParams.set('limit', String(pageEvents))
    if (this.#isPolling) url.searchParams.set('wait', '0')
    await this.#ask(url, {})
  }

  async next(): Promise<Delivery | undefined> {
    const { signal } = this.#ending
    try {
      while (this.#deliveries.length === 0 && !signal.aborted) {
        if (this.#rests && !this.#isPolling) await sleep(REST_MS, undefined, { signal })
        await this.#askNext()
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
    const delivery = signal.aborted ? undefined : this.#deliveries.shift()
    this.cursor = delivery?.cursor ?? this.cursor
    return delivery
  }

  leave(): Promise<void> {
    this.cut()
    return Promise.resolve()
  }

  cut(): void {
    this.#ending.abort()
  }

  async #askNext(): Promise<void> {
    const { pageEvents, waitSeconds } = this.#request
    const cursor = this.#pageCursor as string
    const url = watchUrl(this.#baseUrl, this.#request)
    if (pageEvents !== undefined) url.searchParams.set('limit', String(pageEvents))
    if (!this.#isPolling) {
      url.searchParams.set('after', cursor)
      return this.#ask(url, {})
    }
    const prefer = `wait=${waitSeconds ?? WAIT_SECONDS}`
    return this.#ask(url, { prefer, 'if-none-match': `"${cursor}"` })
  }

  async #ask(url: URL, headers: Record<string, string>): Promise<void> {
    const response = await fetch(url, { headers, signal: this.#ending.signal })
    const text = await response.text()
    if (response.status === 200) return this.#takePage(text, JSON.parse(text) as Page)
    if (response.status === 304) return this.#takeNoNews(response.headers.get('etag'))
    const refusal = refusalOf(response.status, response.headers.get('content-type'), text)
    if (refusal.problem !== '/problems/cursor-expired') throw refusal
    this.#pageCursor = String(refusal.members['earliest'])
    this.#deliveries.push({ kind: 'gap', cursor: this.#pageCursor, reason: undefined, after: undefined })
  }

  #takePage(text: string, page: Page): void {
    const texts = elementTexts(text)
    this.#deliveries = page.events.map((event, i) => ({ kind: 'event', event, text: texts[i], cursor: event.id }))
    // Its cursor can be ahead of its last event, and must be known if there is none.
    this.#deliveries.push({ kind: 'bookmark', cursor: page.cursor })
    this.#pageCursor = page.cursor
    this.#rests = page.events.length === 0 && !page.more
  }

  #takeNoNews(etag: string | null): void {
    const cursor = /^"(.+)"$/.exec(etag ?? '')?.[1]
    if (cursor === undefined) throw new Error(`a 304 must have its cursor as ETag, not ${etag}`)
    this.#deliveries.push({ kind: 'bookmark', cursor })
    this.#pageCursor = cursor
  }
}

async function begin(baseUrl: string, request: WatchRequest, isPolling: boolean): Promise<Watching> {
  const watching = new PagedWatching(baseUrl, request, isPolling)
  await watching.begin()
  return watching
}

/** Walks pages, and asks again and again at the end. */
export const page: Driver = {
  name: 'page',
  transport: 'page',
  startsAt: 'earliest',
  watch: (baseUrl, request) => begin(baseUrl, request, false),
  publish: postOne,
  publishEphemeral: postOneEphemeral,
}

/** Polls, and lets the server wait for news. */
export const longPoll: Driver = {
  name: 'long-poll',
  transport: 'long-poll',
  startsAt: 'latest',
  watch: (baseUrl, request) => begin(baseUrl, request, true),
  publish: postOne,
  publishEphemeral: postOneEphemeral,
}
