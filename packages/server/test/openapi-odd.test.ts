/** The OpenAPI document of definitions that are unusual: of names that others have, of few limits, of one transport. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWatchpost, type Topics, topic } from 'watchpost'
import { newApiKey } from '../src/auth/api-keys.ts'
import { changesBetween } from '../src/documents/diff/compare.ts'
import { contractOf } from '../src/documents/diff/contract.ts'
import { SECRET, sign } from './fixtures/auth.ts'
import { Contract, type Node, type OpenApi, operationsOf } from './fixtures/openapi-contract.ts'
import { expectClean } from './fixtures/openapi-linters.ts'
import { get, startServer, temporaryDir } from './harness.ts'

const OPEN = { watch: 'anyone', publish: 'anyone' } as const
const plain = topic({ events: { m: {} }, ...OPEN })

const documentOf = async (url: string, query = ''): Promise<OpenApi> =>
  (await get(`${url}/openapi.json${query}`)).body as OpenApi

async function post(url: string, name: string, body: object): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/topics/${name}`, { method: 'POST', headers, body: JSON.stringify(body) })
  await response.text()
  return response.status
}

/** What is wrong with what a GET answers, by the document. */
async function faultOf(url: string, contract: Contract, path: string, accept = 'application/json'): Promise<unknown> {
  const response = await fetch(`${url}${path}`, { headers: { accept } })
  return contract.fault({
    ...{ method: 'GET', path, status: response.status, text: await response.text() },
    contentType: response.headers.get('content-type'),
    headers: Object.fromEntries(response.headers),
  })
}

/** Names that the document has of its own, or that look like each other in it; and all other things of which there are few. */
const ODD: Topics = {
  ...{ Problems: plain, Connections: plain, Operators: plain, Documents: plain },
  x: topic({ events: { frame: { type: 'object' }, page: {}, event: {}, state: {} }, ...OPEN }),
  'x/frame': plain,
  'x/page': plain,
  'a/{x}': plain,
  '{a}/b': plain,
  '{room}': topic({
    events: { said: { type: 'object', required: ['text'], properties: { text: { type: 'string' } } } },
    ...OPEN,
    transports: ['page'],
  }),
  socket: topic({ events: { m: {} }, ...OPEN, transports: ['websocket'] }),
  keyed: topic({ events: { m: { type: 'object', properties: { name: { type: 'string' } } } }, key: '/name', ...OPEN }),
  long: topic({
    events: {
      text: { type: 'string', minLength: 600_000_000 },
      list: { type: 'array', items: {}, minItems: 600_000_000 },
    },
    ...OPEN,
  }),
  ended: topic({ events: { m: {} }, ...OPEN, deprecated: { since: '1960-01-01T00:00:00Z' } }),
}

/** As low as they can be for these topics. */
const LOW = { keyBytesMax: 1, selectBytesMax: 1, typeBytesMax: 5, filtersMax: 1, pageEventsMax: 1, topicSegmentsMax: 2 }

