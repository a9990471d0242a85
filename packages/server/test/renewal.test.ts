/** Connections whose credentials end, and go on with new ones [WP-6.7]. */
import { describe, it } from 'vitest'
import { nowSeconds, SECRET, sign, startGuarded } from './fixtures/auth.ts'
import { expectProblem } from './fixtures/http.ts'
import { type Message, openRaw, type RawSocket } from './fixtures/raw-socket.ts'
import { beside } from './fixtures/side-by-side.ts'
import { type Answer, get, type OpenStream, openSse, post } from './harness.ts'

const AUTH = { jwt: { secret: SECRET } }

const WATCH_CHAT = { watchpost: { watch: ['chat/*'], publish: ['chat/*'] } }

/** A token that ends after so many seconds, rounded as tokens are. */
const ending = (seconds: number, claims: object = {}): Promise<string> =>
  sign({ ...claims, exp: nowSeconds() + seconds })

const bearer = (token: string): { readonly authorization: string } => ({ authorization: `Bearer ${token}` })

const renew = (url: string, id: string, token: string): Promise<Answer> =>
  post(`${url}/v1/connections/${id}/token`, '', bearer(token))

async function connectionOf(stream: OpenStream): Promise<string> {
  const { data } = await stream.next(({ event }) => event === 'welcome')
  return (data as { readonly data: { readonly connection: string } }).data.connection
}

const asking = (
  socket: RawSocket,
  request: Readonly<Record<string, unknown>> & { readonly id: string },
): Promise<Message> => socket.ask(request).next(({ re }) => re === request.id)

