/** Rights that change while connections, requests and subscriptions are on their way. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Config, type Topics, topic } from 'watchpost'
import { newApiKey } from '../src/auth/api-keys.ts'
import { SECRET, sign } from './fixtures/auth.ts'
import { dial, untilClose } from './fixtures/http.ts'
import { ONE_ADDRESS } from './fixtures/one-address.ts'
import { type Message, openRaw, type RawSocket } from './fixtures/raw-socket.ts'
import { get, openSse, post, startServer } from './harness.ts'

const EVENTS = { n: {} }
const OPEN = { events: EVENTS, watch: 'anyone', publish: 'anyone' } as const
const AUTH = { jwt: { secret: SECRET } }

const bearer = (token: string): { readonly authorization: string } => ({ authorization: `Bearer ${token}` })

const socketOf = async (url: string, token: string): Promise<RawSocket> =>
  openRaw(url, { headers: { Authorization: `Bearer ${token}` } })

const asking = (socket: RawSocket, id: string, type: string, data: object): Promise<Message> =>
  socket.ask({ type, id, data }).next(({ re }) => re === id)

/** A server with a long log, in which a search for the last events that are not there takes its time. */
async function slowToSearch(config: Pick<Config, 'topics' | 'auth'>): ReturnType<typeof startServer> {
  const topics: Topics = { ...config.topics, long: topic(OPEN) }
  const running = await startServer({ ...config, topics, limits: { ...ONE_ADDRESS, messagesPerSecond: 1_000_000 } })
  const many = Array.from({ length: 10_000 }, (_, i) => ({ type: 'n', data: i }))
  for (let i = 0; i < 3; i++) await post(`${running.url}/v1/topics/long`, many)
  return running
}

const SEARCH = { topic: 'long', last: 1_000, type: 'none' }

describe('definitions that change', () => {
  it('show nothing masked to a client whose subscribing takes its time [WP-6.5] [WP-6.7]', async () => {
    const feed = (mask: NonNullable<Config['topics'][string]['mask']>): Topics => ({
      long: topic(OPEN),
      feed: { ...OPEN, mask },
    })
    const { url, watchpost } = await slowToSearch({ topics: feed(['/ip']), auth: AUTH })
    const moderator = await socketOf(url, await sign({ sub: 'mod', role: 'moderator' }))
    const bob = await socketOf(url, await sign({ sub: 'bob' }))
    for (const socket of [moderator, bob]) await asking(socket, 'feed', 'subscribe', { topic: 'feed' })
    for (let i = 0; i < 60; i++) bob.ask({ type: 'subscribe', id: `${i}`, data: SEARCH })
    await bob.next(({ re }) => re === '0')
    const topics = feed(({ identity }) => (identity.claims['role'] === 'moderator' ? [] : ['/ip']))
    watchpost.reload({ topics, auth: AUTH } as Config)
    for (let n = 0; n < 5; n++) await post(`${url}/v1/topics/feed`, { type: 'n', data: { n, ip: '192.0.2.1' } })
    const last = { n: 4, ip: '192.0.2.1' }
    const isLast = (message: Message): boolean => (message['data'] as { n?: number } | undefined)?.n === 4
    expect((await moderator.next(isLast))['data']).toEqual(last)
    expect((await bob.next(isLast))['data']).toEqual({ n: 4 })
    expect(JSON.stringify(bob.messages)).not.toContain('192.0.2.1')
  })

  it('lose no event of overlapping subscriptions, one of which lags [WP-4.5] [WP-2.5]', async () => {
    const rooms = (hidden: 'anyone' | 'granted'): Topics => ({
      'a/{room}': topic(OPEN),
      'a/hidden': topic({ ...OPEN, watch: hidden }),
    })
    const { url, watchpost } = await startServer({ topics: rooms('granted') })
    const socket = await openRaw(url)
    const { data } = await socket.next(({ type }) => type === 'welcome')
    const filler = 'x'.repeat(60_000)
    for (let i = 0; i < 300; i++) await post(`${url}/v1/topics/a/long`, { type: 'n', data: filler })
    await asking(socket, '1', 'subscribe', { topic: 'a/*' })
    socket.socket.pause()
    socket.ask({ type: 'subscribe', id: '2', data: { topic: 'a/**', after: (data as { cursor: string }).cursor } })
    await sleep(300)
    for (let i = 0; i < 10; i++) await post(`${url}/v1/topics/a/hidden`, { type: 'n', data: i })
    watchpost.reload({ topics: rooms('anyone') } as Config)
    socket.socket.resume()
    const hidden = (): readonly unknown[] =>
      socket.messages.filter((message) => message['topic'] === 'a/hidden').map((message) => message['data'])
    await expect.poll(hidden, { timeout: 20_000 }).toEqual(Array.from({ length: 10 }, (_, i) => i))
  })
})