describe('the OpenAPI document of unusual definitions', () => {
  it('is clean to those who judge such documents [WP-3.18]', { timeout: 180_000 }, async () => {
    const { url } = await startServer({ topics: ODD, limits: { ...LOW, topicBytesMax: 12 } })
    const documents = { '3.1': await documentOf(url), '3.2': await documentOf(url, '?version=3.2') }
    await expectClean(documents)
    const tags = documents['3.1'].tags.map(({ name }) => name)
    expect(new Set(tags).size).toBe(tags.length)
    for (const [method, path, { tags: own, responses }] of operationsOf(documents['3.1'])) {
      expect([method, path, own.every((name) => tags.includes(name))]).toEqual([method, path, true])
      expect([method, path, Object.keys(responses).some((status) => /^[123]/.test(status))]).toEqual([
        ...[method, path, true],
      ])
    }
    // An example that no limit leaves is left out.
    const { EventKey, Pointer } = documents['3.1'].components['schemas'] ?? {}
    expect([EventKey?.['examples'], Pointer?.['examples']]).toEqual([['F'], ['']])
  })

  it('tells apart an event, a frame and a topic of one name', async () => {
    const { url } = await startServer({ topics: ODD })
    const contract = new Contract(await documentOf(url))
    expect(await post(url, 'x', { type: 'frame', data: {} })).toBe(201)
    expect(await post(url, 'x/frame', { type: 'm' })).toBe(201)
    for (const name of ['x', 'x/frame']) expect(await faultOf(url, contract, `/v1/topics/${name}`)).toBeUndefined()
    const frame = { event: 'frame', data: '{}' }
    const schemaOf = (path: string): Node => {
      const { get: watch } = contract.document.paths[path] ?? {}
      return watch['responses']['200'].content['text/event-stream'].schema.contentSchema as Node
    }
    for (const path of ['/v1/topics/x', '/v1/topics/x/frame']) {
      expect(contract.schemaFault(schemaOf(path), frame)).toBeUndefined()
      expect(contract.schemaFault(schemaOf(path), { type: 'frame', data: {} })).toContain("required property 'event'")
    }
  })

  it('has the path of any topic where a template is just that [WP-3.3]', async () => {
    const { url } = await startServer({ topics: { '{room}': plain, 'a/b': topic({ events: { n: {} }, ...OPEN }) } })
    const contract = new Contract(await documentOf(url))
    const { paths } = contract.document
    expect(Object.keys(paths).filter((path) => path.includes('{') && path.startsWith('/v1/'))).toEqual([
      ...['/v1/topics/{room}', '/v1/state/{room}'],
    ])
    expect(await post(url, 'hall', { type: 'm' })).toBe(201)
    expect(await post(url, 'a/b', { type: 'n' })).toBe(201)
    const others = ['/v1/topics/**', '/v1/topics/x/y', '/v1/topics/*/b', '/v1/state/a/b', '/v1/state/hall']
    for (const path of ['/v1/topics/hall', '/v1/topics/a/b', ...others]) {
      expect([path, await faultOf(url, contract, path)]).toEqual([path, undefined])
    }
    const watch = paths['/v1/topics/{room}']?.['get'] as Node
    expect(watch['x-topic']).toMatchObject({ topic: '{room}', keyed: false })
    expect(JSON.stringify(watch['responses']['200'])).toContain('#/components/schemas/room.page')
    expect(paths['/v1/state/{room}']?.['get'].operationId).toBe('readState')
  })

  it('says what the topic of any name has, to who may only publish to it', async () => {
    const { url } = await startServer({ topics: { '{room}': topic({ events: { m: {} }, publish: 'anyone' }) } })
    const { paths } = await documentOf(url)
    const { get: watch, post: publish } = paths['/v1/topics/{room}'] ?? {}
    expect([watch.operationId, publish.operationId]).toEqual(['watchTopic', 'publish-room'])
    expect(watch['parameters'][0]).toMatchObject({ name: 'room', in: 'path', required: true })
  })

  it('is compared by what the topic of any name has, and not by what any topic has', async () => {
    const keyed = topic({
      events: { m: { type: 'object', properties: { k: { type: 'string' } } } },
      key: '/k',
      ...OPEN,
    })
    const { events } = keyed
    const contractFor = async (definition: Topics[string]): Promise<ReturnType<typeof contractOf>> => {
      const { url } = await startServer({ topics: { '{room}': definition } })
      return contractOf(await documentOf(url))
    }
    const before = await contractFor(keyed)
    const unkeyed = await contractFor(topic({ events, ...OPEN }))
    const unpublished = await contractFor(topic({ events, key: '/k', watch: 'anyone' }))
    const unwatched = await contractFor(topic({ events, key: '/k', publish: 'anyone' }))
    const broken = (after: typeof before): readonly (string | undefined)[] => [
      ...new Set(changesBetween(before, after).map(({ breaks }) => breaks)),
    ]
    expect(changesBetween(before, before)).toEqual([])
    expect(broken(unkeyed)).toContain('watchers')
    expect(broken(unpublished)).toEqual(['publishers'])
    expect(broken(unwatched)).toEqual(['watchers'])
  })

  it('has no example of what is too long for one', async () => {
    const { url } = await startServer({ topics: ODD })
    const { paths } = await documentOf(url)
    expect(paths['/v1/topics/long']?.['post'].requestBody.content['application/json'].examples).toBeUndefined()
    expect(paths['/v1/topics/keyed']?.['post'].requestBody.content['application/json'].examples).toBeDefined()
  })

  it('makes an example of a schema that refers back again and again in bounded work', async () => {
    const names = Array.from({ length: 24 }, (_, i) => `m${i}`)
    const node = {
      type: 'object',
      required: names,
      properties: Object.fromEntries(names.map((name) => [name, { $ref: '#/$defs/Node' }])),
    }
    const events = { m: { $ref: '#/$defs/Node', $defs: { Node: node } } }
    const { url } = await startServer({ topics: { heavy: topic({ events, ...OPEN }) } })
    const { status, body } = await get(`${url}/openapi.json`)
    expect(status).toBe(200)
    expect(body.paths['/v1/topics/heavy'].post.requestBody.content['application/json'].examples).toBeUndefined()
  })

  it('takes times of before 1970 [WP-6.8]', async () => {
    const { url } = await startServer({ topics: ODD })
    const contract = new Contract(await documentOf(url))
    const { headers } = await get(`${url}/v1/topics/ended`)
    expect(headers.get('deprecation')).toBe('@-315619200')
    expect(await faultOf(url, contract, '/v1/topics/ended')).toBeUndefined()
  })

  it('takes no member of an event that is none, whatever its topic [WP-3.9]', async () => {
    const { url } = await startServer({ topics: ODD })
    const contract = new Contract(await documentOf(url))
    const refused = { type: 'm', extra: 1 }
    expect(await post(url, 'Problems', refused)).toBe(422)
    const anyNew = { $ref: '#/components/schemas/AnyNewEvent' }
    expect(contract.schemaFault(anyNew, refused)).toContain('must NOT have additional properties')
    expect(contract.schemaFault(anyNew, { type: 'm' })).toBeUndefined()
  })
})

