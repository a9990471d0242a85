import { connect } from 'node:http2'
import { ANONYMOUS } from '@watchpost/core'
import { limitsWith } from '@watchpost/protocol'
import { SignJWT } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Client, type Connection, Connections } from '../src/http/connections.ts'
import { certificate } from './certificate.ts'
import { expectProblem, headOf, metric } from './fixtures/http.ts'
import { answerTo, handshake, type Message, OPCODE, openRaw, type RawSocket } from './fixtures/raw-socket.ts'
import { type Answer, get, openSse, post, startServer } from './harness.ts'

/** Runs many at once; answers them, and how many of a rate can have come back since the first began. */
async function atOnce<Result>(
  count: number,
  perSecond: number,
  run: (index: number) => Promise<Result>,
): Promise<{ readonly results: readonly Result[]; readonly backMost: number }> {
  const startMs = performance.now()
  const results = await Promise.all(Array.from({ length: count }, (_, index) => run(index)))
  return { results, backMost: Math.ceil(((performance.now() - startMs) / 1_000) * perSecond) }
}

/** The answers to requests, in their order; one wait at a time. */
async function answersTo(peer: RawSocket, ids: readonly string[]): Promise<readonly Message[]> {
  const answers: Message[] = []
  for (const id of ids) answers.push(await peer.next(({ re }) => re === id))
  return answers
}

const PING = (id: string): object => ({ type: 'ping', id })
const LINE = { type: 'line', data: null }

describe('publishesPerSecond [WP-8.1]', () => {
  const limits = { publishesPerSecond: 3 }

  it('refuses what is over it, tells how it stands, and recovers', async () => {
    const { url } = await startServer({ limits })
    const publish = (): Promise<Answer> => post(`${url}/v1/topics/log`, LINE)
    const first = await publish()
    expect(first.status).toBe(201)
    expect(first.headers.get('ratelimit-policy')).toBe('"publishes";q=3;w=1')
    expect(first.headers.get('ratelimit')).toBe('"publishes";r=2;t=1')

    const { results, backMost } = await atOnce(60, 3, publish)
    const taken = results.filter(({ status }) => status === 201)
    const refused = results.filter(({ status }) => status !== 201)
    expect(taken.length).toBeGreaterThanOrEqual(2)
    expect(taken.length).toBeLessThanOrEqual(3 + backMost)
    for (const answer of refused) {
      expectProblem(answer, 'rate-limited', { retryAfter: 1 })
      expect(answer.headers.get('retry-after')).toBe('1')
      expect(answer.headers.get('ratelimit-policy')).toBe('"publishes";q=3;w=1')
      expect(answer.headers.get('ratelimit')).toBe('"publishes";r=0;t=1')
    }
    expect(refused.length).toBeGreaterThan(0)
    expect(await headOf(url)).toBe(1 + taken.length)
    expect(await metric(url, 'watchpost_refused_total{limit="publishesPerSecond"}')).toBe(refused.length)
    await expect.poll(async () => (await publish()).status, { timeout: 10_000, interval: 400 }).toBe(201)
  })

  it('counts a publish of many events once, and one that is wrong too', async () => {
    const { url } = await startServer({ limits: { publishesPerSecond: 100 } })
    const many = await post(
      `${url}/v1/topics/log`,
      Array.from({ length: 50 }, () => LINE),
    )
    expect(many.status).toBe(201)
    const [, left] = /;r=(\d+);/.exec(many.headers.get('ratelimit') ?? '') ?? []
    expect(left).toBe('99')
    const wrong = await post(`${url}/v1/topics/log`, { type: 'nothing of this kind' })
    expect(wrong.status).toBe(422)
    expect(wrong.headers.get('ratelimit')).toMatch(/^"publishes";r=\d+;t=1$/)
  })

  it('is one quota for publishes by HTTP and by WebSocket', async () => {
    const { url } = await startServer({ limits })
    const peer = await openRaw(url)
    const ids = Array.from({ length: 30 }, (_, i) => `${i}`)
    const { results, backMost } = await atOnce(31, 3, async (index) => {
      if (index > 0) return (await post(`${url}/v1/topics/log`, LINE)).status === 201 ? 1 : 0
      for (const id of ids) peer.ask({ type: 'publish', id, data: { topic: 'log', ...LINE } })
      const answers = await answersTo(peer, ids)
      for (const { type, error } of answers) {
        if (type !== 'error') continue
        expect(error).toMatchObject({ type: '/problems/rate-limited', retryAfter: expect.any(Number) })
      }
      return answers.filter(({ type }) => type === 'published').length
    })
    const taken = results.reduce((sum, count) => sum + count, 0)
    expect(taken).toBeGreaterThanOrEqual(3)
    expect(taken).toBeLessThanOrEqual(3 + backMost)
    expect(taken).toBeLessThan(60)
    expect(await headOf(url)).toBe(taken)
  })
})

