/** The audit log: who connected, watched, published and was refused, as lines of JSON. */
import { readFile } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Config, createWatchpost, type Topics } from 'watchpost'
import { nowSeconds, SECRET, sign, startGuarded } from './fixtures/auth.ts'
import { raw } from './fixtures/http.ts'
import { openRaw, type RawSocket } from './fixtures/raw-socket.ts'
import { noteLog } from './fixtures/secrets-notes.ts'
import { get, openSse, post, TOPICS, temporaryDir } from './harness.ts'

type Line = Readonly<Record<string, unknown>>

const AUTH = { jwt: { secret: SECRET, issuer: 'https://id.example.com' } }
const CHAT = { iss: AUTH.jwt.issuer, watchpost: { watch: ['chat/*'], publish: ['chat/*'] } }
const LINE = { type: 'line', data: null }
const bearer = (token: string): { readonly authorization: string } => ({ authorization: `Bearer ${token}` })

/** A server that asks for credentials, whose log is kept. */
async function startAudited(
  ...config: Parameters<typeof startGuarded>
): Promise<{ readonly url: string; readonly log: () => string }> {
  const guarded = await startGuarded(...config)
  return { url: guarded.url, log: () => guarded.log() }
}

/** The audit lines of a log, without what every line of it has. */
function linesOf(log: string, act?: string): readonly Line[] {
  const lines = log.split('\n').flatMap((text) => (text === '' ? [] : [JSON.parse(text) as Line]))
  return lines
    .filter(({ audit }) => (act === undefined ? audit !== undefined : audit === act))
    .map(({ level, time, pid, hostname, ...line }) => {
      expect([level, time, pid, hostname]).toEqual([
        30,
        expect.any(Number),
        expect.any(Number),
        expect.stringMatching(/./),
      ])
      return line
    })
}

/** Resolves with the lines of an act once there are so many of them. */
async function linesWhen(log: () => string, act: string, count = 1): Promise<readonly Line[]> {
  await expect.poll(() => linesOf(log(), act).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count)
  return linesOf(log(), act)
}

const answered = (socket: RawSocket, id: string): Promise<unknown> => socket.next(({ re }) => re === id)

