/** What a server answers, held against the OpenAPI document that it serves: each answer is one that it foretells. */
import { PROBLEMS, type ProblemName } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { type OperationName, problemsOf } from '../src/documents/openapi/operations.ts'
import { sign } from './fixtures/auth.ts'
import { expectProblem } from './fixtures/http.ts'
import { Contract, type OpenApi, operationsOf } from './fixtures/openapi-contract.ts'
import { asAdmin, asMember, WORLD } from './fixtures/openapi-world.ts'
import { answerTo, handshake } from './fixtures/raw-socket.ts'
import { type Answer, get, startServer } from './harness.ts'

interface Asked {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | object
  readonly partial?: boolean
}

/** Sends requests as an admin, unless they say otherwise, and holds each answer against the document. */
async function startJudged(config: object = {}): Promise<{
  readonly url: string
  readonly problems: Set<string>
  readonly ask: (asked: Asked) => Promise<Answer>
}> {
  const { url } = await startServer({ ...WORLD, ...config })
  const admin = await asAdmin()
  const contract = new Contract((await get(`${url}/openapi.json`, admin)).body as OpenApi)
  const problems = new Set<string>()
  const ask = async ({ method = 'GET', path, headers = {}, body, partial = false }: Asked): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...admin, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const contentType = response.headers.get('content-type')
    const text = contentType?.startsWith('text/event-stream') ? await beginningOf(response) : await response.text()
    const { pathname } = new URL(path, url)
    const fault = contract.fault({
      method,
      path: decodeURIComponent(pathname),
      status: response.status,
      contentType,
      text,
      partial,
    })
    expect(fault).toBeUndefined()
    const parsed: unknown = /json/.test(contentType ?? '') ? JSON.parse(text) : text
    const isProblem = contentType?.startsWith('application/problem+json') === true
    if (isProblem) problems.add((parsed as { readonly type: string }).type.replace('/problems/', ''))
    return { status: response.status, headers: response.headers, body: parsed }
  }
  return { url, problems, ask }
}

/** The first frames of a stream: `welcome`, and what was there already. */
async function beginningOf(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    if (/event: (?!welcome)/.test(text) && text.endsWith('\n\n')) break
  }
  return text
}

const stock = (symbol: string, price: unknown = 1): object => ({ type: 'priceUpdate', data: { symbol, price } })
const post = (path: string, body: string | object, headers = {}): Asked => ({ method: 'POST', path, body, headers })

