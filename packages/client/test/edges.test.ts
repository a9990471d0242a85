/** What comes at a bad moment, or in a way that one might not think of. */
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryStorage } from '@watchpost/client'
import { eventSource } from '@watchpost/client/event-source'
import { EventSource } from 'eventsource'
import { describe, expect, it, onTestFinished } from 'vitest'
import { topic } from 'watchpost'
import { WebSocket } from 'ws'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { clientOf, hear, numbers, startServer, TRANSPORTS } from './harness.ts'

const SOON = { timeout: 20_000, interval: 10 }
const QUICK = { backoffBaseMs: 20, backoffMsMax: 100, waitSeconds: 1 }
const OPEN = { watch: 'anyone', publish: 'anyone' } as const

const SECRET = 'a secret of this test alone, of enough bytes'

function tokenFor(seconds: number, watch: readonly string[], sub = 'ada'): string {
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const exp = Date.now() / 1_000 + seconds
  const input = `${encoded({ alg: 'HS256' })}.${encoded({ sub, exp, watchpost: { watch } })}`
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`
}

describe('events', () => {
  it('that are not stored are nothing that patches are made against [WP-4.7] [WP-9.3]', async () => {
    const stocks = { events: { price: {}, hint: { ephemeral: true, schema: {} } }, key: '/symbol', ...OPEN } as const
    const { url, watchpost } = await startServer({ topics: { stocks } })
    const watch = clientOf(url).watch('stocks', { delta: true })
    const seen: unknown[] = []
    watch.on('event', ({ data }) => seen.push(data))
    await expect.poll(() => watch.status, SOON).toBe('open')
    const prices = [1, 2, 3].map((price) => ({ symbol: 'A', price, pad: 'x'.repeat(500) }))
    const hint = { symbol: 'A', who: 'ada' }
    for (const [i, data] of prices.entries()) {
      await watchpost.publish('stocks', [{ type: 'price', data }])
      await expect.poll(() => seen.length, SOON).toBe(i * 2 + 1)
      await watchpost.publish('stocks', [{ type: 'hint', data: hint }])
      await expect.poll(() => seen.length, SOON).toBe(i * 2 + 2)
    }
    expect(seen).toEqual(prices.flatMap((data) => [data, hint]))
  })

  it('that come together are for a filter too [WP-9.5]', async () => {
    const chat = { events: { message: {} }, presence: true, ...OPEN } as const
    const server = await startServer({ topics: { 'chat/{room}': topic(chat) } })
    const watch = clientOf(server.url).watch('$presence/chat/*')
    const keys = new Set<unknown>()
    watch.on('event', ({ key }) => keys.add(key))
    await expect.poll(() => watch.status, SOON).toBe('open')
    const members = Array.from({ length: 10 }, () => clientOf(server.url).watch('chat/a'))
    for (const member of members) await expect.poll(() => member.status, SOON).toBe('open')
    await expect.poll(() => keys.size, SOON).toBe(10)
  })
})

describe('a client that is closed', () => {
  it('has not handled what its iteration is busy with [WP-2.5]', async () => {
    const server = await startServer()
    await server.publish('log', 0, 5)
    const storage = memoryStorage()
    const client = clientOf(server.url, { storage })
    const iterator = client.watch('log', { after: 'earliest', remember: 'reader' })[Symbol.asyncIterator]()
    await iterator.next()
    await iterator.next()
    const kept = storage.get('cursor:reader')
    await client.close()
    expect(storage.get('cursor:reader')).toBe(kept)
    // Now it has.
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    const next = clientOf(server.url, { storage }).watch('log', { remember: 'reader' })[Symbol.asyncIterator]()
    expect((await next.next()).value).toMatchObject({ data: { n: 2 } })
  })

  it('watches no more', async () => {
    const server = await startServer()
    const client = clientOf(server.url)
    await client.close()
    const watch = client.watch('log')
    expect(await watch[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined })
    expect(watch.status).toBe('closed')
  })
})

describe('what nobody watches any more', () => {
  it('is not connected for again', async () => {
    const server = await startServer()
    const proxy = await FaultProxy.start(server.url)
    const watch = clientOf(proxy.url, QUICK).watch('log')
    await expect.poll(() => watch.status, SOON).toBe('open')
    await watch.close()
    expect(proxy.open).toBe(1)
    proxy.cut()
    await sleep(500)
    expect([proxy.connections, proxy.open]).toEqual([1, 0])
  })

  it.each(['websocket', 'sse'] as const)('is not asked for by %s, also if a listener ended it', async (transport) => {
    const server = await startServer()
    const proxy = await FaultProxy.start(server.url)
    const sent: string[] = []
    class Noting extends WebSocket {
      override send(text: string): void {
        sent.push(text)
        super.send(text)
      }
    }
    const client = clientOf(proxy.url, { transports: [transport], WebSocket: Noting })
    const own = client.watch('chat/b')
    own.on('status', () => void own.close())
    const first = client.watch('log')
    const heard = hear(first)
    const other = client.watch('other')
    first.on('status', () => void other.close())
    await expect.poll(() => heard.statuses, SOON).toContain('open')
    await server.publish('log', 0, 1)
    await expect.poll(() => heard.numbers, SOON).toEqual([0])
    expect([own.status, other.status]).toEqual(['closed', 'closed'])
    const asked = [...sent, ...proxy.requests].join('\n')
    expect(asked).toContain('log')
    expect(asked).not.toMatch(/chat|other/)
  })
})

it('why one subscription was ended says nothing of how the connection ends later [WP-4.4] [WP-4.9]', async () => {
  const events = { line: {} }
  const server = await startServer({
    topics: { log: topic({ events }), mine: topic({ events }) },
    auth: { jwt: { secret: SECRET, clockToleranceSeconds: 0 } },
    expiringMs: 3_000,
    heartbeatMs: 1_000,
  })
  // The server takes it for dead after a while, and says so.
  class Mute extends WebSocket {
    constructor(url: string, protocols?: string[]) {
      super(url, protocols, { autoPong: false })
    }
  }
  let asked = 0
  const token = () => (asked++ === 0 ? tokenFor(4, ['log', 'mine']) : tokenFor(600, ['log']))
  const client = clientOf(server.url, { ...QUICK, transports: ['websocket'], WebSocket: Mute, token })
  const causes: (string | undefined)[] = []
  const [log, mine] = [client.watch('log'), hear(client.watch('mine'))]
  log.on('status', (_status, cause) => cause && causes.push(cause.message))
  const heard = hear(log)
  await expect.poll(() => mine.errors, SOON).toMatchObject([{ problem: 'unknown-topic' }])
  await expect.poll(() => causes.join(), SOON).toContain('4408')
  await server.publish('log', 0, 3)
  await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 3))
  expect(heard.errors).toEqual([])
})

it.each(TRANSPORTS)('a server that is to be asked again at once is not stormed by %s', async (transport) => {
  let requests = 0
  const busy = createServer((_request, response) => {
    requests++
    response.writeHead(503, { 'retry-after': '0' }).end('<h1>Busy</h1>')
  })
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void busy.close())
  const url = `http://127.0.0.1:${(busy.address() as AddressInfo).port}`
  const client = clientOf(url, { transports: [transport], backoffBaseMs: 200 })
  const heard = hear(client.watch('log'))
  await sleep(1_000)
  expect(requests).toBeGreaterThan(0)
  expect(requests).toBeLessThan(100)
  expect(heard.statuses).toContain('waiting')
})

