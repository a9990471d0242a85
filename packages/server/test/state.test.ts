/** The state of keyed topics: what is there, page by page, and how to go on from it. */
import { parseCursor } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { topic } from 'watchpost'
import { expectProblem } from './fixtures/http.ts'
import { get, openSse, post, startServer, TOPICS } from './harness.ts'

interface StateEvent {
  readonly id: string
  readonly key: string
  readonly data: { readonly symbol: string; readonly price: number } | null
}
interface StateBody {
  readonly cursor: string
  readonly events: readonly StateEvent[]
  readonly next?: string
}

const price = (symbol: string, value: number) => ({ type: 'priceUpdate', data: { symbol, price: value } })
const offsetOf = (cursor: string): number => parseCursor(cursor)?.offset ?? Number.NaN
const removal = (key: string) => ({ type: 'priceUpdate', key, data: null })
const stateOf = async (url: string, query = ''): Promise<StateBody> =>
  (await get(`${url}/v1/state/stocks${query}`)).body as StateBody
const prices = ({ events }: StateBody) => events.map(({ key, data }) => [key, data?.price])

/** All pages of the state, each with the same cursor. */
async function wholeState(url: string, limit: number, query = ''): Promise<StateBody> {
  const first = await stateOf(url, `?limit=${limit}${query}`)
  const events = [...first.events]
  for (let { next } = first; next !== undefined; ) {
    const page = await stateOf(url, `?limit=${limit}${query}&next=${encodeURIComponent(next)}`)
    expect(page.cursor).toBe(first.cursor)
    expect(page.events.length).toBeLessThanOrEqual(limit)
    events.push(...page.events)
    next = page.next
  }
  return { cursor: first.cursor, events }
}