describe('an answer is one of the document', () => {
  it('when events are published, and watched in each way [WP-3.7] [WP-3.8] [WP-3.9] [WP-3.11]', async () => {
    const { ask } = await startJudged()
    const published = await ask(post('/v1/topics/stocks', [stock('A'), stock('B', 2.5)], { 'idempotency-key': 'k' }))
    expect(published.status).toBe(201)
    await ask(post('/v1/topics/stocks', { type: 'priceUpdate', key: 'A', data: null }))
    await ask(post('/v1/topics/stocks', `${JSON.stringify(stock('C'))}\n`, { 'content-type': 'application/x-ndjson' }))
    await ask(
      post('/v1/topics/prices', [
        { type: 'rate', data: '12', key: 'k' },
        { type: 'priceUpdate', data: { price: 1 } },
      ]),
    )
    await ask(post('/v1/topics/trees', { type: 'tree', data: { name: 'a', children: [{ name: 'b', children: [] }] } }))
    await ask(post('/v1/topics/chat/attic', { type: 'message', data: { text: 'hi' } }))
    const cloudEvent = { specversion: '1.0', id: '1', source: '/', type: 'user:joined', time: '2026-01-01T00:00:00Z' }
    const asCloudEvent = { 'content-type': 'application/cloudevents+json' }
    expect((await ask(post('/v1/topics/chat/attic', cloudEvent, asCloudEvent))).status).toBe(201)
    for (const topic of ['stocks', 'prices', 'trees', 'chat/attic', '%2A%2A', 'stocks?limit=1', 'trees?last=1']) {
      const partial = topic === '%2A%2A'
      const path = `/v1/topics/${topic}`
      const page = await ask({ path, partial })
      expect([page.status, page.body.events.length > 0]).toEqual([200, true])
      await ask({ path, headers: { accept: 'application/cloudevents-batch+json' } })
      const from = `${path}${path.includes('?') ? '&' : '?'}`
      expect((await ask({ path: `${from}wait=1&after=earliest`, partial })).body.events.length).toBeGreaterThan(0)
      const stream = await ask({ path: `${from}after=earliest`, headers: { accept: 'text/event-stream' }, partial })
      expect(stream.body).toContain('event: welcome')
      const etag = { 'if-none-match': page.headers.get('etag') ?? '' }
      if (page.body.more === false) expect((await ask({ path: `${from}wait=0`, headers: etag })).status).toBe(304)
    }
    await ask({ path: '/v1/topics/stocks?select=/price', partial: true })
    await ask({ path: '/v1/events?topic=stocks&topic=chat/*' })
    const state = await ask({ path: '/v1/state/stocks?limit=1' })
    expect(state.body.events).toHaveLength(1)
    await ask({ path: `/v1/state/stocks?limit=1&next=${encodeURIComponent(String(state.body.next))}` })
  })

  it('at the other routes [WP-3.12] [WP-3.14] [WP-3.15] [WP-3.16] [WP-3.17] [WP-5.3]', async () => {
    const { url, ask } = await startJudged()
    const open = await fetch(`${url}/v1/topics/stocks`, {
      headers: { ...(await asAdmin()), accept: 'text/event-stream' },
    })
    await beginningWelcome(open)
    const { connections } = (await ask({ path: '/v1/connections' })).body
    expect(connections).toHaveLength(1)
    await ask({ path: '/v1/topics' })
    expect((await ask({ method: 'POST', path: '/v1/tickets' })).status).toBe(201)
    expect((await ask({ method: 'POST', path: `/v1/connections/${connections[0].id}/token` })).status).toBe(200)
    expect((await ask({ method: 'DELETE', path: `/v1/connections/${connections[0].id}` })).status).toBe(204)
    expect((await ask({ method: 'DELETE', path: '/v1/connections?subject=root' })).body).toEqual({
      cut: expect.any(Number),
    })
    for (const accept of ['text/html', 'application/json']) {
      for (const path of ['/problems', '/problems/internal']) await ask({ path, headers: { accept } })
    }
    for (const path of ['/healthz', '/readyz', '/metrics']) expect((await ask({ path })).status).toBe(200)
    for (const name of ['openapi', 'asyncapi']) {
      for (const format of ['json', 'yaml']) {
        const { headers } = await ask({ path: `/${name}.${format}` })
        const known = { 'if-none-match': headers.get('etag') ?? '' }
        expect((await ask({ path: `/${name}.${format}`, headers: known })).status).toBe(304)
      }
    }
    expect((await ask({ method: 'POST', path: '/v1/drain' })).status).toBe(202)
    expect((await ask({ path: '/readyz' })).status).toBe(503)
    expect((await ask({ path: '/v1/topics/stocks?wait=1' })).status).toBe(503)
  })

  it('when something is wrong, with each problem that can be had [WP-5.1] [WP-5.2]', async () => {
    const { ask, problems } = await startJudged({
      limits: { publishBytesMax: 2_000, publishesPerSecond: 1_000, connectionsPerIdentity: 1, topicsMax: 3 },
      topics: {
        ...WORLD.topics,
        short: { events: { a: {} }, retention: { events: 1 }, watch: 'anyone', publish: 'anyone' },
      },
    })
    const expired = await sign({ exp: 1 })
    const answers: readonly (readonly [ProblemName, Asked])[] = [
      ['unauthorized', { path: '/v1/topics/stocks', headers: { authorization: 'Bearer nonsense' } }],
      ['token-expired', { path: '/v1/topics/stocks', headers: { authorization: `Bearer ${expired}` } }],
      ['forbidden', { path: '/v1/connections', headers: await asMember() }],
      ['forbidden', { ...post('/v1/topics/stocks', stock('A')), headers: { origin: 'https://other.example' } }],
      ['unknown-topic', { path: '/v1/topics/none/at/all' }],
      ['unknown-topic', { path: '/v1/state/none' }],
      ['not-keyed', { path: '/v1/state/prices' }],
      ['not-found', { method: 'DELETE', path: '/v1/connections/nobody' }],
      ['not-found', { path: '/problems/none' }],
      ['transport-not-offered', { path: '/v1/topics/chat/lobby', headers: { accept: 'text/event-stream' } }],
      ['cursor-expired', { path: '/v1/topics/stocks?after=zzzzz.1' }],
      ['invalid-cursor', { path: '/v1/topics/stocks?after=-' }],
      ['invalid-parameter', { path: '/v1/topics/stocks?limit=0' }],
      ['invalid-parameter', { path: '/v1/events' }],
      ['invalid-parameter', { path: '/v1/topics/a%20b' }],
      ['invalid-parameter', { path: '/openapi.json?version=1' }],
      ['invalid-message', post('/v1/topics/stocks', '{')],
      ['invalid-event', post('/v1/topics/stocks', stock('A', 'much'))],
      ['message-too-large', post('/v1/topics/stocks', stock('A'.repeat(3_000)))],
      ['unsupported-media-type', post('/v1/topics/stocks', 'a', { 'content-type': 'text/plain' })],
      ['upgrade-required', { path: '/v1' }],
      ['idempotency-conflict', post('/v1/topics/stocks', stock('B'), { 'idempotency-key': 'k' })],
    ]
    await ask(post('/v1/topics/stocks', stock('A'), { 'idempotency-key': 'k' }))
    for (const [name, asked] of answers) expectProblem(await ask(asked), name)
    for (const name of ['a', 'b']) await ask(post(`/v1/topics/chat/${name}`, { type: 'user:joined' }))
    expectProblem(await ask(post('/v1/topics/chat/c', { type: 'user:joined' })), 'reach-maximum-topics')
    expect([...problems].sort()).toEqual(
      [...new Set([...answers.map(([name]) => name), 'reach-maximum-topics'])].sort(),
    )
  })

  it('to a handshake that is refused [WP-4.1]', async () => {
    const { url } = await startServer(WORLD)
    const { paths } = (await get(`${url}/openapi.json`)).body as OpenApi
    const refused: readonly (readonly [string, Readonly<Record<string, string>>, number])[] = [
      ['/v1', { 'Sec-WebSocket-Version': '8' }, 426],
      ['/v1', { 'Sec-WebSocket-Protocol': 'chat' }, 400],
      ['/v1', { Origin: 'https://other.example' }, 403],
      ['/v1', { Authorization: 'Bearer nonsense' }, 401],
      ['/v1/topics/prices', { 'Sec-WebSocket-Key': 'short' }, 426],
      ['/v1/topics/prices?state=true', {}, 404],
      ['/v1/topics/chat/lobby', {}, 406],
      ['/v1/events?topic=prices', {}, 406],
    ]
    for (const [path, headers, status] of refused) {
      const answer = await answerTo(url, handshake(url, { path, headers }))
      const [documented = ''] = path.split('?')
      expect([path, answer.status]).toEqual([path, status])
      expect(Object.keys(paths[documented]?.['get'].responses)).toContain(String(status))
    }
  })
})

/** Reads on until the stream has begun. */
async function beginningWelcome(response: Response): Promise<void> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  await reader.read()
}

describe('the table of problems by operation', () => {
  it('is what the document has, by status [WP-5.1]', async () => {
    const { url } = await startServer(WORLD)
    const document = (await get(`${url}/openapi.json`, await asAdmin())).body as OpenApi
    const rows: Readonly<Record<string, OperationName>> = {
      ...{ 'watch-prices': 'watchTopic', 'publish-prices': 'publishTopic', 'state-stocks': 'readState' },
      ...{ watchEvents: 'watchEvents', openWebSocket: 'openWebSocket', drain: 'drain', cutConnection: 'cutConnection' },
    }
    for (const [method, path, { operationId, responses }] of operationsOf(document)) {
      const row = rows[operationId]
      if (row === undefined) continue
      const statuses = new Set(problemsOf(row).map((name) => String(PROBLEMS[name].status)))
      const documented = Object.keys(responses).filter((status) => Number(status) >= 400)
      expect([method, path, documented.sort()]).toEqual([method, path, [...statuses].sort()])
    }
  })
})