describe('handshakesPerSecond [WP-8.1]', () => {
  const limits = { handshakesPerSecond: 3 }

  it('bounds streams, waiting polls and WebSockets of an address together; pages are free', async () => {
    const { url } = await startServer({ limits })
    const kinds: readonly (() => Promise<Answer>)[] = [
      () => get(`${url}/v1/topics/log?wait=1`),
      () => answerTo(url, handshake(url)),
      () => answerTo(url, 'GET /v1/topics/log HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n'),
    ]
    const { results, backMost } = await atOnce(60, 3, (index) => (kinds[index % 3] as () => Promise<Answer>)())
    const taken = results.filter(({ status }) => status !== 429)
    expect(taken.length).toBeGreaterThanOrEqual(3)
    expect(taken.length).toBeLessThanOrEqual(3 + backMost)
    const refused = results.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    for (const answer of refused) {
      expectProblem(answer, 'rate-limited', { retryAfter: 1 })
      expect(answer.headers.get('ratelimit-policy')).toBe('"handshakes";q=3;w=1')
    }
    const pages = await atOnce(40, 0, () => get(`${url}/v1/topics/log`))
    expect(pages.results.map(({ status }) => status).filter((status) => status !== 200)).toEqual([])
    await expect
      .poll(async () => (await answerTo(url, handshake(url))).status, { timeout: 10_000, interval: 400 })
      .toBe(101)
  })

  it('leaves polls alone that are answered at once', async () => {
    const { url } = await startServer({ limits })
    await post(`${url}/v1/topics/log`, LINE)
    const { results } = await atOnce(40, 0, () => get(`${url}/v1/topics/log?wait=5&after=earliest`))
    expect(results.filter(({ status, body }) => status !== 200 || body.events.length !== 1)).toEqual([])
  })
})

describe('connectionsPerAddress [WP-8.1]', () => {
  it('is told over it, refused far over it, and recovers [WP-4.1]', async () => {
    const { url } = await startServer({ limits: { connectionsPerAddress: 2 } })
    const stream = await openSse(`${url}/v1/topics/log`)
    await openRaw(url)
    expectProblem(await get(`${url}/v1/topics/log?wait=5`), 'reach-maximum-connections', { retryAfter: 5 })
    expectProblem(await get(`${url}/v1/topics/log`, { accept: 'text/event-stream' }), 'reach-maximum-connections')
    // They do not answer the close frame, and so are still there.
    const told = await Promise.all([1, 2].map(() => openRaw(url, { answers: false })))
    for (const peer of told) {
      const { error } = await peer.next(({ type }) => type === 'error')
      expect(error).toEqual({
        type: '/problems/reach-maximum-connections',
        message: 'Maximum number of connections reached',
        retryAfter: 5,
      })
      expect((await peer.frame(OPCODE.close)).payload.readUInt16BE(0)).toBe(4429)
    }
    expectProblem(await answerTo(url, handshake(url)), 'reach-maximum-connections', {
      detail: 'Maximum number of connections reached',
    })
    expect(await metric(url, 'watchpost_refused_total{limit="connectionsPerAddress"}')).toBe(5)
    // Pages and publishes are no connections.
    expect((await get(`${url}/v1/topics/log`)).status).toBe(200)
    expect((await post(`${url}/v1/topics/log`, LINE)).status).toBe(201)
    stream.close()
    for (const peer of told) peer.socket.destroy()
    const again = async (): Promise<string> => (await (await openRaw(url)).next(({ type }) => type !== '')).type
    await expect.poll(again, { timeout: 10_000 }).toBe('welcome')
  })
})

