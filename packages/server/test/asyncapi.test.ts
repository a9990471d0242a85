/** The AsyncAPI document: that it is one by the judgement of others, and tells what the server does. */
import { Parser } from '@asyncapi/parser'
import { ANONYMOUS, type Identity, Registry, SERVER, type TopicDefinition } from '@watchpost/core'
import { limitsWith } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { asyncapiOf } from '../src/documents/asyncapi/index.ts'
import { type Documented, topicsFor } from '../src/documents/documented.ts'
import { type AsyncApi, AsyncApiJudge, nameIn } from './fixtures/asyncapi-judge.ts'

const price = {
  type: 'object',
  required: ['symbol', 'price'],
  properties: { symbol: { type: 'string' }, price: { type: 'number', exclusiveMinimum: 0 } },
}

/** Definitions of every kind, with data of every dialect and names that need care. */
const TOPICS: Readonly<Record<string, TopicDefinition>> = {
  stocks: {
    description: 'Prices',
    events: { priceUpdate: price, split: price },
    key: '/symbol',
    watch: 'anyone',
    publish: 'anyone',
    version: '2.1.0',
  },
  'chat/{room}': {
    events: { message: z.object({ text: z.string().max(2_000), at: z.iso.datetime().optional() }) },
    watch: 'anyone',
  },
  'chat/{room}/{thread}': { events: { message: { type: 'object' } }, watch: { scope: 'threads' } },
  'old/prices': {
    events: { priceUpdate: price },
    watch: 'anyone',
    publish: 'authenticated',
    deprecated: { since: '2026-01-01T00:00:00Z', sunset: '2027-01-01T00:00:00Z', use: 'stocks' },
  },
  // Names that only differ in what the keys of a document can't have.
  'odd/~a$b@c+d=e,f!': { events: { 'a:b': {}, 'a/b': {}, a_b: { type: 'null' }, 'a.b': {} }, watch: 'anyone' },
  'odd/:a$b@c+d=e,f!': { events: { 'a:b': {} }, watch: 'anyone' },
  'odd.~a$b@c+d=e,f!': { events: { 'a:b': {} }, watch: 'anyone' },
  'chat/room': { events: { message: {} }, watch: 'anyone' },
  pages: { events: { item: {} }, transports: ['page', 'long-poll'], watch: 'anyone' },
  streams: { events: { item: {} }, transports: ['sse'], watch: 'anyone' },
  sockets: { events: { item: {} }, transports: ['websocket'], watch: 'anyone' },
  trees: {
    events: {
      grown: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        $ref: '#/$defs/node',
        description: 'A tree',
        $defs: {
          node: {
            type: 'object',
            required: ['name'],
            properties: {
              name: { type: 'string' },
              children: { type: 'array', items: { $ref: '#/$defs/node' } },
              place: { type: 'array', prefixItems: [{ type: 'number' }, { type: 'number' }], items: false },
            },
            dependentRequired: { place: ['children'] },
            unevaluatedProperties: false,
          },
        },
      },

      'grown/again': { type: 'object', properties: { n: { type: 'integer' }, next: { $ref: '#' } } },
      'grown/anchored': {
        $anchor: 'me',
        type: 'object',
        properties: { n: { type: 'integer' }, next: { $ref: '#me' } },
      },
      'grown/outermost': { $dynamicAnchor: 'me', type: 'object', properties: { next: { $dynamicRef: '#me' } } },
    },
    watch: ({ identity }) => identity.subject === 'ada',
  },
}

const KINDS = { jwt: true, apiKeys: true, queryToken: true, cookie: 'session', certificates: true } as const

const documentedBy = (more: Partial<Documented> = {}, identity: Identity = SERVER): Documented => ({
  topics: topicsFor(new Registry(TOPICS), identity),
  limits: limitsWith(),
  credentials: KINDS,
  baseUrl: 'https://api.example.com/live',
  probes: false,
  version: '1.2.3',
  ...more,
})

/** As it is served: JSON. */
const made = (more: Partial<Documented> = {}, identity: Identity = SERVER): AsyncApi =>
  JSON.parse(JSON.stringify(asyncapiOf(documentedBy(more, identity)))) as AsyncApi

/** AsyncAPI 3.0 is what is promised, though the parser would rather have the newest: it only informs of that. */
const PASSED_OVER = ['asyncapi-latest-version']

const parser = new Parser()

async function diagnosticsOf(document: AsyncApi): Promise<readonly string[]> {
  const { diagnostics, document: parsed } = await parser.parse(JSON.stringify(document))
  expect(parsed?.version()).toBe('3.0.0')
  const told = diagnostics.filter(({ code }) => !PASSED_OVER.includes(String(code)))
  return told.map(({ code, message, path }) => `${code} at ${path.join('/')}: ${message}`)
}