describe('the audit log tells of', () => {
  it('a stream: who opened it from where, what it watches, and why it ended', async () => {
    const { url, log } = await startAudited(AUTH, { trustProxy: 'loopback' })
    const headers = { ...bearer(await sign(CHAT)), 'x-forwarded-for': '203.0.113.9' }
    const stream = await openSse(`${url}/v1/events?topic=chat/a&topic=chat/b`, headers)
    const { data } = await stream.next(({ event }) => event === 'welcome')
    const { connection } = (data as { readonly data: { readonly connection: string } }).data
    stream.close()
    await linesWhen(log, 'disconnect')
    const who = { subject: 'ada', issuer: CHAT.iss, address: '203.0.113.9', transport: 'sse' }
    expect(linesOf(log())).toEqual([
      { audit: 'connect', ...who, connection },
      { audit: 'subscribe', ...who, connection, topics: ['chat/a', 'chat/b'] },
      { audit: 'disconnect', ...who, connection, reason: 'left' },
    ])
  })

  it('all that is done on a WebSocket', async () => {
    const { url, log } = await startAudited(AUTH)
    const socket = await openRaw(url)
    const { data } = (await socket.next(({ type }) => type === 'welcome')) as unknown as { data: Line }
    const { connection } = data
    const exp = nowSeconds() + 600
    const requests: readonly (readonly [string, object])[] = [
      ['subscribe', { topic: 'chat/a' }],
      ['authenticate', { token: await sign({ ...CHAT, exp }) }],
      ['subscribe', { topic: 'chat/a' }],
      ['publish', { topic: 'chat/a', type: 'line', data: 1 }],
      ['authenticate', { token: await sign({ ...CHAT, exp, watchpost: { publish: ['chat/*'] } }) }],
      ['subscribe', { topic: 'open' }],
      ['unsubscribe', { topic: 'open' }],
      ['publish', { topic: 'mine', type: 'line', data: 1 }],
      ['publish', { topic: 'open', type: 'no such type' }],
      ['ping', {}],
    ]
    for (const [index, [type, request]] of requests.entries()) {
      socket.ask({ type, id: String(index), ...(type !== 'ping' && { data: request }) })
      await answered(socket, String(index))
    }
    socket.socket.destroy()
    await linesWhen(log, 'disconnect')
    const at = { address: '127.0.0.1', transport: 'websocket' }
    const ada = { subject: 'ada', issuer: CHAT.iss, ...at }
    const id = expect.stringMatching(/^\w+\.1$/)
    const unseen = { problem: 'unknown-topic', detail: 'There is no topic "chat/a" that you may see.' }
    const mine = { problem: 'forbidden', detail: expect.any(String), request: 'publish', topics: ['mine'] }
    expect(linesOf(log())).toEqual([
      { audit: 'connect', ...at, connection },
      { audit: 'refuse', ...at, connection, ...unseen, request: 'subscribe', topics: ['chat/a'] },
      { audit: 'authenticate', ...ada, connection, expiresMs: exp * 1_000 },
      { audit: 'subscribe', ...ada, connection, topics: ['chat/a'] },
      { audit: 'publish', ...ada, connection, topic: 'chat/a', events: 1, first: id, last: id, replayed: false },
      { audit: 'authenticate', ...ada, connection, expiresMs: exp * 1_000 },
      {
        audit: 'unsubscribe',
        ...ada,
        connection,
        topics: ['chat/a'],
        problem: 'forbidden',
        detail: expect.any(String),
      },
      { audit: 'subscribe', ...ada, connection, topics: ['open'] },
      { audit: 'unsubscribe', ...ada, connection, topics: ['open'] },
      { audit: 'refuse', ...ada, connection, ...mine },
      { audit: 'disconnect', ...ada, connection, reason: 'left' },
    ])
  })

  it('a publish by HTTP, in one line however many events it has', async () => {
    const { url, log } = await startAudited(AUTH)
    const headers = { 'idempotency-key': 'k1' }
    const { body } = await post(`${url}/v1/topics/open`, [LINE, LINE, LINE], headers)
    expect((await post(`${url}/v1/topics/open`, [LINE, LINE, LINE], headers)).status).toBe(201)
    const ids = body.events.map(({ id }: { id: string }) => id)
    const line = { audit: 'publish', address: '127.0.0.1', transport: 'http', topic: 'open', events: 3 }
    expect(linesOf(log())).toEqual([
      { ...line, first: ids[0], last: ids[2], replayed: false },
      { ...line, first: ids[0], last: ids[2], replayed: true },
    ])
  })

  it('a long poll that waits, and how that ended', async () => {
    const { url, log } = await startAudited(AUTH)
    const poll = get(`${url}/v1/topics/open?wait=30`)
    await linesWhen(log, 'subscribe')
    await post(`${url}/v1/topics/open`, LINE)
    expect((await poll).body.events).toHaveLength(1)
    const leaving = new AbortController()
    const left = fetch(`${url}/v1/topics/open?wait=30`, { signal: leaving.signal }).catch(() => undefined)
    await linesWhen(log, 'subscribe', 2)
    leaving.abort()
    await left
    const ends = await linesWhen(log, 'disconnect', 2)
    expect(ends.map(({ transport, reason }) => [transport, reason])).toEqual([
      ['long-poll', 'answered'],
      ['long-poll', 'left'],
    ])
    expect(linesOf(log(), 'connect').map(({ connection }) => connection)).toEqual(
      ends.map(({ connection }) => connection),
    )
    await get(`${url}/v1/topics/open?wait=30&after=earliest`)
    expect(linesOf(log(), 'connect')).toHaveLength(2)
  })

  it('what admins do', async () => {
    const { url, log } = await startAudited(AUTH)
    const root = bearer(await sign({ sub: 'root', iss: CHAT.iss, watchpost: { admin: true } }))
    const remove = (path: string): Promise<Response> =>
      fetch(`${url}/v1/connections${path}`, { method: 'DELETE', headers: root })
    const headers = bearer(await sign(CHAT))
    const streams = await Promise.all([1, 2, 3].map(() => openSse(`${url}/v1/topics/chat/a`, headers)))
    const [first] = await linesWhen(log, 'connect', 3)
    expect((await remove(`/${String(first?.['connection'])}`)).status).toBe(204)
    expect((await remove('?subject=ada')).status).toBe(200)
    await Promise.all(streams.map(({ ended }) => ended))
    const stays = await openSse(`${url}/v1/topics/open`)
    expect((await post(`${url}/v1/drain`, '', root)).status).toBe(202)
    await stays.ended
    const who = { subject: 'root', issuer: CHAT.iss, address: '127.0.0.1', transport: 'http' }
    expect(linesOf(log(), 'cut')).toEqual([
      { audit: 'cut', ...who, connection: first?.['connection'], connections: 1 },
      { audit: 'cut', ...who, of: 'ada', connections: 2 },
    ])
    expect(linesOf(log(), 'drain')).toEqual([{ audit: 'drain', ...who, connections: 1, drainMs: expect.any(Number) }])
    const reasons = (await linesWhen(log, 'disconnect', 4)).map(({ reason }) => reason)
    expect(reasons).toEqual(['cut', 'cut', 'cut', 'going away'])
  })

  it('credentials that end, and rights that are lost', async () => {
    const { url, log } = await startAudited(AUTH)
    const stream = await openSse(`${url}/v1/topics/chat/a`, bearer(await sign(CHAT)))
    const [line] = await linesWhen(log, 'connect')
    const renewed = await sign({ iss: CHAT.iss, exp: nowSeconds() + 60 })
    const path = `/v1/connections/${String(line?.['connection'])}/token`
    expect((await post(`${url}${path}`, '', bearer(renewed))).status).toBe(200)
    await stream.ended
    const socket = await openRaw(url, { headers: bearer(await sign({ ...CHAT, exp: nowSeconds() + 2 })) })
    await socket.closed
    const ends = await linesWhen(log, 'disconnect', 2)
    expect(ends.map(({ transport, reason }) => [transport, reason])).toEqual([
      ['sse', 'revoked'],
      ['websocket', 'expired'],
    ])
    expect(linesOf(log(), 'authenticate')).toHaveLength(1)
  })

  it('connections that are ended for a limit or a fault, and with which reason', async () => {
    const { url, log } = await startAudited(AUTH, { limits: { connections: 2 } })
    const socket = await openRaw(url)
    socket.send(Buffer.from([0xff, 0xff, 0xff, 0xff]))
    await socket.closed
    await linesWhen(log, 'disconnect')
    const kept = await openRaw(url)
    await openSse(`${url}/v1/topics/open`)
    const over = await openRaw(url)
    await over.closed
    kept.ask({ type: 'ping', id: '1' })
    await answered(kept, '1')
    const ends = await linesWhen(log, 'disconnect', 2)
    expect(ends.map(({ reason }) => reason)).toEqual(['protocol', 'limit'])
    expect(linesOf(log(), 'refuse')).toEqual([
      expect.objectContaining({ problem: 'reach-maximum-connections', request: 'GET /v1', transport: 'websocket' }),
    ])
  })
})

