/** What TLS is spoken, when it is demanded, and who a client's certificate says it is. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { request } from 'node:https'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { limitsWith } from '@watchpost/protocol'
import { pino } from 'pino'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { listen } from '../src/http/listen.ts'
import { certificateOf } from '../src/http/tls.ts'
import { Metrics } from '../src/metrics.ts'
import { CONFIG, cleanUp, folderWith, runProgram } from './cli-process.ts'
import { issued, type Pair, RSA_KEY, selfSigned } from './fixtures/tls-files.ts'
import { startServer } from './harness.ts'

const portOf = (url: string): number => Number(new URL(url).port)

/** What a handshake ends with. */
const handshake = (url: string, options: ConnectionOptions): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: portOf(url), rejectUnauthorized: false, ...options })
    onTestFinished(() => void socket.destroy())
    socket.once('error', () => resolve('refused'))
    socket.once('secureConnect', () => resolve(`${socket.getProtocol()} ${socket.getCipher().name}`))
  })

describe('TLS', () => {
  const only = (version: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3', ciphers?: string): ConnectionOptions => ({
    minVersion: version,
    maxVersion: version,
    // The client offers what the server is to refuse.
    ciphers: `${ciphers ?? 'ALL'}:@SECLEVEL=0`,
  })

  it.each([
    ['TLS 1.0', only('TLSv1')],
    ['TLS 1.1', only('TLSv1.1')],
    ['CBC', only('TLSv1.2', 'ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384')],
    ['SHA-1', only('TLSv1.2', 'ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA')],
    ['keys that are not ephemeral', only('TLSv1.2', 'AES128-GCM-SHA256:AES256-GCM-SHA384')],
  ])('is not spoken with %s', async (_what, options) => {
    const { url } = await startServer({ listen: { tls: await selfSigned('/CN=localhost', RSA_KEY) } })
    expect(await handshake(url, options)).toBe('refused')
    expect(await handshake(url, {})).toMatch(/^TLSv1\.3 /)
  })

  it('is spoken in versions 1.2 and 1.3, with authenticated encryption', async () => {
    const { url } = await startServer({ listen: { tls: await selfSigned() } })
    expect(await handshake(url, only('TLSv1.2'))).toBe('TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256')
    expect(await handshake(url, { minVersion: 'TLSv1.3' })).toBe('TLSv1.3 TLS_AES_128_GCM_SHA256')
  })
})

describe('beyond loopback', () => {
  // Of a network for documentation, which no machine has, so that nothing is ever opened to others.
  const host = '192.0.2.1'
  const refusal = /Will not listen on .* without TLS.*`listen\.tls`.*`trustProxy`.*`listen\.plaintext: true`/
  const opened = /this machine has no such address/

  it('the server does not listen without TLS, and says how to mend that', async () => {
    await expect(startServer({ listen: { host } })).rejects.toThrow(refusal)
    await expect(startServer({ listen: { host: '::' } })).rejects.toThrow(refusal)
    await expect(startServer({ listen: { host, plaintext: false } })).rejects.toThrow(refusal)
    await expect(startServer({ listen: { host }, trustProxy: 'loopback' })).rejects.toThrow(refusal)
  })

  it.each([
    ['127.0.0.1'],
    ['127.0.0.0/8'],
    ['127.1.2.0/24', '::1'],
    ['::1/128'],
    ['::ffff:127.0.0.1', '::ffff:7f00:0/104'],
  ])('a proxy on this machine is no reason to listen without TLS: %s %s', async (...trustProxy) => {
    await expect(startServer({ listen: { host }, trustProxy })).rejects.toThrow(refusal)
    for (const other of ['10.0.0.1', '127.0.0.0/7', '::1/127']) {
      const config = { listen: { host }, trustProxy: [...trustProxy, other] }
      await expect(startServer(config)).rejects.toThrow(opened)
    }
  })

  it('the server listens with TLS, with plaintext, and behind a proxy that is trusted', async () => {
    await expect(startServer({ listen: { host, tls: await selfSigned() } })).rejects.toThrow(opened)
    await expect(startServer({ listen: { host, plaintext: true } })).rejects.toThrow(opened)
    await expect(startServer({ listen: { host }, trustProxy: ['10.0.0.0/8'] })).rejects.toThrow(opened)
    await expect(startServer({ listen: { host }, trustProxy: true })).rejects.toThrow(opened)
  })

  it('begins where this machine ends', async () => {
    expect((await startServer({ listen: { host: 'localhost' } })).url).toMatch(/^http:\/\/localhost:/)
    expect((await startServer({ listen: { host: '127.0.0.2' } })).url).toMatch(/^http:\/\/127\.0\.0\.2:/)
  })

  it('`serve` and `dev` end with the reason, and 1', async () => {
    const cwd = folderWith({ 'watchpost.config.json': CONFIG })
    for (const command of ['serve', 'dev']) {
      const { code, stderr } = await runProgram([command, '--port', '0', '--host', host], { cwd })
      expect([code, stderr]).toEqual([1, expect.stringMatching(refusal)])
    }
  })

  afterAll(cleanUp)
})