describe('the state of a keyed topic', () => {
  it('is the latest event of each key, with the cursor of that moment [WP-3.11] [WP-9.1]', async () => {
    const { url } = await startServer()
    const empty = await stateOf(url)
    expect(empty.events).toEqual([])
    const published = await post(`${url}/v1/topics/stocks`, [price('B', 1), price('A', 2), price('B', 3)])
    const ids = published.body.events.map((event: StateEvent) => event.id)
    const state = await stateOf(url)
    expect(state).toEqual({
      cursor: ids[2],
      events: [
        { ...price('A', 2), topic: 'stocks', id: ids[1], key: 'A', timestamp: expect.any(String) },
        { ...price('B', 3), topic: 'stocks', id: ids[2], key: 'B', timestamp: expect.any(String) },
      ],
    })
    // The cursor of the empty state was before all of them.
    expect((await get(`${url}/v1/topics/stocks?after=${empty.cursor}`)).body.events).toHaveLength(3)
  })

  it('loses a key that is removed, which subscribers are sent as an event [WP-9.1]', async () => {
    const { url } = await startServer()
    const stream = await openSse(`${url}/v1/topics/stocks`)
    await stream.next(({ event }) => event === 'welcome')
    await post(`${url}/v1/topics/stocks`, [price('A', 1), price('B', 1), removal('A'), removal('never')])
    expect(prices(await stateOf(url))).toEqual([['B', 1]])
    const [, , removed] = await stream.events(4)
    expect(removed?.data).toMatchObject({ type: 'priceUpdate', key: 'A', data: null })
    await post(`${url}/v1/topics/stocks`, price('A', 2))
    expect(prices(await stateOf(url))).toEqual([
      ['A', 2],
      ['B', 1],
    ])
  })

  it('takes the key from the data, and refuses another one or none [WP-9.1]', async () => {
    const byId = topic({ events: { changed: {} }, key: '/id', watch: 'anyone', publish: 'anyone' })
    const { url } = await startServer({ topics: { ...TOPICS, byId } })
    const publish = (event: object) => post(`${url}/v1/topics/byId`, { type: 'changed', ...event })
    expect((await publish({ data: { id: 7 } })).status).toBe(201)
    expect((await publish({ data: { id: '7', n: 2 }, key: '7' })).status).toBe(201)
    const { events } = (await get(`${url}/v1/state/byId`)).body
    expect(events).toMatchObject([{ key: '7', data: { id: '7', n: 2 } }])
    for (const [event, path] of [
      [{ data: { id: 'a' }, key: 'b' }, '/key'],
      [{ data: {} }, '/data'],
      [{ data: { id: '' } }, '/data'],
      [{ data: { id: { deep: 1 } } }, '/data'],
      [{ data: null }, '/key'],
      [{ data: null, key: '' }, '/key'],
    ] as const) {
      expectProblem(await publish(event), 'invalid-event', { errors: [{ event: 0, path }] })
    }
  })

  it('answers for some keys only, and selects of their data [WP-3.11] [WP-3.6]', async () => {
    const { url } = await startServer()
    await post(
      `${url}/v1/topics/stocks`,
      ['a', 'b', 'c', 'd'].map((symbol, i) => price(symbol, i)),
    )
    expect(prices(await stateOf(url, '?key=d&key=b&key=none&key=b'))).toEqual([
      ['b', 1],
      ['d', 3],
    ])
    expect((await stateOf(url, '?key=none')).events).toEqual([])
    expect((await stateOf(url, '?key=a&select=/price')).events[0]?.data).toEqual({ price: 0 })
    expect(prices(await wholeState(url, 1, '&key=d&key=b&key=a'))).toEqual([
      ['a', 0],
      ['b', 1],
      ['d', 3],
    ])
  })

  it('is paged in the order of the keys` bytes, with one cursor [WP-3.11]', async () => {
    const { url } = await startServer()
    // UTF-16 would put the last two the other way round; the others have what a text of its own would have to escape.
    const keys = ['A', 'a', 'a b', 'a%2Fb', 'a/b', 'a~1', 'b', '__proto__', 'é', '\uff61', '😀']
    await post(
      `${url}/v1/topics/stocks`,
      keys.map((key, i) => price(key, i)),
    )
    const inOrder = keys.toSorted((a, b) => Buffer.from(a).compare(Buffer.from(b)))
    for (const limit of [1, 2, 3, 100]) {
      const { events } = await wholeState(url, limit)
      expect(events.map(({ key }) => key)).toEqual(inOrder)
    }
  })

  it('has pages that still lead on while keys come and go [WP-3.11]', async () => {
    const { url } = await startServer()
    await post(
      `${url}/v1/topics/stocks`,
      ['a', 'b', 'c', 'd'].map((symbol) => price(symbol, 1)),
    )
    const first = await stateOf(url, '?limit=2')
    await post(`${url}/v1/topics/stocks`, [removal('b'), removal('c'), price('aa', 2), price('e', 2)])
    const second = await stateOf(url, `?limit=2&next=${first.next}`)
    expect(prices(second)).toEqual([
      ['d', 1],
      ['e', 2],
    ])
    expect([second.cursor, second.next]).toEqual([first.cursor, undefined])
    const { events } = (await get(`${url}/v1/topics/stocks?after=${second.cursor}`)).body
    expect(events.map(({ key }: StateEvent) => key)).toEqual(['b', 'c', 'aa', 'e'])
  })

  it('leads without a hole into a watch, whatever is published meanwhile [WP-3.11] [WP-2.5]', async () => {
    const { url } = await startServer()
    const over = new AbortController()
    const publisher = (async () => {
      for (let n = 0; !over.signal.aborted; n++) {
        const symbol = `s${(n * 7) % 50}`
        await post(`${url}/v1/topics/stocks`, n % 5 === 4 ? removal(symbol) : price(symbol, n))
      }
    })()
    for (let round = 0; round < 5; round++) {
      await new Promise((resolve) => setTimeout(resolve, 30))
      const { cursor, events } = await wholeState(url, 7)
      const known = new Map(events.map((event) => [event.key, event.data]))
      const stream = await openSse(`${url}/v1/topics/stocks`, { 'last-event-id': cursor })
      await stream.events(20)
      const settled = await stateOf(url, '?limit=1000')
      await stream.next(({ id }) => id === settled.cursor)
      stream.close()
      for (const { id, event, data } of stream.messages) {
        const { key, data: value } = data as unknown as StateEvent
        if (event === 'priceUpdate') known.set(key, value)
        if (id === settled.cursor) break
      }
      // An event that was published in that very moment can show already, and follows on the cursor all the same.
      const newer = new Set(
        settled.events.filter(({ id }) => offsetOf(id) > offsetOf(settled.cursor)).map(({ key }) => key),
      )
      const present = [...known].filter(([key, data]) => data !== null && !newer.has(key))
      const truth = settled.events.filter(({ key }) => !newer.has(key)).map(({ key, data }) => [key, data])
      expect(present.sort(([a], [b]) => (a < b ? -1 : 1))).toEqual(truth)
    }
    over.abort()
    await publisher
  })

  it('is not touched by trimming, nor by a restart [WP-3.11] [WP-6.4]', async () => {
    const stocks = { ...TOPICS.stocks, retention: { events: 2 } }
    const first = await startServer({ topics: { stocks } })
    await post(
      `${first.url}/v1/topics/stocks`,
      ['a', 'b', 'c', 'd', 'e'].map((symbol, i) => price(symbol, i)),
    )
    const kept = async () => (await get(`${first.url}/v1/topics/stocks`)).body.events.length
    await expect.poll(kept, { timeout: 5_000 }).toBe(2)
    const state = await stateOf(first.url)
    expect(prices(state).map(([key]) => key)).toEqual(['a', 'b', 'c', 'd', 'e'])
    await first.close()
    const second = await startServer({ topics: { stocks }, dataDir: first.dataDir })
    expect(await stateOf(second.url)).toEqual(state)
  })

  it('is each topic`s own under a template [WP-3.11] [WP-3.3]', async () => {
    const seats = topic({ events: { taken: {} }, key: '/seat', watch: 'anyone', publish: 'anyone' })
    const { url } = await startServer({ topics: { 'seats/{room}': seats } })
    await post(`${url}/v1/topics/seats/red`, { type: 'taken', data: { seat: 1, by: 'x' } })
    await post(`${url}/v1/topics/seats/blue`, { type: 'taken', data: { seat: 1, by: 'y' } })
    expect((await get(`${url}/v1/state/seats/red`)).body.events).toMatchObject([{ data: { by: 'x' } }])
    expect((await get(`${url}/v1/state/seats%2Fblue`)).body.events).toMatchObject([{ data: { by: 'y' } }])
    expect((await get(`${url}/v1/state/seats/green`)).body.events).toEqual([])
  })
})