describe('what needs credentials', () => {
  const OF_IDENTITIES = ['/v1/tickets', '/v1/connections', '/v1/connections/{id}', '/v1/drain']

  it('is documented where there are some, and nowhere else [WP-6.6]', async () => {
    const pathsOf = async (auth?: object): Promise<readonly string[]> => {
      const { url } = await startServer({ topics: { a: plain }, ...(auth && { auth }) })
      const document = await documentOf(url)
      const tags = new Set(operationsOf(document).flatMap(([, , { tags: own }]) => own))
      expect(new Set(document.tags.map(({ name }) => name))).toEqual(tags)
      return Object.keys(document.paths)
    }
    const without = await pathsOf()
    for (const path of OF_IDENTITIES) expect(without).not.toContain(path)
    expect(await pathsOf({ jwt: { secret: SECRET } })).toEqual(expect.arrayContaining(OF_IDENTITIES))
  })

  it('has the scope beside each scheme [WP-6.1]', async () => {
    const apiKeys = [newApiKey('feed', { grants: { publish: ['**'] }, scopes: ['feed'] }).entry]
    const auth = { jwt: { secret: SECRET }, apiKeys, cookie: 'session' }
    const fed = topic({ events: { m: {} }, watch: { scope: 'feed' }, publish: { scope: 'feed' } })
    const { url } = await startServer({ topics: { fed }, auth })
    const { body } = await get(`${url}/openapi.json`, { authorization: `Bearer ${await sign({ scope: 'feed' })}` })
    expect(body.paths['/v1/topics/fed'].post.security).toEqual(
      ['jwt', 'apiKey', 'ticket', 'cookie'].map((name) => ({ [name]: ['feed'] })),
    )
  })
})

