/** What a watch is to its caller. */
import { type GapMessage, memoryStorage } from '@watchpost/client'
import { describe, expect, it } from 'vitest'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { clientOf, hear, numbers, startServer, TRANSPORTS } from './harness.ts'

const SOON = { timeout: 20_000, interval: 10 }

describe.each(TRANSPORTS)('a watch by %s', (transport) => {
  const begin = async () => {
    const server = await startServer()
    const client = clientOf(server.url, { transports: [transport], waitSeconds: 2, backoffBaseMs: 20 })
    return { server, client }
  }

  it('starts after a cursor, at the ends, or with the last events, and shows what its view does [WP-3.4] [WP-3.6]', async () => {
    const { server, client } = await begin()
    await server.publish('log', 0, 10)
    const { events } = await client.page('log', { limit: 4 })
    const after = hear(client.watch('log', { after: events[3]?.id ?? '' }))
    const last = hear(client.watch('log', { last: 3 }))
    const latest = hear(client.watch('log'))
    const none = hear(client.watch('log', { after: 'earliest', type: 'note' }))
    const selected = client.watch('log', { after: 'earliest', select: '/n' })
    for (const heard of [after, last, latest, none]) await expect.poll(() => heard.statuses, SOON).toContain('open')
    await server.publish('log', 10, 2)
    await expect.poll(() => after.numbers, SOON).toEqual(numbers(4, 8))
    await expect.poll(() => last.numbers, SOON).toEqual(numbers(7, 5))
    await expect.poll(() => latest.numbers, SOON).toEqual([10, 11])
    expect(none.numbers).toEqual([])
    for await (const event of selected) {
      expect(event.data).toEqual({ n: 0 })
      break
    }
  })

  it('ends with its loop, its signal, or its client, and says so', async () => {
    const { server, client } = await begin()
    await server.publish('log', 0, 5)
    const watch = client.watch('log', { after: 'earliest' })
    const statuses: string[] = []
    watch.on('status', (status) => statuses.push(status))
    for await (const event of watch) if ((event.data as { n: number }).n === 2) break
    expect(watch.status).toBe('closed')
    expect(statuses).toEqual(['connecting', 'open', 'closed'])
    const aborted = new AbortController()
    const seen: unknown[] = []
    for await (const event of client.watch('log', { after: 'earliest', signal: aborted.signal })) {
      seen.push(event)
      aborted.abort()
    }
    expect(seen.length).toBe(1)
    await server.watchpost.publish(
      'stocks',
      [1, 2, 3].map((n) => ({ type: 'price', data: { symbol: `S${n}` } })),
    )
    const keys: (string | undefined)[] = []
    const stocks = client.watch('stocks', { state: true })
    stocks.on('event', ({ key }) => {
      keys.push(key)
      void stocks.close()
    })
    await expect.poll(() => stocks.status, SOON).toBe('closed')
    expect(keys).toEqual(['S1'])
    const rest = client.watch('log')[Symbol.asyncIterator]()
    const next = rest.next()
    await client.close()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  it('begins with a state, follows its changes, and has both whole [WP-4.6] [WP-3.11] [WP-9.1]', async () => {
    const { server, client } = await begin()
    const publish = (symbol: string, price: number | null) =>
      server.watchpost.publish('stocks', [
        price === null ? { type: 'price', key: symbol, data: null } : { type: 'price', data: { symbol, price } },
      ])
    for (const symbol of ['A', 'B', 'C']) await publish(symbol, 1)
    const watch = client.watch('stocks', { state: true, delta: true })
    const prices: string[] = []
    let state: ReadonlyMap<string, { readonly data: unknown }> = new Map()
    watch.on('state', (now) => (state = now))
    watch.on('event', ({ key, data }) => prices.push(`${key}=${(data as { price: number } | null)?.price}`))
    await expect.poll(() => [...state.keys()], SOON).toEqual(['A', 'B', 'C'])
    await publish('B', 2)
    await publish('A', null)
    await publish('D', 4)
    await expect.poll(() => [...state.keys()].toSorted(), SOON).toEqual(['B', 'C', 'D'])
    expect(state.get('B')?.data).toEqual({ symbol: 'B', price: 2 })
    expect(prices).toEqual(['A=1', 'B=1', 'C=1', 'B=2', 'A=undefined', 'D=4'])
    const loaded = await client.state('stocks', { key: ['B', 'D'] })
    expect(loaded.events.map(({ data }) => data)).toEqual([
      { symbol: 'B', price: 2 },
      { symbol: 'D', price: 4 },
    ])
  })

  it('hands over a gap as a gap, in its place [WP-2.4]', { timeout: 60_000 }, async () => {
    const server = await startServer({ topics: SHORT })
    const client = clientOf(server.url, { transports: [transport] })
    await server.publish('short', 0, 1)
    const { cursor } = await client.page('short')
    await server.publish('short', 1, 20)
    await expect.poll(async () => (await client.page('short')).events.length, SOON).toBe(5)
    const seen: string[] = []
    const gaps: GapMessage['data'][] = []
    for await (const event of client.watch('short', { after: cursor })) {
      if (event.type === 'gap') gaps.push((event as GapMessage).data)
      seen.push(event.type === 'gap' ? 'gap' : String((event.data as { n: number }).n))
      if (seen.at(-1) === '20') break
    }
    expect(seen).toEqual(['gap', '16', '17', '18', '19', '20'])
    expect(gaps).toMatchObject([{ after: cursor }])
  })

  it('goes on under its name where the last one was left, once its event was handled [WP-2.5]', async () => {
    const { server } = await begin()
    await server.publish('log', 0, 10)
    const storage = memoryStorage()
    const seen: number[] = []
    for (const count of [3, 4, 3]) {
      const client = clientOf(server.url, { transports: [transport], storage })
      let left = count
      for await (const event of client.watch('log', { after: 'earliest', remember: 'reader' })) {
        seen.push((event.data as { n: number }).n)
        if (--left === 0) break
      }
      await client.close()
    }
    expect(seen).toEqual(numbers(0, 10))
    const kept = storage.get('cursor:reader')
    const client = clientOf(server.url, { transports: [transport], storage })
    const iterator = client.watch('log', { remember: 'reader' })[Symbol.asyncIterator]()
    await server.publish('log', 10, 2)
    expect((await iterator.next()).value).toMatchObject({ data: { n: 10 } })
    // It may still be busy with it.
    expect(storage.get('cursor:reader')).toBe(kept)
    await iterator.next()
    expect(storage.get('cursor:reader')).not.toBe(kept)
  })
})

const SHORT = {
  short: { events: { line: {} }, retention: { events: 5 }, watch: 'anyone', publish: 'anyone' },
} as const

describe('the watches of one client', () => {
  it('share one WebSocket, but for those that can match one event [WP-4.4] [WP-4.5]', async () => {
    const server = await startServer()
    const proxy = await FaultProxy.start(server.url)
    const client = clientOf(proxy.url)
    const topics = ['log', 'other', 'stocks', 'chat/a', 'chat/b']
    const heard = topics.map((topic) => hear(client.watch(topic)))
    for (const each of heard) await expect.poll(() => each.statuses, SOON).toContain('open')
    expect(proxy.connections).toBe(1)
    const all = hear(client.watch('**', { after: 'earliest' }))
    const again = hear(client.watch('log', { after: 'earliest' }))
    for (const each of [all, again]) await expect.poll(() => each.statuses, SOON).toContain('open')
    for (let i = 0; i < 20; i++) {
      await server.publish(i % 2 === 0 ? 'log' : 'other', i, 1)
      if (i % 7 === 6) proxy.cut()
    }
    const odd = numbers(0, 20).filter((n) => n % 2 === 1)
    const even = numbers(0, 20).filter((n) => n % 2 === 0)
    await expect
      .poll(() => [heard[0], again, heard[1], all].map((each) => each?.numbers), SOON)
      .toEqual([even, even, odd, numbers(0, 20)])
  })

  it('share one stream if they begin together and ask for the same, and none waits for another', async () => {
    const server = await startServer()
    const proxy = await FaultProxy.start(server.url)
    const client = clientOf(proxy.url, { transports: ['sse'], bufferEventsMax: 10 })
    const slow = client.watch('other')
    const quick = hear(client.watch('log'))
    await expect.poll(() => quick.statuses, SOON).toContain('open')
    expect(proxy.connections).toBe(1)
    await server.publish('other', 0, 100)
    await server.publish('log', 0, 100)
    await expect.poll(() => quick.numbers, SOON).toEqual(numbers(0, 100))
    const seen: number[] = []
    for await (const event of slow) if (seen.push((event.data as { n: number }).n) === 100) break
    expect(seen).toEqual(numbers(0, 100))
  })

  it.each(['sse', 'long-poll'] as const)(
    'share one request by %s, and a gap is told to whom it concerns [WP-2.4]',
    {
      timeout: 60_000,
    },
    async (transport) => {
      const server = await startServer({ topics: { ...SHORT, log: { ...SHORT.short, retention: {} } } })
      const proxy = await FaultProxy.start(server.url)
      const client = clientOf(proxy.url, {
        transports: [transport],
        backoffBaseMs: 20,
        backoffMsMax: 100,
        waitSeconds: 1,
      })
      const [log, short] = [hear(client.watch('log')), hear(client.watch('short'))]
      for (const each of [short, log]) await expect.poll(() => each.statuses, SOON).toContain('open')
      expect(proxy.requests.every((line) => line.includes('topic=log&topic=short'))).toBe(true)
      await server.publish('short', 0, 2)
      await server.publish('log', 0, 2)
      for (const each of [short, log]) await expect.poll(() => each.numbers, SOON).toEqual([0, 1])
      proxy.faults.refuses = true
      proxy.cut()
      await server.publish('short', 2, 20)
      await server.publish('log', 2, 20)
      await expect.poll(async () => (await clientOf(server.url).page('short')).events.length, SOON).toBe(5)
      proxy.faults.refuses = false
      await expect.poll(() => log.numbers, SOON).toEqual(numbers(0, 22))
      await expect.poll(() => short.numbers, SOON).toEqual([0, 1, ...numbers(17, 5)])
      expect(short.gaps.length).toBe(1)
      expect(log.gaps).toEqual([])
    },
  )

  it('use another transport for a topic that does not offer the best one [WP-3.5]', async () => {
    const polled = { events: { line: {} }, watch: 'anyone', transports: ['page', 'long-poll'] } as const
    const open = { events: { line: {} }, watch: 'anyone' } as const
    const server = await startServer({ topics: { polled, open } })
    const proxy = await FaultProxy.start(server.url)
    const storage = memoryStorage()
    const client = clientOf(proxy.url, { waitSeconds: 1, storage })
    const heard = [hear(client.watch('polled')), hear(client.watch('open'))]
    for (const each of heard) await expect.poll(() => each.statuses.at(-1), SOON).toBe('open')
    // What one topic does not offer says nothing of what works.
    expect(storage.get('transport')).toBe('websocket')
    await server.publish('polled', 0, 3)
    await server.publish('open', 0, 3)
    for (const each of heard) await expect.poll(() => each.numbers, SOON).toEqual(numbers(0, 3))
    expect(proxy.requests.filter((line) => line.includes('topic=open'))).toEqual([])
    const nowhere = clientOf(server.url, { transports: ['sse'] }).watch('polled')
    await expect(nowhere[Symbol.asyncIterator]().next()).rejects.toMatchObject({ problem: 'transport-not-offered' })
  })
})
