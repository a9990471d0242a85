/** Compressed streams [WP-3.8]: made once for all who watch the same, decoded by whoever accepts them. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { existsSync } from 'node:fs'
import { get as httpGet, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:http2'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { type SseEvent, SseParser } from '@watchpost/protocol'
import { EventSource as EventSourcePackage } from 'eventsource'
import { createEventSource } from 'eventsource-client'
import { type Browser, chromium } from 'playwright-core'
import { EventSource as EventSourceOfUndici, fetch as fetchOfUndici } from 'undici'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import type { Watchpost } from 'watchpost'
import { certificate } from './certificate.ts'
import { metric } from './fixtures/http.ts'
import { openSse, startServer } from './harness.ts'

const BROWSERS_SEND = 'gzip, deflate, br, zstd'
const HERE = 'https://app.example.com'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
const numberOf = (json: string): number => (JSON.parse(json) as { data: { n: number } }).data.n

/** Publishes lines numbered from `first` on, `count` of them, in publishes of at most 5,000. */
async function publishLines(watchpost: Watchpost, first: number, count: number, text = () => 'a line'): Promise<void> {
  for (let done = 0; done < count; done += 5_000) {
    const numbers = upTo(Math.min(5_000, count - done)).map((n) => first + done + n)
    await watchpost.publish(
      'log',
      numbers.map((n) => ({ type: 'line', data: { n, text: text() } })),
    )
  }
}

/** A body as it comes: its bytes counted, decoded and parsed. */
class Decoded {
  readonly messages: SseEvent[] = []
  readonly headers: IncomingHttpHeaders
  wireBytes = 0
  decodedBytes = 0
  /** Resolves at the end of a whole gzip member, whose checksum and length are right; rejects at any other end. */
  readonly whole: Promise<void>

  constructor(headers: IncomingHttpHeaders, body: Readable) {
    this.headers = headers
    body.on('data', (chunk: Buffer) => (this.wireBytes += chunk.length))
    const parser = new SseParser((message) => this.messages.push(message))
    const decoder = new TextDecoder()
    this.whole = pipeline(body, createGunzip(), async (decoded: AsyncIterable<Buffer>) => {
      for await (const bytes of decoded) {
        this.decodedBytes += bytes.length
        parser.push(decoder.decode(bytes, { stream: true }))
      }
    })
    // Most tests leave before the end.
    this.whole.catch(() => undefined)
  }

  get numbers(): number[] {
    return this.messages.filter(({ event }) => event === 'line').map(({ data }) => numberOf(data))
  }
}

/** Asks for a stream without a client that knows of codings; closed when the test ends. */
function request(url: string, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = httpGet(url, { agent: false, headers: { accept: 'text/event-stream', ...headers } }, resolve)
    sent.on('error', reject)
    onTestFinished(() => void sent.destroy())
  })
}

async function openGzip(url: string, query = '', headers: Record<string, string> = {}): Promise<Decoded> {
  const response = await request(`${url}/v1/topics/log${query}`, { 'accept-encoding': 'gzip', ...headers })
  return new Decoded(response.headers, response)
}

