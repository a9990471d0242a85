/** Keys that an issuer publishes: fetched, kept, changed and withdrawn, with the issuer up or down. */
import { generateKeyPairSync, sign as signBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { type Clock } from '@watchpost/core'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { PublishedKeys } from '../src/auth/jwks.ts'
import { systemClock } from '../src/clock.ts'
import {
  encoded,
  forged,
  issuerHost,
  jwkOf,
  keyPair,
  nowSeconds,
  pemOf,
  SECRET,
  sign,
  startGuarded,
} from './fixtures/auth.ts'
import { expectProblem } from './fixtures/http.ts'

const [first, second] = [keyPair('ES256'), keyPair('ES256')]
const published = (kid: string, { publicKey }: typeof first): object =>
  jwkOf(publicKey, { kid, use: 'sig', alg: 'ES256' })
const signed = (kid: string | undefined, { privateKey }: typeof first, claims: object = {}): Promise<string> =>
  sign({ ...claims }, { alg: 'ES256', key: privateKey, header: kid === undefined ? {} : { kid } })

describe('published keys', () => {
  it('are fetched when they are first needed, once for all who wait [WP-6.6]', async () => {
    const host = await issuerHost(published('1', first))
    const server = await startGuarded({ jwt: { jwksUrl: host.url } })
    expect(host.count).toBe(0)
    const token = await signed('1', first)
    const answers = await Promise.all(Array.from({ length: 20 }, () => server.ask(token)))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    expect(host.count).toBe(1)
    expect((await server.ask(await signed(undefined, first))).status).toBe(200)
    expectProblem(await server.ask(await signed('1', second)), 'unauthorized')
    expect(host.count).toBe(1)
  })

  it('are fetched again for a kid that is not known, but not for each [WP-6.6]', async () => {
    const host = await issuerHost(published('1', first))
    const server = await startGuarded({ jwt: { jwksUrl: host.url } })
    expect((await server.ask(await signed('1', first))).status).toBe(200)
    host.publish(published('1', first), published('2', second))
    expect((await server.ask(await signed('2', second))).status).toBe(200)
    expect((await server.ask(await signed('1', first))).status).toBe(200)
    expect(host.count).toBe(2)
    for (let i = 0; i < 20; i++) expectProblem(await server.ask(await signed(`no-${i}`, second)), 'unauthorized')
    expect(host.count).toBe(2)
  })

  it('are kept while the host is down, and a token that needs another waits for its return [WP-6.6]', async () => {
    const host = await issuerHost(published('1', first))
    const server = await startGuarded({ jwt: { jwksUrl: host.url } })
    const token = await signed('1', first)
    expect((await server.ask(token)).status).toBe(200)
    await host.stop()
    expectProblem(await server.ask(await signed('2', second)), 'unauthorized')
    expect((await server.ask(token)).status).toBe(200)
    expect(server.log()).toMatch(/the keys at .* can not be had/)
  })

  it('that never came let nobody in, which is no fault of the token [WP-6.6] [WP-5.1]', async () => {
    const host = await issuerHost()
    await host.stop()
    const server = await startGuarded({ jwt: { jwksUrl: host.url } })
    expectProblem(await server.ask(await signed('1', first)), 'internal')
    expectProblem(await server.ask(await signed('1', first)), 'internal')
    expectProblem(await server.ask('nonsense'), 'unauthorized')
  })

  it('can not be secrets, private, weak or for something else [WP-6.6]', async () => {
    const rsa = keyPair('RS256')
    const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 })
    const curve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    const host = await issuerHost(
      jwkOf(weak.publicKey, { kid: 'weak' }),
      jwkOf(curve.publicKey, { kid: 'curve', alg: 'ES256' }),
      { kty: 'oct', kid: '1', k: encoded(SECRET) },
      jwkOf(first.privateKey, { kid: '2' }),
      { ...published('3', first), use: 'enc' },
      { ...published('4', first), key_ops: ['sign'] },
      { kty: 'unheard-of', kid: '5' },
      ['no key'],
      jwkOf(rsa.publicKey, { kid: 'rsa' }),
    )
    const server = await startGuarded({ jwt: { jwksUrl: host.url } })
    expect(
      (await server.ask(await sign({}, { alg: 'RS256', key: rsa.privateKey, header: { kid: 'rsa' } }))).status,
    ).toBe(200)
    const claims = { sub: 'ada', exp: nowSeconds() + 60 }
    expectProblem(await server.ask(forged({ alg: 'HS256', kid: '1' }, claims)), 'unauthorized')
    expectProblem(await server.ask(forged({ alg: 'HS256', kid: 'rsa' }, claims, pemOf(rsa.publicKey))), 'unauthorized')
    const input = `${encoded({ alg: 'RS256', kid: 'weak' })}.${encoded(claims)}`
    const signature = signBytes('sha256', Buffer.from(input), weak.privateKey).toString('base64url')
    expectProblem(await server.ask(`${input}.${signature}`), 'unauthorized')
    const other = `${encoded({ alg: 'ES256', kid: 'curve' })}.${encoded(claims)}`
    const key = { key: curve.privateKey, dsaEncoding: 'ieee-p1363' } as const
    const ofCurve = signBytes('sha256', Buffer.from(other), key).toString('base64url')
    expectProblem(await server.ask(`${other}.${ofCurve}`), 'unauthorized')
    for (const kid of ['2', '3', '4']) expectProblem(await server.ask(await signed(kid, first)), 'unauthorized')
  })

  const bad: readonly (readonly [string, string, RequestListener])[] = [
    ['a status', 'status 500', (_request, response) => response.writeHead(500).end('{"keys":[]}')],
    ['a redirect', 'redirect', (_request, response) => response.writeHead(302, { location: '/other' }).end()],
    ['what is no JSON', 'JSON', (_request, response) => response.end('<html>')],
    ['no keys', 'no JWK set', (_request, response) => response.end('{"keys":[]}')],
    ['too much', 'more than 262144 bytes', (_request, response) => response.end(`{"keys":["${'x'.repeat(300_000)}"]}`)],
  ]
  it.each(bad)('are not taken from %s [WP-6.6]', async (_name, reason, answer) => {
    const host = await issuerHost()
    host.answer = answer
    const server = await startGuarded({ jwt: { jwksUrl: host.url } })
    expectProblem(await server.ask(await signed('1', first)), 'internal')
    expect(server.log()).toContain(reason)
    expect(host.count).toBe(1)
  })

  it('of several issuers are each fetched from their own [WP-6.6]', async () => {
    const [a, b] = [await issuerHost(published('1', first)), await issuerHost(published('1', second))]
    const server = await startGuarded({
      jwt: [
        { issuer: 'https://a.example', jwksUrl: a.url },
        { issuer: 'https://b.example', jwksUrl: b.url },
      ],
    })
    expect((await server.ask(await signed('1', first, { iss: 'https://a.example' }))).status).toBe(200)
    expect(b.count).toBe(0)
    expect((await server.ask(await signed('1', second, { iss: 'https://b.example' }))).status).toBe(200)
    expectProblem(await server.ask(await signed('1', second, { iss: 'https://a.example' })), 'unauthorized')
    expectProblem(await server.ask(await signed('1', first, { iss: 'http://evil.example' })), 'unauthorized')
  })
})