describe('the audit log names requests that were refused', () => {
  const at = { audit: 'refuse', address: '127.0.0.1', transport: 'http' }
  const ada = { ...at, subject: 'ada', issuer: CHAT.iss }

  it('for their credentials, their rights, and limits', async () => {
    const { url, log } = await startAudited(AUTH, { limits: { publishesPerSecond: 1 } })
    const token = await sign(CHAT)
    const expired = await sign({ ...CHAT, exp: nowSeconds() - 600 })
    await get(`${url}/v1/topics/chat/a`, bearer(`${token}x`))
    await get(`${url}/v1/topics/chat/a`, bearer(expired))
    await get(`${url}/v1/topics/chat/a`)
    await get(`${url}/v1/events?topic=open&topic=chat/a`)
    await get(`${url}/v1/state/hidden`, bearer(token))
    await post(`${url}/v1/topics/mine`, LINE, bearer(token))
    await get(`${url}/v1/connections`, bearer(token))
    for (let i = 0; i < 20 && linesOf(log()).at(-1)?.['problem'] !== 'rate-limited'; i++) {
      await post(`${url}/v1/topics/open`, LINE)
    }
    const lines = linesOf(log(), 'refuse')
    const text = expect.any(String)
    const topic = { request: 'GET /v1/topics/*', topics: ['chat/a'] }
    expect(lines).toEqual([
      { ...at, problem: 'unauthorized', detail: text, ...topic },
      { ...at, problem: 'token-expired', detail: text, ...topic },
      { ...at, problem: 'unknown-topic', detail: text, ...topic },
      { ...at, problem: 'unknown-topic', detail: text, request: 'GET /v1/events', topics: ['open', 'chat/a'] },
      { ...ada, problem: 'unknown-topic', detail: text, request: 'GET /v1/state/*', topics: ['hidden'] },
      { ...ada, problem: 'forbidden', detail: text, request: 'POST /v1/topics/*', topics: ['mine'] },
      { ...ada, problem: 'forbidden', detail: text, request: 'GET /v1/connections', topics: [] },
      {
        ...{ ...at, problem: 'rate-limited', detail: expect.stringContaining('publishesPerSecond') },
        ...{ request: 'POST /v1/topics/*', topics: ['open'] },
      },
    ])
    // Clients are told that credentials are not valid; here is why.
    expect(lines[0]?.['detail']).not.toBe('The credentials are not valid.')
  })

  it('for nothing else: what is only wrong, or not there, is in no line', async () => {
    const { url, log } = await startAudited(AUTH)
    await get(`${url}/v1/topics/open?limit=x`)
    await get(`${url}/v1/topics/open?after=nonsense!`)
    await get(`${url}/v1/nowhere`)
    await get(`${url}/nowhere`)
    await post(`${url}/v1/topics/open`, '{')
    await post(`${url}/v1/topics/open`, { type: 'none of its types' })
    await get(`${url}/v1/topics/open`)
    await get(`${url}/metrics`)
    expect(linesOf(log())).toEqual([])
  })
})

