/** A slow consumer makes the client stop reading, and costs it no memory. */
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { clientOf, hear, numbers, startServer, TRANSPORTS } from './harness.ts'

const SOON = { timeout: 20_000, interval: 10 }

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What the process holds, once nothing that could be thrown away is left. */
async function heldBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect()
    await sleep(20)
  }
  return process.memoryUsage().heapUsed
}

describe.each(TRANSPORTS)('by %s, a slow iteration', (transport) => {
  it('is sent no more than it has room for, and everything in the end [WP-8.2]', { timeout: 60_000 }, async () => {
    const server = await startServer()
    const count = 12_000
    for (let i = 0; i < count; i += 1_000) await server.publish('log', i, 1_000, 'x'.repeat(1_000))
    const client = clientOf(server.url, { transports: [transport], bufferEventsMax: 100, waitSeconds: 1 })
    const iterator = client.watch('log', { after: 'earliest' })[Symbol.asyncIterator]()
    const seen = [(await iterator.next()).value]
    const beforeBytes = await heldBytes()
    await sleep(1_000)
    // All of it together is over 12 MB.
    expect((await heldBytes()) - beforeBytes).toBeLessThan(4_000_000)
    while (seen.length < count) {
      seen.push((await iterator.next()).value)
      // Slower than what comes, so that it is often stopped while more is on its way.
      if (seen.length % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(seen.map((event) => ((event as { data: unknown }).data as { n: number }).n)).toEqual(numbers(0, count))
  })
})

it('one that has room for a single event asks for nothing while there is none', async () => {
  const server = await startServer()
  let sent = 0
  class Counted extends WebSocket {
    override send(text: string): void {
      sent++
      super.send(text)
    }
  }
  const client = clientOf(server.url, { bufferEventsMax: 1, transports: ['websocket'], WebSocket: Counted })
  const watch = client.watch('log')
  const seen: number[] = []
  const iterated = (async () => {
    for await (const { data } of watch) if (seen.push((data as { n: number }).n) === 3) break
  })()
  await expect.poll(() => watch.status, SOON).toBe('open')
  await sleep(500)
  expect(sent).toBe(1)
  await server.publish('log', 0, 3)
  await iterated
  expect(seen).toEqual(numbers(0, 3))
})

it('what nobody takes holds up nothing else on the same WebSocket', async () => {
  const server = await startServer()
  const proxy = await FaultProxy.start(server.url)
  const client = clientOf(proxy.url, { bufferCharactersMax: 10_000 })
  client.watch('other')
  const heard = hear(client.watch('log'))
  await expect.poll(() => heard.statuses, SOON).toContain('open')
  await server.publish('other', 0, 1_000, 'x'.repeat(500))
  await server.publish('log', 0, 1_000)
  await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 1_000))
  expect(proxy.connections).toBe(1)
})
