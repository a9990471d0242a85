/** What is no longer kept: trimming, and the gaps that it makes [WP-2.4]. */
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { topic } from 'watchpost'
import { expectProblem } from './fixtures/http.ts'
import { type Answer, get, type Message, openSse, post, startServer, TOPICS, temporaryDir } from './harness.ts'

const open = { watch: 'anyone', publish: 'anyone' } as const
const lines = (retention: object) => topic({ events: { line: {} }, retention, ...open })
const line = (n: number) => ({ type: 'line', data: { n } })
const upTo = (count: number, first = 0) => Array.from({ length: count }, (_, i) => first + i)

interface Line {
  readonly id: string
  readonly topic: string
  readonly data: { readonly n: number }
}
const linesOf = (answer: Answer): Line[] => (answer.body as { events: Line[] }).events
const numbers = (answer: Answer): number[] => linesOf(answer).map(({ data }) => data.n)
const idsOf = async (url: string, events: readonly object[]): Promise<string[]> =>
  (await post(url, events)).body.events.map(({ id }: Line) => id)

/** Waits until retention has left just so many events of a topic. */
async function untilKept(url: string, count: number): Promise<void> {
  await expect.poll(async () => linesOf(await get(`${url}?limit=1000`)).length, { timeout: 8_000 }).toBe(count)
}

describe('retention', () => {
  it('keeps the newest events within every bound, topic by topic [WP-6.4]', async () => {
    const text = 'x'.repeat(1_000)
    const topics = {
      count: lines({ events: 5 }),
      age: lines({ ageMs: 2_500 }),
      bytes: lines({ bytes: 5_000 }),
      both: lines({ events: 3, bytes: 1_000_000 }),
      all: lines({}),
    }
    const { url } = await startServer({ topics })
    // However old its timestamp, what counts is when it was appended.
    const events = upTo(20).map((n) => ({ type: 'line', data: { n, text }, timestamp: '2001-01-01T00:00:00Z' }))
    for (const name of Object.keys(topics)) await post(`${url}/v1/topics/${name}`, events)
    expect(linesOf(await get(`${url}/v1/topics/age`))).toHaveLength(20)
    await untilKept(`${url}/v1/topics/count`, 5)
    await untilKept(`${url}/v1/topics/both`, 3)
    expect(numbers(await get(`${url}/v1/topics/count`))).toEqual(upTo(5, 15))
    const bytes = async () =>
      linesOf(await get(`${url}/v1/topics/bytes`)).reduce(
        (sum, each) => sum + Buffer.byteLength(JSON.stringify(each)),
        0,
      )
    await expect.poll(bytes, { timeout: 5_000 }).toBeLessThanOrEqual(5_000)
    expect(numbers(await get(`${url}/v1/topics/bytes`))).toEqual(upTo(4, 16))
    const oldAndNew = async () => {
      await post(`${url}/v1/topics/age`, line(20))
      const kept = numbers(await get(`${url}/v1/topics/age`))
      return [kept.includes(19), kept.includes(20)]
    }
    await expect.poll(oldAndNew, { timeout: 30_000 }).toEqual([false, true])
    expect(numbers(await get(`${url}/v1/topics/all`))).toEqual(upTo(20))
  })

  it('of the configuration counts for topics without one of their own [WP-6.4]', async () => {
    const plain = topic({ events: { line: {} }, ...open })
    const { url } = await startServer({ topics: { plain, own: lines({ events: 10 }) }, retention: { events: 2 } })
    for (const name of ['plain', 'own']) await post(`${url}/v1/topics/${name}`, upTo(12).map(line))
    await untilKept(`${url}/v1/topics/plain`, 2)
    expect(numbers(await get(`${url}/v1/topics/own`))).toEqual(upTo(10, 2))
  })
})

