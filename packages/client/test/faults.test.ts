/** What networks and proxies do to connections, one by one. */
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryStorage } from '@watchpost/client'
import { eventSource } from '@watchpost/client/event-source'
import { EventSource } from 'eventsource'
import { describe, expect, it } from 'vitest'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { clientOf, hear, numbers, startServer, TRANSPORTS } from './harness.ts'

const QUICK = { backoffBaseMs: 20, backoffMsMax: 100 }
const SOON = { timeout: 20_000, interval: 10 }

/** The ways by which a client asked, in the order in which it first did. */
function waysOf(proxy: FaultProxy): string[] {
  const ways = proxy.requests.map((line) =>
    line === 'GET /v1'
      ? 'websocket'
      : line.includes('wait=')
        ? 'long-poll'
        : line.includes('/v1/events')
          ? 'sse'
          : line,
  )
  return [...new Set(ways)]
}

/** Also what has to be named to be used. */
const WAYS = [...TRANSPORTS, eventSource(EventSource)].map((transport) => ({
  name: typeof transport === 'string' ? transport : transport.name,
  transport,
}))

describe.each(WAYS)('by $name, a watch loses and repeats nothing', ({ transport }) => {
  const begin = async () => {
    // Uncompressed, so that what is cut in two is a message.
    const server = await startServer({ heartbeatMs: 400, compression: false })
    const proxy = await FaultProxy.start(server.url)
    const client = clientOf(proxy.url, { ...QUICK, transports: [transport], waitSeconds: 1, probeMs: 2_000 })
    const watch = client.watch('log')
    const heard = hear(watch)
    await expect.poll(() => heard.statuses, SOON).toContain('open')
    await server.publish('log', 0, 5)
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 5))
    return { server, proxy, heard }
  }

  it('when a network takes its time [WP-2.5]', async () => {
    const { server, proxy, heard } = await begin()
    proxy.faults.delayMs = 150
    for (let i = 5; i < 25; i += 5) await server.publish('log', i, 5)
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 25))
  })

  it('when it ends in the midst of a message [WP-2.5]', async () => {
    const { server, proxy, heard } = await begin()
    for (let i = 5; i < 35; i += 10) {
      // Between two attempts there is nothing to tear.
      await expect.poll(() => proxy.open, SOON).toBeGreaterThan(0)
      proxy.resetMidFrame()
      await server.publish('log', i, 10, 'x'.repeat(500))
      await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, i + 10))
    }
    expect(proxy.torn).toBeGreaterThan(0)
  })

  it('when a proxy ends every connection after so many bytes [WP-2.5]', async () => {
    const { server, proxy, heard } = await begin()
    const { connections } = proxy
    proxy.faults.bytesMax = 8_000
    for (let i = 5; i < 65; i += 5) {
      await server.publish('log', i, 5, 'x'.repeat(700))
      await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, i + 5))
    }
    expect(proxy.connections - connections).toBeGreaterThan(4)
    expect([heard.gaps, heard.errors]).toEqual([[], []])
  })

  it('when its server is gone, and it never hears of it [WP-4.10]', { timeout: 60_000 }, async () => {
    const { server, proxy, heard } = await begin()
    proxy.halfOpen()
    await server.publish('log', 5, 5)
    await expect.poll(() => heard.numbers, { timeout: 40_000 }).toEqual(numbers(0, 10))
  })

  it('when everything stops, and goes on soon, or when it has given up [WP-2.5]', { timeout: 60_000 }, async () => {
    const { server, proxy, heard } = await begin()
    proxy.freeze()
    await server.publish('log', 5, 5)
    await sleep(200)
    expect(heard.numbers).toEqual(numbers(0, 5))
    proxy.thaw()
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 10))
    await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
    proxy.freeze()
    await server.publish('log', 10, 5)
    await expect.poll(() => heard.statuses.at(-1), { timeout: 40_000 }).not.toBe('open')
    proxy.thaw()
    await expect.poll(() => heard.numbers, { timeout: 40_000 }).toEqual(numbers(0, 15))
  })

  it.each([502, 404])('when a proxy has no server to ask for a while, and says %i', async (status) => {
    const { server, proxy, heard } = await begin()
    proxy.faults.status = status
    proxy.cut()
    await server.publish('log', 5, 5)
    await sleep(300)
    expect(heard.errors).toEqual([])
    delete proxy.faults.status
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 10))
  })
})