describe('headers', () => {
  it('of a server that pages of other origins may read are documented', async () => {
    const cors = { origins: ['https://app.example.com'] }
    const { url } = await startServer({ topics: { a: plain }, cors })
    const document = await documentOf(url)
    const varies = (responses: Node): readonly (readonly [string, boolean])[] =>
      Object.entries(responses).map(([status, response]) => {
        const { $ref } = response as { readonly $ref?: string }
        const name = $ref?.split('/').at(-1) ?? ''
        const told = $ref === undefined ? (response as Node) : document.components['responses']?.[name]
        return [status, 'Vary' in (told?.['headers'] ?? {})]
      })
    for (const [method, path, { responses }] of operationsOf(document)) {
      // The answer to a handshake is no page's to read.
      const lacking = varies(responses).filter(([status, has]) => status !== '101' && !has)
      expect([method, path, lacking]).toEqual([method, path, []])
    }
    expect((await get(`${url}/v1/topics/a`)).headers.get('vary')).toContain('Origin')
  })

  it('tell the name of a text from a cursor [WP-3.18]', async () => {
    const { url } = await startServer({ topics: { a: plain } })
    const { paths } = await documentOf(url)
    const etagOf = (path: string, status: string): string =>
      String(paths[path]?.['get'].responses[status].headers.ETag.$ref).replace(/.*\//, '')
    expect(etagOf('/v1/topics/a', '200')).toBe('ETag')
    for (const path of ['/openapi.json', '/asyncapi.yaml', '/docs']) expect(etagOf(path, '200')).toBe('TextETag')
  })
})

describe('a server that is a part of another one', () => {
  async function embedded(options: object): Promise<string> {
    const dataDir = await temporaryDir()
    const watchpost = await createWatchpost<Topics>({ topics: { a: plain }, dataDir, logLevel: 'silent' })
    const host = createServer((request, response) => void response.end(`host ${request.url}`))
    watchpost.attach(host, options)
    onTestFinished(async () => {
      await watchpost.close()
      host.close()
    })
    await once(host.listen(0, '127.0.0.1'), 'listening')
    return `http://127.0.0.1:${(host.address() as { readonly port: number }).port}`
  }

  const DOCUMENTS = ['/openapi.json', '/openapi.yaml', '/asyncapi.json', '/asyncapi.yaml', '/docs']
  const textOf = async (url: string): Promise<string> => (await fetch(url)).text()

  it('leaves to its host what has the names of its documents outside of its base path [WP-3.2] [WP-3.18]', async () => {
    const url = await embedded({ basePath: '/live' })
    for (const path of DOCUMENTS) {
      expect(await textOf(`${url}${path}`)).toBe(`host ${path}`)
      expect(await textOf(`${url}/live${path}`)).not.toContain('host /')
    }
    // A request that asks for no WebSocket; the document says so.
    expect(await textOf(`${url}/live/v1`)).toBe('host /live/v1')
    const { paths } = await documentOf(`${url}/live`)
    expect(paths['/v1']?.['get'].description).toContain('answers requests here that ask for no WebSocket')
  })

  it('leaves its documents to its host when it is told to, and only these', async () => {
    const [own, left] = [await embedded({}), await embedded({ documents: false })]
    for (const path of DOCUMENTS) {
      expect(await textOf(`${own}${path}`)).not.toContain('host /')
      expect(await textOf(`${left}${path}`)).toBe(`host ${path}`)
    }
    expect(await textOf(`${left}/docs/any/file`)).toBe('host /docs/any/file')
    for (const path of ['/v1/topics', '/problems', '/problems/internal']) {
      expect((await get(`${left}${path}`)).status).toBe(200)
      expect(await textOf(`${left}${path}`)).not.toContain('host /')
    }
  })
})
