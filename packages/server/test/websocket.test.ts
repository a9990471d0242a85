/** What a WebSocket client asks for and is told [WP-4.3] to [WP-4.7], on a bare connection. */
import type { Json } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { topic } from 'watchpost'
import { expectProblem, metric } from './fixtures/http.ts'
import { EAGER_CLIENTS } from './fixtures/one-address.ts'
import { answerTo, handshake, type Message, openRaw, type RawSocket } from './fixtures/raw-socket.ts'
import { get, post, startServer, TOPICS } from './harness.ts'

type Data = Readonly<Record<string, Json>>

let asked = 0

/** Sends a request under an id of its own, and gives its answer. */
async function ask(socket: RawSocket, type: string, data?: object): Promise<Message> {
  const id = `r${asked++}`
  socket.ask({ type, id, ...(data && { data }) })
  return socket.next(({ re }) => re === id)
}

const dataOf = (message: Message): Data => message['data'] as Data
const errorOf = (message: Message): Data => message['error'] as Data
const eventsOf = (socket: RawSocket): Message[] => socket.messages.filter((message) => message['id'] !== undefined)
const line = (n: number) => ({ type: 'line', data: { n } })

describe('a connection', () => {
  it('is welcomed, with where the log stands and what is allowed [WP-4.4] [WP-1.3]', async () => {
    const { url } = await startServer({ heartbeatMs: 7_000 })
    const { body } = await post(`${url}/v1/topics/log`, line(0))
    const socket = await openRaw(url)
    const welcome = await socket.next(({ type }) => type === 'welcome')
    expect(dataOf(welcome)).toMatchObject({
      ...{ cursor: body.events[0].id, heartbeatMs: 7_000, connection: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      limits: { subscriptionsPerConnection: 128, messageBytesMax: 1_048_576 },
    })
    expect(await metric(url, 'watchpost_connections{transport="websocket"}')).toBe(1)
  })

  it('to a topic is subscribed to it from the start, by its query [WP-4.1] [WP-3.4] [WP-3.6]', async () => {
    const { url } = await startServer()
    await post(`${url}/v1/topics/log`, [line(0), { type: 'note', data: {} }, line(1), line(2)])
    const socket = await openRaw(url, { path: '/v1/topics/log?last=2&type=line&select=/n' })
    await socket.next((message) => (message['data'] as Data | undefined)?.['n'] === 2)
    expect(socket.messages.map(({ type }) => type)).toEqual(['welcome', 'subscribed', 'line', 'line'])
    const [welcome, subscribed] = socket.messages.map(dataOf)
    expect(subscribed).toEqual({ topic: 'log', cursor: welcome?.['cursor'] })
    expect(socket.messages[1]).not.toHaveProperty('re')
  })

  it('that is told goodbye is closed with 1001 [WP-4.9] [WP-1.3]', async () => {
    const { url, watchpost } = await startServer()
    const socket = await openRaw(url, { path: '/v1/topics/log' })
    await socket.next(({ type }) => type === 'subscribed')
    const closing = watchpost.close()
    expect(await socket.closed).toEqual({ code: 1001, reason: 'going away' })
    expect(dataOf(socket.messages.at(-1) as Message)).toEqual({ retryAfter: expect.any(Number) })
    expect(socket.messages.at(-1)?.type).toBe('goodbye')
    await closing
  })
})

describe('a request', () => {
  it('is answered under its id, or without one [WP-4.3]', async () => {
    const { url } = await startServer()
    const socket = await openRaw(url)
    expect(await ask(socket, 'ping')).toEqual({ type: 'pong', re: expect.any(String), timestamp: expect.any(String) })
    socket.ask({ type: 'ping' })
    expect(await socket.next(({ type, re }) => type === 'pong' && re === undefined)).not.toHaveProperty('re')
    const { type, error } = await ask(socket, 'authenticate', { token: 'x' })
    expect([type, error]).toEqual(['error', expect.objectContaining({ type: '/problems/unauthorized' })])
  })

  it('subscribes and unsubscribes, and nothing comes afterwards [WP-4.4]', async () => {
    const { url } = await startServer()
    const socket = await openRaw(url)
    const subscribed = await ask(socket, 'subscribe', { topic: 'chat/*', key: 'k' })
    expect([subscribed.type, dataOf(subscribed)['topic']]).toEqual(['subscribed', 'chat/*'])
    await post(`${url}/v1/topics/chat/a`, { type: 'message', data: { n: 1 } })
    const { body } = await post(`${url}/v1/topics/chat/b`, { type: 'message', data: { n: 2 }, key: 'k' })
    const event = await socket.next(({ id }) => id === body.events[0].id)
    expect(event).toEqual({ ...body.events[0], type: 'message', topic: 'chat/b', key: 'k', data: { n: 2 } })
    const unsubscribed = await ask(socket, 'unsubscribe', { topic: 'chat/*' })
    expect([unsubscribed.type, dataOf(unsubscribed)]).toEqual([
      'unsubscribed',
      { topic: 'chat/*', cursor: event['id'] },
    ])
    await post(`${url}/v1/topics/chat/b`, { type: 'message', data: { n: 3 }, key: 'k' })
    await ask(socket, 'ping')
    expect(eventsOf(socket)).toHaveLength(1)
  })

  it('publishes, once per idempotency key, in the order in which it was sent [WP-4.3] [WP-3.10]', async () => {
    const { url } = await startServer({ limits: EAGER_CLIENTS })
    const socket = await openRaw(url)
    const event = { topic: 'log', type: 'line', data: { n: 0 }, idempotencyKey: 'once' }
    const first = await ask(socket, 'publish', event)
    expect([first.type, dataOf(first)]).toEqual([
      'published',
      { topic: 'log', id: expect.any(String), timestamp: expect.any(String) },
    ])
    expect(dataOf(await ask(socket, 'publish', event))).toEqual(dataOf(first))
    const other = await ask(socket, 'publish', { ...event, data: { n: 1 } })
    expect(errorOf(other)['type']).toBe('/problems/idempotency-conflict')
    const count = 300
    for (let n = 1; n <= count; n++) socket.ask({ type: 'publish', id: `p${n}`, data: { topic: 'log', ...line(n) } })
    await socket.next(({ re }) => re === `p${count}`)
    const { body } = await get(`${url}/v1/topics/log?limit=1000`)
    const numbers = (body.events as { data: { n: number } }[]).map(({ data }) => data.n)
    expect(numbers).toEqual(Array.from({ length: count + 1 }, (_, n) => n))
  })

  it.each<[string, object, string, string]>([
    ['subscribe', { topic: 'none' }, 'unknown-topic', 'none'],
    ['subscribe', { topic: 'a//b' }, 'invalid-parameter', 'a//b'],
    ['subscribe', { topic: 'log', after: '!' }, 'invalid-cursor', 'cursor'],
    ['subscribe', { topic: 'log', after: 'x'.repeat(65) }, 'invalid-cursor', '64'],
    ['subscribe', { topic: 'log', last: -1 }, 'invalid-parameter', '"last"'],
    ['subscribe', { topic: 'log', select: 'x' }, 'invalid-parameter', 'select'],
    ['subscribe', { topic: 'log', state: true }, 'not-keyed', 'log'],
    ['subscribe', { topic: 'log', delta: true }, 'not-keyed', 'log'],
    ['subscribe', { topic: 'chat/*', state: true }, 'invalid-parameter', 'wildcards'],
    ['subscribe', { topic: 'stocks', state: true, last: 1 }, 'invalid-parameter', 'last'],
    ['subscribe', { topic: 'log', afer: 'earliest' }, 'invalid-message', 'may have topic, after'],
    ['subscribe', { topic: 7 }, 'invalid-message', '"topic"'],
    ['subscribe', { topic: 'log', key: [1] }, 'invalid-message', '"key"'],
    ['unsubscribe', { topic: 'log' }, 'invalid-parameter', 'not subscribed'],
    ['publish', { topic: 'log', type: 'other' }, 'invalid-event', '/type'],
    ['publish', { topic: 'none', type: 'line' }, 'unknown-topic', 'none'],
    ['publish', { topic: 'chat/*', type: 'message' }, 'invalid-parameter', 'chat/*'],
    ['publish', { topic: 'log', type: 'line', idempotencyKey: '' }, 'invalid-parameter', 'idempotencyKey'],
    ['authenticate', {}, 'invalid-message', '"token"'],
    ['ping', { x: 1 }, 'invalid-message', 'no members'],
    ['pong', {}, 'invalid-message', 'subscribe, unsubscribe, publish'],
  ])('%s %j is answered with %s, which names what to mend [WP-4.3] [WP-4.8]', async (type, data, problem, words) => {
    const { url } = await startServer()
    const socket = await openRaw(url)
    const answer = await ask(socket, type, data)
    expect([answer.type, errorOf(answer)['type']]).toEqual(['error', `/problems/${problem}`])
    expect(errorOf(answer)['message']).toContain(words)
    expect((await ask(socket, 'ping')).type).toBe('pong')
  })

  it('to publish too large an event is answered, and the connection goes on [WP-4.3] [WP-8.1]', async () => {
    const { url } = await startServer()
    const socket = await openRaw(url)
    const { error } = await ask(socket, 'publish', { topic: 'log', type: 'line', data: 'x'.repeat(70_000) })
    expect(error).toMatchObject({ type: '/problems/message-too-large', message: expect.stringContaining('65536') })
    expect((await ask(socket, 'ping')).type).toBe('pong')
  })

  it('is refused for a filter that is subscribed to, or one with another form of the same event [WP-4.4] [WP-4.5]', async () => {
    const { url } = await startServer()
    const socket = await openRaw(url)
    await ask(socket, 'subscribe', { topic: 'stocks', select: '/price' })
    for (const data of [{ topic: 'stocks', select: '/price' }, { topic: '*' }, { topic: '**', delta: true }]) {
      expect(errorOf(await ask(socket, 'subscribe', data))['type']).toBe('/problems/invalid-parameter')
    }
    const state = { topic: 'stocks', state: true }
    expect(errorOf(await ask(socket, 'subscribe', { ...state, select: '/price' }))['type']).toBe(
      '/problems/invalid-parameter',
    )
    expect((await ask(socket, 'subscribe', { topic: '*', select: '/price' })).type).toBe('subscribed')
    for (const name of ['stocks', '*']) await ask(socket, 'unsubscribe', { topic: name })
    expect((await ask(socket, 'subscribe', state)).type).toBe('subscribed')
    const beside = await ask(socket, 'subscribe', { topic: '*' })
    expect(errorOf(beside)['message']).toContain('neither may ask for state or delta')
    expect((await ask(socket, 'subscribe', { topic: 'chat/*' })).type).toBe('subscribed')
  })
})

describe('a keyed topic', () => {
  const price = (symbol: string, value: number | null) =>
    value === null
      ? { type: 'priceUpdate', key: symbol, data: null }
      : { type: 'priceUpdate', data: { symbol, price: value, note: 'the same in each event' } }

  it('is sent as its state, then live, with patches, and both together are the state [WP-4.6] [WP-4.7]', async () => {
    const { url } = await startServer()
    const stocks = `${url}/v1/topics/stocks`
    await post(stocks, [price('A', 1), price('B', 1), price('C', 1), price('A', 2), price('C', null)])
    const socket = await openRaw(url, { path: '/v1/topics/stocks?state=true&delta=true' })
    const snapshot = dataOf(await socket.next(({ type }) => type === 'snapshot'))
    expect(snapshot).toMatchObject({
      topic: 'stocks',
      more: false,
      cursor: dataOf(socket.messages[1] as Message)['cursor'],
    })
    const state = new Map<string, Data | null>()
    for (const { key, data } of snapshot['events'] as { key: string; data: Data }[]) state.set(key, data)
    expect([...state.keys()]).toEqual(['A', 'B'])
    await post(stocks, [price('A', 3), price('B', 2)])
    await post(stocks, [price('A', 4), price('B', null)])
    await post(stocks, [price('A', 5), price('B', 3)])
    await socket.next(() => eventsOf(socket).length === 6)
    for (const { key, data, patch } of eventsOf(socket) as unknown as {
      key: string
      data?: Data | null
      patch?: Data
    }[]) {
      const next = patch === undefined ? data : { ...state.get(key), ...patch }
      state.set(key, next ?? null)
    }
    const { body } = await get(`${url}/v1/state/stocks`)
    const truth = (body.events as { key: string; data: Data }[]).map(({ key, data }) => [key, data])
    expect([...state]).toEqual(truth)
    expect(eventsOf(socket).filter(({ patch }) => patch !== undefined)).toHaveLength(2)
  })

  it('has a state of many parts, each within its bound [WP-4.6]', async () => {
    const { url } = await startServer()
    const events = Array.from({ length: 3_500 }, (_, n) => price(`S${n}`, n + 1))
    await post(`${url}/v1/topics/stocks`, events)
    const socket = await openRaw(url, { path: '/v1/topics/stocks?state=true' })
    await socket.next(({ type, data }) => type === 'snapshot' && (data as Data)['more'] === false)
    const parts = socket.messages.filter(({ type }) => type === 'snapshot').map(dataOf)
    expect(parts.length).toBeGreaterThan(3)
    expect(new Set(parts.flatMap((part) => (part['events'] as { key: string }[]).map(({ key }) => key))).size).toBe(
      3_500,
    )
  })
})

describe('a topic that is not offered by WebSocket', () => {
  const topics = { ...TOPICS, quiet: topic({ events: { tick: {} }, watch: 'anyone', transports: ['page'] }) }

  it('is refused by name, and passed over by wildcards [WP-3.5] [WP-4.1]', async () => {
    const { url, watchpost } = await startServer({ topics })
    const socket = await openRaw(url)
    const { error } = await ask(socket, 'subscribe', { topic: 'quiet' })
    expect(error).toMatchObject({ type: '/problems/transport-not-offered', transports: ['page'] })
    expectProblem(await answerTo(url, handshake(url, { path: '/v1/topics/quiet' })), 'transport-not-offered')
    await ask(socket, 'subscribe', { topic: '*' })
    await watchpost.publish('quiet', { type: 'tick', data: 1 })
    await watchpost.publish('log', { type: 'line', data: 2 })
    await socket.next(({ data }) => data === 2)
    expect(eventsOf(socket)).toHaveLength(1)
  })
})