describe('connectionsPerAddress over HTTP/2 [WP-8.1]', () => {
  it('counts each stream, and what is asked by clients that left at once', async () => {
    const limits = { connectionsPerAddress: 2 }
    const { url } = await startServer({ limits, listen: { tls: await certificate() } })
    const session = connect(url, { rejectUnauthorized: false })
    onTestFinished(() => session.destroy())
    const ask = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':path': '/v1/topics/log', accept: 'text/event-stream' })
        stream.once('response', (headers) => resolve(Number(headers[':status']))).once('error', reject)
      })
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 429])
    session.destroy()
    const other = connect(url, { rejectUnauthorized: false })
    onTestFinished(() => other.destroy())
    const leaving = Array.from({ length: 50 }, () =>
      other.request({ ':path': '/v1/topics/log', accept: 'text/event-stream' }).on('error', () => undefined),
    )
    await new Promise((resolve) => leaving[0]?.once('response', resolve))
    other.destroy()
    const third = connect(url, { rejectUnauthorized: false })
    onTestFinished(() => third.destroy())
    const open = async (): Promise<string> => {
      const stream = third.request({ ':path': '/metrics' }).setEncoding('utf8')
      let text = ''
      for await (const chunk of stream) text += chunk as string
      return text
    }
    await expect.poll(open, { timeout: 10_000 }).toContain('watchpost_connections{transport="sse"} 0')
    expect(await open()).toContain('watchpost_problems_total{problem="internal"} 0')
  })
})

describe('connectionsPerIdentity [WP-8.1]', () => {
  const nothing = (): void => undefined
  const connection = (subject: string | undefined, address: string): Connection => ({
    transport: 'sse',
    session: { identity: subject === undefined ? ANONYMOUS : { ...ANONYMOUS, subject, holder: subject } },
    ...{ address, filters: [], bufferedBytes: 0, goAway: nothing, end: nothing, renew: nothing, reassess: nothing },
  })
  const client = (holder: string | undefined, address: string): Client => ({ holder, address })

  it('bounds those of a subject from wherever they come, and not those of the anonymous', () => {
    const refused: string[] = []
    const limits = limitsWith({ connectionsPerIdentity: 2, connectionsPerAddress: 3, connections: 100 })
    const connections = new Connections(limits, Date, (limit) => refused.push(limit))
    const [id] = ['192.0.2.1', '192.0.2.2'].map((address) => connections.add(connection('ann', address)))
    expect(() => connections.demandRoom(client('ann', '192.0.2.3'))).toThrow('Maximum number of connections reached')
    expect(() => connections.demandRoom(client('ann', '192.0.2.3'), 2)).not.toThrow()
    expect(() => connections.demandRoom(client('bob', '192.0.2.1'))).not.toThrow()
    for (let i = 0; i < 3; i++) connections.add(connection(undefined, '192.0.2.9'))
    expect(() => connections.demandRoom(client(undefined, '192.0.2.8'))).not.toThrow()
    expect(() => connections.demandRoom(client('bob', '192.0.2.9'))).toThrow('Maximum number of connections reached')
    expect(refused).toEqual(['connectionsPerIdentity', 'connectionsPerAddress'])
    connections.remove(id as string)
    connections.remove(id as string)
    expect(() => connections.demandRoom(client('ann', '192.0.2.3'))).not.toThrow()
    connections.add(connection('ann', '192.0.2.3'))
    expect(() => connections.demandRoom(client('ann', '192.0.2.3'))).toThrow('Maximum number of connections reached')
  })
})