describe('a stream is compressed', () => {
  /** What an answer says whether it is compressed or not. */
  const SAME = { depends: ['Accept-Encoding', 'Origin'], cached: 'no-cache, no-transform' }

  it('if the request would rather have gzip than no coding, and says on what that depends [WP-3.8] [WP-3.13]', async () => {
    const { url } = await startServer({ cors: { origins: [HERE] } })
    const table: Readonly<Record<string, 'gzip' | undefined>> = {
      'no header': undefined,
      '': undefined,
      gzip: 'gzip',
      GZIP: 'gzip',
      [BROWSERS_SEND]: 'gzip',
      'deflate, gzip, br, zstd': 'gzip',
      'gzip;q=0.5': 'gzip',
      'gzip;q=0.5, *;q=0': 'gzip',
      'gzip, identity;q=0.5': 'gzip',
      'gzip, *': 'gzip',
      'identity;q=0, gzip;q=0.1': 'gzip',
      'gzip;q=0.5, identity': undefined,
      'identity, gzip': undefined,
      identity: undefined,
      'br, zstd': undefined,
      'gzip;q=0': undefined,
      'gzip;q=0, *': undefined,
      '*': undefined,
      '*;q=0': undefined,
    }
    for (const [accepted, coding] of Object.entries(table)) {
      const headers = accepted === 'no header' ? {} : { 'accept-encoding': accepted }
      const response = await request(`${url}/v1/topics/log`, headers)
      const { 'content-encoding': coded, vary, 'cache-control': cached } = response.headers
      const began = await new Promise<Buffer>((resolve) => response.once('data', resolve))
      const depends = (vary ?? '').split(/, */).sort()
      const seen = { accepted, coded, depends, cached, isText: began.toString().startsWith('retry: ') }
      expect(seen).toEqual({ accepted, coded: coding, isText: coding === undefined, ...SAME })
    }
  })

  it('over HTTP/2 too, beside what else an answer depends on [WP-3.8] [WP-3.13]', async () => {
    const { url, watchpost } = await startServer({ listen: { tls: await certificate() }, cors: { origins: [HERE] } })
    await publishLines(watchpost, 0, 3_000)
    const session = connect(url, { rejectUnauthorized: false })
    onTestFinished(() => session.destroy())
    const headers = { accept: 'text/event-stream', 'accept-encoding': BROWSERS_SEND, origin: HERE }
    const body = session.request({ ':path': '/v1/topics/log?after=earliest', ...headers })
    const head = await new Promise<IncomingHttpHeaders>((resolve) => body.once('response', resolve))
    const stream = new Decoded(head, body)
    expect(head['content-encoding']).toBe('gzip')
    expect(head.vary?.split(/, */).sort()).toEqual(['Accept-Encoding', 'Origin'])
    await expect.poll(() => stream.numbers.length).toBe(3_000)
    await publishLines(watchpost, 3_000, 1)
    await expect.poll(() => stream.numbers.length).toBe(3_001)
    await watchpost.close()
    await stream.whole
    expect([stream.numbers, stream.messages.at(-1)?.event]).toEqual([upTo(3_001), 'goodbye'])
    expect(stream.decodedBytes / stream.wireBytes).toBeGreaterThan(4)
  })

  it('unless the configuration says never, and then nothing depends on what is accepted [WP-3.8]', async () => {
    const { url } = await startServer({ compression: false })
    for (const accepted of [BROWSERS_SEND, 'gzip', 'identity;q=0, gzip']) {
      const response = await request(`${url}/v1/topics/log`, { 'accept-encoding': accepted })
      expect([response.headers['content-encoding'], response.headers.vary]).toEqual([undefined, undefined])
      const began = await new Promise<Buffer>((resolve) => response.once('data', resolve))
      expect(began.toString()).toMatch(/^retry: \d+\n/)
    }
  })
})