describe("a client's certificate", () => {
  /** A server that answers with what it knows of its client. */
  async function mirror(ca: Pair): Promise<string> {
    const tls = { ...(await selfSigned()), ca: ca.cert }
    const app = { limits: limitsWith(), logger: pino({ level: 'silent' }), metrics: new Metrics() }
    const listening = await listen({ listen: { port: 0, tls } }, app, {
      request: ({ socket }, response) => {
        const known = certificateOf(socket)
        expect(certificateOf(socket)).toBe(known)
        response.end(JSON.stringify(known ?? 'nobody'))
        return true
      },
      upgrade: () => false,
    })
    onTestFinished(() => listening.close(1_000))
    return listening.url
  }

  const pems = ({ cert, key }: Pair): ConnectionOptions => ({ cert: readFileSync(cert), key: readFileSync(key) })

  const overHttp1 = (url: string, options: ConnectionOptions): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const asked = request(url, { agent: false, rejectUnauthorized: false, ...options }, (response) => {
        response.setEncoding('utf8').once('data', (text: string) => resolve(JSON.parse(text)))
      })
      asked.on('error', reject).end()
    })

  const overHttp2 = (url: string, options: ConnectionOptions): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const session = connectHttp2(url, { rejectUnauthorized: false, ...options })
      session.on('error', reject)
      onTestFinished(() => session.destroy())
      const stream = session.request({ ':path': '/' })
      stream.setEncoding('utf8').once('data', (text: string) => resolve(JSON.parse(text)))
    })

  it('that is vouched for says who it is, over HTTP/1.1 and HTTP/2', async () => {
    const ca = await selfSigned('/CN=The CA')
    const url = await mirror(ca)
    const client = await issued(ca, '/O=Example/CN=feed-1')
    const { fingerprint256, validTo } = new X509Certificate(readFileSync(client.cert))
    const known = {
      subject: 'O=Example, CN=feed-1',
      fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
      expiresMs: Date.parse(validTo),
    }
    expect(await overHttp1(url, pems(client))).toEqual(known)
    expect(await overHttp2(url, pems(client))).toEqual(known)
  })

  it('can not have a name that reads as another one', async () => {
    const ca = await selfSigned('/CN=The CA')
    const url = await mirror(ca)
    const nested = await issued(ca, '/CN=guest, CN=feed-1')
    expect(await overHttp1(url, pems(nested))).toMatchObject({ subject: 'CN=guest\\, CN=feed-1' })
    const nameless = await issued(ca, '/', 2, 'URI:spiffe://example/feed-1')
    expect(await overHttp1(url, pems(nameless))).toMatchObject({ subject: 'URI:spiffe://example/feed-1' })
  })

  it('is not needed, and gives no identity when nobody vouches for it or it is over', async () => {
    const ca = await selfSigned('/CN=The CA')
    const url = await mirror(ca)
    const foreign = await selfSigned('/CN=The CA')
    for (const ask of [overHttp1, overHttp2]) {
      expect(await ask(url, {})).toBe('nobody')
      expect(await ask(url, pems(await issued(foreign, '/CN=feed-1')))).toBe('nobody')
      expect(await ask(url, pems(await issued(ca, '/CN=feed-1', -1)))).toBe('nobody')
    }
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is worth the same in a session that is resumed: %s', async (version) => {
    const ca = await selfSigned('/CN=The CA')
    const url = await mirror(ca)
    const versions = { minVersion: version, maxVersion: version }
    const cases = [
      [{}, 'nobody'],
      [pems(await selfSigned('/CN=feed-1')), 'nobody'],
      [pems(await issued(ca, '/CN=feed-1')), expect.objectContaining({ subject: 'CN=feed-1' })],
    ] as const
    for (const [options, expected] of cases) {
      const session = await sessionOf(url, { ...options, ...versions })
      const again = connect({ host: '127.0.0.1', port: portOf(url), rejectUnauthorized: false, ...versions, session })
      expect(await answerOn(again)).toEqual(expected)
      expect(again.isSessionReused()).toBe(true)
    }
  })

  /** The session of a connection that was used once, to resume it. */
  async function sessionOf(url: string, options: ConnectionOptions): Promise<Buffer> {
    const socket = connect({ host: '127.0.0.1', port: portOf(url), rejectUnauthorized: false, ...options })
    const session = new Promise<Buffer>((resolve) => socket.once('session', resolve))
    await answerOn(socket)
    return session
  }

  const answerOn = (socket: TLSSocket): Promise<unknown> =>
    new Promise((resolve, reject) => {
      socket.on('error', reject)
      onTestFinished(() => void socket.destroy())
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
      let text = ''
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      socket.on('end', () =>
        resolve(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4).replace(/^[\da-f]+\r\n|\r\n0\r\n\r\n$/g, ''))),
      )
    })
})
