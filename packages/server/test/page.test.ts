/** Pages, long polls, and the parameters that all watches share. */
import { describe, expect, it } from 'vitest'
import { topic } from 'watchpost'
import { get, post, startServer, TOPICS } from './harness.ts'

async function withLines(count: number) {
  const server = await startServer()
  const events = Array.from({ length: count }, (_, n) => ({
    type: n % 2 === 0 ? 'line' : 'note',
    key: `k${n % 3}`,
    data: { n },
  }))
  const published = await post(`${server.url}/v1/topics/log`, events)
  return {
    ...server,
    log: `${server.url}/v1/topics/log`,
    ids: published.body.events.map((event: { id: string }) => event.id) as string[],
  }
}

const numbers = (body: { events: { data: { n: number } }[] }): number[] => body.events.map((event) => event.data.n)

describe('a page', () => {
  it('holds events as they are on every transport [WP-1.1] [WP-3.7]', async () => {
    const { url } = await startServer()
    const sent = {
      type: 'priceUpdate',
      data: { symbol: 'MSFT', price: 39.81 },
      timestamp: '2026-11-22T13:34:56.789+01:00',
    }
    const published = await post(`${url}/v1/topics/stocks`, sent)
    const page = await get(`${url}/v1/topics/stocks`)
    expect(page.status).toBe(200)
    expect(page.body).toEqual({
      events: [
        {
          type: 'priceUpdate',
          topic: 'stocks',
          id: published.body.events[0].id,
          key: 'MSFT',
          data: { symbol: 'MSFT', price: 39.81 },
          timestamp: '2026-11-22T12:34:56.789Z',
        },
      ],
      cursor: published.body.events[0].id,
      more: false,
    })
  })

  it('follows `more`, `cursor` and `Link` to the end, each event once [WP-3.7] [WP-2.5]', async () => {
    const { url, log } = await withLines(25)
    const seen: number[] = []
    let next: string | undefined = `${log}?limit=10`
    while (next !== undefined) {
      const page = await get(next)
      seen.push(...numbers(page.body))
      const link = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1]
      expect(link !== undefined).toBe(page.body.more)
      next = link === undefined ? undefined : new URL(link, url).href
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => n))
  })

  it('says `more: false` when the limit is met exactly at the end [WP-3.7]', async () => {
    const { log } = await withLines(10)
    expect((await get(`${log}?limit=10`)).body.more).toBe(false)
    expect((await get(`${log}?limit=9`)).body.more).toBe(true)
  })

  it('advances the cursor past what the view does not show [WP-3.6]', async () => {
    const { log, ids } = await withLines(4)
    const page = await get(`${log}?key=none`)
    expect(page.body).toEqual({ events: [], cursor: ids.at(-1), more: false })
  })

  it.each([
    ['key=k1', [1, 4, 7]],
    ['key=k1&key=k2', [1, 2, 4, 5, 7, 8]],
    ['type=note', [1, 3, 5, 7, 9]],
    ['type=note&key=k1', [1, 7]],
    ['last=3', [7, 8, 9]],
    ['last=2&type=line', [6, 8]],
    ['last=0', []],
    ['after=latest', []],
    ['after=earliest&limit=2', [0, 1]],
  ])('with ?%s shows %j [WP-3.6]', async (query, expected) => {
    const { log } = await withLines(10)
    expect(numbers((await get(`${log}?${query}`)).body)).toEqual(expected)
  })

  it('starts after a cursor, and prefers it to `last` [WP-3.6]', async () => {
    const { log, ids } = await withLines(10)
    expect(numbers((await get(`${log}?after=${ids[6]}`)).body)).toEqual([7, 8, 9])
    expect(numbers((await get(`${log}?after=${ids[6]}&last=1`)).body)).toEqual([7, 8, 9])
    for (const name of ['lastEventId', 'last-event-id']) {
      expect(numbers((await get(`${log}?${name}=${ids[7]}`)).body)).toEqual([8, 9])
    }
    expect(numbers((await get(`${log}?after=${ids[1]}`, { 'last-event-id': ids[8] ?? '' })).body)).toEqual([9])
  })

  it('selects members of data and keeps their places [WP-3.6]', async () => {
    const { url } = await startServer()
    const data = { a: { b: 1, c: 2 }, list: [{ x: 1, y: 2 }, { x: 3 }], 'sl/ash': true, drop: 1 }
    await post(`${url}/v1/topics/log`, [
      { type: 'line', data },
      { type: 'line', data: 'text' },
    ])
    const page = await get(`${url}/v1/topics/log?select=/a/b&select=/list/1&select=/sl~1ash&select=/none`)
    expect(page.body.events.map((event: { data: unknown }) => event.data)).toEqual([
      { a: { b: 1 }, list: [{ x: 3 }], 'sl/ash': true },
      null,
    ])
  })

  it('comes as CloudEvents where they are asked for [WP-3.9]', async () => {
    const { log, ids } = await withLines(1)
    const page = await get(log, { accept: 'application/cloudevents-batch+json' })
    expect(page.headers.get('content-type')).toContain('application/cloudevents-batch+json')
    expect(page.body).toMatchObject([
      { specversion: '1.0', id: ids[0], source: '/v1/topics/log', type: 'line', subject: 'k0', data: { n: 0 } },
    ])
  })

  it('covers several topics and wildcards in log order [WP-3.3] [WP-3.5]', async () => {
    const { url } = await startServer()
    for (const [n, name] of ['chat/a', 'log', 'chat/b', 'chat/a'].entries()) {
      await post(`${url}/v1/topics/${name}`, { type: name === 'log' ? 'line' : 'message', data: { n } })
    }
    expect(numbers((await get(`${url}/v1/events?topic=chat/*`)).body)).toEqual([0, 2, 3])
    for (const filter of ['chat/*', '**', '*/a', '*']) {
      const [inPath, inQuery] = [`/v1/topics/${filter}`, `/v1/events?topic=${filter}`]
      expect((await get(`${url}${inPath}`)).body).toEqual((await get(`${url}${inQuery}`)).body)
    }
    expect(numbers((await get(`${url}/v1/events?topic=chat/b&topic=log`)).body)).toEqual([1, 2])
    expect(numbers((await get(`${url}/v1/events?topic=**`)).body)).toEqual([0, 1, 2, 3])
    expect(numbers((await get(`${url}/v1/events?topic=chat/**&topic=chat/a`)).body)).toEqual([0, 2, 3])
    expect(numbers((await get(`${url}/v1/topics/chat%2Fa`)).body)).toEqual([0, 3])
  })

  it('shows no topic to whom it is not open, wildcards included [WP-6.1] [WP-6.3]', async () => {
    const secret = topic({ events: { line: {} } })
    const inbox = topic({ events: { line: {} }, publish: 'anyone' })
    const { url, watchpost } = await startServer({ topics: { ...TOPICS, secret, inbox } })
    await watchpost.publish('secret', { type: 'line', data: 1 })
    expect((await get(`${url}/v1/topics/secret`)).body.type).toBe('/problems/unknown-topic')
    expect((await get(`${url}/v1/topics/inbox`)).body.type).toBe('/problems/unauthorized')
    expect((await get(`${url}/v1/events?topic=**`)).body.events).toEqual([])
    expect((await post(`${url}/v1/topics/secret`, { type: 'line' })).body.type).toBe('/problems/unknown-topic')
    const listed = (await get(`${url}/v1/topics`)).body.topics.map((each: { topic: string }) => each.topic)
    expect(listed.sort()).toEqual(['chat/{room}', 'inbox', 'log', 'stocks'])
  })
})

