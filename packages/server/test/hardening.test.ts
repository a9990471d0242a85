/** What an anonymous client might try, and what a host application might do wrong. */
import { createServer } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWatchpost, topic } from 'watchpost'
import { certificate } from './certificate.ts'
import { dial, expectProblem, metric, parseAnswer } from './fixtures/http.ts'
import { get, post, startServer, TOPICS, temporaryDir } from './harness.ts'

function session(url: string, settings: { readonly initialWindowSize?: number } = {}): ClientHttp2Session {
  const client = connect(url, { rejectUnauthorized: false, settings })
  client.on('error', () => undefined)
  onTestFinished(() => client.destroy())
  return client
}

/** The status of a request over HTTP/2, as soon as its head is there. */
const statusOf = (client: ClientHttp2Session, headers: Record<string, string>): Promise<number> =>
  new Promise((resolve) => {
    const stream = client.request(headers)
    stream.on('error', () => undefined)
    stream.resume().once('response', (head) => resolve(Number(head[':status'])))
  })

/** Reads a figure of `/metrics` over HTTP/2. */
function metrics(client: ClientHttp2Session): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const stream = client.request({ ':path': '/metrics' })
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    stream.on('end', () => resolve(text))
  })
}

describe('over HTTP/2', () => {
  it('a stream that is reset before it starts leaves nothing behind [WP-8.1]', async () => {
    const { url, watchpost } = await startServer({ listen: { tls: await certificate() } })
    for (let batch = 0; batch < 10; batch++) {
      const events = Array.from({ length: 1_000 }, () => ({ type: 'line', data: 'x'.repeat(200) }))
      await watchpost.publish('log', events)
    }
    const client = session(url)
    for (let n = 0; n < 20; n++) {
      const stream = client.request({ ':path': '/v1/topics/log?last=1&type=note', accept: 'text/event-stream' })
      stream.on('error', () => undefined)
      setTimeout(() => stream.close(), 2)
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await metrics(client)).toContain('watchpost_connections{transport="sse"} 0')
  })

  it('answers that nobody takes are bounded for each address, and cut in the end [WP-8.1]', async () => {
    const limits = { answeringBytesMax: 2_400_000, pageBytesMax: 300_000, stalledMs: 1_000 }
    const { url, watchpost } = await startServer({ listen: { tls: await certificate() }, limits })
    await watchpost.publish('log', [{ type: 'line', data: 'x'.repeat(60_000) }])
    const greedy = session(url, { initialWindowSize: 0 })
    const statuses = await Promise.all(
      Array.from({ length: 10 }, () => statusOf(greedy, { ':path': '/v1/topics/log' })),
    )
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(4)
    expect(statuses.filter((status) => status === 503).length).toBeGreaterThanOrEqual(6)
    const neighbour = connect(url, { rejectUnauthorized: false, ...({ localAddress: '127.0.0.2' } as object) })
    onTestFinished(() => neighbour.destroy())
    expect(await statusOf(neighbour, { ':path': '/v1/topics/log' })).toBe(200)
    // It pings, but takes nothing.
    const pinging = setInterval(() => greedy.ping(() => undefined), 200)
    onTestFinished(() => clearInterval(pinging))
    const modest = session(url)
    await expect.poll(() => statusOf(modest, { ':path': '/v1/topics/log' }), { timeout: 15_000 }).toBe(200)
  })

  it('a publish that was done is acknowledged, however many answers wait [WP-3.9]', async () => {
    const limits = { answeringBytesMax: 20_000 }
    const { url } = await startServer({ limits })
    const lines = Array.from({ length: 1_000 }, (_, n) => ({ type: 'line', data: n }))
    const { status, body } = await post(`${url}/v1/topics/log`, lines)
    expect([status, body.events.length]).toEqual([201, 1_000])
    expectProblem(await get(`${url}/v1/topics/log?limit=1000`), 'overloaded')
  })

  it('a method is not a metric of its own [WP-3.14]', async () => {
    const { url } = await startServer({ listen: { tls: await certificate() } })
    const client = session(url)
    expect(await statusOf(client, { ':method': 'MADEUP', ':path': '/v1/topics/log' })).toBe(405)
    await expect.poll(() => metrics(client)).toContain('method="other"')
    expect(await metrics(client)).not.toContain('MADEUP')
  })
})