describe('the AsyncAPI document', () => {
  it.each([
    ['of all topics', made()],
    ['without credentials, at the root', made({ credentials: undefined, baseUrl: 'http://127.0.0.1:8080' })],
    ['of no topics', made({ topics: [] })],
    ['of who may only watch', made({ topics: documentedBy().topics.map((topic) => ({ ...topic, publish: false })) })],
    ['of who may only publish', made({ topics: documentedBy().topics.map((topic) => ({ ...topic, watch: false })) })],
  ])('is one to its own parser, without errors and warnings: %s', async (_what, document) => {
    expect(await diagnosticsOf(document)).toEqual([])
  })

  it('would not pass for one with a fault in it', async () => {
    const document = made() as unknown as Record<string, Record<string, Record<string, unknown>>>
    const operation = document['operations']?.['stocks.http.publish'] as Record<string, unknown>
    operation['action'] = 'publish'
    const { diagnostics } = await parser.parse(JSON.stringify(document))
    expect(diagnostics.map(({ path }) => path.join('/'))).toContain('operations/stocks.http.publish/action')
  })

  it('names its servers by the URL that the client used', () => {
    expect(made().servers).toMatchObject({
      websocket: { host: 'api.example.com', pathname: '/live', protocol: 'wss' },
      http: { host: 'api.example.com', pathname: '/live', protocol: 'https' },
    })
    const { websocket, http } = made({ baseUrl: 'http://127.0.0.1:8080' }).servers
    expect([websocket, http].map((server) => [server?.protocol, server?.host, server?.pathname])).toEqual([
      ['ws', '127.0.0.1:8080', undefined],
      ['http', '127.0.0.1:8080', undefined],
    ])
  })

  it('has examples that validate, one at least of every event and nearly every control message', () => {
    const judge = new AsyncApiJudge(made())
    const all = Object.entries(judge.document.components.messages)
    const told = all.flatMap(([name, { examples = [] }]) => examples.map((example) => [name, example] as const))
    const faults = told.map(([name, { payload, headers }]) => [name, judge.faults(name, payload, headers)])
    expect(faults.filter(([, found]) => (found?.length ?? 0) > 0)).toEqual([])
    // The limits in force would make that of `welcome` longer than all others; the rest is made of what has one.
    const without = all.filter(([, { examples = [] }]) => examples.length === 0).map(([, { name }]) => name)
    expect(new Set(without)).toEqual(
      new Set(['welcome', 'delta', 'other', 'receipt', 'problem', 'batch', 'removal', 'publish']),
    )
    // Removing a key, and publishing to another topic than that of the WebSocket.
    const requests = all.filter(([, { name, examples = [] }]) => name === 'publish' && examples.length === 0)
    expect(requests.filter(([name]) => !name.endsWith('.elsewhere.publish')).map(([name]) => name)).toHaveLength(1)
    const subscribed = all.filter(([name]) => name === 'stocks.about.subscribed')
    expect(subscribed.map(([, { examples }]) => examples?.[0]?.payload)).toMatchObject([{ data: { topic: 'stocks' } }])
  })

  it('has a channel for each topic and protocol that it is offered by, with the parameters of its template [WP-3.5]', () => {
    const { channels } = made()
    const of = (topic: string): readonly (readonly [string, string])[] =>
      Object.values(channels).flatMap((channel) =>
        channel['x-topic']?.['topic'] === topic ? [[channel.servers.map(nameIn).join(), channel.address] as const] : [],
      )
    expect(of('stocks')).toEqual([
      ['websocket', '/v1/topics/stocks'],
      ['http', '/v1/topics/stocks'],
    ])
    expect(of('streams')).toEqual([['http', '/v1/topics/streams']])
    expect(channels['chat.room.thread.websocket']).toMatchObject({
      address: '/v1/topics/chat/{room}/{thread}',
      parameters: { room: {}, thread: {} },
    })
    const { operations } = made()
    const has = (name: string): readonly string[] => Object.keys(operations).filter((each) => each.startsWith(name))
    expect(has('pages.')).toEqual(['pages.http.publish'])
    expect(has('streams.')).toEqual(['streams.http.watch', 'streams.http.publish'])
    const requests = ['subscribe', 'unsubscribe', 'publish', 'authenticate', 'ping'].map(
      (each) => `sockets.websocket.${each}`,
    )
    expect(has('sockets.')).toEqual(['sockets.websocket.watch', ...requests, 'sockets.http.publish'])
  })

  it('gives topics and types that differ in odd characters names that differ', () => {
    const { components, channels } = made()
    const streamed = Object.entries(components.messages).filter(([name]) => name.endsWith('.sse'))
    const ofOdd = streamed.filter(([name]) => name.startsWith('odd.'))
    expect(ofOdd.map(([, { name }]) => name).toSorted()).toEqual(['a.b', 'a/b', 'a:b', 'a:b', 'a:b', 'a_b'])
    expect(streamed.filter(([name]) => /^chat\.room(_2)?\.message/.test(name))).toHaveLength(2)
    const addresses = Object.values(channels).map(({ address, servers }) => `${address} ${servers.map(nameIn).join()}`)
    expect(addresses.filter((address) => /\/odd[/.]/.test(address))).toHaveLength(6)
    expect(new Set(addresses).size).toBe(addresses.length)
  })

  it('sends and receives as the server does, and ties answers to requests by `id` and `re` [WP-4.3]', () => {
    const { operations, components } = made()
    const request = operations['socket.subscribe']
    expect(request).toMatchObject({ action: 'receive', channel: { $ref: '#/channels/socket' } })
    expect(request?.reply?.messages.map(nameIn)).toEqual(['subscribed', 'error'])
    const ties = (name: string): string => nameIn(components.messages[name]?.correlationId ?? { $ref: '' })
    expect(['subscribe', 'ping', 'stocks.split.publish.request'].map(ties)).toEqual(['request', 'request', 'request'])
    expect(['subscribed', 'pong', 'published', 'error'].map(ties)).toEqual(['answer', 'answer', 'answer', 'answer'])
    expect(['welcome', 'bookmark', 'stocks.split'].map(ties)).toEqual(['', '', ''])
    expect(operations['stocks.http.publish']).toMatchObject({
      action: 'receive',
      bindings: { http: { method: 'POST' } },
    })
    expect(operations['stocks.http.watch']).toMatchObject({ action: 'send', bindings: { http: { method: 'GET' } } })
    const actions = Object.entries(operations).map(([name, { action, reply }]) => [
      name.split('.').at(-1),
      action,
      reply !== undefined,
    ])
    const sends = ['send', 'watch']
    expect(actions.filter(([name, action]) => sends.includes(String(name)) !== (action === 'send'))).toEqual([])
    // Whatever a client asks is answered.
    expect(actions.filter(([, action, replies]) => (action === 'receive') !== replies)).toEqual([])
  })

  it('tells of no topic that the caller may not see [WP-6.3]', () => {
    const anonymous = made({}, ANONYMOUS)
    const text = JSON.stringify(anonymous)
    expect(text).not.toMatch(/trees|thread|grown/)
    expect(Object.keys(anonymous.channels)).toContain('chat.room.websocket')
    // It may watch those, and not publish to them.
    const ofChat = Object.keys(anonymous.operations).filter((name) => name.startsWith('chat.'))
    const actions = ofChat.filter((name) => /(?:watch|publish)$/.test(name)).map((name) => name.split('.').at(-1))
    // To other topics it may, over the same WebSocket.
    expect(actions).toEqual(['watch', 'publish', 'watch', 'watch', 'publish', 'watch'])
    expect(text).not.toContain('chat.room.message.publish')
  })

  it('asks for credentials where a topic does, by all ways that are configured [WP-6.6]', () => {
    const { operations, components } = made()
    const asked = (name: string): readonly string[] | undefined => operations[name]?.security?.map(nameIn)
    expect(Object.keys(components.securitySchemes ?? {})).toEqual([
      'bearer',
      'subprotocol',
      'queryToken',
      'cookie',
      'ticket',
      'certificate',
    ])
    expect(asked('chat.room.thread.websocket.watch')).toEqual([
      'bearer',
      'subprotocol',
      'queryToken',
      'cookie',
      'ticket',
      'certificate',
    ])
    expect(asked('old.prices.http.publish')).toEqual(['bearer', 'queryToken', 'cookie', 'ticket', 'certificate'])
    // Open to anyone, or by a rule that is only known once it is asked.
    expect([asked('stocks.http.watch'), asked('trees.http.watch')]).toEqual([undefined, undefined])
    const unasked = made({ credentials: undefined })
    expect(unasked.components.securitySchemes).toBeUndefined()
    expect(JSON.stringify(unasked)).not.toContain('securitySchemes')
  })

  it('marks what is deprecated, and until when', () => {
    const { channels, components } = made()
    const deprecated = {
      topic: 'old/prices',
      since: '2026-01-01T00:00:00.000Z',
      sunset: '2027-01-01T00:00:00.000Z',
      use: 'stocks',
    }
    expect(channels['old.prices.http']?.['x-topic']).toMatchObject({ topic: 'old/prices', deprecated })
    expect(channels['stocks.http']?.['x-topic']).toEqual({
      topic: 'stocks',
      version: '2.1.0',
      keyed: true,
      transports: ['page', 'long-poll', 'sse', 'websocket'],
    })
    const marked = Object.entries(components.messages).filter(([, message]) => message.deprecated === true)
    expect(marked.map(([name]) => name).toSorted()).toEqual([
      ...['old.prices.priceUpdate', 'old.prices.priceUpdate.publish', 'old.prices.priceUpdate.publish.request'],
      'old.prices.priceUpdate.sse',
    ])
  })

  it('refers to nothing that is not there, and has nothing that is not referred to', () => {
    const document = made()
    const text = JSON.stringify(document)
    const references = new Set([...text.matchAll(/"\$ref":"#([^"]+)"/g)].map(([, pointer = '']) => pointer))
    const found = (pointer: string): unknown =>
      pointer
        .split('/')
        .slice(1)
        .reduce<unknown>(
          (node, name) => (node as Record<string, unknown> | undefined)?.[decodeURIComponent(name)],
          document,
        )
    expect([...references].filter((pointer) => found(pointer) === undefined)).toEqual([])
    for (const kind of ['messages', 'schemas'] as const) {
      const unused = Object.keys(document.components[kind]).filter(
        (name) => !references.has(`/components/${kind}/${name}`),
      )
      expect(unused).toEqual([])
    }
  })
})