describe('audit lines', () => {
  it('hold no credentials, and nothing of what events hold', async () => {
    const { url, log } = await startAudited({ ...AUTH, queryToken: true })
    const token = await sign(CHAT)
    const signature = token.split('.')[2] as string
    const event = { type: 'line', key: 'a secret key', data: { text: 'a secret text' } }
    await post(`${url}/v1/topics/chat/a?token=${token}`, event, { 'idempotency-key': 'a secret of idempotency' })
    await get(`${url}/v1/topics/chat/a?token=${token}x`)
    const { body } = await post(`${url}/v1/tickets`, '', bearer(token))
    await (await openSse(`${url}/v1/topics/chat/a?last=1&ticket=${body.ticket}`)).events(1)
    await get(`${url}/v1/topics/chat/a?ticket=${body.ticket}`)
    const socket = await openRaw(url)
    socket.ask({ type: 'authenticate', id: '1', data: { token: `${token}x` } })
    socket.ask({ type: 'authenticate', id: '2', data: { token } })
    await answered(socket, '2')
    socket.ask({ type: 'publish', id: '3', data: { topic: 'chat/a', ...event } })
    await answered(socket, '3')
    const text = JSON.stringify(linesOf(log()))
    expect(linesOf(log()).map(({ audit }) => audit)).toEqual(
      expect.arrayContaining(['publish', 'refuse', 'subscribe', 'authenticate']),
    )
    for (const secret of [signature, body.ticket, 'secret']) expect(text).not.toContain(secret)
  })

  it('are one line each whatever a client puts into its names, and bounded', async () => {
    const { url, log } = await startAudited(AUTH)
    const sub = 'x"}\n{"audit":"publish","subject":"root\u001b[2J\u009b\u202e\u2028'
    const ask = (path: string, token: string): Promise<unknown> =>
      raw(url, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    await ask(`/v1/topics/${encodeURIComponent(sub)}`, await sign({ ...CHAT, sub }))
    await ask(`/v1/topics/chat/${encodeURIComponent('a\u009b31m')}`, await sign({ ...CHAT, sub }))
    await ask('/v1/connections', await sign({ ...CHAT, sub, iss: CHAT.iss }))
    await ask(`/v1/events?topic=${'t'.repeat(5_000)}`, 'no.such.token')
    const line = linesOf(log(), 'refuse').find(({ request }) => request === 'GET /v1/connections')
    const quoted = 'x"}\\u{a}{"audit":"publish","subject":"root\\u{1b}[2J\\u{9b}\\u{202e}\\u{2028}'
    expect(line).toMatchObject({ subject: quoted, problem: 'forbidden' })
    const [{ topics } = {}] = linesOf(log(), 'refuse').slice(-1)
    expect(topics).toEqual([`${'t'.repeat(255)}…`])
    const texts = log().split('\n')
    for (const text of texts.filter((each) => each.includes('"audit"'))) {
      expect(text).toMatch(/^[\u0020-\u007e…]*$/)
      expect(JSON.parse(text)).toMatchObject({ audit: 'refuse', address: '127.0.0.1' })
      expect(text.length).toBeLessThan(2_000)
    }
  })
})

/** A server whose log is kept. */
async function startLogged(config: Partial<Config>): Promise<{
  readonly url: string
  readonly publish: () => Promise<unknown>
  readonly log: () => string
}> {
  let log = ''
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      log += chunk.toString()
      noteLog(chunk.toString())
      done()
    },
  })
  const logger = pino({ level: config.logLevel ?? 'info' }, sink)
  const listen = { host: '127.0.0.1', port: 0 }
  const all = { topics: TOPICS, listen, dataDir: await temporaryDir(), ...config }
  const watchpost = await createWatchpost<Topics>(all, { logger })
  onTestFinished(() => watchpost.close())
  const { url } = await watchpost.listen()
  return { url, publish: () => watchpost.publish('log', LINE), log: () => log }
}

