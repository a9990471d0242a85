/** What the server says about connections, and what the client makes of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { clientOf, hear, numbers, startServer, TRANSPORTS } from './harness.ts'

const SOON = { timeout: 30_000, interval: 10 }
const QUICK = { backoffBaseMs: 20, backoffMsMax: 100, waitSeconds: 1 }

describe.each(TRANSPORTS)('by %s', (transport) => {
  it('a server that goes away is come back to when it asks, and not before [WP-1.3] [WP-3.17]', async () => {
    const first = await startServer()
    const proxy = await FaultProxy.start(first.url)
    const client = clientOf(proxy.url, { ...QUICK, transports: [transport] })
    const watch = client.watch('log')
    const heard = hear(watch)
    const asked: number[] = []
    watch.on('status', (status, cause) => {
      if (status === 'waiting') asked.push(cause?.retryAfterMs ?? 0)
    })
    await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
    const before = proxy.connections
    await first.watchpost.drain()
    await expect.poll(() => asked.length, SOON).toBeGreaterThan(0)
    // Of a stream and a socket it is from half a second on; a poll is told a second.
    expect(asked[0]).toBeGreaterThanOrEqual(500)
    const connections = proxy.connections
    await sleep(300)
    expect(proxy.connections).toBe(connections)
    expect(connections - before).toBeLessThanOrEqual(2)
    expect(heard.errors).toEqual([])
  })

  it('one that is restarted on its log is gone on with, and a log that was replaced is a gap [WP-2.4]', {
    timeout: 60_000,
  }, async () => {
    const first = await startServer()
    const port = Number(new URL(first.url).port)
    const client = clientOf(first.url, { ...QUICK, transports: [transport] })
    const heard = hear(client.watch('log'))
    await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
    await first.publish('log', 0, 5)
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 5))
    await first.close()
    const second = await startServer({ dataDir: first.dataDir, listen: { port } })
    await second.publish('log', 5, 5)
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 10))
    await second.close()
    const third = await startServer({ listen: { port } })
    await third.publish('log', 10, 5)
    await expect.poll(() => heard.gaps.length, SOON).toBe(1)
    await third.publish('log', 15, 5)
    await expect.poll(() => heard.numbers.at(-1), SOON).toBe(19)
    expect(new Set(heard.ids).size).toBe(heard.ids.length)
    expect(heard.errors).toEqual([])
  })
})