describe('a cursor from before what is kept', () => {
  async function trimmed() {
    const stocks = { ...TOPICS.stocks, retention: { events: 2 } }
    const server = await startServer({ topics: { short: lines({ events: 5 }), long: lines({}), stocks } })
    const [short, long] = [`${server.url}/v1/topics/short`, `${server.url}/v1/topics/long`]
    const ids = await idsOf(short, upTo(20).map(line))
    await untilKept(short, 5)
    return { ...server, short, long, ids, old: ids[3] ?? '' }
  }

  it('gets 410 with where to go on, once, and then nothing is skipped or repeated [WP-2.4]', async () => {
    const { short, old, ids } = await trimmed()
    const requests = [
      () => get(`${short}?after=${old}`),
      () => get(`${short}?after=${old}&wait=5`),
      () => get(short, { 'last-event-id': old }),
      () => get(short, { 'if-none-match': `"${old}"` }),
    ]
    for (const request of requests) {
      const answer = await request()
      expectProblem(answer, 'cursor-expired', { earliest: expect.stringMatching(/^[A-Za-z0-9._-]{1,64}$/) })
      expect(answer.body.state).toBeUndefined()
      const next = await get(`${short}?after=${answer.body.earliest}&limit=3`)
      expect(numbers(next)).toEqual([15, 16, 17])
      expect(numbers(await get(`${short}?after=${next.body.cursor}`))).toEqual([18, 19])
    }
    // The last one that was trimmed is where what is kept begins, so it is no gap.
    expect(numbers(await get(`${short}?after=${ids[14]}`))).toEqual(upTo(5, 15))
    expect((await get(`${short}?after=${ids[13]}`)).status).toBe(410)
  })

  it('is told of the state if one keyed topic is watched [WP-2.4]', async () => {
    const { url } = await trimmed()
    const prices = upTo(10).map((n) => ({ type: 'priceUpdate', data: { symbol: `S${n}`, price: n } }))
    const [first] = await idsOf(`${url}/v1/topics/stocks`, prices)
    await untilKept(`${url}/v1/topics/stocks`, 2)
    const answer = await get(`${url}/v1/topics/stocks?after=${first}`)
    expectProblem(answer, 'cursor-expired', { state: '/v1/state/stocks' })
    expect((await get(`${url}${answer.body.state}`)).body.events).toHaveLength(10)
    const several = await get(`${url}/v1/events?topic=stocks&topic=long&after=${first}`)
    expectProblem(several, 'cursor-expired')
    expect(several.body.state).toBeUndefined()
  })

  it('meets no gap as a sentinel, with `last`, or for a topic that lost nothing [WP-2.2] [WP-2.4]', async () => {
    const { url, short, long, old } = await trimmed()
    await post(long, upTo(3).map(line))
    expect(numbers(await get(`${short}?after=earliest`))).toEqual(upTo(5, 15))
    expect(numbers(await get(`${short}?after=latest`))).toEqual([])
    expect(numbers(await get(`${short}?last=1000`))).toEqual(upTo(5, 15))
    expect(numbers(await get(`${long}?after=${old}`))).toEqual([0, 1, 2])
    for (const start of ['after=earliest', 'last=1000']) {
      const stream = await openSse(`${url}/v1/events?topic=**&${start}`)
      await stream.events(8)
      expect(stream.messages.map(({ event }) => event)).not.toContain('gap')
      const page = await get(`${url}/v1/events?topic=**&${start}&limit=2`)
      expect(numbers(await get(`${url}/v1/events?topic=**&after=${page.body.cursor}`))).toEqual([17, 18, 19, 0, 1, 2])
    }
  })

  it('is no error to a stream: welcome, then the gap, whose id is where it goes on [WP-2.4] [WP-3.8]', async () => {
    const { short, old } = await trimmed()
    const stream = await openSse(short, { 'last-event-id': old })
    await stream.events(5)
    const [welcome, gap, ...events] = stream.messages
    expect(welcome).toMatchObject({ id: old, event: 'welcome', data: { data: { cursor: old } } })
    expect(gap).toMatchObject({ event: 'gap', data: { type: 'gap', data: { reason: 'trimmed', after: old } } })
    expect(gap?.data['data']).toMatchObject({ earliest: gap?.id })
    expect(events.map(({ data }) => (data as unknown as Line).data.n)).toEqual(upTo(5, 15))
    await post(short, line(20))
    expect((await stream.events(6)).at(-1)?.data).toMatchObject({ data: { n: 20 } })
    const again = await openSse(short, { 'last-event-id': gap?.id ?? '' })
    await again.events(6)
    expect(again.messages.map(({ event }) => event)).toEqual(['welcome', ...upTo(6).map(() => 'line')])
    // Whoever was cut off between the two hears of it again.
    const cut = await openSse(short, { 'last-event-id': welcome?.id ?? '' })
    expect((await cut.next(({ event }) => event !== 'welcome')).event).toBe('gap')
  })

  it('goes on exactly, from any cursor, over topics of which only one was trimmed [WP-2.4] [WP-2.5]', async () => {
    const { url, short, long } = await trimmed()
    const published: { readonly id: string; readonly name: string; readonly n: number }[] = []
    for (let n = 0; n < 24; n++) {
      const name = n % 3 === 0 ? 'long' : 'short'
      const [id = ''] = await idsOf(name === 'long' ? long : short, [line(100 + n)])
      published.push({ id, name, n: 100 + n })
    }
    await untilKept(short, 5)
    const keptShort = new Set(published.filter(({ name }) => name === 'short').slice(-5))
    for (const [at, { id }] of published.entries()) {
      const later = published.slice(at + 1)
      const expected = later.filter((each) => each.name === 'long' || keptShort.has(each)).map(({ n }) => n)
      const lost = later.length > expected.length
      expect(await throughPages(`${url}/v1/events?topic=long&topic=short`, id)).toEqual({ seen: expected, gaps: +lost })
      expect(await throughPages(`${url}/v1/topics/long`, id)).toEqual({
        seen: later.filter(({ name }) => name === 'long').map(({ n }) => n),
        gaps: 0,
      })
      const stream = await openSse(`${url}/v1/events?topic=*`, { 'last-event-id': id })
      const events = expected.length === 0 ? [] : await stream.events(expected.length)
      expect(events.map(({ data }) => (data as unknown as Line).data.n)).toEqual(expected)
      expect(stream.messages.filter(({ event }) => event === 'gap')).toHaveLength(+lost)
      stream.close()
    }
  })

  it('is made in the midst of a stream by trimming that overtakes it [WP-2.4]', async () => {
    const { url, watchpost } = await startServer({
      topics: { short: lines({ events: 5 }) },
      limits: { bufferedBytesMax: 65_536 },
    })
    const seen: { readonly n: number; readonly text: string }[] = []
    let gaps = 0
    const messages = watchpost.watch('short', { after: 'earliest' })
    await watchpost.publish('short', { type: 'line', data: { n: -1, text: '' } })
    await messages.next()
    const text = 'x'.repeat(2_000)
    for (let batch = 0; batch < 10; batch++) {
      const events = upTo(100, batch * 100).map((n) => ({ type: 'line', data: { n, text } }))
      await watchpost.publish('short', events)
    }
    await untilKept(`${url}/v1/topics/short`, 5)
    for await (const message of messages) {
      if (message.type === 'gap') gaps++
      else seen.push(message.data as unknown as { n: number; text: string })
      if (seen.at(-1)?.n === 999) break
    }
    expect(gaps).toBe(1)
    const ns = seen.map(({ n }) => n)
    expect(ns.slice(-5)).toEqual(upTo(5, 995))
    expect(ns.length).toBeLessThan(1_000)
    expect(ns).toEqual(ns.toSorted((a, b) => a - b))
    expect(new Set(ns).size).toBe(ns.length)
  })
})