describe('a long poll', () => {
  it('is answered at once by what is there [WP-3.7]', async () => {
    const { log, ids } = await withLines(3)
    const poll = await get(`${log}?wait=30&after=${ids[0]}`)
    expect(numbers(poll.body)).toEqual([1, 2])
    expect(poll.headers.get('etag')).toBe(`"${ids[2]}"`)
  })

  it('waits for the first event that the view shows [WP-3.7]', async () => {
    const { url } = await startServer()
    const poll = get(`${url}/v1/topics/log?wait=30&type=note`)
    await new Promise((resolve) => setTimeout(resolve, 100))
    await post(`${url}/v1/topics/log`, { type: 'line', data: { n: 1 } })
    await post(`${url}/v1/topics/log`, { type: 'note', data: { n: 2 } })
    expect(numbers((await poll).body)).toEqual([2])
  })

  it('takes `Prefer: wait` and says that it did [WP-3.5]', async () => {
    const { log, ids } = await withLines(1)
    const poll = await get(`${log}?after=${ids[0]}`, { prefer: 'respond-async, wait=1' })
    expect(poll.headers.get('preference-applied')).toBe('wait=1')
    expect(poll.body).toEqual({ events: [], cursor: ids[0], more: false })
  })

  it('ends after `wait` with an advanced cursor [WP-3.7]', async () => {
    const { url, log, ids } = await withLines(1)
    const poll = get(`${log}?wait=1&after=${ids[0]}`)
    const other = await post(`${url}/v1/topics/stocks`, { type: 'priceUpdate', data: { symbol: 'A', price: 1 } })
    expect((await poll).body).toEqual({ events: [], cursor: other.body.events[0].id, more: false })
  })

  it('answers 304 with the cursor when `If-None-Match` carries one and nothing is new [WP-3.7]', async () => {
    const { log, ids } = await withLines(2)
    const idle = await get(`${log}?wait=0`, { 'if-none-match': `"${ids[1]}"` })
    expect([idle.status, idle.headers.get('etag')]).toEqual([304, `"${ids[1]}"`])
    const news = await get(`${log}?wait=0`, { 'if-none-match': `"${ids[0]}"` })
    expect([news.status, numbers(news.body)]).toEqual([200, [1]])
  })
})