describe('limits of an identity [WP-8.1]', () => {
  const SECRET = '0123456789abcdef0123456789abcdef'
  const bearer = async (subject: string): Promise<{ readonly authorization: string }> => {
    const signing = new SignJWT({ sub: subject }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h')
    return { authorization: `Bearer ${await signing.sign(Buffer.from(SECRET))}` }
  }

  it('are those of its subject, and not those of others at the same address', async () => {
    const limits = { connectionsPerIdentity: 1, publishesPerSecond: 3 }
    const { url } = await startServer({ limits, auth: { jwt: { secret: SECRET } } })
    const [ann, bob] = await Promise.all([bearer('ann'), bearer('bob')])
    const stream = await openSse(`${url}/v1/topics/log`, ann)
    expectProblem(await get(`${url}/v1/topics/log?wait=5`, ann), 'reach-maximum-connections')
    const told = await openRaw(url, { headers: ann })
    expect((await told.next(({ type }) => type === 'error'))['error']).toMatchObject({
      type: '/problems/reach-maximum-connections',
    })
    await openSse(`${url}/v1/topics/log`, bob)
    await openSse(`${url}/v1/topics/log`)
    stream.close()
    const again = async (): Promise<number> => (await get(`${url}/v1/topics/log?wait=1`, ann)).status
    await expect.poll(again, { timeout: 10_000 }).toBe(200)

    const { results } = await atOnce(60, 3, () => post(`${url}/v1/topics/log`, LINE, ann))
    expect(results.some(({ status }) => status === 429)).toBe(true)
    expect((await post(`${url}/v1/topics/log`, LINE, bob)).headers.get('ratelimit')).toBe('"publishes";r=2;t=1')
    expect((await post(`${url}/v1/topics/log`, LINE)).headers.get('ratelimit')).toBe('"publishes";r=2;t=1')
  })
})

describe('messagesPerSecond and messagesBurst [WP-4.11]', () => {
  const limits = { messagesPerSecond: 2, messagesBurst: 5 }

  it('answer what is over them with an error, each under its id, and the connection goes on', async () => {
    const { url } = await startServer({ limits })
    const peer = await openRaw(url)
    const other = await openRaw(url)
    const ids = Array.from({ length: 40 }, (_, i) => `${i}`)
    for (const id of ids) peer.ask(PING(id))
    const answers = await answersTo(peer, ids)
    expect(answers.slice(0, 5).map(({ type }) => type)).toEqual(Array.from({ length: 5 }, () => 'pong'))
    const refused = answers.filter(({ type }) => type === 'error')
    expect(refused.length).toBeGreaterThan(0)
    for (const { error } of refused) {
      const { type, retryAfter } = error as { readonly type: string; readonly retryAfter: number }
      expect(type).toBe('/problems/rate-limited')
      expect(retryAfter).toBeGreaterThan(0)
      expect(retryAfter).toBeLessThanOrEqual(0.5)
    }
    other.ask(PING('other'))
    expect((await other.next(({ re }) => re === 'other')).type).toBe('pong')
    let tries = 0
    const again = async (): Promise<string> => {
      const id = `again ${tries++}`
      peer.ask(PING(id))
      return (await peer.next(({ re }) => re === id)).type
    }
    await expect.poll(again, { timeout: 10_000, interval: 600 }).toBe('pong')
    expect(peer.messages.filter(({ re }) => re === '7')).toHaveLength(1)
  })

  it('close the connection of who goes on regardless, with 4429, and it may come back', async () => {
    const { url } = await startServer({ limits })
    const peer = await openRaw(url)
    for (let i = 0; i < 500; i++) peer.ask(PING(`${i}`))
    expect(await peer.closed).toEqual({ code: 4429, reason: 'messages' })
    const refused = peer.messages.filter(({ type }) => type === 'error')
    expect(refused.length).toBeGreaterThan(50)
    expect(refused.length).toBeLessThan(500)
    expect(await metric(url, 'watchpost_connections_cut_total{transport="websocket",reason="messages"}')).toBe(1)
    const again = await openRaw(url)
    again.ask(PING('back'))
    expect((await again.next(({ re }) => re === 'back')).type).toBe('pong')
  })
})

describe('limits of this kind are shown [WP-3.12]', () => {
  it('in the list of topics and in welcome', async () => {
    const own = { connectionsPerAddress: 7, messagesBurst: 9, publishesPerSecond: 11, handshakesPerSecond: 13 }
    const { url } = await startServer({ limits: own })
    const shown = { ...own, connectionsPerIdentity: 1_000, messagesPerSecond: 50 }
    expect((await get(`${url}/v1/topics`)).body.limits).toMatchObject(shown)
    const stream = await openSse(`${url}/v1/topics/log`)
    const { data } = await stream.next(({ event }) => event === 'welcome')
    expect(data['data']).toMatchObject({ limits: shown })
  })
})