describe('a compressed stream', () => {
  it('has 20,000 events of the log and those that follow, once and in order, in a fraction of their bytes [WP-3.8] [WP-2.5]', async () => {
    const { url, watchpost } = await startServer({ durability: 'os' })
    await publishLines(watchpost, 0, 20_000)
    const stream = await openGzip(url, '?after=earliest')
    // Some come while it still catches up.
    let published = 20_000
    for (const count of [1, 700, 3, 1, 40, 1, 250, 1]) {
      await publishLines(watchpost, published, count)
      published += count
    }
    await expect.poll(() => stream.numbers.length, { timeout: 20_000 }).toBe(published)
    expect(stream.numbers).toEqual(upTo(published))
    expect(stream.decodedBytes / stream.wireBytes).toBeGreaterThan(4)
    await watchpost.close()
    await stream.whole
    expect(stream.messages.at(-1)?.event).toBe('goodbye')
  })

  it('lets each write be decoded when it comes, though nothing follows [WP-3.8]', async () => {
    // Long after the test's own patience is over, a bookmark could push out what a decoder held back.
    const { url, watchpost } = await startServer({ heartbeatMs: 600_000 })
    const stream = await openGzip(url)
    await expect.poll(() => stream.messages.map(({ event }) => event)).toEqual(['welcome'])
    let wireBytes = stream.wireBytes
    for (const [n, text] of ['short', 'x'.repeat(5_000), 'short again', ''].entries()) {
      await watchpost.publish('log', { type: 'line', data: { n, text } })
      await expect.poll(() => stream.numbers, { timeout: 10_000 }).toEqual(upTo(n + 1))
      // An event is far from the size at which anything on the way would fill a buffer.
      expect(stream.wireBytes - wireBytes).toBeLessThan(400)
      wireBytes = stream.wireBytes
    }
  })

  it('carries bookmarks and gaps [WP-3.8] [WP-2.4]', async () => {
    const { url, watchpost } = await startServer({ heartbeatMs: 100 })
    await publishLines(watchpost, 0, 3)
    const stream = await openGzip(url, '?after=k7f2x.1')
    await expect.poll(() => stream.numbers).toEqual([0, 1, 2])
    const { events } = await watchpost.publish('chat/a', { type: 'message', data: {} })
    await expect.poll(() => stream.messages.at(-1)).toMatchObject({ event: 'bookmark', id: events[0]?.id })
    expect(stream.messages.slice(0, 2).map(({ event }) => event)).toEqual(['welcome', 'gap'])
    expect(JSON.parse(stream.messages[1]?.data ?? '')).toMatchObject({ data: { reason: 'epoch', after: 'k7f2x.1' } })
  })

  it('is made once for 50 who came at different times, beside one that is not compressed [WP-3.8] [WP-2.5]', async () => {
    const { url, watchpost } = await startServer({ durability: 'os' })
    const plain = await openSse(`${url}/v1/topics/log`, { 'accept-encoding': 'identity' })
    const streams: Decoded[] = []
    const sizes = [1, 30, 2, 400, 1, 7]
    let published = 0
    for (let n = 0; n < 50; n++) {
      // Some start at the beginning of the log and join the others when they have caught up.
      streams.push(await openGzip(url, n % 5 === 4 ? '?after=earliest' : ''))
      const count = sizes[n % sizes.length] ?? 0
      await publishLines(watchpost, published, count)
      published += count
    }
    await expect.poll(() => streams.map(({ numbers }) => numbers.at(-1))).toEqual(streams.map(() => published - 1))
    expect(await metric(url, 'watchpost_hub_feeds')).toBe(2)
    expect((await plain.events(published)).map(({ data }) => numberOf(JSON.stringify(data)))).toEqual(upTo(published))
    await watchpost.close()
    await Promise.all(streams.map(({ whole }) => whole))
    for (const [index, { numbers, messages }] of streams.entries()) {
      expect([messages[0]?.event, messages.at(-1)?.event]).toEqual(['welcome', 'goodbye'])
      const before = upTo(index).reduce((sum, n) => sum + (sizes[n % sizes.length] ?? 0), 0)
      expect(numbers).toEqual(upTo(published).slice(index % 5 === 4 ? 0 : before))
    }
  })

  it('of a client that reads late has everything, though it fell out of the live feed [WP-3.8] [WP-8.2]', async () => {
    const { url, watchpost } = await startServer({ durability: 'os', limits: { bufferedBytesMax: 65_536 } })
    const response = await request(`${url}/v1/topics/log`, { 'accept-encoding': 'gzip' })
    response.pause()
    // Compression saves little of random text, so what the client does not take fills all buffers on the way.
    for (let n = 0; n < 2_000; n += 200) {
      await publishLines(watchpost, n, 200, () => randomBytes(9_000).toString('base64'))
    }
    const stream = new Decoded(response.headers, response)
    await expect.poll(() => stream.numbers.length, { timeout: 20_000 }).toBe(2_000)
    expect(stream.numbers).toEqual(upTo(2_000))
    await publishLines(watchpost, 2_000, 1)
    await expect.poll(() => stream.numbers.length).toBe(2_001)
    await watchpost.close()
    await stream.whole
  })
})