describe('published keys, as time goes by', () => {
  const MINUTE_MS = 60_000
  const started = async (...keys: readonly object[]) => {
    let atMs = 0
    const clock: Clock = { ...systemClock, monotonic: () => atMs }
    const host = await issuerHost(...keys)
    const source = new PublishedKeys(host.url, { clock, logger: pino({ level: 'silent' }) })
    const found = async (keyId: string): Promise<number> => (await source.keysFor({ algorithm: 'ES256', keyId })).length
    return { host, found, pass: (ms: number) => (atMs += ms) }
  }

  it('are fetched again when they are old, so that withdrawn ones end [WP-6.6]', async () => {
    const { host, found, pass } = await started(published('1', first))
    expect(await found('1')).toBe(1)
    host.publish(published('2', second))
    pass(9 * MINUTE_MS)
    expect([await found('1'), host.count]).toEqual([1, 1])
    pass(2 * MINUTE_MS)
    expect([await found('1'), await found('2')]).toEqual([0, 1])
  })

  it('are searched for an unknown kid at most every ten seconds [WP-6.6]', async () => {
    const { host, found, pass } = await started(published('1', first))
    expect([await found('1'), await found('2'), await found('3')]).toEqual([1, 0, 0])
    expect(host.count).toBe(2)
    pass(9_000)
    expect([await found('2'), host.count]).toEqual([0, 2])
    host.publish(published('2', second))
    pass(2_000)
    expect([await found('2'), host.count]).toEqual([1, 3])
  })

  it('of a host that was down at first are there once it is up, and asked for at a bounded rate [WP-6.6]', async () => {
    const { host, found, pass } = await started(published('1', first))
    await host.stop()
    await expect(found('1')).rejects.toMatchObject({ problem: 'internal' })
    await host.start()
    for (let i = 0; i < 10; i++) await expect(found('1')).rejects.toMatchObject({ problem: 'internal' })
    expect(host.count).toBe(0)
    pass(10_000)
    expect([await found('1'), host.count]).toEqual([1, 1])
  })

  it('are kept for a day without the host, then no longer, and come back with it [WP-6.6]', async () => {
    const { host, found, pass } = await started(published('1', first))
    expect(await found('1')).toBe(1)
    await host.stop()
    for (let hours = 0; hours < 23; hours++) {
      pass(60 * MINUTE_MS)
      expect(await found('1')).toBe(1)
    }
    pass(120 * MINUTE_MS)
    await expect(found('1')).rejects.toMatchObject({ problem: 'internal' })
    await host.start()
    pass(MINUTE_MS)
    expect(await found('1')).toBe(1)
  })
})
