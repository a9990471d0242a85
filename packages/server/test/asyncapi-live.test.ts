/** Every message of a server, against the AsyncAPI document that it serves at the time: each is exactly one of those told. */
import { Connection, type Decoded, json, msgpack, Refusal } from '@watchpost/conformance'
import { describe, expect, it } from 'vitest'
import { type Config, topic } from 'watchpost'
import { type AsyncApi, AsyncApiJudge, nameIn } from './fixtures/asyncapi-judge.ts'
import { get, openSse, post, startServer } from './harness.ts'

const TOPICS = {
  stocks: topic({
    events: {
      priceUpdate: {
        type: 'object',
        required: ['symbol', 'price'],
        properties: { symbol: { type: 'string' }, price: { type: 'number' }, note: { type: 'string' } },
      },
    },
    key: '/symbol',
    watch: 'anyone',
    publish: 'anyone',
    retention: { events: 5 },
  }),
  'chat/{room}': topic({
    events: { message: { type: 'object', required: ['text'] }, joined: {} },
    watch: 'anyone',
    publish: 'anyone',
    deprecated: { since: '2026-01-01T00:00:00Z', use: 'stocks' },
  }),
} as const

interface Judged {
  readonly url: string
  readonly judge: AsyncApiJudge
}

async function judged(config: Partial<Config> = {}): Promise<Judged> {
  const { url } = await startServer({ topics: TOPICS, heartbeatMs: 100, ...config })
  const { status, headers, body } = await get(`${url}/asyncapi.json`)
  expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8'])
  return { url, judge: new AsyncApiJudge(body as AsyncApi) }
}

const price = (symbol: string, amount: number, more: object = {}): object => ({
  type: 'priceUpdate',
  data: { symbol, price: amount, ...more },
})

/** What the server sent on a WebSocket, and what the client did. */
async function onSocket(
  { url, judge }: Judged,
  path: string,
  codec: typeof json,
  act: (connection: Connection, came: readonly Decoded['message'][]) => Promise<void>,
): Promise<readonly string[]> {
  const came: Decoded['message'][] = []
  const connection = await Connection.open(`${url}${path}`, codec, ({ message }) => {
    came.push(message)
  })
  await act(connection, came)
  await connection.close()
  const operations = Object.entries(judge.document.operations)
  const names = operations
    .filter(([name]) => name.startsWith(path === '/v1' ? 'socket.' : 'stocks.websocket.'))
    .flatMap(([, { action, messages, reply }]) => (action === 'send' ? messages : (reply?.messages ?? [])).map(nameIn))
  return came.map((message) => oneOf(judge, [...new Set(names)], message))
}

/** The name of the one message that it is, or what it is in the place of that. */
function oneOf(judge: AsyncApiJudge, names: readonly string[], message: unknown, headers?: object): string {
  const fitting = judge.fitting(names, message, headers)
  return fitting.length === 1 ? String(fitting[0]) : `${fitting.length} of them: ${JSON.stringify(message)}`
}

const until = async (isTrue: () => boolean): Promise<void> => {
  await expect.poll(isTrue, { timeout: 20_000, interval: 20 }).toBe(true)
}

