/** How clients can say who they are, as the documents tell of it: those that are served, and those of the command. */
import { Parser } from '@asyncapi/parser'
import { describe, expect, it } from 'vitest'
import type { AuthOptions } from 'watchpost'
import { newApiKey } from '../src/auth/api-keys.ts'
import { CONFIGURED } from '../src/documents/configured.ts'
import { cleanUp, folderWith, runProgram } from './cli-process.ts'
import { showing } from './fixtures/access-certificate.ts'
import type { AsyncApi } from './fixtures/asyncapi-judge.ts'
import { SECRET, sign } from './fixtures/auth.ts'
import { type OpenApi, operationsOf } from './fixtures/openapi-contract.ts'
import { expectClean } from './fixtures/openapi-linters.ts'
import { keepCredentials } from './fixtures/secrets-notes.ts'
import { issued, selfSigned } from './fixtures/tls-files.ts'
import { get, startServer } from './harness.ts'

const events = { line: { type: 'object', properties: { text: { type: 'string' } } } } as const

/** Who may do anything sees all of them; so does everyone, where nobody is asked. */
const TOPICS = {
  open: { events, watch: 'anyone', publish: 'anyone' },
  'known/{name}': { events, watch: 'authenticated', publish: 'authenticated' },
  'scoped/{name}': { events, watch: { scope: 'some' }, publish: { scope: 'more' } },
  granted: { events, key: '/text', deprecated: { since: '2026-01-01T00:00:00Z' } },
} as const

const grants = { watch: ['**'], publish: ['**'], admin: true }
const { key, entry } = newApiKey('root', { grants, scopes: ['some', 'more'] })
keepCredentials(key, 'an API key')
const jwt = { secret: SECRET }
const token = (): Promise<string> => sign({ sub: 'root', scope: 'some more', watchpost: grants })
const certificates = [{ subject: 'CN=root', grants, scopes: ['some', 'more'] }]

/** A server, the configuration that makes it, and where and how who may do anything asks it. */
interface World {
  readonly topics: object
  readonly auth?: AuthOptions
  readonly listen?: object
  /** As clients know it. */
  readonly url: string
  readonly ask: (path: string) => Promise<unknown>
}

async function world(auth: AuthOptions | undefined, withTls: boolean, bearer: string | undefined): Promise<World> {
  const config = { topics: auth || withTls ? TOPICS : { open: TOPICS.open }, ...(auth && { auth }) }
  const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
  if (!withTls) {
    const { url } = await startServer(config)
    return { ...config, url, ask: async (path) => (await get(`${url}${path}`, headers)).body }
  }
  const ca = await selfSigned('/CN=authority')
  const listen = { tls: { ...(await selfSigned()), ca: ca.cert } }
  const { url } = await startServer({ ...config, listen })
  const way = await showing(url, await issued(ca, '/CN=root'))
  const ask = async (path: string): Promise<unknown> => (await get(`${way}${path}`, headers)).body
  return { ...config, listen, url: way.replace('http:', 'https:'), ask }
}

const CARRIERS = { cookie: 'session', queryToken: true }
const withJwt = { bearer: token }
const withKey = { bearer: () => Promise.resolve(key) }
const byTls = { withTls: true }
const all = { jwt, apiKeys: [entry], ...CARRIERS }

/** A configuration of credentials, and what who may do anything shows. */
interface Case {
  readonly auth?: AuthOptions
  readonly withTls?: boolean
  readonly bearer?: () => Promise<string>
}

const CASES: readonly (readonly [what: string, how: Case])[] = [
  ['nobody is asked', {}],
  ['JWTs', { auth: { jwt }, ...withJwt }],
  ['API keys', { auth: { apiKeys: [entry] }, ...withKey }],
  ['an empty list of API keys', { auth: { jwt, apiKeys: [] }, ...withJwt }],
  ['everything but certificates', { auth: all, ...withJwt }],
  ['certificates that are asked for, and grant nothing by themselves', { auth: { jwt }, ...byTls, ...withJwt }],
  ['certificates', { auth: { certificates }, ...byTls }],
  ['certificates, and ways of tokens that nobody issues', { auth: { certificates, ...CARRIERS }, ...byTls }],
  ['everything', { auth: { ...all, certificates }, ...byTls, ...withJwt }],
]