/** Follows pages to the end, going on from `earliest` where there is a gap. */
async function throughPages(url: string, from: string) {
  const seen: number[] = []
  let gaps = 0
  for (let after = from; ; ) {
    const answer = await get(`${url}${url.includes('?') ? '&' : '?'}after=${after}&limit=2`)
    if (answer.status === 410) {
      gaps++
      after = answer.body.earliest
      continue
    }
    expect(answer.status).toBe(200)
    seen.push(...numbers(answer))
    after = answer.body.cursor
    if (!answer.body.more) return { seen, gaps }
  }
}

describe('a cursor of another log', () => {
  async function expectEpochGap(url: string, cursor: string, expected: readonly number[]): Promise<void> {
    const log = `${url}/v1/topics/log`
    for (const query of ['', '&wait=5']) {
      const answer = await get(`${log}?after=${cursor}${query}`)
      expectProblem(answer, 'cursor-expired', { earliest: expect.any(String) })
      expect(numbers(await get(`${log}?after=${answer.body.earliest}`))).toEqual(expected)
    }
    const stream = await openSse(log, { 'last-event-id': cursor })
    await stream.events(expected.length)
    const [welcome, gap, ...events] = stream.messages
    expect(welcome).toMatchObject({ event: 'welcome', id: cursor })
    const { earliest } = (gap as Message).data['data'] as { readonly earliest: string }
    expect(gap).toMatchObject({ event: 'gap', id: earliest, data: { data: { reason: 'epoch', after: cursor } } })
    expect(events.map(({ data }) => (data as unknown as Line).data.n)).toEqual(expected)
    expect(numbers(await get(`${log}?after=${earliest}`))).toEqual(expected)
  }

  it('meets a gap, and goes on with all that is kept [WP-2.3] [WP-2.4]', async () => {
    const [one, other] = [await startServer(), await startServer()]
    await post(`${one.url}/v1/topics/log`, upTo(3).map(line))
    const [foreign = ''] = await idsOf(`${other.url}/v1/topics/log`, [line(9)])
    await expectEpochGap(one.url, foreign, [0, 1, 2])
  })

  it('or beyond the end of a log that was restored meets one too [WP-2.3] [WP-2.4]', async () => {
    const first = await startServer()
    await post(`${first.url}/v1/topics/log`, upTo(2).map(line))
    await first.close()
    const backup = join(await temporaryDir(), 'backup')
    await cp(first.dataDir, backup, { recursive: true })
    const second = await startServer({ dataDir: first.dataDir })
    const [, lost = ''] = await idsOf(`${second.url}/v1/topics/log`, [line(2), line(3)])
    const restored = await startServer({ dataDir: backup })
    await expectEpochGap(restored.url, lost, [0, 1])
  })
})