describe.concurrent('a stream whose token ends', () => {
  for (const coding of ['identity', 'gzip']) {
    it.concurrent(
      `is told before, and cut then: ${coding} [WP-6.7] [WP-5.1]`,
      beside(async ({ expect }) => {
        const { url } = await startGuarded(AUTH, { expiringMs: 60_000 })
        const headers = { ...bearer(await ending(3)), 'accept-encoding': coding }
        const stream = await openSse(`${url}/v1/topics/mine`, headers)
        const { data, id } = await stream.next(({ event }) => event === 'expiring')
        expect(data).toMatchObject({ type: 'expiring', data: { expires: expect.stringMatching(/Z$/) } })
        expect(id).toBe((await stream.next(({ event }) => event === 'welcome')).id)
        const error = await stream.next(({ event }) => event === 'error')
        expect(error.data).toMatchObject({ error: { type: '/problems/token-expired' } })
        await stream.ended
      }),
    )
  }

  it.concurrent(
    'goes on with a new one of the same holder, without missing an event [WP-3.16] [WP-6.7]',
    beside(async ({ expect }) => {
      const { url } = await startGuarded(AUTH, { expiringMs: 1_000 })
      const publisher = bearer(await sign({ sub: 'feed', ...WATCH_CHAT }))
      const stream = await openSse(`${url}/v1/topics/chat/lobby`, bearer(await ending(4, WATCH_CHAT)))
      const id = await connectionOf(stream)
      await stream.next(({ event }) => event === 'expiring')
      const answer = await renew(url, id, await ending(600, WATCH_CHAT))
      expect(answer).toMatchObject({ status: 200, body: { expires: expect.stringMatching(/Z$/) } })
      for (let i = 0; i < 25; i++) {
        expect((await post(`${url}/v1/topics/chat/lobby`, { type: 'line', data: i }, publisher)).status).toBe(201)
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
      const events = await stream.events(25)
      expect(events.map(({ data }) => data['data'])).toEqual(Array.from({ length: 25 }, (_, i) => i))
      expect(stream.messages.some(({ event }) => event === 'error')).toBe(false)
    }),
  )

  it.concurrent(
    'goes on with none of somebody else, who is not even told that it is there [WP-3.16]',
    beside(async ({ expect }) => {
      const { url } = await startGuarded(AUTH)
      const stream = await openSse(`${url}/v1/topics/mine`, bearer(await sign()))
      const anonymous = await openSse(`${url}/v1/topics/open`)
      const [id, anonymousId] = [await connectionOf(stream), await connectionOf(anonymous)]
      const other = await sign({ sub: 'bob' })
      const unknown = await renew(url, 'b7a5c7a0-0000-4000-8000-000000000000', other)
      expectProblem(unknown, 'not-found')
      for (const taken of [id, anonymousId, `${id}/x`]) {
        const answer = await renew(url, taken, other)
        expectProblem(answer, 'not-found')
        expect({ ...answer.body, instance: '' }).toEqual({ ...unknown.body, instance: '' })
      }
      expectProblem(await post(`${url}/v1/connections/${id}/token`, ''), 'unauthorized')
      expectProblem(await renew(url, id, `${other}x`), 'unauthorized')
      expect(await renew(url, id, await sign())).toMatchObject({ status: 200 })
    }),
  )

  it.concurrent(
    'that may watch it no longer with the new one is ended with a message [WP-6.7] [WP-6.1]',
    beside(async ({ expect }) => {
      const { url } = await startGuarded(AUTH)
      const stream = await openSse(`${url}/v1/topics/chat/lobby`, bearer(await sign(WATCH_CHAT)))
      expect((await renew(url, await connectionOf(stream), await sign())).status).toBe(200)
      const { data } = await stream.next(({ event }) => event === 'error')
      expect(data).toMatchObject({ error: { type: '/problems/unknown-topic' } })
      await stream.ended
    }),
  )

  it.concurrent(
    'sees other topics of a wildcard with the new one, from where it stands [WP-6.7] [WP-6.3]',
    beside(async ({ expect }) => {
      const { url } = await startGuarded(AUTH)
      const granted = (...watch: readonly string[]): Record<string, unknown> => ({
        watchpost: { watch, publish: ['chat/*'] },
      })
      const publisher = bearer(await sign({ sub: 'feed', ...granted('chat/*') }))
      const publish = async (room: string, data: number): Promise<void> => {
        expect((await post(`${url}/v1/topics/chat/${room}`, { type: 'line', data }, publisher)).status).toBe(201)
      }
      const stream = await openSse(`${url}/v1/topics/chat/*`, bearer(await sign(granted('chat/a'))))
      const id = await connectionOf(stream)
      await publish('a', 1)
      await publish('b', 2)
      await stream.events(1)
      expect((await renew(url, id, await sign(granted('chat/b')))).status).toBe(200)
      await publish('a', 3)
      await publish('b', 4)
      expect((await stream.events(2)).map(({ data }) => [data['topic'], data['data']])).toEqual([
        ['chat/a', 1],
        ['chat/b', 4],
      ])
    }),
  )
})

describe.concurrent('a long poll', () => {
  it.concurrent(
    'waits no longer than its token lasts [WP-6.7]',
    beside(async ({ expect }) => {
      const { url } = await startGuarded(AUTH)
      const beganMs = Date.now()
      const answer = await get(`${url}/v1/topics/mine?wait=60`, bearer(await ending(2)))
      expect(answer).toMatchObject({ status: 200, body: { events: [] } })
      expect(Date.now() - beganMs).toBeLessThan(30_000)
    }),
  )
})

describe.concurrent('a WebSocket whose token ends', () => {
  it.concurrent(
    'is told before, and closed then [WP-6.7] [WP-4.9]',
    beside(async ({ expect }) => {
      const { url } = await startGuarded(AUTH)
      const socket = await openRaw(url, { headers: { Authorization: `Bearer ${await ending(2)}` } })
      await socket.next(({ type }) => type === 'expiring')
      const { error } = await socket.next(({ type }) => type === 'error')
      expect(error).toMatchObject({ type: '/problems/token-expired' })
      expect(await socket.closed).toEqual({ code: 4401, reason: 'expired' })
    }),
  )

  it.concurrent(
    'goes on with a new one of the same holder, by message or by request [WP-6.7] [WP-3.16]',
    beside(async ({ expect }) => {
      const { url } = await startGuarded(AUTH)
      const socket = await openRaw(url, { headers: { Authorization: `Bearer ${await ending(3)}` } })
      const { data } = await socket.next(({ type }) => type === 'welcome')
      const { connection } = data as { readonly connection: string }
      expect(await asking(socket, { type: 'authenticate', id: '1', data: { token: await ending(4) } })).toMatchObject({
        type: 'authenticated',
        data: { expires: expect.stringMatching(/Z$/) },
      })
      const stranger = { type: 'authenticate', id: '2', data: { token: await sign({ sub: 'bob' }) } }
      expect(await asking(socket, stranger)).toMatchObject({ error: { type: '/problems/forbidden' } })
      const broken = { type: 'authenticate', id: '3', data: { token: 'nonsense' } }
      expect(await asking(socket, broken)).toMatchObject({ error: { type: '/problems/unauthorized' } })
      expect((await renew(url, connection, await ending(600))).status).toBe(200)
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      expect(await asking(socket, { type: 'ping', id: '4' })).toMatchObject({ type: 'pong' })
    }),
  )

  it.concurrent(
    'of nobody becomes somebody`s by the first token, and counts as theirs [WP-6.7] [WP-8.1]',
    beside(async ({ expect }) => {
      const { url } = await startGuarded(AUTH, { limits: { connectionsPerIdentity: 1 } })
      const [first, second] = [await openRaw(url), await openRaw(url)]
      const subscribe = { type: 'subscribe', id: '1', data: { topic: 'mine' } }
      expect(await asking(first, subscribe)).toMatchObject({ error: { type: '/problems/unknown-topic' } })
      const authenticate = { type: 'authenticate', id: '2', data: { token: await sign() } }
      expect(await asking(first, authenticate)).toMatchObject({ type: 'authenticated' })
      expect(await asking(first, { ...subscribe, id: '3' })).toMatchObject({ type: 'subscribed' })
      expect(await asking(second, authenticate)).toMatchObject({
        error: { type: '/problems/reach-maximum-connections', message: 'Maximum number of connections reached' },
      })
      first.socket.destroy()
      await expect
        .poll(async () => (await asking(second, { ...authenticate, id: `${Math.random()}` })).type, { interval: 200 })
        .toBe('authenticated')
    }),
  )

  it.concurrent(
    'that lost a right loses the subscription, and no other [WP-6.7] [WP-4.4]',
    beside(async ({ expect }) => {
      const { url } = await startGuarded(AUTH)
      const socket = await openRaw(url, { headers: { Authorization: `Bearer ${await sign(WATCH_CHAT)}` } })
      await asking(socket, { type: 'subscribe', id: '1', data: { topic: 'chat/lobby' } })
      await asking(socket, { type: 'subscribe', id: '2', data: { topic: 'mine' } })
      await asking(socket, { type: 'authenticate', id: '3', data: { token: await sign() } })
      expect(await socket.next(({ type }) => type === 'error')).toMatchObject({
        error: { type: '/problems/unknown-topic' },
      })
      expect(await socket.next(({ type }) => type === 'unsubscribed')).toMatchObject({ data: { topic: 'chat/lobby' } })
      const again = { type: 'subscribe', id: '4', data: { topic: 'mine' } }
      expect(await asking(socket, again)).toMatchObject({ error: { type: '/problems/invalid-parameter' } })
    }),
  )
})