describe('the documents of the command and of the server', () => {
  it.each(CASES)('are the same: %s', { timeout: 60_000 }, async (_what, { auth, withTls = false, bearer }) => {
    const { url, ask, topics, listen } = await world(auth, withTls, await bearer?.())
    const cwd = folderWith({
      'live.json': JSON.stringify({ topics, ...(auth && { auth }), ...(listen && { listen }) }),
    })
    for (const kind of ['openapi', 'asyncapi']) {
      const { code, stdout, stderr } = await runProgram(['docs', kind, '--config', 'live.json', '--url', url], { cwd })
      expect([code, stderr]).toEqual([0, ''])
      const served = await ask(`/${kind}.json`)
      // What only the configuration says is for who has that to know.
      const { [CONFIGURED]: _configured, ...told } = JSON.parse(stdout) as Record<string, unknown>
      expect(told).toEqual(served)
      expect(JSON.stringify(served)).toContain(auth || withTls ? '/v1/topics/scoped/{name}' : '/v1/topics/open')
    }
    await cleanUp()
  })
})

describe('client certificates in the documents [WP-6.6]', () => {
  it('are mutual TLS to OpenAPI, for each operation that asks who one is, and clean to linters', {
    timeout: 120_000,
  }, async () => {
    const { ask } = await world({ jwt, certificates }, true, undefined)
    const document = (await ask('/openapi.json')) as OpenApi
    expect(document.components['securitySchemes']).toMatchObject({ certificate: { type: 'mutualTLS' } })
    const securityOf = new Map(
      operationsOf(document).map(([method, path, { security }]) => [`${method} ${path}`, security]),
    )
    const byCertificate = (operation: string): boolean =>
      securityOf.get(operation)?.some((way) => JSON.stringify(way) === '{"certificate":[]}') === true
    const asked = [
      'get /v1/topics/known/{name}',
      'post /v1/topics/granted',
      'get /v1/state/granted',
      'post /v1/tickets',
    ]
    expect(asked.map(byCertificate)).toEqual(asked.map(() => true))
    // Which scopes it takes is told of each, since keys and certificates are given them too.
    const scoped = securityOf.get('get /v1/topics/scoped/{name}')
    expect(scoped).toEqual(['jwt', 'ticket', 'certificate'].map((name) => ({ [name]: ['some'] })))
    await expectClean({ '3.1': document, '3.2': (await ask('/openapi.json?version=3.2')) as object })
  })

  it('are X509 to AsyncAPI, for each operation that asks who one is, and clean to its parser', async () => {
    const { ask } = await world({ certificates }, true, undefined)
    const document = (await ask('/asyncapi.json')) as AsyncApi
    expect(document.components.securitySchemes).toEqual({
      ticket: expect.objectContaining({ type: 'httpApiKey' }) as unknown,
      certificate: { type: 'X509', description: 'A client certificate, by TLS.' },
    })
    const reference = { $ref: '#/components/securitySchemes/certificate' }
    for (const operation of ['known.name.websocket.watch', 'known.name.http.watch', 'known.name.http.publish']) {
      expect(document.operations[operation]?.security).toContainEqual(reference)
    }
    expect(document.operations['open.http.watch']?.security).toBeUndefined()
    expect(document.servers).toMatchObject({ websocket: { protocol: 'wss' }, http: { protocol: 'https' } })
    const { diagnostics } = await new Parser().parse(JSON.stringify(document))
    expect(diagnostics.filter(({ code }) => code !== 'asyncapi-latest-version')).toEqual([])
  })

  it('are in neither if the server asks for none', async () => {
    const { ask } = await world({ jwt }, false, await token())
    for (const path of ['/openapi.json', '/asyncapi.json']) {
      expect(JSON.stringify(await ask(path))).not.toMatch(/mutualTLS|X509|"certificate"/)
    }
  })

  it('leave out what only tokens are for, if there are no tokens', async () => {
    const { ask } = await world({ certificates, ...CARRIERS }, true, undefined)
    for (const path of ['/openapi.json', '/asyncapi.json']) {
      const { components } = (await ask(path)) as { components: { securitySchemes: object } }
      expect(Object.keys(components.securitySchemes)).toEqual(['ticket', 'certificate'])
    }
  })
})
