/** Whether the peer of a WebSocket still lives, and how it knows that the server does [WP-4.10]. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'vitest'
import { startChild } from './fixtures/child.ts'
import { metric } from './fixtures/http.ts'
import { frame, OPCODE, openRaw, type RawSocket, textFrame } from './fixtures/raw-socket.ts'
import { beside, whenOver } from './fixtures/side-by-side.ts'
import { startServer, temporaryDir } from './harness.ts'

/** Long enough for a peer that lives to be heard though the machine is busy with other things. */
const heartbeatMs = 4_000
/** Far beyond two heartbeats. */
const PATIENCE_MS = 60_000

const openSockets = (url: string) => metric(url, 'watchpost_connections{transport="websocket"}')

const pingsOf = ({ frames }: RawSocket): number => frames.filter(({ opcode }) => opcode === OPCODE.ping).length

describe('a peer', () => {
  it.concurrent(
    'that answers no ping is closed with 4408, which says why; one that does is not [WP-4.10] [WP-4.9]',
    beside(async ({ expect }) => {
      const { url, watchpost } = await startServer({ heartbeatMs })
      const living = await openRaw(url, { path: '/v1/topics/log' })
      const startMs = performance.now()
      const dead = await openRaw(url, { answers: false })
      await dead.frame(OPCODE.ping)
      const { code, reason } = await closedIn(dead)
      const tookMs = performance.now() - startMs
      expect([code, reason]).toEqual([4408, expect.stringMatching(/silent|heard/)])
      expect(tookMs).toBeGreaterThanOrEqual(heartbeatMs * 1.5)
      await expect.poll(() => pingsOf(living), { timeout: PATIENCE_MS }).toBeGreaterThan(5)
      await watchpost.publish('log', { type: 'line', data: 1 })
      await living.next(({ type }) => type === 'line')
      expect(await openSockets(url)).toBe(1)
    }),
  )

  it.concurrent(
    'that says anything at all is heard [WP-4.10]',
    beside(async ({ expect }) => {
      const { url } = await startServer({ heartbeatMs: 1_000 })
      const talking = await openRaw(url, { answers: false })
      for (let n = 0; n < 40; n++) {
        talking.ask({ type: 'ping', id: String(n) })
        await sleep(100)
      }
      await talking.next(({ re }) => re === '39')
      expect(await openSockets(url)).toBe(1)
    }),
  )

  it.concurrent(
    'whose process is stopped is found, and told when it goes on [WP-4.10] [WP-4.9]',
    beside(async ({ expect }) => {
      const { url } = await startServer({ heartbeatMs })
      const living = await openRaw(url)
      const script = fileURLToPath(new URL('./fixtures/idle-socket.mjs', import.meta.url))
      const child = spawn(process.execPath, [script, url], { stdio: ['pipe', 'pipe', 'inherit'] })
      whenOver(() => child.kill('SIGKILL'))
      const lines: string[] = []
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
      await expect.poll(() => lines, { timeout: PATIENCE_MS }).toEqual(['welcome'])
      await sleep(heartbeatMs * 4)
      expect([lines, await openSockets(url)]).toEqual([['welcome'], 2])
      child.kill('SIGSTOP')
      await expect.poll(() => openSockets(url), { timeout: PATIENCE_MS }).toBe(1)
      child.kill('SIGCONT')
      await expect.poll(() => lines, { timeout: PATIENCE_MS }).toEqual(['welcome', '4408'])
      expect(living.socket.destroyed).toBe(false)
    }),
  )

  it.concurrent(
    'is not blamed for the time in which the server itself was stopped [WP-4.10]',
    beside(async ({ expect }) => {
      const shortMs = 1_000
      const server = await startChild({ dataDir: await temporaryDir(), heartbeatMs: shortMs })
      const living = await Promise.all(Array.from({ length: 8 }, () => openRaw(server.url)))
      await sleep(shortMs)
      server.signal('SIGSTOP')
      await sleep(shortMs * 4)
      server.signal('SIGCONT')
      await sleep(shortMs * 3)
      for (const peer of living) peer.ask({ type: 'ping', id: 'after' })
      for (const peer of living) expect(await peer.next(({ re }) => re === 'after')).toMatchObject({ type: 'pong' })
    }),
  )

  it.concurrent(
    'behind a network that swallows everything is found [WP-4.10]',
    beside(async ({ expect }) => {
      const { url } = await startServer({ heartbeatMs })
      const proxy = await swallowingProxy(Number(new URL(url).port))
      const living = await openRaw(url)
      const cut = await openRaw(proxy.url, { headers: { Host: new URL(url).host } })
      await expect.poll(() => pingsOf(cut), { timeout: PATIENCE_MS }).toBeGreaterThan(2)
      expect(await openSockets(url)).toBe(2)
      proxy.swallow()
      await expect.poll(() => openSockets(url), { timeout: PATIENCE_MS }).toBe(1)
      expect([living.socket.destroyed, cut.socket.destroyed]).toEqual([false, false])
    }),
  )

  it.concurrent(
    'that is in the midst of a long message is heard, though it can answer nothing [WP-4.10]',
    beside(async ({ expect }) => {
      const { url } = await startServer({ heartbeatMs: 1_000 })
      const slow = await openRaw(url, { answers: false })
      const bytes = textFrame({ type: 'ping', id: 'x'.repeat(60) })
      for (let at = 0; at < bytes.length; at += 2) {
        slow.send(bytes.subarray(at, at + 2))
        await sleep(150)
      }
      expect(await slow.next(({ type }) => type === 'pong')).toBeDefined()
    }),
  )

  it.concurrent(
    'that was sent much is given the time to take it, at 8 KiB/s [WP-4.10]',
    beside(async ({ expect }) => {
      const { url, watchpost } = await startServer({ heartbeatMs: 1_000 })
      const slow = await openRaw(url, { path: '/v1/topics/log' })
      await slow.next(({ type }) => type === 'welcome')
      slow.socket.pause()
      // As much as the buffers of the kernel hold, so that the server sees nothing of what becomes of it.
      const text = 'x'.repeat(50_000)
      for (let n = 0; n < 6; n++) await watchpost.publish('log', { type: 'line', data: { n, text } })
      await sleep(8_000)
      expect(await openSockets(url)).toBe(1)
      slow.socket.resume()
      await slow.next(({ data }) => (data as { n?: unknown } | undefined)?.n === 5)
      slow.ask({ type: 'ping', id: 'alive' })
      await slow.next(({ re }) => re === 'alive')
    }),
  )

  it('that takes nothing for `stalledMs` of all that it was sent is closed [WP-4.10] [WP-8.2]', async ({ expect }) => {
    const stalledMs = 2_000
    const { url, watchpost } = await startServer({
      // So that it is silent for long before.
      heartbeatMs: 300,
      durability: 'os',
      limits: { stalledMs, bufferedBytesMax: 65_536 },
    })
    const slow = await openRaw(url, { path: '/v1/topics/log' })
    await slow.next(({ type }) => type === 'welcome')
    slow.socket.pause()
    const startMs = performance.now()
    const text = 'x'.repeat(50_000)
    for (let n = 0; n < 40; n++) {
      const events = Array.from({ length: 10 }, (_, i) => ({ type: 'line', data: { n: n * 10 + i, text } }))
      await watchpost.publish('log', events)
    }
    await expect.poll(() => openSockets(url), { timeout: PATIENCE_MS }).toBe(0)
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(stalledMs)
    const cut = (reason: string) =>
      metric(url, `watchpost_connections_cut_total{transport="websocket",reason="${reason}"}`)
    expect([await cut('stalled'), await cut('silent')]).toEqual([1, undefined])
  })
})

