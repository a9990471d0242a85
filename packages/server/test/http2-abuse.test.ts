/** Clients that speak HTTP/2 for its own sake, beside one that watches. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certificate } from './certificate.ts'
import {
  FLAG,
  field,
  frame,
  openSession,
  type RawSession,
  request,
  string,
  TYPE,
  uint32,
} from './fixtures/h2-frames.ts'
import { startServer } from './harness.ts'

const times = (count: number, bytes: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => bytes))

/** The same on so many streams that were not used before. */
function onNewStreams(count: number, frames: (stream: number) => readonly Buffer[]): () => Buffer {
  let stream = -1
  return () =>
    Buffer.concat(
      Array.from({ length: count }, () => {
        stream += 2
        return Buffer.concat(frames(stream))
      }),
    )
}

const WHOLE = FLAG.endStream | FLAG.endHeaders
const GET = request('GET', '/v1/topics/log')

interface Attack {
  /** What is written again and again. */
  readonly batches: () => () => Buffer
  /** As what `/metrics` may count it: newer versions of Node.js see some of them by themselves. */
  readonly reasons: readonly string[]
  /** Written once, before. */
  readonly before?: Buffer
}

/** The same batch every time, of frames that need no stream of their own. */
const again =
  (count: number, bytes: Buffer): Attack['batches'] =>
  () => {
    const batch = times(count, bytes)
    return () => batch
  }

const LATE = 20_000

const openBody = frame(TYPE.headers, { stream: 1, flags: FLAG.endHeaders, payload: request('POST', '/v1/topics/log') })

const ATTACKS: Readonly<Record<string, Attack>> = {
  'SETTINGS flood': { batches: again(100, frame(TYPE.settings)), reasons: ['settings'] },
  'PING flood': {
    batches: again(100, frame(TYPE.ping, { payload: Buffer.alloc(8) })),
    reasons: ['pings'],
  },
  'rapid reset': {
    batches: () =>
      onNewStreams(50, (stream) => [
        frame(TYPE.headers, { stream, flags: WHOLE, payload: GET }),
        frame(TYPE.reset, { stream, payload: uint32(8) }),
      ]),
    reasons: ['resets'],
  },
  'resets that the server is made to send': {
    batches: () =>
      onNewStreams(50, (stream) => [
        frame(TYPE.headers, { stream, flags: FLAG.endHeaders, payload: request('POST', '/v1/topics/log') }),
        frame(TYPE.windowUpdate, { stream, payload: uint32(0) }),
      ]),
    reasons: ['protocol'],
  },
  'WINDOW_UPDATE flood': {
    batches: again(1_000, frame(TYPE.windowUpdate, { payload: uint32(1) })),
    reasons: ['overhead'],
  },
  'WINDOW_UPDATE flood on a stream': {
    batches: again(1_000, frame(TYPE.windowUpdate, { stream: 1, payload: uint32(1) })),
    reasons: ['overhead'],

    before: openBody,
  },
  'PRIORITY flood': {
    batches: again(1_000, frame(TYPE.priority, { stream: 7, payload: Buffer.from([0, 0, 0, 3, 9]) })),
    reasons: ['overhead', 'protocol'],
  },
  'a flood of frames that nobody knows': {
    batches: again(1_000, frame(0x77, { payload: Buffer.alloc(3) })),
    reasons: ['overhead', 'protocol'],
  },
  'empty DATA frames': {
    batches: again(100, frame(TYPE.data, { stream: 1 })),
    reasons: ['protocol'],
    before: openBody,
  },
  'CONTINUATION flood': {
    batches: again(100, frame(TYPE.continuation, { stream: 1, payload: field('x', 'y'.repeat(100)) })),
    reasons: ['protocol'],
    before: frame(TYPE.headers, { stream: 1, payload: GET }),
  },
  'a flood of headers that are malformed': {
    batches: () =>
      onNewStreams(50, (stream) => [frame(TYPE.headers, { stream, flags: WHOLE, payload: Buffer.from([0x82]) })]),
    reasons: ['protocol'],
  },
}

/** A client as they should be, that watches `log` and is told everything. */
async function watcher(url: string): Promise<{ readonly texts: () => string; readonly session: ClientHttp2Session }> {
  const session = connect(url, { rejectUnauthorized: false })
  session.on('error', () => undefined)
  onTestFinished(() => session.destroy())
  const stream = session.request({ ':path': '/v1/topics/log', accept: 'text/event-stream' })
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  stream.on('error', () => undefined)
  await expect.poll(() => text, { timeout: LATE }).toContain('event: welcome')
  return { texts: () => text, session }
}

const textOf = (stream: ClientHttp2Stream): Promise<string> =>
  new Promise((resolve) => {
    let text = ''
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    stream.on('error', () => resolve(text)).on('end', () => resolve(text))
  })

/** Whether the server ended the connection, in generous time. */
async function attack(client: RawSession, { batches, before }: Attack): Promise<boolean> {
  if (before !== undefined) await client.write(before)
  const next = batches()
  const endMs = performance.now() + LATE
  while (performance.now() < endMs) if (!(await client.write(next()))) return true
  return false
}

