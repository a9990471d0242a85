/** Another `auth` for a server that runs: who may stay connected, and what is remembered across it [WP-6.7]. */

import { readFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type AuthOptions, type Config, createWatchpost, type JwtIssuer, type Topics, topic } from 'watchpost'
import { newApiKey } from '../src/auth/api-keys.ts'
import { issuerHost, jwkOf, keyPair, pemOf, SECRET, sign } from './fixtures/auth.ts'
import { expectProblem } from './fixtures/http.ts'
import { ONE_ADDRESS } from './fixtures/one-address.ts'
import { issued, type Pair, selfSigned } from './fixtures/tls-files.ts'
import { type Answer, get, type OpenStream, openSse, post, temporaryDir } from './harness.ts'

const OTHER_SECRET = `other-${SECRET}`
const [A, B] = ['https://a.example', 'https://b.example']

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

interface Reloading {
  readonly url: string
  /** Goes on with another `auth`. */
  readonly reload: (auth: AuthOptions | undefined) => void
  readonly ask: (token: string) => Promise<Answer>
  /** A stream that is open. */
  readonly watch: (token: string) => Promise<OpenStream>
}

async function serving(auth: AuthOptions | undefined, others: Partial<Config> = {}): Promise<Reloading> {
  const events = { n: {} }
  const config: Config = {
    topics: {
      mine: topic({ events, watch: 'authenticated', publish: 'anyone' }),
      given: topic({ events, watch: 'granted', publish: 'anyone' }),
    },
    logLevel: 'silent',
    ...others,
    limits: { ...ONE_ADDRESS, refusalsPerSecond: 1_000_000, ...others.limits },
    dataDir: await temporaryDir(),
    listen: { host: '127.0.0.1', port: 0, ...others.listen },
  }
  const withAuth = (each: AuthOptions | undefined): Config => ({ ...config, ...(each && { auth: each }) })
  const watchpost = await createWatchpost<Topics>(withAuth(auth))
  onTestFinished(() => watchpost.close())
  const { url } = await watchpost.listen()
  return {
    url,
    reload: (each) => watchpost.reload(withAuth(each)),
    ask: (token) => get(`${url}/v1/topics/mine`, bearer(token)),
    watch: async (token) => {
      const stream = await openSse(`${url}/v1/topics/mine`, bearer(token))
      await stream.next(({ event }) => event === 'welcome')
      return stream
    },
  }
}

const errorOf = async (stream: OpenStream): Promise<unknown> => {
  const { data } = await stream.next(({ event }) => event === 'error')
  await stream.ended
  return (data as { readonly error: unknown }).error
}

const WITHDRAWN = { type: '/problems/unauthorized' }