describe('the server', () => {
  it.concurrent(
    'answers a request `ping` with `pong`, and a ping frame with a pong frame of the same payload [WP-4.10] [WP-4.3]',
    beside(async ({ expect }) => {
      const { url } = await startServer()
      const peer = await openRaw(url)
      peer.ask({ type: 'ping', id: 'a' }).ask({ type: 'ping' })
      expect(await peer.next(({ re }) => re === 'a')).toEqual({ type: 'pong', re: 'a', timestamp: expect.any(String) })
      expect(await peer.next(({ type, re }) => type === 'pong' && re === undefined)).toEqual({
        type: 'pong',
        timestamp: expect.any(String),
      })
      peer.send(frame(OPCODE.ping, 'any bytes'))
      expect((await peer.frame(OPCODE.pong)).payload.toString()).toBe('any bytes')
    }),
  )

  it.concurrent(
    'moves each subscription on by bookmarks, from which it can be resumed [WP-4.10] [WP-4.4]',
    beside(async ({ expect }) => {
      const { url, watchpost } = await startServer({ heartbeatMs: 1_000 })
      const peer = await openRaw(url)
      const rooms = ['chat/a', 'chat/b']
      for (const topic of rooms) peer.ask({ type: 'subscribe', id: topic, data: { topic } })
      for (const topic of rooms) await peer.next(({ re }) => re === topic)
      const { events } = await watchpost.publish('log', { type: 'line', data: 1 })
      const cursor = events.at(-1)?.id
      for (const topic of rooms) {
        const fits = { type: 'bookmark', data: { topic, cursor }, timestamp: expect.any(String) }
        await expect.poll(() => peer.messages, { timeout: PATIENCE_MS }).toContainEqual(fits)
      }
      const again = await openRaw(url)
      await watchpost.publish('chat/b', { type: 'message', data: { n: 1 } })
      again.ask({ type: 'subscribe', data: { topic: 'chat/*', after: cursor } })
      expect(await again.next(({ type }) => type === 'message')).toMatchObject({ topic: 'chat/b', data: { n: 1 } })
    }),
  )
})

/** @throws Error if the server does not close it */
async function closedIn(peer: RawSocket) {
  const late = sleep(PATIENCE_MS).then(() => {
    throw new Error(`still open; got ${JSON.stringify(peer.messages)}`)
  })
  // Whoever loses the race is of no interest.
  late.catch(() => undefined)
  return Promise.race([peer.closed, late])
}

/** A proxy that can go on holding its connections open while it lets nothing through, in either direction. */
async function swallowingProxy(port: number): Promise<{ readonly url: string; swallow(): void }> {
  const sockets: Socket[] = []
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    sockets.push(near, far)
    for (const socket of [near, far]) socket.on('error', () => undefined)
    near.pipe(far, { end: false })
    far.pipe(near, { end: false })
  })
  whenOver(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    swallow: () => {
      for (const socket of sockets) socket.unpipe().resume()
    },
  }
}