describe('the transport is found by what works', () => {
  it.each([
    ['asked for in vain', 'stripped'],
    ['refused by a proxy', 'refused'],
    ['never answered', 'swallowed'],
    ['opened, and then silent', 'silenced'],
  ] as const)('a WebSocket that is %s makes way for a stream', async (_what, upgrades) => {
    const server = await startServer()
    const proxy = await FaultProxy.start(server.url)
    proxy.faults.upgrades = upgrades
    const client = clientOf(proxy.url, { ...QUICK, probeMs: 700 })
    const heard = hear(client.watch('log', { after: 'earliest' }))
    await server.publish('log', 0, 5)
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 5))
    expect(waysOf(proxy)).toEqual(['websocket', 'sse'])
    expect([heard.gaps, heard.errors]).toEqual([[], []])
  })

  it.each(['whole', 'after the head'] as const)(
    'a stream that is held back (%s) makes way for long polls, which are remembered, until something better works',
    {
      timeout: 60_000,
    },
    async (buffersStreams) => {
      const server = await startServer()
      const proxy = await FaultProxy.start(server.url)
      Object.assign(proxy.faults, { upgrades: 'stripped', buffersStreams })
      const storage = memoryStorage()
      const first = clientOf(proxy.url, { ...QUICK, probeMs: 700, storage })
      const before = hear(first.watch('log', { after: 'earliest' }))
      await server.publish('log', 0, 5)
      await expect.poll(() => before.numbers, SOON).toEqual(numbers(0, 5))
      expect(waysOf(proxy)).toEqual(['websocket', 'sse', 'long-poll'])
      expect([before.gaps, before.errors]).toEqual([[], []])
      await first.close()

      proxy.requests.length = 0
      const second = clientOf(proxy.url, { ...QUICK, probeMs: 700, storage, upgradeMs: 1_000, waitSeconds: 1 })
      const heard = hear(second.watch('log', { after: 'earliest' }))
      await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 5))
      expect(waysOf(proxy)[0]).toBe('long-poll')
      delete proxy.faults.upgrades
      let published = 5
      await expect
        .poll(async () => {
          await server.publish('log', published, 1)
          published++
          return storage.get('transport')
        }, SOON)
        .toBe('websocket')
      await server.publish('log', published, 5)
      await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, published + 5))
      await sleep(200)
      const polls = proxy.requests.filter((line) => line.includes('wait=')).length
      await sleep(2_500)
      expect(proxy.requests.filter((line) => line.includes('wait=')).length).toBe(polls)
      expect(heard.errors).toEqual([])
    },
  )

  it('one that worked is not given up for a server that is away for a moment', async () => {
    const server = await startServer()
    const proxy = await FaultProxy.start(server.url)
    const storage = memoryStorage()
    const client = clientOf(proxy.url, { backoffBaseMs: 400, backoffMsMax: 400, storage })
    const heard = hear(client.watch('log'))
    await expect.poll(() => heard.statuses, SOON).toContain('open')
    proxy.faults.refuses = true
    proxy.cut()
    await server.publish('log', 0, 5)
    await expect.poll(() => proxy.connections, SOON).toBeGreaterThan(1)
    proxy.faults.refuses = false
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 5))
    expect(storage.get('transport')).toBe('websocket')
  })

  it('an EventSource carries what it is asked to, where it is named [WP-3.8]', async () => {
    const server = await startServer()
    const client = clientOf(server.url, { ...QUICK, transports: [eventSource(EventSource)] })
    const heard = hear(client.watch('log', { after: 'earliest' }))
    const others = hear(client.watch('chat/*', { after: 'earliest' }))
    await server.watchpost.publish('chat/a', { type: 'message', data: { n: 1 } })
    await server.publish('log', 0, 10)
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 10))
    expect(others.numbers).toEqual([1])
  })
})
