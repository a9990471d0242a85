/** Whose credentials are whose: what stays one holder's when tokens change, and what two never share. */
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { newApiKey } from '../src/auth/api-keys.ts'
import { nowSeconds, SECRET, sign, startGuarded } from './fixtures/auth.ts'
import { expectProblem } from './fixtures/http.ts'
import { type Answer, post } from './harness.ts'

const rights = { watchpost: { watch: ['chat/*'], publish: ['chat/*'] } }
const { watchpost: grants } = rights
const feed = newApiKey('ada', { grants })
const [A, B] = ['https://a.example', 'https://b.example']
const OTHER_SECRET = `other-${SECRET}`
const AUTH = {
  jwt: [
    { issuer: A, secret: SECRET },
    { issuer: B, secret: OTHER_SECRET },
  ],
  apiKeys: [feed.entry],
}

const ofA = (claims: object = {}): Promise<string> => sign({ iss: A, ...rights, ...claims })
const ofB = (claims: object = {}): Promise<string> => sign({ iss: B, ...rights, ...claims }, { key: OTHER_SECRET })

describe('an idempotency key', () => {
  it('is one of its holder, whichever token it comes with [WP-3.10] [WP-6.6]', async () => {
    const { url } = await startGuarded(AUTH)
    const publish = (token: string): Promise<Answer> =>
      post(
        `${url}/v1/topics/chat/lobby`,
        { type: 'line' },
        { authorization: `Bearer ${token}`, 'idempotency-key': 'k' },
      )
    const first = await publish(await ofA())
    expect(first.status).toBe(201)
    const later = [await ofA({ exp: nowSeconds() + 900, jti: '2' }), await ofA({ role: 'other', scope: 'more' })]
    for (const token of later) {
      const again = await publish(token)
      expect([again.headers.get('idempotent-replayed'), again.body]).toEqual(['true', first.body])
    }
    const ids = new Set([first.body.events[0].id])
    for (const token of [await ofB(), feed.key, await ofA({ sub: 'bob' })]) {
      const other = await publish(token)
      expect([other.status, other.headers.get('idempotent-replayed')]).toEqual([201, null])
      ids.add(other.body.events[0].id)
    }
    expect(ids.size).toBe(4)
  })
})

describe('an identity', () => {
  it('has one holder for each issuer and subject, and for each kind of credentials [WP-6.6]', async () => {
    const server = await startGuarded(AUTH)
    const seen = async (token: string) => {
      expect((await server.ask(token)).status).toBe(200)
      return server.seen
    }
    const base = await seen(await ofA())
    const others = [await seen(await ofB()), await seen(feed.key)]
    expect(others.map((other) => other?.subject)).toEqual(['ada', 'ada'])
    expect(new Set([base, ...others].map((each) => each?.holder)).size).toBe(3)
    const changed = await seen(await ofA({ role: 'admin' }))
    expect([changed?.holder, changed?.name === base?.name]).toEqual([base?.holder, false])
    const single = await startGuarded({ jwt: { secret: SECRET } })
    for (const claims of [{}, { iss: A }, { iss: B }]) {
      expect((await single.ask(await sign(claims))).status).toBe(200)
    }
    expect(single.seen?.holder).toMatch(/^[\w-]{43}$/)
  })
})

describe('a connection', () => {
  it('is renewed by credentials of the same holder only [WP-6.7] [WP-4.3]', async () => {
    const { url } = await startGuarded(AUTH)
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1`, {
      headers: { authorization: `Bearer ${await ofA()}` },
    })
    const answers = new Map<unknown, { readonly type: string; readonly error?: { readonly type: string } }>()
    const waiting = new Map<unknown, () => void>()
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString())
      answers.set(message.re, message)
      waiting.get(message.re)?.()
    })
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
    const renew = async (id: string, token: string) => {
      const answered = new Promise<void>((resolve) => waiting.set(id, resolve))
      socket.send(JSON.stringify({ type: 'authenticate', id, data: { token } }))
      await answered
      return answers.get(id)
    }
    expect(await renew('1', await ofA({ role: 'other' }))).toMatchObject({ type: 'authenticated' })
    const foreign = { type: 'error', error: { type: '/problems/forbidden' } }
    for (const [id, token] of [await ofB(), feed.key, await ofA({ sub: 'bob' })].entries()) {
      expect(await renew(`foreign-${id}`, token)).toMatchObject(foreign)
    }
    expect(await renew('2', await ofA())).toMatchObject({ type: 'authenticated' })
    socket.close()
  })

  it('of another holder is not there for whoever brings a token for it [WP-3.16] [WP-6.7]', async () => {
    const { url } = await startGuarded(AUTH)
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1`, {
      headers: { authorization: `Bearer ${await ofA()}` },
    })
    const welcome = await new Promise<Buffer>((resolve, reject) => socket.on('message', resolve).on('error', reject))
    const { connection } = JSON.parse(welcome.toString()).data as { readonly connection: string }
    const renew = (token: string): Promise<Answer> =>
      post(`${url}/v1/connections/${connection}/token`, '', { authorization: `Bearer ${token}` })
    expect((await renew(await ofA({ role: 'other' }))).status).toBe(200)
    for (const token of [await ofB(), feed.key]) expectProblem(await renew(token), 'not-found')
    socket.close()
  })
})
