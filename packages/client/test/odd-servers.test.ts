/** Topics that offer little, answers that are not the server's, and whoever asks at an odd moment. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventSource } from '@watchpost/client/event-source'
import { EventSource } from 'eventsource'
import { describe, expect, it, onTestFinished } from 'vitest'
import { topic } from 'watchpost'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { clientOf, hear, numbers, startServer } from './harness.ts'

const SOON = { timeout: 20_000, interval: 10 }
const QUICK = { backoffBaseMs: 20, backoffMsMax: 100, waitSeconds: 1 }
const OPEN = { watch: 'anyone', publish: 'anyone' } as const
const LINES = { events: { line: {} }, ...OPEN } as const

/** Answers in the place of a server. */
async function answering(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.on('upgrade', (_request, socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a topic that does not offer the best transport [WP-3.2]', () => {
  const topics = { only: topic({ ...LINES, transports: ['sse', 'long-poll', 'page'] }) }

  it('is waited for when the server is gone, and goes on when it is back', async () => {
    const server = await startServer({ topics })
    const proxy = await FaultProxy.start(server.url)
    const heard = hear(clientOf(proxy.url, { backoffBaseMs: 200, backoffMsMax: 400 }).watch('only'))
    await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
    proxy.faults.refuses = true
    proxy.cut()
    const before = proxy.connections
    await sleep(1_500)
    // Each of three transports in each round, and rounds of 100 ms on average.
    expect(proxy.connections - before).toBeLessThan(150)
    proxy.faults.refuses = false
    await server.publish('only', 0, 3)
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 3))
  })

  it('is polled for where streams are held back', async () => {
    const server = await startServer({ topics })
    const proxy = await FaultProxy.start(server.url)
    proxy.faults.buffersStreams = 'whole'
    const heard = hear(clientOf(proxy.url, { ...QUICK, probeMs: 300 }).watch('only'))
    await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
    await server.publish('only', 0, 3)
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 3))
  })
})

it('two who ask one watch for its next event at once get one each [WP-2.5]', async () => {
  const server = await startServer()
  const watch = clientOf(server.url).watch('log', { after: 'earliest' })
  const [one, other] = [watch[Symbol.asyncIterator](), watch[Symbol.asyncIterator]()]
  const both = Promise.all([one.next(), other.next()])
  await expect.poll(() => watch.status, SOON).toBe('open')
  await server.publish('log', 0, 2)
  expect((await both).map(({ value }) => value)).toMatchObject([{ data: { n: 0 } }, { data: { n: 1 } }])
})

it('a server that asks for time while a state is loaded is given it [WP-3.11] [WP-5.2]', async () => {
  const server = await startServer()
  const asked: string[] = []
  const client = clientOf(server.url, {
    ...QUICK,
    transports: ['sse', 'long-poll'],
    probeMs: 300,
    fetch: async (input, init) => {
      asked.push(new URL(input instanceof Request ? input.url : input).pathname)
      if (!asked.at(-1)?.startsWith('/v1/state')) return fetch(input, init)
      const headers = { 'content-type': 'application/problem+json', 'retry-after': '60' }
      return new Response('{"type":"/problems/overloaded","detail":"busy"}', { status: 503, headers })
    },
  })
  const heard = hear(client.watch('stocks', { state: true }))
  await expect.poll(() => heard.statuses, SOON).toContain('waiting')
  await sleep(1_000)
  expect([asked, heard.statuses]).toEqual([['/v1/state/stocks'], ['connecting', 'waiting']])
})

it('a problem document that is not of Watchpost is one of a proxy, which passes [WP-5.1]', async () => {
  const server = await startServer()
  let isBroken = false
  const cutting = new AbortController()
  const client = clientOf(server.url, {
    ...QUICK,
    transports: ['sse'],
    fetch: async (input, init) => {
      if (isBroken) return Response.json({ type: 'about:blank', title: 'Not Found' }, { status: 404 })
      const signals = [cutting.signal, ...(init?.signal ? [init.signal] : [])]
      return fetch(input, { ...init, signal: AbortSignal.any(signals) })
    },
  })
  const heard = hear(client.watch('log'))
  await expect.poll(() => heard.statuses, SOON).toContain('open')
  isBroken = true
  cutting.abort()
  await expect.poll(() => heard.statuses.filter((status) => status === 'waiting').length, SOON).toBeGreaterThan(2)
  expect(heard.errors).toEqual([])
})

it('an event may be of the type of what an EventSource says by itself [WP-3.8]', async () => {
  const events = { open: {}, line: {} }
  const server = await startServer({ topics: { log: topic({ ...LINES, events }) } })
  const heard = hear(clientOf(server.url, { ...QUICK, transports: [eventSource(EventSource)] }).watch('log'))
  await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
  await server.watchpost.publish('log', [{ type: 'open', data: { n: 0 } }])
  await server.publish('log', 1, 1)
  await expect.poll(() => heard.numbers, SOON).toEqual([0, 1])
  expect(heard.statuses).toEqual(['connecting', 'open'])
})

it('whoever listens once a state is there is told it [WP-4.6] [WP-9.4]', async () => {
  const chat = { ...LINES, presence: true } as const
  const server = await startServer({ topics: { chat: topic(chat), keyed: topic({ ...LINES, key: '/id' }) } })
  await server.watchpost.publish('keyed', [{ type: 'line', data: { id: 'a' } }])
  const client = clientOf(server.url)
  const watch = client.watch('keyed', { state: true })
  watch.on('event', () => undefined)
  const presence = client.presence('chat')
  let here = 0
  presence.on('state', (members) => (here = members.size))
  await expect.poll(() => [watch.cursor !== undefined, here], SOON).toEqual([true, 1])
  const late: number[] = []
  watch.on('state', (state) => late.push(state.size))
  presence.on('state', (members) => late.push(members.size))
  await expect.poll(() => late, SOON).toEqual([1, 1])
})

it('requests that are never answered are given up with the attempt that sent them [WP-4.1]', async () => {
  let held = 0
  const url = await answering((request) => {
    held++
    request.on('close', () => held--)
  })
  const client = clientOf(url, { ...QUICK, transports: ['websocket'], probeMs: 200 })
  const heard = hear(client.watch('log'))
  await expect.poll(() => heard.statuses.filter((status) => status === 'waiting').length, SOON).toBeGreaterThan(4)
  expect(held).toBeLessThan(3)
  await client.close()
  await expect.poll(() => held, SOON).toBe(0)
})
