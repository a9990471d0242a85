/** Client certificates as credentials: whom they speak for, what that grants, and when it ends. */
import { X509Certificate } from 'node:crypto'
import { copyFileSync, readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { request } from 'node:https'
import { join } from 'node:path'
import { type ConnectionOptions, connect } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AuthOptions, Config } from 'watchpost'
import { WebSocket } from 'ws'
import { type Guarded, SECRET, sign, startGuarded } from './fixtures/auth.ts'
import { expectProblem } from './fixtures/http.ts'
import { issued, issuedUntil, type Pair, selfSigned } from './fixtures/tls-files.ts'
import { type Answer, startServer, temporaryDir } from './harness.ts'

const MINE = '/v1/topics/mine'

const pems = ({ cert, key }: Pair): ConnectionOptions => ({
  ...{ cert: readFileSync(cert), key: readFileSync(key) },
  rejectUnauthorized: false,
})

const fingerprintOf = ({ cert }: Pair): string => new X509Certificate(readFileSync(cert)).fingerprint256

/** A server that asks for certificates of `ca`. */
async function startMutual(ca: Pair, auth?: AuthOptions, others: Partial<Config> = {}): Promise<Guarded> {
  const tls = { ...(await selfSigned()), ca: ca.cert }
  return startGuarded(auth, { ...others, listen: { tls } })
}

interface Asking {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
}

/** Asks on a connection of its own that shows a certificate. */
function ask(
  url: string,
  client: Pair | undefined,
  { method = 'GET', headers = {}, body }: Asking = {},
): Promise<Answer> {
  const options = client === undefined ? { rejectUnauthorized: false } : pems(client)
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, method, headers, ...options }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        const sent = new Headers(response.headers as Record<string, string>)
        resolve({ status: response.statusCode ?? 0, headers: sent, body: text === '' ? '' : JSON.parse(text) })
      })
    })
    asked.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
  })
}

const publish = (url: string, client: Pair, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  ask(`${url}/v1/topics/chat/lobby`, client, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: { type: 'line' },
  })

function http2Session(url: string, client: Pair): ClientHttp2Session {
  const session = connectHttp2(url, pems(client))
  onTestFinished(() => session.destroy())
  return session
}

/** The status of a GET. */
const overHttp2 = (session: ClientHttp2Session, path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path })
    stream.on('error', reject).on('response', (headers) => resolve(headers[':status'] ?? 0))
    stream.resume()
  })

interface Told {
  readonly messages: { readonly type: string; readonly error?: { readonly type: string }; readonly data?: unknown }[]
  /** The close code. */
  readonly closed: Promise<number>
}

/** Opens a WebSocket on a topic; rejects if the handshake is refused. */
async function overWebSocket(url: string, client: Pair): Promise<Told & { readonly socket: WebSocket }> {
  const socket = new WebSocket(url.replace('https', 'wss'), pems(client))
  const messages: Told['messages'] = []
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())))
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  onTestFinished(() => socket.terminate())
  await new Promise((resolve, reject) => socket.once('message', resolve).once('error', reject))
  return { socket, messages, closed }
}

