/** Ends that come at a bad moment: in the midst of an answer, with much unread, of a handshake that is refused. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startChild } from './fixtures/child.ts'
import { dial, metric } from './fixtures/http.ts'
import { EAGER_CLIENTS } from './fixtures/one-address.ts'
import { handshake, openRaw } from './fixtures/raw-socket.ts'
import { get, post, startServer, temporaryDir } from './harness.ts'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
const lines = (count: number, characters = 10_000) =>
  upTo(count).map((n) => ({ type: 'line', data: { n, text: 'x'.repeat(characters) } }))

describe('a handshake right behind a request that is being answered', () => {
  it.each(['websocket', 'h2c'])('ends its connection at most, and nothing else: %s [WP-4.1]', async (protocol) => {
    const child = await startChild({ dataDir: await temporaryDir() })
    const socket = await dial(child.url)
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const poll = 'GET /v1/topics/log?wait=1 HTTP/1.1\r\nHost: x\r\n\r\n'
    socket.write(`${poll}${handshake(child.url, { headers: { Upgrade: protocol } })}`)
    // Where Node asks before it gives up a request as an upgrade, one to something else is answered in its turn.
    const answers = () => text.split('HTTP/1.1 ').length - 1
    await expect.poll(() => socket.destroyed || answers() === 2, { timeout: 10_000 }).toBe(true)
    expect((await get(`${child.url}/v1/topics/log`)).status).toBe(200)
    expect(child.logged).toEqual([])
  })
})

describe('a handshake that is refused', () => {
  it('holds no socket, though its client keeps it open and reads nothing [WP-4.1] [WP-8.1]', async () => {
    const { url } = await startServer()
    const sockets = await Promise.all(upTo(20).map(() => dial(url)))
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
    for (const socket of sockets) socket.write(`${handshake(url, { path: '/v1/topics/none' })}and more`)
    for (const socket of sockets) socket.resume()
    expect(await Promise.all(closed)).toHaveLength(20)
  })
})

describe('a client that closes its end and takes nothing', () => {
  const limits = { stalledMs: 1_000, bufferedBytesMax: 65_536 }

  it('holds up nobody, and is gone in time [WP-8.2] [WP-4.9]', { timeout: 60_000 }, async () => {
    const child = await startChild({ dataDir: await temporaryDir(), limits, heartbeatMs: 200, logLevel: 'error' })
    const socket = await openRaw(child.url)
    for (const topic of ['log', 'chat/*']) socket.ask({ type: 'subscribe', id: topic, data: { topic } })
    await socket.next(({ re }) => re === 'chat/*')
    socket.socket.pause()
    for (const _ of upTo(10)) await post(`${child.url}/v1/topics/log`, lines(100))
    socket.socket.end()
    await sleep(100)
    // Its other subscription finds the socket full, and goes back to the log.
    await post(`${child.url}/v1/topics/chat/a`, { type: 'message', data: {} })
    const open = () => metric(child.url, 'watchpost_connections{transport="websocket"}')
    await expect.poll(open, { timeout: 30_000 }).toBe(0)
    expect(await metric(child.url, 'watchpost_buffered_bytes')).toBe(0)
    expect((await get(`${child.url}/healthz`)).status).toBe(200)
    expect(child.logged).toEqual([])
  })
})

describe('many subscriptions of one client that takes nothing', () => {
  it('hold no more together than one may [WP-8.2]', { timeout: 60_000 }, async () => {
    const { url, watchpost } = await startServer({ limits: { bufferedBytesMax: 262_144 } })
    const socket = await openRaw(url)
    const rooms = upTo(100).map((n) => `chat/${n}`)
    for (const topic of rooms) socket.ask({ type: 'subscribe', id: topic, data: { topic } })
    await socket.next(({ re }) => re === rooms.at(-1))
    socket.socket.pause()
    let highest = 0
    const text = 'x'.repeat(40_000)
    for (const n of upTo(5)) {
      for (const topic of rooms) {
        await watchpost.publish(
          topic,
          upTo(4).map((i) => ({ type: 'message', data: { n, i, text } })),
        )
        highest = Math.max(highest, (await metric(url, 'watchpost_buffered_bytes')) ?? Number.NaN)
      }
    }
    expect(highest).toBeLessThan(262_144 + 65_536 + 2 * 1_048_576)
    socket.socket.resume()
    const count = () => socket.messages.filter(({ type }) => type === 'message').length
    await expect.poll(count, { timeout: 30_000 }).toBe(5 * 100 * 4)
  })
})

describe('what a client asks to see', () => {
  it.each([
    ['select', ['/a'.repeat(200)]],
    ['key', ['k'.repeat(256)]],
    ['type', ['t'.repeat(129)]],
    ['key', upTo(100).map((n) => `${n}${'k'.repeat(200)}`)],
  ])('has a bound in bytes: %s [WP-4.4] [WP-8.1]', async (name, values) => {
    const { url } = await startServer()
    const socket = await openRaw(url)
    socket.ask({ type: 'subscribe', id: '1', data: { topic: 'log', [name]: values } })
    const { error } = await socket.next(({ re }) => re === '1')
    expect(error).toMatchObject({ type: '/problems/invalid-parameter', message: expect.stringMatching(/bytes/) })
  })
})

describe('publishes under way when the server goes away', () => {
  it('are answered, every one that is in the log [WP-4.3] [WP-4.9]', { timeout: 30_000 }, async () => {
    const dataDir = await temporaryDir()
    // Or most of them would be refused for their rate, and the client closed for going on regardless.
    const { url, watchpost } = await startServer({ dataDir, limits: EAGER_CLIENTS })
    const socket = await openRaw(url)
    await socket.next(({ type }) => type === 'welcome')
    for (const n of upTo(2_000))
      socket.ask({ type: 'publish', id: `p${n}`, data: { topic: 'log', type: 'line', data: n } })
    await socket.next(({ re }) => re === 'p100')
    await watchpost.close()
    expect((await socket.closed).code).toBe(1001)
    const answered = socket.messages.filter(({ type }) => type === 'published').length
    const again = await startServer({ dataDir })
    expect(await metric(again.url, 'watchpost_log_head_offset')).toBe(answered)
  })
})

describe('catching up', () => {
  it('of many who agreed to compression holds up no publish for long [WP-8.2]', { timeout: 90_000 }, async () => {
    const child = await startChild({ dataDir: await temporaryDir(), durability: 'os' })
    for (const _ of upTo(20)) await post(`${child.url}/v1/topics/log`, lines(500, 1_200))
    const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate' }
    const readers = await Promise.all(
      upTo(60).map(() => openRaw(child.url, { path: '/v1/topics/log?after=earliest', headers })),
    )
    const waitsMs: number[] = []
    for (const _ of upTo(40)) {
      const startMs = performance.now()
      expect((await post(`${child.url}/v1/topics/chat/a`, { type: 'message', data: {} })).status).toBe(201)
      waitsMs.push(performance.now() - startMs)
    }
    const sorted = waitsMs.sort((a, b) => a - b)
    console.log(
      `40 publishes beside 60 who catch up with 10,000 events each: ${sorted[20]?.toFixed(0)} ms at the median, ` +
        `${sorted.at(-1)?.toFixed(0)} ms at most`,
    )
    // Each reader has 12 MB to take; if they went first, the first publish would wait for seconds.
    expect(sorted[20]).toBeLessThan(1_000)
    for (const { socket } of readers) socket.destroy()
  })
})
