/** The OpenAPI document: that it is one, that it says what runs, and that each caller gets its own. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { LIMITS } from '@watchpost/protocol'
import { Ajv2020 } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type AuthOptions, createWatchpost, type Topics } from 'watchpost'
import { parse } from 'yaml'
import { newApiKey } from '../src/auth/api-keys.ts'
import { ONE_ADDRESS } from './fixtures/one-address.ts'
import { Contract, type Node, type OpenApi, operationsOf } from './fixtures/openapi-contract.ts'
import { expectClean } from './fixtures/openapi-linters.ts'
import { asAdmin, asMember, TOPICS, WORLD } from './fixtures/openapi-world.ts'
import { get, serverForAll, startServer, temporaryDir } from './harness.ts'

const { resolve: resolvePackage } = createRequire(import.meta.url)

const documentOf = async (url: string, headers = {}, query = ''): Promise<OpenApi> =>
  (await get(`${url}/openapi.json${query}`, headers)).body as OpenApi

/** Paths of topics, without what is for all of them. */
const topicsIn = (document: OpenApi): readonly string[] =>
  Object.keys(document.paths).flatMap((path) => /^\/v1\/topics\/(.+)$/.exec(path)?.[1] ?? [])

describe('the OpenAPI document', () => {
  const server = serverForAll(WORLD)

  it.each([
    ['3.1', '3.1.1'],
    ['3.2', '3.2.0'],
  ])('is one of version %s by the official schema', async (version, release) => {
    const document = await documentOf(server.url, await asAdmin(), `?version=${version}`)
    expect(document.openapi).toBe(release)
    const path = resolvePackage(`@seriousme/openapi-schema-validator/schemas/v${version}/schema.json`)
    const ajv = new Ajv2020({ strict: false, allErrors: true })
    ajvFormats.default(ajv)
    ajv.addFormat('media-range', /^[^\s/]+\/[^\s/]+$/)
    // It leaves schemas to their own dialect, by an anchor that is decided as the document is read.
    const validate = ajv.compile(JSON.parse(readFileSync(path, 'utf8')) as Node)
    expect(validate(document) || validate.errors).toBe(true)
    // And each of these is one of JSON Schema 2020-12.
    for (const [name, schema] of Object.entries(document.components['schemas'] ?? {})) {
      expect([name, ajv.validateSchema(schema)]).toEqual([name, true])
    }
  })

  it('is clean to those who judge such documents', { timeout: 120_000 }, async () => {
    const of = async (version: string): Promise<OpenApi> =>
      documentOf(server.url, await asAdmin(), `?version=${version}`)
    await expectClean({ '3.1': await of('3.1'), '3.2': await of('3.2') })
  })

  it('has a success for each operation, and refers to all that it has and to nothing else', async () => {
    for (const headers of [{}, await asMember(), await asAdmin()]) {
      const document = await documentOf(server.url, headers)
      const ids = operationsOf(document).map(([method, path, { operationId, responses }]) => {
        const success = Object.keys(responses).some((status) => /^[123]/.test(status))
        expect([method, path, success]).toEqual([method, path, true])
        return operationId
      })
      expect(new Set(ids).size).toBe(ids.length)
      const referred = new Set(
        [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/([^/"]+\/[^/"]+)/g)].map(([, name]) => name),
      )
      const { securitySchemes: _named, ...components } = document.components
      const held = Object.entries(components).flatMap(([kind, all]) =>
        Object.keys(all).map((name) => `${kind}/${name}`),
      )
      expect(new Set(held)).toEqual(referred)
    }
  })

  it('has examples that are what their schemas say', async () => {
    const document = await documentOf(server.url, await asAdmin())
    const contract = new Contract(document)
    let examples = 0
    const check = (schema: Node, example: unknown): void => {
      examples++
      expect(contract.schemaFault(schema, example)).toBeUndefined()
    }
    const visit = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return
      const { schema, example, examples: several } = node as Node
      if (schema !== undefined && example !== undefined) check(schema as Node, example)
      if (schema !== undefined && several !== undefined) {
        for (const { value } of Object.values(several as Record<string, Node>)) check(schema as Node, value)
      }
      Object.values(node).forEach(visit)
    }
    visit([document.paths, document.components['responses']])
    for (const [name, schema] of Object.entries(document.components['schemas'] ?? {})) {
      const { examples: several } = schema as { readonly examples?: readonly unknown[] }
      for (const example of several ?? []) check({ $ref: `#/components/schemas/${name}` }, example)
    }
    expect(examples).toBeGreaterThan(60)
  })

  it('has the topics that the caller may see, and tells of no others [WP-6.3] [WP-3.18]', async () => {
    const everyone = ['prices', 'stocks', 'trees', 'chat/lobby', 'old/{room}', '{topic}']
    const member = [...everyone, 'chat/{room}', 'team/{team}']
    const seen = async (headers: object): Promise<readonly string[]> =>
      [...topicsIn(await documentOf(server.url, headers))].sort()
    expect(await seen({})).toEqual([...everyone].sort())
    expect(await seen(await asMember())).toEqual([...member].sort())
    expect(await seen(await asAdmin())).toEqual([...member, 'secret'].sort())
    for (const path of ['openapi.json', 'openapi.yaml']) {
      const { headers, body } = await get(`${server.url}/${path}`)
      expect(JSON.stringify(body)).not.toMatch(/secret|team/)
      expect(headers.get('cache-control')).toBe('private, no-cache')
    }
    expect((await get(`${server.url}/openapi.json`, { authorization: 'Bearer nonsense' })).status).toBe(401)
  })

  it('has the operations that the caller may use, by the credentials that are configured [WP-6.1] [WP-6.6]', async () => {
    const methodsOf = (document: OpenApi, path: string): readonly string[] =>
      operationsOf(document).flatMap(([method, of]) => (of === path ? [method] : []))
    const [anonymous, admin] = [await documentOf(server.url), await documentOf(server.url, await asAdmin())]
    expect([methodsOf(anonymous, '/v1/topics/stocks'), methodsOf(admin, '/v1/topics/stocks')]).toEqual([
      ['get'],
      ['get', 'post'],
    ])
    expect([methodsOf(anonymous, '/v1/state/stocks'), methodsOf(anonymous, '/v1/state/prices')]).toEqual([['get'], []])
    const all = (scopes: readonly string[]): readonly object[] =>
      ['jwt', 'queryToken', 'ticket', 'cookie'].map((name) => ({ [name]: scopes }))
    const securityOf = (path: string, method: string): unknown => admin.paths[path]?.[method]?.security
    expect(securityOf('/v1/topics/stocks', 'get')).toEqual([{}, ...all([])])
    expect(securityOf('/v1/topics/stocks', 'post')).toEqual(all(['feed']))
    expect(securityOf('/v1/topics/chat/{room}', 'get')).toEqual(all([]))
    expect(securityOf('/v1/topics/chat/{room}', 'post')).toEqual([{}, ...all([])])
    expect(securityOf('/healthz', 'get')).toEqual([])
    // A ticket gives no other one.
    expect(securityOf('/v1/tickets', 'post')).toEqual([{ jwt: [] }, { queryToken: [] }, { cookie: [] }])
    expect(securityOf('/v1/drain', 'post')).toEqual(all([]))
    expect(admin.components['securitySchemes']).toMatchObject({
      jwt: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      queryToken: { type: 'apiKey', in: 'query', name: 'token' },
      ticket: { type: 'apiKey', in: 'query', name: 'ticket' },
      cookie: { type: 'apiKey', in: 'cookie', name: 'session' },
    })
  })

  it.each<[string, AuthOptions | undefined, readonly string[]]>([
    ['nothing', undefined, []],
    ['API keys', { apiKeys: [newApiKey('feed', { grants: {} }).entry] }, ['apiKey', 'ticket']],
  ])('has the security schemes of %s', async (_what, auth, schemes) => {
    const { url } = await startServer({ topics: TOPICS, ...(auth && { auth }) })
    const document = await documentOf(url)
    expect(Object.keys(document.components['securitySchemes'] ?? {})).toEqual(schemes)
    const named = operationsOf(document).flatMap(([, , { security }]) => security.flatMap((way) => Object.keys(way)))
    expect([...new Set(named)].sort()).toEqual([...schemes])
  })

  it('has the bounds that are in force [WP-8.1]', async () => {
    const limits = { pageEventsMax: 7, lastMax: 8, waitSecondsMax: 9, filtersMax: 10, publishEventsMax: 11 }
    const { url } = await startServer({ topics: TOPICS, limits })
    const { components, paths } = await documentOf(url)
    const schemaOf = (name: string): Node => components['parameters']?.[name]?.['schema'] as Node
    expect(schemaOf('Limit')).toMatchObject({ minimum: 1, maximum: 7, default: 7 })
    expect(schemaOf('Last')).toMatchObject({ minimum: 0, maximum: 8 })
    expect(schemaOf('Wait')).toMatchObject({ minimum: 0, maximum: 9 })
    expect(schemaOf('Select')).toMatchObject({ maxItems: 10 })
    expect(schemaOf('IdempotencyKey')).toMatchObject({ maxLength: LIMITS.idempotencyKeyBytesMax.default })
    const publish = paths['/v1/topics/prices']?.['post'] as Node
    expect(publish['requestBody'].content['application/json'].schema.anyOf[1]).toMatchObject({
      type: 'array',
      minItems: 1,
      maxItems: 11,
    })
  })

  it('shows each transport that a topic offers, and no other [WP-3.5] [WP-4.1]', async () => {
    const { paths } = await documentOf(server.url, await asAdmin())
    const watch = paths['/v1/topics/prices']?.['get'] as Node
    expect(Object.keys(watch['responses']['200'].content)).toEqual([
      ...['application/json', 'application/cloudevents-batch+json', 'text/event-stream'],
    ])
    expect(Object.keys(watch['responses']['101'].headers)).toEqual([
      ...['Upgrade', 'Connection', 'Sec-WebSocket-Accept', 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions'],
    ])
    expect(watch['x-websocket']).toMatchObject({
      subprotocols: ['watchpost.v1.json', 'watchpost.v1.msgpack'],
      credentialsSubprotocol: 'bearer.<token>',
      asyncapi: `${server.url}/asyncapi.json`,
    })
    const only = paths['/v1/topics/chat/lobby']?.['get'] as Node
    expect(Object.keys(only['responses'])).not.toContain('101')
    expect(Object.keys(only['responses']['200'].content)).not.toContain('text/event-stream')
    expect(only['x-websocket']).toBeUndefined()
    const handshake = paths['/v1']?.['get'] as Node
    expect(Object.keys(handshake['responses'])).toEqual(
      expect.arrayContaining(['101', '400', '401', '403', '426', '429']),
    )
    expect(handshake['externalDocs'].url).toBe(`${server.url}/asyncapi.json`)
  })

  it('tells of streams as the text that they are, and from 3.2 on of what their items are [WP-3.8] [WP-3.18]', async () => {
    const mediaOf = async (version: string): Promise<Node> => {
      const { paths } = await documentOf(server.url, {}, `?version=${version}`)
      return paths['/v1/topics/prices']?.['get'].responses['200'].content['text/event-stream'] as Node
    }
    const frame = { $ref: '#/components/schemas/prices.frame' }
    const [older, newer] = [await mediaOf('3.1'), await mediaOf('3.2')]
    expect(older['schema']).toMatchObject({ type: 'string', contentSchema: frame })
    expect(older['example']).toContain('event: bookmark')
    expect([newer['itemSchema'], newer['schema']]).toEqual([frame, undefined])
    expect(newer['examples'].stream.serializedValue).toBe(older['example'])
    expect((await get(`${server.url}/openapi.json?version=2.0`)).body.type).toBe('/problems/invalid-parameter')
  })

  it('keeps the references of schemas, and tells apart what has the same name', async () => {
    const document = await documentOf(server.url)
    const { schemas } = document.components
    const moneyOf = (name: string): string => JSON.stringify(schemas?.[name]).replace(/.*schemas\/(Money[^"]*).*/, '$1')
    expect(schemas?.['Money']).toEqual({ type: 'number', exclusiveMinimum: 0 })
    expect(schemas?.['Money_2']).toEqual({ type: 'string', pattern: '^\\d+$' })
    expect(['stocks.priceUpdate.data', 'prices.priceUpdate.data', 'prices.rate.data'].map(moneyOf)).toEqual([
      ...['Money', 'Money', 'Money_2'],
    ])
    const contract = new Contract(document)
    const faultOf = (name: string, value: unknown): string | undefined =>
      contract.schemaFault({ $ref: `#/components/schemas/${name}` }, value)
    expect(faultOf('trees.tree.data', { name: 'a', children: [{ name: 'b' }] })).toBeUndefined()
    expect(faultOf('trees.tree.data', { name: 'a', children: [{ name: 1 }] })).toContain('must be string')
    expect(faultOf('trees.list.data', { n: 1, next: { next: { n: 2 } } })).toBeUndefined()
    expect(faultOf('trees.list.data', { n: 1, next: { next: { n: 'x' } } })).toContain('must be integer')
    expect(faultOf('trees.ring.data', { inner: { outer: { inner: {} } } })).toBeUndefined()
    expect(faultOf('trees.ring.data', { inner: { outer: { inner: 1 } } })).toContain('must be object')
    expect(faultOf('prices.rate.data', '12')).toBeUndefined()
    expect(faultOf('prices.rate.data', 12)).toContain('must be string')
  })

  it('is the same as YAML, and answered with 304 to who has it [WP-3.18]', async () => {
    for (const query of ['', '?version=3.2']) {
      const yaml = await get(`${server.url}/openapi.yaml${query}`)
      expect(yaml.headers.get('content-type')).toBe('application/yaml; charset=utf-8')
      expect(parse(yaml.body)).toEqual(await documentOf(server.url, {}, query))
      const etag = yaml.headers.get('etag') ?? ''
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await get(`${server.url}/openapi.yaml${query}`, { 'if-none-match': known })
        expect([again.status, again.body, again.headers.get('etag')]).toEqual([304, '', etag])
      }
      // Who sees something else has not got it.
      const other = await get(`${server.url}/openapi.yaml${query}`, { ...(await asAdmin()), 'if-none-match': etag })
      expect(other.status).toBe(200)
    }
  })
})

describe('the document of a server whose topics are defined anew', () => {
  it('is of those that there are now [WP-6.2]', async () => {
    const events = { line: {} }
    const { url, watchpost, dataDir } = await startServer({ topics: { a: { events, watch: 'anyone' } } })
    const etagOf = async (): Promise<string | null> => (await get(`${url}/openapi.json`)).headers.get('etag')
    expect(topicsIn(await documentOf(url))).toEqual(['a', '{topic}'])
    const etag = await etagOf()
    expect(await etagOf()).toBe(etag)
    const listen = { host: '127.0.0.1', port: 0 }
    watchpost.reload({ topics: { b: { events, watch: 'anyone' } }, dataDir, listen, limits: ONE_ADDRESS })
    expect(topicsIn(await documentOf(url))).toEqual(['b', '{topic}'])
    expect(await etagOf()).not.toBe(etag)
  })
})

describe('where the document says that the server is', () => {
  it('is how the client reached it, also through proxies that are trusted', async () => {
    const served = async (url: string, headers: object): Promise<string | undefined> =>
      (await documentOf(url, headers)).servers[0]?.url
    const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example.com' }
    const { url } = await startServer({ topics: TOPICS })
    expect([await served(url, {}), await served(url, forwarded)]).toEqual([url, url])
    const { url: behind } = await startServer({ topics: TOPICS, trustProxy: 'loopback' })
    expect(await served(behind, forwarded)).toBe('https://api.example.com')
    const standard = { forwarded: 'for=192.0.2.1;proto=http, for=192.0.2.2;proto=https;host="api.example.org"' }
    expect(await served(behind, standard)).toBe('https://api.example.org')
    expect(await served(behind, { 'x-forwarded-host': 'a b<>' })).toBe('http://localhost')
    // Either header can be the client's own; what stands within quotes is none of it.
    for (const own of ['for=192.0.2.1', 'for=192.0.2.1;host=other.example']) {
      expect(await served(behind, { forwarded: own, 'x-forwarded-host': 'spoof.example' })).toBe(behind)
    }
    expect(await served(behind, { forwarded: 'for="x;host=spoof.example"' })).toBe(behind)
    expect(await served(behind, { forwarded: 'for="x, host=spoof.example' })).toBe(behind)
  })

  it('is below the base path of an embedded server, without the probes of its host', async () => {
    const watchpost = await createWatchpost<Topics>({
      topics: TOPICS,
      dataDir: await temporaryDir(),
      logLevel: 'silent',
    })
    const host = createServer((_request, response) => void response.writeHead(404).end())
    watchpost.attach(host, { basePath: '/live' })
    onTestFinished(async () => {
      await watchpost.close()
      host.close()
    })
    await once(host.listen(0, '127.0.0.1'), 'listening')
    const { port } = host.address() as { readonly port: number }
    const url = `http://127.0.0.1:${port}`
    const document = await documentOf(`${url}/live`)
    expect(document.servers).toEqual([{ url: `${url}/live`, description: 'This server' }])
    expect(Object.keys(document.paths)).not.toEqual(expect.arrayContaining(['/healthz']))
    expect((await get(`${url}/openapi.json`)).status).toBe(404)
    expect((await get(`${document.servers[0]?.url}/v1/topics`)).status).toBe(200)
  })
})