describe('a client certificate', () => {
  it('speaks for its subject, over HTTP/1.1, HTTP/2 and WebSocket [WP-6.6]', async () => {
    const ca = await selfSigned('/CN=The CA')
    const feed = await issued(ca, '/O=Example/CN=feed-1')
    const subject = 'O=Example, CN=feed-1'
    const grants = { publish: ['chat/*'] }
    const server = await startMutual(ca, { certificates: [{ subject, grants, scopes: ['prices'] }] })
    const url = `${server.url}${MINE}`
    const known = {
      subject,
      claims: { certificate: { subject, fingerprint: fingerprintOf(feed).replaceAll(':', '').toLowerCase() } },
      scopes: new Set(['prices']),
      grants: { watch: [], publish: ['chat/*'], admin: false },
    }
    expect((await ask(url, feed)).status).toBe(200)
    const seen = server.seen
    expect(seen).toMatchObject(known)
    expectProblem(await ask(url, undefined), 'unknown-topic')
    const session = http2Session(server.url, feed)
    for (let i = 0; i < 2; i++) {
      expect(await overHttp2(session, MINE)).toBe(200)
      expect(server.seen).toEqual(seen)
    }
    expectProblem(await ask(url, undefined), 'unknown-topic')
    const { messages } = await overWebSocket(url, feed)
    expect([messages[0]?.type, server.seen]).toEqual(['welcome', seen])
    expect((await publish(server.url, feed)).status).toBe(201)
  })

  it('that nothing names is an identity without grants, and needs no `auth` [WP-6.6] [WP-6.1]', async () => {
    const ca = await selfSigned('/CN=The CA')
    const guest = await issued(ca, '/CN=guest')
    const server = await startMutual(ca)
    expect((await ask(`${server.url}${MINE}`, guest)).status).toBe(200)
    expect(server.seen).toMatchObject({ subject: 'CN=guest', grants: { watch: [], publish: [], admin: false } })
    expectProblem(await publish(server.url, guest), 'unknown-topic')
    const other = await selfSigned('/CN=guest')
    expectProblem(await ask(`${server.url}${MINE}`, other), 'unknown-topic')
    const headers = { authorization: `Bearer ${await sign()}` }
    expectProblem(await ask(`${server.url}${MINE}`, guest, { headers }), 'unauthorized')
  })

  it('counts by its fingerprint before its subject [WP-6.6]', async () => {
    const ca = await selfSigned('/CN=The CA')
    const [one, two] = [await issued(ca, '/CN=feed'), await issued(ca, '/CN=feed')]
    const certificates = [
      { subject: 'CN=feed', grants: { publish: ['chat/*'] } },
      { fingerprint: fingerprintOf(one), grants: { admin: true } },
    ]
    const server = await startMutual(ca, { certificates })
    expect((await ask(`${server.url}${MINE}`, one)).status).toBe(200)
    const first = server.seen
    expect(first?.grants).toEqual({ watch: [], publish: [], admin: true })
    expect((await ask(`${server.url}${MINE}`, two)).status).toBe(200)
    expect(server.seen?.grants).toEqual({ watch: [], publish: ['chat/*'], admin: false })
    expect([server.seen?.holder, server.seen?.name === first?.name]).toEqual([first?.holder, false])
  })

  it('is one of many of its subject, which can take its place [WP-6.6] [WP-3.10]', async () => {
    const ca = await selfSigned('/CN=The CA')
    const certificates = ['feed', 'other'].map((name) => ({ subject: `CN=${name}`, grants: { publish: ['chat/*'] } }))
    const { url } = await startMutual(ca, { certificates })
    const [old, next] = [await issued(ca, '/CN=feed'), await issued(ca, '/CN=feed')]
    const key = { 'idempotency-key': 'k1' }
    const first = await publish(url, old, key)
    const again = await publish(url, next, key)
    expect([again.headers.get('idempotent-replayed'), again.body]).toEqual(['true', first.body])
    const others = await publish(url, await issued(ca, '/CN=other'), key)
    expect([others.status, others.headers.get('idempotent-replayed')]).toEqual([201, null])
  })

  it('does not count where a token was sent, be it good or bad [WP-6.6]', async () => {
    const ca = await selfSigned('/CN=The CA')
    const feed = await issued(ca, '/CN=feed')
    const server = await startMutual(ca, { jwt: { secret: SECRET }, cookie: 'session', queryToken: true })
    const url = `${server.url}${MINE}`
    const token = await sign()
    const origin = server.url
    const ways: readonly (readonly [string, (text: string) => Record<string, string>])[] = [
      ['', (text) => ({ authorization: `Bearer ${text}` })],
      ['', (text) => ({ cookie: `session=${text}`, origin })],
      [`?token=${token}`, () => ({})],
    ]
    for (const [query, headersOf] of ways) {
      expect((await ask(`${url}${query}`, feed, { headers: headersOf(token) })).status).toBe(200)
      expect(server.seen?.subject).toBe('ada')
      expect((await ask(url, feed)).status).toBe(200)
      expect(server.seen?.subject).toBe('CN=feed')
    }
    for (const [, headersOf] of ways.slice(0, 2)) {
      expectProblem(await ask(url, feed, { headers: headersOf('nonsense') }), 'unauthorized')
    }
    expectProblem(await ask(`${url}?ticket=nonsense`, feed), 'unauthorized')
    const forged = await sign({ certificate: { subject: 'CN=feed' } })
    expect((await ask(url, feed, { headers: { authorization: `Bearer ${forged}` } })).status).toBe(200)
    expect(server.seen?.claims['certificate']).toBeUndefined()
  })

  it('is no identity without a subject of 1 to 255 bytes [WP-6.6]', async () => {
    const ca = await selfSigned('/CN=The CA')
    const server = await startMutual(ca)
    const long = Array.from({ length: 5 }, (_, i) => `/OU=${String(i).repeat(60)}`).join('')
    for (const subject of ['/', long]) {
      expectProblem(await ask(`${server.url}${MINE}`, await issued(ca, subject)), 'unknown-topic')
    }
    expect(server.log()).toContain('a client certificate gives no identity')
    const nameless = await issued(ca, '/', 2, 'URI:spiffe://example/feed')
    expect((await ask(`${server.url}${MINE}`, nameless)).status).toBe(200)
    expect(server.seen?.subject).toBe('URI:spiffe://example/feed')
  })

  it('does not count for pages of other origins, but for those listed [WP-6.6] [WP-3.13]', async () => {
    const ca = await selfSigned('/CN=The CA')
    const feed = await issued(ca, '/CN=feed')
    const listed = 'https://app.example.com'
    const { url } = await startMutual(ca, undefined, { cors: { origins: [listed] } })
    const from = (headers: Record<string, string>): Promise<Answer> => ask(`${url}${MINE}`, feed, { headers })
    for (const origin of [url, listed]) expect((await from({ origin })).status).toBe(200)
    expect((await from({ origin: listed })).headers.get('access-control-allow-credentials')).toBe('true')
    for (const origin of ['https://evil.example', 'null', url.replace('https', 'http')]) {
      expectProblem(await from({ origin }), 'unknown-topic')
    }
    for (const site of ['same-origin', 'none']) expect((await from({ 'sec-fetch-site': site })).status).toBe(200)
    for (const site of ['cross-site', 'same-site'])
      expectProblem(await from({ 'sec-fetch-site': site }), 'unknown-topic')
    const open = await startMutual(ca, undefined, { cors: { origins: '*' } })
    const any = await ask(`${open.url}${MINE}`, feed, { headers: { origin: 'https://evil.example' } })
    expectProblem(any, 'unknown-topic')
    expect(any.headers.get('access-control-allow-credentials')).toBeNull()
  })

  it('is good for a ticket [WP-3.15]', async () => {
    const ca = await selfSigned('/CN=The CA')
    const server = await startMutual(ca)
    const given = await ask(`${server.url}/v1/tickets`, await issued(ca, '/CN=feed'), { method: 'POST' })
    expect(given.status).toBe(201)
    expect((await ask(`${server.url}${MINE}?ticket=${given.body.ticket}`, undefined)).status).toBe(200)
    expect(server.seen?.subject).toBe('CN=feed')
  })

  it('is not asked for, nor looked at, without `listen.tls.ca` [WP-6.6]', async () => {
    const ca = await selfSigned('/CN=The CA')
    const { url } = await startGuarded({ jwt: { secret: SECRET } }, { listen: { tls: await selfSigned() } })
    expectProblem(await ask(`${url}${MINE}`, await issued(ca, '/CN=feed')), 'unknown-topic')
    const open = await startServer({ listen: { tls: await selfSigned() } })
    expectProblem(await ask(`${open.url}/v1/tickets`, await issued(ca, '/CN=feed'), { method: 'POST' }), 'unauthorized')
  })
})