describe('a state that can not be had', () => {
  it.each([
    ['/v1/state/log', 'not-keyed'],
    ['/v1/state/none', 'unknown-topic'],
    ['/v1/state/a b', 'invalid-parameter'],
    ['/v1/state/stocks?limit=0', 'invalid-parameter'],
    ['/v1/state/stocks?limit=1001', 'invalid-parameter'],
    ['/v1/state/stocks?next=x', 'invalid-parameter'],
    ['/v1/state/stocks?next=', 'invalid-parameter'],
    ['/v1/state/stocks?next=x&next=y', 'invalid-parameter'],
    ['/v1/state/stocks?select=price', 'invalid-parameter'],
  ] as const)('is answered with its problem: %s [WP-3.11] [WP-3.6]', async (path, problem) => {
    const { url } = await startServer()
    expectProblem(await get(`${url}${path}`), problem)
  })

  it('is one whose `next` is of another log [WP-3.11]', async () => {
    const [one, other] = [await startServer(), await startServer()]
    for (const { url } of [one, other]) await post(`${url}/v1/topics/stocks`, [price('a', 1), price('b', 1)])
    const { next } = await stateOf(other.url, '?limit=1')
    expectProblem(await get(`${one.url}/v1/state/stocks?next=${next}`), 'invalid-parameter')
  })
})