describe('connections whose token was signed by what is trusted no longer', () => {
  const [first, second] = [keyPair('ES256'), keyPair('ES256')]
  const pems = [pemOf(first.publicKey), pemOf(second.publicKey)] as const
  const kinds = [pems[0], pemOf(keyPair('EdDSA').publicKey)]
  const ofFirst = (claims: object = {}): Promise<string> => sign({ ...claims }, { alg: 'ES256', key: first.privateKey })
  const secrets: JwtIssuer = { secret: [SECRET, OTHER_SECRET] }
  const cases: readonly (readonly [string, AuthOptions, AuthOptions | undefined, () => Promise<string>])[] = [
    ['a secret', { jwt: secrets }, { jwt: { secret: OTHER_SECRET } }, sign],
    ['a configured key', { jwt: { keys: pems } }, { jwt: { keys: pems[1] } }, ofFirst],
    [
      'an issuer',
      {
        jwt: [
          { issuer: A, secret: SECRET },
          { issuer: B, secret: OTHER_SECRET },
        ],
      },
      { jwt: { issuer: B, secret: OTHER_SECRET } },
      () => sign({ iss: A }),
    ],
    [
      'an issuer, though another has its secret',
      { jwt: { issuer: A, secret: SECRET } },
      { jwt: { issuer: B, secret: SECRET } },
      () => sign({ iss: A }),
    ],
    ['all', { jwt: secrets }, undefined, sign],
    ['all but API keys', { jwt: secrets }, { apiKeys: [newApiKey('x', { grants: {} }).entry] }, sign],
    ['an algorithm', { jwt: { keys: kinds } }, { jwt: { keys: kinds, algorithms: ['EdDSA', 'ES384'] } }, ofFirst],
    [
      'tokens without an end',
      { jwt: { ...secrets, requireExpiry: false } },
      { jwt: secrets },
      () => sign({ exp: undefined }),
    ],
    [
      'tokens for others',
      { jwt: { ...secrets, audience: ['a', 'b'] } },
      { jwt: { ...secrets, audience: 'b' } },
      () => sign({ aud: ['a'] }),
    ],
  ]
  it.each(cases)('end: %s is gone [WP-6.7]', async (_what, before, after, token) => {
    const { watch, reload } = await serving(before)
    const stream = await watch(await token())
    reload(after)
    expect(await errorOf(stream)).toMatchObject(WITHDRAWN)
  })

  it('end when the URL of its keys is gone [WP-6.7]', async () => {
    const host = await issuerHost(jwkOf(first.publicKey, { kid: '1' }))
    const { watch, reload } = await serving({ jwt: { jwksUrl: host.url } })
    const stream = await watch(await ofFirst())
    reload({ jwt: { jwksUrl: host.url, audience: 'x' }, apiKeys: [] })
    expect(await errorOf(stream)).toMatchObject(WITHDRAWN)
    const other = await watch(await ofFirst({ aud: 'x' }))
    reload({ jwt: { jwksUrl: `${host.url}?other` } })
    expect(await errorOf(other)).toMatchObject(WITHDRAWN)
  })

  it('stay when only something else is, with the rights that their claims give them now [WP-6.7]', async () => {
    const grants = { watch: ['given'] }
    const jwt = { issuer: A, secret: [SECRET, OTHER_SECRET], audience: 'here' }
    const { url, watch, reload } = await serving({ jwt })
    const token = await sign({ iss: A, aud: 'here', watchpost: grants, old: {} })
    const stays = await watch(token)
    const loses = await openSse(`${url}/v1/topics/given`, bearer(token))
    reload({
      jwt: [
        { ...jwt, secret: [SECRET] },
        { issuer: B, secret: OTHER_SECRET },
      ],
    })
    await post(`${url}/v1/topics/given`, { type: 'n' })
    expect(await loses.events(1)).toHaveLength(1)
    reload({ jwt: { ...jwt, grantsClaim: 'old' } })
    expect(await errorOf(loses)).toMatchObject({ type: '/problems/forbidden' })
    await post(`${url}/v1/topics/mine`, { type: 'n' })
    expect(await stays.events(1)).toHaveLength(1)
  })

  it('are none at all when the token was being checked meanwhile [WP-6.7]', async () => {
    const host = await issuerHost()
    const asked = new Promise<() => void>((resolve) => {
      host.answer = (_request, response) =>
        resolve(() => response.end(JSON.stringify({ keys: [jwkOf(first.publicKey)] })))
    })
    const { watch, reload } = await serving({ jwt: { jwksUrl: host.url } })
    const watching = watch(await ofFirst())
    const release = await asked
    reload({ jwt: { secret: SECRET } })
    release()
    await expect(watching).rejects.toThrow('401')
  })
})