describe('HTTP/1.1 over TLS', () => {
  it.each([
    ['half a head', 'GET /v1/topics HTTP/1.1\r\nHost: x\r\n'],
    ['half a body', 'POST /v1/topics/log HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{'],
    ['nothing more', 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('with %s is closed in time [WP-8.1]', async (_what, text) => {
    const limits = { slowBodyMs: 500, idleHttpMs: 500 }
    const { url } = await startServer({ listen: { tls: await certificate() }, limits })
    const socket = connectTls({ port: Number(new URL(url).port), host: '127.0.0.1', rejectUnauthorized: false })
    socket.on('error', () => undefined)
    socket.resume().write(text)
    const closed = new Promise((resolve) => socket.once('close', () => resolve('closed')))
    const late = new Promise((resolve) => setTimeout(() => resolve('still open'), 8_000))
    expect(await Promise.race([closed, late])).toBe('closed')
  })
})

describe('a request', () => {
  it.each(['OPTIONS * HTTP/1.1', 'GET http://[/ HTTP/1.1'])('for no path is answered: %s [WP-3.2]', async (line) => {
    const { url } = await startServer()
    const socket = await dial(url)
    socket.write(`${line}\r\nHost: x\r\n\r\n`)
    const answer = await new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(chunk.toString())))
    expectProblem(parseAnswer(answer), 'not-found')
  })

  it('that is far too large is refused before its schema is looked at [WP-8.1]', async () => {
    const numbers = topic({
      events: { n: { type: 'array', items: { type: 'string' } } },
      watch: 'anyone',
      publish: 'anyone',
    })
    const { url } = await startServer({ topics: { numbers } })
    const body = `{"type":"n","data":[${'1,'.repeat(1_000_000)}1]}`
    expectProblem(await post(`${url}/v1/topics/numbers`, body), 'message-too-large')
    const faulty = await post(`${url}/v1/topics/numbers`, `{"type":"n","data":[${'1,'.repeat(5_000)}1]}`)
    expectProblem(faulty, 'invalid-event')
    expect(faulty.body.errors).toHaveLength(100)
  })

  it('to publish from a page of another origin is refused, unless it is allowed [WP-3.13]', async () => {
    const { url } = await startServer({ cors: { origins: ['https://app.example'] } })
    const log = `${url}/v1/topics/log`
    expectProblem(await post(log, { type: 'line' }, { origin: 'https://evil.example' }), 'forbidden')
    expectProblem(await post(log, { type: 'line' }, { origin: 'null' }), 'forbidden')
    expect((await post(log, { type: 'line' }, { origin: 'https://app.example' })).status).toBe(201)
    expect((await post(log, { type: 'line' }, { origin: url })).status).toBe(201)
    expect(await metric(url, 'watchpost_log_head_offset')).toBe(2)
  })
})

describe('a rule', () => {
  it('that is async is refused at the start, and one that answers a promise denies [WP-6.1]', async () => {
    const dataDir = await temporaryDir()
    const rule = async (): Promise<boolean> => true
    const late = { events: { line: {} }, watch: rule as unknown as () => boolean }
    await expect(createWatchpost({ topics: { late }, dataDir })).rejects.toThrow(/async/)
    const failing = { events: { line: {} }, watch: (() => Promise.reject(new Error('no'))) as unknown as () => boolean }
    const { url } = await startServer({ topics: { failing } })
    expectProblem(await get(`${url}/v1/topics/failing`), 'unknown-topic')
  })
})

describe('embedding', () => {
  it('two on one server is undone in any order', async () => {
    const made = async (name: string) =>
      createWatchpost({ topics: { [name]: TOPICS.log }, dataDir: await temporaryDir(), logLevel: 'silent' })
    const [one, two] = [await made('one'), await made('two')]
    const server = createServer((_request, response) => response.end('host'))
    one.attach(server, { basePath: '/one' })
    two.attach(server, { basePath: '/two' })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    onTestFinished(() => two.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    expect((await get(`${url}/one/v1/topics/one`)).status).toBe(200)
    await one.close()
    expect((await get(`${url}/one/v1/topics/one`)).body).toBe('host')
    expect((await get(`${url}/two/v1/topics/two`)).status).toBe(200)
  })

  it('watch() starts when it is called, and can be left while it waits', async () => {
    const { watchpost } = await startServer()
    const messages = watchpost.watch('log')
    await new Promise((resolve) => setTimeout(resolve, 20))
    await watchpost.publish('log', { type: 'line', data: 1 })
    expect((await messages.next()).value).toMatchObject({ type: 'line', data: 1 })
    const waiting = messages.next()
    await messages.return?.()
    expect(await waiting).toEqual({ done: true, value: undefined })
  })
})
