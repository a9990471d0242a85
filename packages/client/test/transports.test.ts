/** Which transport is used when some fail, for some, or for a while. */
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryStorage } from '@watchpost/client'
import { expect, it } from 'vitest'
import { topic } from 'watchpost'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { clientOf, type Heard, hear, numbers, startServer } from './harness.ts'

const SOON = { timeout: 20_000, interval: 10 }
const QUICK = { backoffBaseMs: 20, backoffMsMax: 100, waitSeconds: 1 }
const OPEN = { watch: 'anyone', publish: 'anyone' } as const
const events = { line: {} }

const isOpen = ({ statuses }: Heard): boolean => statuses.at(-1) === 'open'

it('what was sent of a state before another transport took over is not taken for a part of it [WP-4.6]', async () => {
  const server = await startServer({ compression: false })
  const count = 4_000
  const prices = Array.from({ length: count }, (_, i) => ({
    type: 'price',
    data: { symbol: `S${i}`, price: 1, pad: 'x'.repeat(100) },
  }))
  await server.watchpost.publish('stocks', prices)
  const proxy = await FaultProxy.start(server.url)
  proxy.faults.bytesMax = 400_000
  const watch = clientOf(proxy.url, QUICK).watch('stocks', { state: true })
  let size = 0
  watch.on('state', (state) => (size = state.size))
  const heard = hear(watch)
  await expect.poll(() => proxy.connections, SOON).toBeGreaterThan(1)
  proxy.faults.upgrades = 'refused'
  await server.watchpost.publish('stocks', [{ type: 'price', key: 'S0', data: null }])
  await expect.poll(() => proxy.requests.some((line) => line.includes('/v1/state')), SOON).toBe(true)
  delete proxy.faults.bytesMax
  await expect.poll(() => size, SOON).toBe(count - 1)
  // A state that was asked for before the removal has one key more, and the removal comes after it.
  expect([count - 1, count + 1]).toContain(heard.ids.length)
  expect(new Set(heard.ids).size).toBe(heard.ids.length)
})

it('after a long outage the best transport is used again', async () => {
  const server = await startServer()
  const proxy = await FaultProxy.start(server.url)
  const storage = memoryStorage()
  const heard = hear(clientOf(proxy.url, { ...QUICK, upgradeMs: 300, storage }).watch('log'))
  await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
  proxy.faults.refuses = true
  proxy.cut()
  // Long enough for all transports to fail more than once.
  await expect.poll(() => proxy.connections, SOON).toBeGreaterThan(15)
  proxy.faults.refuses = false
  await server.publish('log', 0, 3)
  await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 3))
  // If another one was just being tried, it is left soon.
  await expect.poll(() => storage.get('transport'), SOON).toBe('websocket')
  await sleep(200)
  proxy.requests.length = 0
  await sleep(2_500)
  expect(proxy.requests).toEqual([])
  await server.publish('log', 3, 3)
  await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 6))
})

it('a transport that fails for a topic without the best one is not taken from, nor forced on, the others', async () => {
  const server = await startServer({
    topics: {
      log: topic({ events, ...OPEN }),
      other: topic({ events, ...OPEN }),
      plain: topic({ events, transports: ['page', 'long-poll', 'sse'], ...OPEN }),
    },
  })
  const proxy = await FaultProxy.start(server.url)
  proxy.faults.buffersStreams = 'whole'
  const storage = memoryStorage()
  const client = clientOf(proxy.url, { ...QUICK, probeMs: 700, upgradeMs: 1_000, storage })
  const plain = hear(client.watch('plain'))
  await server.publish('plain', 0, 1)
  await expect.poll(() => proxy.requests, SOON).toContainEqual(expect.stringMatching(/topic=plain.*wait=/))
  const heard = [hear(client.watch('log')), hear(client.watch('other'))]
  await expect.poll(() => heard.map(({ statuses }) => statuses.at(-1)), SOON).toEqual(['open', 'open'])
  expect(proxy.requests.filter((line) => /topic=(log|other)/.test(line))).toEqual([])
  expect(storage.get('transport')).toBe('websocket')
  // What was passed over is used again once it works.
  delete proxy.faults.buffersStreams
  const newRequests = async () => {
    proxy.requests.length = 0
    await sleep(1_500)
    return proxy.requests
  }
  await expect.poll(newRequests, SOON).toEqual([])
  await server.publish('plain', 1, 2)
  await expect.poll(() => plain.numbers.slice(-2), SOON).toEqual([1, 2])
})