describe('connections that were opened with a certificate', () => {
  /** A stream over HTTP/2 that shows a certificate; what it was sent, and whether it ended. */
  async function watching(
    url: string,
    name: string,
    { cert, key }: Pair,
  ): Promise<{ text(): string; ended: Promise<void> }> {
    const session = connect(url, { cert: readFileSync(cert), key: readFileSync(key), rejectUnauthorized: false })
    onTestFinished(() => session.destroy())
    const stream = session.request({ ':path': `/v1/topics/${name}`, accept: 'text/event-stream' })
    let text = ''
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    const ended = new Promise<void>((resolve) => stream.once('close', resolve))
    await expect.poll(() => text, { timeout: 10_000 }).toContain('event: welcome')
    return { text: () => text, ended }
  }

  it('have the rights that it gives now, and end without them [WP-6.6] [WP-6.7]', async () => {
    const ca = await selfSigned('/CN=The CA')
    const feed = await issued(ca, '/CN=feed-1')
    const tls = { ...(await selfSigned()), ca: ca.cert }
    const named = (watch: readonly string[]): AuthOptions => ({
      certificates: [{ subject: 'CN=feed-1', grants: { watch } }],
    })
    const { url, reload } = await serving(named(['given', 'other']), { listen: { tls } })
    const [given, mine] = [await watching(url, 'given', feed), await watching(url, 'mine', feed)]
    reload(named(['given']))
    reload(named(['none']))
    await given.ended
    expect(given.text()).toContain('/problems/forbidden')
    // It is an identity still, to which nothing is granted.
    reload(undefined)
    expect(mine.text()).not.toContain('event: error')
  })
})

describe('what is remembered across another `auth`', () => {
  const pair = keyPair('ES256')
  const token = (): Promise<string> => sign({}, { alg: 'ES256', key: pair.privateKey })
  const key = newApiKey('feed', { grants: {} })

  it('are published keys, though their host is down, and that it was asked in vain [WP-6.6]', async () => {
    const host = await issuerHost(jwkOf(pair.publicKey, { kid: '1' }))
    const jwt = { jwksUrl: host.url }
    const { ask, reload } = await serving({ jwt })
    expect((await ask(await token())).status).toBe(200)
    await host.stop()
    reload({ jwt: { ...jwt, clockToleranceSeconds: 6 }, apiKeys: [key.entry] })
    expect((await ask(await token())).status).toBe(200)
    expect((await ask(key.key)).status).toBe(200)
    await host.start()
    reload({
      jwt: [
        { ...jwt, issuer: A },
        { secret: SECRET, issuer: B },
      ],
    })
    expectProblem(await ask(await token()), 'unauthorized')
    expect(host.count).toBe(1)
  })

  it('are refusals that were counted, and tokens that were good [WP-8.1]', async () => {
    const auth = { jwt: { secret: SECRET } }
    const { ask, reload } = await serving(auth, { limits: { refusalsPerSecond: 1 } })
    const known = await sign()
    expect((await ask(known)).status).toBe(200)
    const other = { ...auth, apiKeys: [key.entry] }
    const statuses: number[] = []
    // On a slow machine the address may be within its rate again.
    for (let i = 0; i < 100 && statuses.at(-1) !== 429; i++) {
      await ask('nonsense')
      reload(i % 2 === 0 ? other : auth)
      statuses.push((await ask(await sign({ sub: `new-${i}` }))).status)
      expect((await ask(known)).status).toBe(200)
    }
    expect(statuses.at(-1)).toBe(429)
  })

  it('are tickets, unless what they were given for was withdrawn [WP-3.15]', async () => {
    const jwt = { secret: SECRET }
    const other = newApiKey('other', { grants: {} })
    const { url, reload } = await serving({ jwt, apiKeys: [key.entry, other.entry] })
    const ticketOf = async (credentials: string): Promise<string> =>
      (await post(`${url}/v1/tickets`, '', bearer(credentials))).body.ticket
    const redeem = (ticket: string, path = 'topics/mine'): Promise<Answer> => get(`${url}/v1/${path}?ticket=${ticket}`)
    const tickets = [await ticketOf(key.key), await ticketOf(other.key), await ticketOf(await sign())]
    const changed = { ...key.entry, grants: { watch: ['given'] } }
    reload({ apiKeys: [changed] })
    const statuses: number[] = []
    for (const ticket of tickets) statuses.push((await redeem(ticket, 'topics/given')).status)
    expect(statuses).toEqual([200, 401, 401])
    const last = await ticketOf(key.key)
    reload({ apiKeys: [key.entry] })
    // A ticket is not given for a ticket, also when its rights are others than it was given for.
    expectProblem(await post(`${url}/v1/tickets?ticket=${last}`, ''), 'unauthorized')
  })
})