it('a page, and a state, that take longer than a first word may take are waited for [WP-3.7]', async () => {
  const server = await startServer()
  await server.publish('log', 0, 60, 'x'.repeat(20_000))
  const slowly = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const { body, status, headers } = await fetch(input, init)
    const slow = new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        for (let i = 0; i < chunk.length; i += 60_000) {
          await sleep(150)
          controller.enqueue(chunk.subarray(i, i + 60_000))
        }
      },
    })
    return new Response(body && body.pipeThrough(slow), { status, headers })
  }
  const client = clientOf(server.url, { ...QUICK, transports: ['long-poll'], fetch: slowly, probeMs: 1_500 })
  const heard = hear(client.watch('log', { after: 'earliest' }))
  await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 60))
  expect(heard.statuses).toEqual(['connecting', 'open'])
})

it('what is no JSON is told of at once, and where it was asked for', async () => {
  const client = clientOf('http://127.0.0.1:1')
  expect(() => client.watch('log', { info: 1n })).toThrow(TypeError)
  await expect(client.publish('log', { type: 'line', data: 1n })).rejects.toThrow(TypeError)
  await expect(client.page('log/\uD800')).rejects.toThrow(URIError)
})

it('an EventSource that is refused says why, and is not opened again [WP-5.1]', async () => {
  const server = await startServer()
  const proxy = await FaultProxy.start(server.url)
  const client = clientOf(proxy.url, { ...QUICK, transports: [eventSource(EventSource)] })
  const heard = hear(client.watch('nowhere', { type: 'line' }))
  await expect.poll(() => heard.errors, SOON).toMatchObject([{ problem: 'unknown-topic', status: 404 }])
  const requests = proxy.requests.length
  await sleep(300)
  expect(proxy.requests.length).toBe(requests)
})

it.each(TRANSPORTS)('who watches without being present is no member by %s [WP-9.4]', async (transport) => {
  const chat = { events: { message: {} }, presence: true, ...OPEN, watch: 'authenticated' } as const
  const limits = { presenceGraceMs: 300 }
  const server = await startServer({ topics: { chat: topic(chat) }, auth: { jwt: { secret: SECRET } }, limits })
  const by = (sub: string) =>
    clientOf(server.url, { transports: [transport], token: tokenFor(600, [], sub), waitSeconds: 1 })
  const here: string[][] = []
  by('tool')
    .presence('chat', { join: false })
    .on('state', (members) => here.push([...members.keys()]))
  await expect.poll(() => here, SOON).toEqual([[]])
  const heard = hear(by('tool').watch('chat', { present: false }))
  await expect.poll(() => heard.statuses, SOON).toContain('open')
  const bob = by('bob').watch('chat')
  await expect.poll(() => here.at(-1), SOON).toEqual(['bob'])
  await server.watchpost.publish('chat', [{ type: 'message', data: { n: 1 } }])
  await expect.poll(() => heard.numbers, SOON).toEqual([1])
  await bob.close()
  await expect.poll(() => here.at(-1), SOON).toEqual([])
  expect(here.flat().filter((key) => key !== 'bob')).toEqual([])
})