/** Opens a stream and hands over the data of all lines; gives how to close it. */
type Open = (url: string, take: (json: string) => void) => () => void

const byFetch =
  (fetching: (url: string, init: { signal: AbortSignal; headers: Record<string, string> }) => Promise<unknown>): Open =>
  (url, take) => {
    const leaving = new AbortController()
    const read = async (): Promise<void> => {
      const init = { signal: leaving.signal, headers: { accept: 'text/event-stream' } }
      const { body } = (await fetching(url, init)) as { readonly body: AsyncIterable<Uint8Array> }
      const decoder = new TextDecoder()
      const parser = new SseParser(({ event, data }) => event === 'line' && take(data))
      for await (const bytes of body) parser.push(decoder.decode(bytes, { stream: true }))
    }
    read().catch(() => undefined)
    return () => leaving.abort()
  }

const CLIENTS: Readonly<Record<string, Open>> = {
  'fetch of Node': byFetch(fetch),
  'fetch of undici': byFetch(fetchOfUndici),
  'EventSource of undici': (url, take) => {
    const source = new EventSourceOfUndici(url)
    source.addEventListener('line', (event) => take((event as MessageEvent<string>).data))
    return () => source.close()
  },
  'npm eventsource': (url, take) => {
    const source = new EventSourcePackage(url)
    source.addEventListener('line', ({ data }) => take(data))
    return () => source.close()
  },
  'eventsource-client': (url, take) => {
    const source = createEventSource({ url, onMessage: ({ event, data }) => event === 'line' && take(data) })
    return () => source.close()
  },
  curl: (url, take) => {
    const child = spawn('curl', ['-sN', '--compressed', '-H', 'Accept: text/event-stream', url])
    const parser = new SseParser(({ event, data }) => event === 'line' && take(data))
    child.stdout.setEncoding('utf8').on('data', (text: string) => parser.push(text))
    return () => void child.kill()
  },
}

/** The coding of each answer of this process to a request with `client`, by its value; kept until the test ends. */
function watchCodings(): ReadonlyMap<string, unknown> {
  const codings = new Map<string, unknown>()
  const onRequest = (message: unknown): void => {
    const { request: asked, response } = message as { request: IncomingMessage; response: ServerResponse }
    const client = new URL(asked.url ?? '', 'http://localhost').searchParams.get('client')
    response.once('close', () => client !== null && codings.set(client, response.getHeader('content-encoding')))
  }
  subscribe('http.server.request.start', onRequest)
  onTestFinished(() => void unsubscribe('http.server.request.start', onRequest))
  return codings
}