describe('what a server sends is what its AsyncAPI document tells', () => {
  it.each([
    ['/v1/topics/stocks?last=1', 'stocks.http.watch'],
    ['/v1/events?topic=stocks&topic=chat/*&last=2', 'events.watch'],
    ['/v1/topics/stocks?after=earliest&select=/price', 'stocks.http.watch'],
  ])('on a stream: %s', async (path, operation) => {
    const server = await judged()
    await post(`${server.url}/v1/topics/stocks`, [price('A', 1), price('B', 2)])
    await post(`${server.url}/v1/topics/chat/lobby`, { type: 'message', data: { text: 'hello' } })
    const stream = await openSse(`${server.url}${path}`)
    await post(`${server.url}/v1/topics/stocks`, { type: 'priceUpdate', key: 'A', data: null })
    await stream.next(({ data }) => data['key'] === 'A' && data['data'] === null)
    await stream.next(({ event }) => event === 'bookmark')
    const names = server.judge.messagesOf(operation)
    const told = stream.messages.map(({ data, event, id }) => oneOf(server.judge, names, data, { event, id }))
    expect(new Set(told)).toEqual(
      new Set([
        'welcome.sse',
        'bookmark.sse',
        'stocks.priceUpdate.sse',
        ...(path.includes('chat') ? ['chat.room.message.sse'] : []),
      ]),
    )
  })

  it.each([
    ['json', json],
    ['msgpack', msgpack],
  ] as const)('on a WebSocket that carries several subscriptions, in %s', async (_name, codec) => {
    const server = await judged()
    const told = await onSocket(server, '/v1', codec, async (connection, came) => {
      await connection.request('subscribe', { topic: 'chat/*' })
      await connection.request('publish', { topic: 'chat/lobby', type: 'message', data: { text: 'hello' } })
      await connection.request('publish', { topic: 'stocks', ...price('A', 1, { note: 'x'.repeat(500) }) })
      await connection.request('subscribe', { topic: 'stocks', state: true, delta: true })
      await connection.request('publish', { topic: 'stocks', ...price('A', 2, { note: 'x'.repeat(500) }) })
      await connection.request('ping')
      await expect(connection.request('subscribe', { topic: 'stocks' })).rejects.toThrow(Refusal)
      await expect(connection.request('authenticate', { token: 'none' })).rejects.toThrow(Refusal)
      await expect(connection.request('publish', { topic: 'stocks', type: 'other' })).rejects.toThrow(Refusal)
      await until(() => ['bookmark', 'snapshot'].every((type) => came.some((message) => message['type'] === type)))
      // The first of its key can't come as a change; whether others do is for the server to decide.
      await connection.request('publish', { topic: 'stocks', ...price('B', 1) })
      for (let i = 3; i < 100 && !came.some((message) => 'patch' in message); i++) {
        await connection.request('publish', { topic: 'stocks', ...price('A', i, { note: 'x'.repeat(500) }) })
        await until(() => came.filter(({ topic: of }) => of === 'stocks').length >= i - 1)
      }
      await connection.request('unsubscribe', { topic: 'stocks' })
    })
    expect(new Set(told)).toEqual(
      new Set([
        ...['welcome', 'subscribed', 'published', 'pong', 'error', 'bookmark', 'snapshot', 'unsubscribed'],
        ...['chat.room.message', 'stocks.priceUpdate', 'delta'],
      ]),
    )
  })

  it('on a WebSocket that begins with a topic, and goes on to others', async () => {
    const server = await judged()
    const told = await onSocket(server, '/v1/topics/stocks?state=true', json, async (connection, came) => {
      await connection.request('ping')
      await connection.request('publish', { topic: 'stocks', ...price('A', 1) })
      await connection.request('subscribe', { topic: 'chat/*' })
      await connection.request('publish', { topic: 'chat/lobby', type: 'message', data: { text: 'hello' } })
      await expect(connection.request('publish', { topic: 'none', type: 'other' })).rejects.toThrow(Refusal)
      await until(() => came.filter(({ topic: of }) => of !== undefined).length >= 2)
      await connection.request('unsubscribe', { topic: 'chat/*' })
      await until(() => ['bookmark', 'snapshot'].every((type) => came.some((message) => message['type'] === type)))
    })
    expect(new Set(told)).toEqual(
      new Set([
        ...['welcome', 'pong', 'published', 'error', 'stocks.priceUpdate', 'stocks.elsewhere.other'],
        ...['subscribed', 'bookmark', 'snapshot', 'unsubscribed'].map((type) => `stocks.about.${type}`),
      ]),
    )
    const { judge } = server
    const takes = (data: object): readonly string[] =>
      judge.fitting(judge.messagesOf('stocks.websocket.publish'), { type: 'publish', id: '1', data })
    expect(takes({ topic: 'stocks', ...price('A', 1) })).toEqual(['stocks.priceUpdate.publish.request'])
    expect(takes({ topic: 'stocks', type: 'priceUpdate', data: 1 })).toEqual([])
    expect(takes({ topic: 'chat/lobby', type: 'joined' })).toEqual(['stocks.elsewhere.publish'])
  })

  it('on a WebSocket that begins with a topic, and meets a gap', async () => {
    const server = await judged()
    const { body } = await post(`${server.url}/v1/topics/stocks`, [price('A', 1)])
    const [{ id }] = body.events as [{ id: string }]
    for (let i = 0; i < 20; i++) await post(`${server.url}/v1/topics/stocks`, [price('A', i)])
    await expect.poll(async () => (await get(`${server.url}/v1/topics/stocks?after=${id}`)).status).toBe(410)
    const names = server.judge.messagesOf('stocks.websocket.watch')
    const came: Decoded['message'][] = []
    const connection = await Connection.open(`${server.url}/v1/topics/stocks?after=${id}`, json, ({ message }) => {
      came.push(message)
    })
    await until(() => came.filter(({ type }) => type === 'priceUpdate').length >= 5)
    await connection.close()
    expect(new Set(came.map((message) => oneOf(server.judge, names, message)))).toEqual(
      new Set(['welcome', 'stocks.about.subscribed', 'stocks.about.gap', 'stocks.priceUpdate']),
    )
    const stream = await openSse(`${server.url}/v1/topics/stocks?after=${id}`)
    const { data, event, id: at } = await stream.next((message) => message.event === 'gap')
    const streamed = server.judge.messagesOf('stocks.http.watch')
    expect(oneOf(server.judge, streamed, data, { event, id: at })).toBe('gap.sse')
  })

  it('and takes what the document says that it takes, and nothing that it does not [WP-4.3] [WP-3.9]', async () => {
    const { url, judge } = await judged()
    const { operations } = judge.document
    const takes = (operation: string, message: unknown): boolean =>
      judge.fitting((operations[operation]?.messages ?? []).map(nameIn), message).length > 0
    const came: Decoded['message'][] = []
    const connection = await Connection.open(`${url}/v1`, json, ({ message }) => {
      came.push(message)
    })
    const requests: readonly (readonly [type: string, data: object | undefined, isTaken: boolean])[] = [
      ['subscribe', { topic: 'chat/*', key: ['a', 'b'], type: 'message', select: ['/text'] }, true],
      ['subscribe', { topic: 'stocks', last: 0 }, true],
      ['subscribe', { topic: 'stocks', latest: 1 }, false],
      ['subscribe', { topic: '/' }, false],
      ['subscribe', { topic: 'stocks', last: 1_001 }, false],
      ['subscribe', undefined, false],
      ['unsubscribe', { topic: 'stocks' }, true],
      ['unsubscribe', {}, false],
      ['publish', { topic: 'stocks', ...price('A', 1), idempotencyKey: 'k', timestamp: '2026-01-01T00:00:00Z' }, true],
      ['publish', { topic: 'stocks', type: 'priceUpdate', key: 'A', data: null }, true],
      ['publish', { topic: 'stocks', type: 'priceUpdate', data: null }, false],
      ['publish', { topic: 'stocks', type: 'priceUpdate', data: { symbol: 'A' } }, false],
      ['publish', { topic: 'chat/lobby', type: 'joined' }, true],
      ['publish', { topic: 'chat/lobby', type: 'left' }, false],
      ['publish', { topic: 'chat/lobby', type: 'joined', id: '1' }, false],
      ['ping', undefined, true],
      ['ping', { now: true }, false],
    ]
    for (const [type, data, isTaken] of requests) {
      const message = { type, id: '1', ...(data && { data }) }
      const refusal = await connection.request(type, data).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect([type, data, refusal === undefined]).toEqual([type, data, isTaken])
      expect([type, data, takes(`socket.${type}`, message)]).toEqual([type, data, isTaken])
    }
    await connection.close()

    const bodies: readonly (readonly [topic: string, body: unknown, status: number])[] = [
      ['stocks', price('A', 1), 201],
      ['stocks', [price('A', 1), { type: 'priceUpdate', key: 'A', data: null }], 201],
      ['stocks', { ...price('A', 1), at: 'now' }, 422],
      ['stocks', [], 400],
      ['stocks', { type: 'priceUpdate', data: { symbol: 1, price: 1 } }, 422],
      ['chat.room', { type: 'joined' }, 201],
      ['chat.room', { type: 'joined', timestamp: '2026-13-01T00:00:00Z' }, 422],
    ]
    for (const [name, body, status] of bodies) {
      const answer = await post(`${url}/v1/topics/${name.replace('.', '/')}`, body)
      expect([name, body, answer.status]).toEqual([name, body, status])
      expect([body, takes(`${name}.http.publish`, body)]).toEqual([body, status === 201])
      const replies = (operations[`${name}.http.publish`]?.reply?.messages ?? []).map(nameIn)
      expect(oneOf(judge, replies, answer.body)).toBe(status === 201 ? 'receipt' : 'problem')
    }
  })
})