describe('over HTTP/2', () => {
  it.each(Object.entries(ATTACKS))(
    '%s: ends its own connection and harms no other [WP-8.1]',
    async (_name, each) => {
      const { url, watchpost } = await startServer({ listen: { tls: await certificate() } })
      const healthy = await watcher(url)
      const bytesBefore = process.memoryUsage().rss
      const client = await openSession(url)
      expect(await attack(client, each)).toBe(true)
      expect(process.memoryUsage().rss - bytesBefore).toBeLessThan(200_000_000)
      await watchpost.publish('log', { type: 'line', data: 'after the attack' })
      await expect.poll(healthy.texts, { timeout: LATE }).toContain('after the attack')
      const metrics = await textOf(healthy.session.request({ ':path': '/metrics' }))
      const [, reason] = /connections_cut_total\{transport="http2",reason="(\w+)"\} 1\n/.exec(metrics) ?? []
      expect(each.reasons).toContain(reason)
    },
    60_000,
  )

  it('answers to pings and settings that nobody reads are bounded [WP-8.1]', async () => {
    const { url, watchpost } = await startServer({ listen: { tls: await certificate() } })
    const healthy = await watcher(url)
    for (const flood of [frame(TYPE.settings), frame(TYPE.ping, { payload: Buffer.alloc(8) })]) {
      const client = await openSession(url)
      client.socket.pause()
      // Nothing is read, so only a write that fails tells of the end.
      const failed = new Promise((resolve) => client.socket.once('close', resolve))
      const batch = times(1_000, flood)
      for (let n = 0; n < 200 && client.socket.writable; n++) {
        client.socket.write(batch)
        await new Promise((resolve) => setImmediate(resolve))
      }
      client.socket.resume()
      await failed
    }
    await watchpost.publish('log', { type: 'line', data: 'after the attack' })
    await expect.poll(healthy.texts, { timeout: LATE }).toContain('after the attack')
  }, 60_000)

  it('a list of headers that unpacks to far more than it weighs reaches no route [WP-8.1]', async () => {
    const { url, watchpost } = await startServer({ listen: { tls: await certificate() } })
    const healthy = await watcher(url)
    const bytesBefore = process.memoryUsage().rss
    const client = await openSession(url)
    // One field of 3,900 bytes goes into the table, and each of the bytes that follow names it again.
    const big = Buffer.concat([Buffer.from([0x40]), string('x'), string('y'.repeat(3_900))])
    const payload = Buffer.concat([GET, big, Buffer.alloc(10_000, 0x80 | 62)])
    const next = onNewStreams(1, (stream) => [frame(TYPE.headers, { stream, flags: WHOLE, payload })])
    for (let n = 0; n < 50; n++) await client.write(next())
    await watchpost.publish('log', { type: 'line', data: 'after the attack' })
    await expect.poll(healthy.texts, { timeout: LATE }).toContain('after the attack')
    expect(process.memoryUsage().rss - bytesBefore).toBeLessThan(200_000_000)
    // Refused, and not answered.
    await expect.poll(() => client.received(TYPE.reset), { timeout: LATE }).toBeGreaterThan(0)
    expect(client.received(TYPE.headers)).toBe(0)
    const metrics = await textOf(healthy.session.request({ ':path': '/metrics' }))
    expect(metrics).not.toMatch(/watchpost_http_requests_total\{.*status="200"/)
  }, 60_000)

  it('a client that does much of what it is there for is left alone [WP-8.1]', async () => {
    const { url } = await startServer({ listen: { tls: await certificate() } })
    const healthy = await watcher(url)
    const { session } = healthy
    const body = JSON.stringify(Array.from({ length: 100 }, () => ({ type: 'line', data: 'x'.repeat(30_000) })))
    for (let n = 0; n < 8; n++) {
      const publish = session.request({
        ':method': 'POST',
        ':path': '/v1/topics/log',
        'content-type': 'application/json',
        // Half of them of a length that is not told before.
        ...(n % 2 === 0 && { 'content-length': String(Buffer.byteLength(body)) }),
      })
      publish.end(body)
      expect(await textOf(publish)).toContain('"events"')
    }
    for (let n = 0; n < 300; n++) await textOf(session.request({ ':path': '/v1/topics/log?limit=1' }))
    for (let n = 0; n < 100; n++) await new Promise((resolve) => session.ping(resolve))
    for (let n = 0; n < 90; n++) {
      const left = session.request({ ':path': '/v1/topics/log', accept: 'text/event-stream' })
      left.on('error', () => undefined)
      left.close(8)
    }
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(session.destroyed).toBe(false)
    expect(JSON.parse(await textOf(session.request({ ':path': '/v1/topics/log?limit=1' }))).events).toHaveLength(1)
    await expect.poll(() => healthy.texts().length, { timeout: LATE }).toBeGreaterThan(24_000_000)
  }, 60_000)
})
