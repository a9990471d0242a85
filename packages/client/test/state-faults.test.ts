/** A state that is cut off while it is being sent, lost while nobody listened, or asked for by many at once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { clientOf, hear, startServer, TRANSPORTS } from './harness.ts'

const SOON = { timeout: 30_000, interval: 10 }
const QUICK = { backoffBaseMs: 20, backoffMsMax: 100, waitSeconds: 1 }

const prices = (from: number, count: number, price: number) =>
  Array.from({ length: count }, (_, i) => ({
    type: 'price',
    data: { symbol: `S${from + i}`, price, pad: 'x'.repeat(100) },
  }))

const priceOf = (event: { readonly data: unknown } | undefined): number | undefined =>
  (event?.data as { price: number } | undefined)?.price

describe.each(TRANSPORTS)('a state by %s', (transport) => {
  it('is whole, and handed over once, however often it is cut off [WP-4.6]', { timeout: 90_000 }, async () => {
    const server = await startServer({ compression: false })
    const count = 4_000
    await server.watchpost.publish('stocks', prices(0, count, 1))
    const proxy = await FaultProxy.start(server.url)
    const client = clientOf(proxy.url, { ...QUICK, transports: [transport], probeMs: 1_000 })
    const watch = client.watch('stocks', { state: true })
    let size = 0
    watch.on('state', (state) => (size = state.size))
    const heard = hear(watch)
    // Each attempt has come further when it is cut off; what it was sent may be gone by the next one.
    const gone = ['S0', 'S1', 'S10']
    for (const [i, key] of gone.entries()) {
      proxy.faults.bytesMax = [100_000, 400_000, 700_000][i] ?? 0
      await sleep(400)
      await server.watchpost.publish('stocks', [{ type: 'price', key, data: null }])
    }
    delete proxy.faults.bytesMax
    expect(proxy.connections).toBeGreaterThan(3)
    await expect.poll(() => size, SOON).toBe(count - 3)
    await server.watchpost.publish('stocks', [{ type: 'price', key: 'S7', data: null }])
    await expect.poll(() => size, SOON).toBe(count - 4)
    expect(new Set(heard.ids).size).toBe(heard.ids.length)
    expect(heard.ids.length).toBeGreaterThan(count - 3)
    expect(heard.errors).toEqual([])
  })

  it('narrowed by type has no key whose latest event is of another type, or that was removed by one [WP-4.6]', async () => {
    const server = await startServer()
    await server.watchpost.publish('stocks', prices(0, 3, 1))
    const watch = clientOf(server.url, { ...QUICK, transports: [transport] }).watch('stocks', {
      state: true,
      type: 'price',
    })
    const types: string[] = []
    let keys: readonly string[] = []
    watch.on('event', ({ type }) => types.push(type))
    watch.on('state', (state) => (keys = [...state.keys()]))
    await expect.poll(() => keys, SOON).toEqual(['S0', 'S1', 'S2'])
    await server.watchpost.publish('stocks', [
      { type: 'halted', key: 'S0', data: null },
      { type: 'halted', data: { symbol: 'S1' } },
    ])
    await expect.poll(() => keys, SOON).toEqual(['S2'])
    await server.watchpost.publish('stocks', prices(0, 1, 2))
    await expect.poll(() => keys, SOON).toEqual(['S2', 'S0'])
    expect(types).toEqual(['price', 'price', 'price', 'price'])
    expect(watch.cursor).toBe((await clientOf(server.url).page('stocks', { last: 1 })).cursor)
  })

  it('that is larger than the room for it is iterated whole, and followed without a hole [WP-4.6] [WP-8.2]', async () => {
    const server = await startServer()
    const count = 3_000
    await server.watchpost.publish('stocks', prices(0, count, 1))
    const client = clientOf(server.url, { ...QUICK, transports: [transport], bufferEventsMax: 100 })
    const seen: (number | undefined)[] = []
    let published = count
    for await (const event of client.watch('stocks', { state: true })) {
      seen.push(event.type === 'gap' ? undefined : priceOf(event))
      // While it has no room for them, others come.
      if (seen.length % 100 === 0 && published < count + 500) {
        await server.watchpost.publish('stocks', prices(published, 50, published))
        published += 50
        await sleep(5)
      }
      if (seen.length === published) break
    }
    const after = Array.from({ length: 10 }, (_, i) => Array<number>(50).fill(count + i * 50)).flat()
    expect(seen).toEqual([...Array<number>(count).fill(1), ...after])
  })

  it('is loaded again after a gap, and only what changed is handed over [WP-2.4]', { timeout: 60_000 }, async () => {
    const keyed = {
      ...({ events: { price: {} }, key: '/symbol', retention: { events: 5 } } as const),
      ...({ watch: 'anyone', publish: 'anyone' } as const),
    }
    const server = await startServer({ topics: { keyed } })
    await server.watchpost.publish('keyed', prices(0, 10, 1))
    const proxy = await FaultProxy.start(server.url)
    const client = clientOf(proxy.url, { ...QUICK, transports: [transport] })
    const watch = client.watch('keyed', { state: true, delta: true })
    let state: ReadonlyMap<string, { readonly data: unknown }> = new Map()
    watch.on('state', (now) => (state = now))
    const heard = hear(watch)
    await expect.poll(() => state.size, SOON).toBe(10)
    proxy.faults.refuses = true
    proxy.cut()
    await server.watchpost.publish('keyed', [{ type: 'price', key: 'S9', data: null }])
    await server.watchpost.publish('keyed', prices(0, 8, 2))
    await server.watchpost.publish('keyed', prices(0, 8, 3))
    await expect.poll(async () => (await clientOf(server.url).page('keyed')).events.length, SOON).toBe(5)
    proxy.faults.refuses = false
    await expect.poll(() => [...state.values()].filter((event) => priceOf(event) === 3).length, SOON).toBe(8)
    expect([...state.keys()].toSorted()).toEqual(Array.from({ length: 9 }, (_, i) => `S${i}`))
    expect(priceOf(state.get('S8'))).toBe(1)
    expect(heard.gaps.length).toBe(1)
    expect(new Set(heard.ids).size).toBe(heard.ids.length)
    await server.watchpost.publish('keyed', prices(8, 1, 4))
    await expect.poll(() => priceOf(state.get('S8')), SOON).toBe(4)
  })
})

describe('between two pages of a state', () => {
  const KEYS = 150

  /** A client, of whose requests each for a further page of a state waits for `between`. */
  const clientBetween = (
    url: string,
    between: () => Promise<unknown>,
    urlOf: (url: string) => string = (same) => same,
  ) =>
    clientOf(url, {
      ...QUICK,
      transports: ['sse'],
      fetch: async (input, init) => {
        const asked = input as string
        if (asked.includes('next=')) await between()
        return fetch(urlOf(asked), init)
      },
    })

  it('what changes is handed over once [WP-3.11]', async () => {
    const server = await startServer()
    await server.watchpost.publish('stocks', prices(0, KEYS, 1))
    // The last key of all.
    const client = clientBetween(server.url, () => server.watchpost.publish('stocks', prices(99, 1, 2)))
    const watch = client.watch('stocks', { state: true })
    let state: ReadonlyMap<string, { readonly data: unknown }> = new Map()
    watch.on('state', (now) => (state = now))
    const heard = hear(watch)
    await expect.poll(() => state.size, SOON).toBe(KEYS)
    await server.watchpost.publish('stocks', prices(0, 1, 3))
    await expect.poll(() => priceOf(state.get('S0')), SOON).toBe(3)
    expect(priceOf(state.get('S99'))).toBe(2)
    expect(heard.ids.length).toBe(KEYS + 1)
    expect(new Set(heard.ids).size).toBe(KEYS + 1)
  })

  it('a log that is replaced makes it begin anew [WP-3.11] [WP-2.4]', async () => {
    const [before, after] = [await startServer(), await startServer()]
    await before.watchpost.publish('stocks', prices(0, KEYS, 1))
    await after.watchpost.publish('stocks', prices(100, KEYS, 2))
    let { url } = before
    const replace = async () => {
      url = after.url
    }
    const client = clientBetween(before.url, replace, (asked) => asked.replace(before.url, url))
    const watch = client.watch('stocks', { state: true })
    let state: ReadonlyMap<string, { readonly data: unknown }> = new Map()
    watch.on('state', (now) => (state = now))
    const heard = hear(watch)
    await expect.poll(() => state.size, SOON).toBe(KEYS)
    expect([...state.values()].every((event) => priceOf(event) === 2)).toBe(true)
    expect(heard.errors).toEqual([])
    url = before.url
    const { events } = await client.state('stocks')
    expect(events.map(priceOf)).toEqual(Array.from({ length: KEYS }, () => 2))
  })
})

it('more watches than one connection carries, or than may be asked for at once, are all carried [WP-4.11]', {
  timeout: 60_000,
}, async () => {
  const server = await startServer()
  const proxy = await FaultProxy.start(server.url)
  const client = clientOf(proxy.url, QUICK)
  const rooms = Array.from({ length: 150 }, (_, i) => hear(client.watch(`chat/${i}`)))
  for (const heard of rooms) await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
  for (const [i] of rooms.entries()) {
    await server.watchpost.publish(`chat/${i}`, { type: 'message', data: { n: i } })
  }
  for (const [i, heard] of rooms.entries()) await expect.poll(() => heard.numbers, SOON).toEqual([i])
  expect(proxy.connections).toBe(2)
})