it('an outage is met with few requests, however many connections it ends', async () => {
  const server = await startServer()
  const proxy = await FaultProxy.start(server.url)
  const client = clientOf(proxy.url)
  // Each begins at a place of its own, so that by SSE and by long poll none can share a request.
  const rooms = Array.from({ length: 30 }, (_, i) => `chat/${i}`)
  const heard = rooms.map((room) => hear(client.watch(room, { last: 1 })))
  await expect.poll(() => heard.every(isOpen), SOON).toBe(true)
  for (const room of rooms) await server.watchpost.publish(room, { type: 'message', data: { n: 0 } })
  await expect.poll(() => heard.every(({ ids }) => ids.length === 1), SOON).toBe(true)
  proxy.requests.length = 0
  proxy.faults.status = 502
  proxy.cut()
  await expect.poll(() => heard.every(({ statuses }) => statuses.includes('waiting')), SOON).toBe(true)
  await sleep(2_500)
  // Each has tried every transport, and some once more.
  expect(proxy.requests.length).toBeLessThan(rooms.length * 8)
  delete proxy.faults.status
  await expect.poll(() => heard.every(isOpen), SOON).toBe(true)
})

it('what went on by a worse transport goes over to the best one, though another watch found it first', async () => {
  const server = await startServer()
  const proxy = await FaultProxy.start(server.url)
  proxy.faults.upgrades = 'refused'
  const client = clientOf(proxy.url, { ...QUICK, probeMs: 700, upgradeMs: 1_500 })
  const first = hear(client.watch('log'))
  await expect.poll(() => isOpen(first), SOON).toBe(true)
  proxy.faults.status = 502
  const second = hear(client.watch('other'))
  await expect.poll(() => second.statuses.filter((status) => status === 'waiting').length, SOON).toBeGreaterThan(3)
  delete proxy.faults.status
  delete proxy.faults.upgrades
  await expect.poll(() => isOpen(second), SOON).toBe(true)
  await expect.poll(() => proxy.open, SOON).toBe(1)
  await server.publish('log', 0, 3)
  await expect.poll(() => first.numbers, SOON).toEqual(numbers(0, 3))
})

it('a better transport is tried for those that can use it, as long as it takes, and soon once more if it worked', async () => {
  const server = await startServer({
    topics: { polled: topic({ events, transports: ['page', 'long-poll'], ...OPEN }), log: topic({ events, ...OPEN }) },
  })
  const proxy = await FaultProxy.start(server.url)
  Object.assign(proxy.faults, { upgrades: 'refused', buffersStreams: 'whole' })
  const client = clientOf(proxy.url, { ...QUICK, probeMs: 500, upgradeMs: 300 })
  const [polled, log] = [hear(client.watch('polled')), hear(client.watch('log'))]
  await expect.poll(() => isOpen(polled) && isOpen(log), SOON).toBe(true)
  delete proxy.faults.buffersStreams
  const isStream = (line: string): boolean => line.includes('topic=log') && !/wait=|present=/.test(line)
  await expect.poll(() => proxy.requests.filter(isStream), SOON).not.toEqual([])
  await server.publish('log', 0, 3)
  await expect.poll(() => log.numbers, SOON).toEqual(numbers(0, 3))
})

it('a trial leaves nothing behind once the client is closed', async () => {
  const server = await startServer()
  const proxy = await FaultProxy.start(server.url)
  proxy.faults.upgrades = 'refused'
  let isAsked = false
  let give: (() => void) | undefined
  const token = async () => {
    if (isAsked) await new Promise<void>((resolve) => (give = resolve))
    return 'any'
  }
  const client = clientOf(proxy.url, { ...QUICK, probeMs: 500, upgradeMs: 200, token })
  const heard = hear(client.watch('log'))
  await expect.poll(() => isOpen(heard), SOON).toBe(true)
  isAsked = true
  await expect.poll(() => give, SOON).toBeDefined()
  await client.close()
  proxy.requests.length = 0
  give?.()
  await sleep(1_000)
  expect(proxy.requests).toEqual([])
})