describe('clients of others', () => {
  it('decode compressed streams, what is in the log and what is live [WP-3.8]', async () => {
    const codings = watchCodings()
    const { url, watchpost } = await startServer()
    await publishLines(watchpost, 0, 2_000)
    const opened = Object.entries(CLIENTS).map(([name, open]) => {
      const numbers: number[] = []
      const close = open(`${url}/v1/topics/log?after=earliest&client=${encodeURIComponent(name)}`, (json) => {
        numbers.push(numberOf(json))
      })
      onTestFinished(close)
      return { name, numbers, close }
    })
    for (let count = 2_000; count < 2_005; count++) {
      await expect
        .poll(() => opened.map(({ name, numbers }) => [name, numbers.length]), { timeout: 15_000 })
        .toEqual(opened.map(({ name }) => [name, count]))
      await publishLines(watchpost, count, 1)
    }
    await expect.poll(() => opened.map(({ numbers }) => numbers)).toEqual(opened.map(() => upTo(2_005)))
    for (const { close } of opened) close()
    await expect.poll(() => [...codings]).toHaveLength(opened.length)
    expect(Object.fromEntries(codings)).toEqual(Object.fromEntries(opened.map(({ name }) => [name, 'gzip'])))
  })

  it('find a compressed stream whole that the server ends: curl checks its end [WP-3.8]', async () => {
    const { url, watchpost } = await startServer()
    await publishLines(watchpost, 0, 100)
    const child = spawn('curl', [
      '-sSN',
      '--compressed',
      '-H',
      'Accept: text/event-stream',
      `${url}/v1/topics/log?last=9`,
    ])
    onTestFinished(() => void child.kill())
    let [output, errors] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
    const status = new Promise((resolve) => child.once('close', resolve))
    await expect.poll(() => output).toContain('"n":99')
    await watchpost.close()
    expect([await status, errors]).toEqual([0, ''])
    expect(output).toContain('event: goodbye')
  })

  it("of which Chromium's EventSource and fetch are two [WP-3.8]", { timeout: 60_000 }, async (context) => {
    const browser = await demandChromium(context)
    const codings = watchCodings()
    const { url, watchpost } = await startServer()
    await publishLines(watchpost, 0, 2_000)
    const page = await browser.newPage()
    // Any page of the same origin.
    await page.goto(`${url}/healthz`)
    await page.evaluate(watchInPage, '/v1/topics/log?after=earliest')
    const seen = (): Promise<Seen> => page.evaluate(() => (globalThis as unknown as { seen: Seen }).seen)
    for (let count = 2_000; count < 2_005; count++) {
      const lengths = async (): Promise<number[]> => Object.values(await seen()).map((numbers) => numbers.length)
      await expect.poll(lengths, { timeout: 20_000 }).toEqual([count, count])
      await publishLines(watchpost, count, 1)
    }
    await expect.poll(seen).toEqual({ eventSource: upTo(2_005), fetch: upTo(2_005) })
    await page.close()
    await expect.poll(() => Object.fromEntries(codings)).toEqual({ eventSource: 'gzip', fetch: 'gzip' })
  })
})

interface Seen {
  readonly eventSource: number[]
  readonly fetch: number[]
}

/** Runs in a page: collects the numbers of all lines, by `EventSource` and by `fetch`. */
function watchInPage(path: string): void {
  const seen: Seen = { eventSource: [], fetch: [] }
  Object.assign(globalThis, { seen })
  const source = new EventSource(`${path}&client=eventSource`)
  source.addEventListener('line', ({ data }) => seen.eventSource.push(JSON.parse(String(data)).data.n))
  const read = async (): Promise<void> => {
    const { body } = await fetch(`${path}&client=fetch`, { headers: { accept: 'text/event-stream' } })
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
      const lines = `${rest}${part.value}`.split('\n')
      rest = lines.pop() ?? ''
      const events = lines.filter((text) => text.startsWith('data: {"type":"line"'))
      seen.fetch.push(...events.map((text) => JSON.parse(text.slice(6)).data.n))
    }
  }
  void read()
}

/** Without a browser the test is skipped, except in CI, where it fails. */
async function demandChromium(context: TestContext): Promise<Browser> {
  const executablePath = process.env['CHROME_PATH'] ?? '/usr/bin/chromium'
  if (!existsSync(executablePath)) {
    const reason = `no Chromium at ${executablePath}; name one in CHROME_PATH`
    if (process.env['CI'] === 'true') throw new Error(reason)
    console.log(`skipped: ${reason}`)
    return context.skip(reason)
  }
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
  const browser = await chromium.launch({ executablePath, args: [...args, '--disable-background-networking'] })
  onTestFinished(() => browser.close())
  return browser
}