describe('a client certificate whose CA is taken away', () => {
  /** Asks on a connection that resumes a session, if there is one, and gives the session to resume next. */
  const resuming = (url: string, client: Pair, session?: Buffer): Promise<{ status: number; session: Buffer }> =>
    new Promise((resolve, reject) => {
      const options = { ...pems(client), maxVersion: 'TLSv1.2', ...(session && { session }) } as const
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ...options })
      let text = ''
      socket.on('error', reject).setEncoding('utf8')
      socket.on('data', (chunk: string) => (text += chunk))
      socket.write(`GET ${MINE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      socket.on('end', () => resolve({ status: Number(text.split(' ')[1]), session: socket.getSession() as Buffer }))
    })

  it('is nobody on new connections, also on those that resume what came before [WP-6.6]', async () => {
    const [old, next] = [await selfSigned('/CN=The CA'), await selfSigned('/CN=Another CA')]
    const file = join(await temporaryDir(), 'ca.pem')
    copyFileSync(old.cert, file)
    const server = await startMutual({ cert: file, key: old.key })
    const [feed, late] = [await issued(old, '/CN=feed'), await issued(next, '/CN=late')]
    const first = await resuming(server.url, feed)
    expect([first.status, (await resuming(server.url, feed, first.session)).status]).toEqual([200, 200])
    copyFileSync(next.cert, file)
    await expect.poll(async () => (await resuming(server.url, late)).status, { timeout: 20_000 }).toBe(200)
    expect((await resuming(server.url, feed)).status).toBe(404)
    expect((await resuming(server.url, feed, first.session)).status).toBe(404)
  })
})

describe('a client certificate that ends', () => {
  it('ends what was opened with it, and what comes later on its connections is anonymous [WP-6.6] [WP-6.7]', async () => {
    const ca = await selfSigned('/CN=The CA')
    const server = await startMutual(ca)
    const endMs = Math.floor(Date.now() / 1_000) * 1_000 + 10_000
    const feed = await issuedUntil(ca, '/CN=feed', endMs)
    const session = http2Session(server.url, feed)
    expect(await overHttp2(session, MINE)).toBe(200)
    const { messages, closed } = await overWebSocket(`${server.url}${MINE}`, feed)
    expect(await closed).toBe(4401)
    expect(Date.now()).toBeGreaterThanOrEqual(endMs)
    const expires = new Date(endMs).toISOString()
    expect(messages.find(({ type }) => type === 'expiring')).toMatchObject({ data: { expires } })
    expect(messages.at(-1)).toMatchObject({ type: 'error', error: { type: '/problems/token-expired' } })
    expect(await overHttp2(session, MINE)).toBe(404)
    expectProblem(await ask(`${server.url}${MINE}`, feed), 'unknown-topic')
  })
})