describe('there are audit lines', () => {
  it('of every act in the guide', async () => {
    const guide = await readFile(new URL('../../../docs/guides/records.md', import.meta.url), 'utf8')
    const shown = [...guide.matchAll(/`(\{"audit":.*?\})`/g)].map(([, text]) => JSON.parse(text as string) as Line)
    expect(new Set(shown.map(({ audit }) => audit))).toEqual(
      new Set([
        ...['connect', 'subscribe', 'unsubscribe', 'publish', 'authenticate'],
        ...['refuse', 'cut', 'drain', 'disconnect'],
      ]),
    )
  })

  it('unless they are turned off, or the level is above theirs', async () => {
    for (const [config, count] of [
      [{}, 1],
      [{ audit: true }, 1],
      [{ audit: false }, 0],
      [{ logLevel: 'warn' }, 0],
      [{ logLevel: 'silent' }, 0],
    ] as const) {
      const { url, log } = await startLogged(config)
      expect((await post(`${url}/v1/topics/log`, LINE)).status).toBe(201)
      expect(linesOf(log())).toHaveLength(count)
    }
  })

  it('for clients, and not for what the program itself publishes', async () => {
    const { publish, log } = await startLogged({})
    await publish()
    expect(linesOf(log())).toEqual([])
  })
})