describe('a rule that looks beyond claims', () => {
  it('is asked again by each new watch and at each renewal, for wildcards too [WP-6.1] [WP-6.7]', async () => {
    const banned = new Set<string>()
    const room = topic({ ...OPEN, watch: ({ identity }) => !banned.has(identity.subject ?? '') })
    const { url } = await startServer({ topics: { 'room/{room}': room }, auth: AUTH })
    const headers = bearer(await sign({ sub: 'bob' }))
    const publish = async (n: number): Promise<void> => {
      expect((await post(`${url}/v1/topics/room/1`, { type: 'n', data: n })).status).toBe(201)
    }
    const before = await openSse(`${url}/v1/topics/room/*`, headers)
    const { data } = await before.next(({ event }) => event === 'welcome')
    await publish(1)
    await before.events(1)
    banned.add('bob')
    const after = await openSse(`${url}/v1/topics/room/*`, headers)
    await after.next(({ event }) => event === 'welcome')
    const { connection } = data['data'] as { readonly connection: string }
    expect((await post(`${url}/v1/connections/${connection}/token`, '', headers)).status).toBe(200)
    await publish(2)
    banned.clear()
    const anew = await openSse(`${url}/v1/topics/room/*`, headers)
    await anew.next(({ event }) => event === 'welcome')
    await publish(3)
    expect((await anew.events(1)).map((message) => message.data['data'])).toEqual([3])
    const seenBy = (stream: typeof before): readonly unknown[] =>
      stream.messages.filter(({ event }) => event === 'n').map((message) => message.data['data'])
    expect(seenBy(before)).not.toContain(2)
    expect(seenBy(after)).not.toContain(2)
  })
})

describe('credentials that are withdrawn', () => {
  const key = newApiKey('feed', { grants: { watch: ['t'], publish: ['t'] } })
  const topics = { long: topic(OPEN), t: topic({ events: EVENTS }) } as Topics

  it('open no connection that was on its way [WP-6.6] [WP-6.7]', async () => {
    const { url, watchpost } = await slowToSearch({ topics, auth: { apiKeys: [key.entry] } })
    const query = '?last=1000&type=none&topic=long&topic=t'
    const opening = [
      get(`${url}/v1/events${query}`, { ...bearer(key.key), accept: 'text/event-stream' }).catch(() => undefined),
      get(`${url}/v1/events${query}&wait=60&after=latest`, bearer(key.key)),
    ]
    await sleep(20)
    watchpost.reload({ topics, auth: { apiKeys: [] } } as Config)
    for (const opened of opening) expect((await opened)?.status).toBe(401)
  })

  it('publish nothing that was on its way [WP-6.6] [WP-3.9]', async () => {
    const { url, watchpost } = await startServer({ topics, auth: { apiKeys: [key.entry] } })
    const socket = await dial(url)
    const body = '{"type":"n"}'
    const head = `POST /v1/topics/t HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key.key}\r\n`
    socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`)
    await sleep(100)
    watchpost.reload({ topics, auth: { apiKeys: [] } } as Config)
    const ended = untilClose(socket)
    socket.end(body.slice(5))
    expect((await ended).status).toBe(401)
  })
})

it('new tokens of a WebSocket count in the order in which they were sent [WP-6.7]', async () => {
  const { url } = await startServer({ topics: { t: topic({ events: EVENTS }) } as Topics, auth: AUTH })
  const granted = await sign({ watchpost: { watch: ['t'] } })
  for (let round = 0; round < 5; round++) {
    const socket = await socketOf(url, granted)
    const fresh = await sign({ jti: `${round}` })
    // The first one is known already, and the second one has to be checked.
    socket.ask({ type: 'authenticate', id: '1', data: { token: fresh } })
    socket.ask({ type: 'authenticate', id: '2', data: { token: granted } })
    await socket.next(({ re }) => re === '2')
    expect(await asking(socket, '3', 'subscribe', { topic: 't' })).toMatchObject({ type: 'subscribed' })
  }
})
