/** Where credentials can be, whom they speak for, and that nothing repeats them. */
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { forged, nowSeconds, SECRET, sign, startGuarded } from './fixtures/auth.ts'
import { expectProblem, raw } from './fixtures/http.ts'
import { type Answer, get, openSse, post, startServer, TOPICS } from './harness.ts'

const AUTH = { jwt: { secret: SECRET } }

/** How a handshake ends: 101, or the status that refuses it. */
function handshake(url: string, protocols: readonly string[], headers: Record<string, string> = {}): Promise<number> {
  const socket = new WebSocket(url.replace('http', 'ws'), [...protocols], { headers })
  return new Promise((resolve) => {
    socket.on('open', () => {
      expect(socket.protocol).toBe(protocols.find((name) => name.startsWith('watchpost.')) ?? '')
      socket.close()
      resolve(101)
    })
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    socket.on('error', () => undefined)
  })
}

describe('credentials', () => {
  it('are a bearer token, in any letters [WP-6.6]', async () => {
    const { url } = await startGuarded(AUTH)
    const token = await sign()
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer  ']) {
      expect((await get(`${url}/v1/topics/mine`, { authorization: `${scheme} ${token}` })).status).toBe(200)
    }
    for (const bad of ['Bearer', 'Bearer ', 'Bearer a b', `Bearer ${token} ${token}`]) {
      expectProblem(await get(`${url}/v1/topics/mine`, { authorization: bad }), 'unauthorized')
    }
  })

  it('are none in another scheme, and without any one is anonymous [WP-6.6] [WP-6.3]', async () => {
    const server = await startGuarded(AUTH)
    for (const authorization of ['Basic YWRhOng=', 'Bearerx', await sign()]) {
      expectProblem(await get(`${server.url}/v1/topics/mine`, { authorization }), 'unknown-topic')
    }
    expectProblem(await get(`${server.url}/v1/topics/mine`), 'unknown-topic')
    expect(server.seen).toMatchObject({ name: 'anonymous', grants: { watch: [], publish: [], admin: false } })
    expect((await get(`${server.url}/v1/topics/open`)).status).toBe(200)
  })

  it('that are bad are refused, also for what anyone may see [WP-6.6]', async () => {
    const { url } = await startGuarded(AUTH)
    const authorization = 'Bearer nonsense'
    expectProblem(await get(`${url}/v1/topics/open`, { authorization }), 'unauthorized')
    expectProblem(await get(`${url}/v1/topics`, { authorization }), 'unauthorized')
    expectProblem(await post(`${url}/v1/topics/open`, { type: 'line' }, { authorization }), 'unauthorized')
    expect(await handshake(`${url}/v1`, [], { authorization })).toBe(401)
    for (const path of ['/healthz', '/problems/unauthorized', '/metrics']) {
      expect((await get(`${url}${path}`, { authorization })).status).toBe(200)
    }
  })

  it('that are sent twice are refused [WP-6.6]', async () => {
    const { url } = await startGuarded({ ...AUTH, queryToken: true, cookie: 'session' })
    const [token, other] = [await sign(), await sign({ sub: 'root' })]
    const head = `Host: ${new URL(url).host}\r\nConnection: close\r\n`
    const ask = (path: string, headers: string): Promise<Answer> =>
      raw(url, `GET /v1/topics/mine${path} HTTP/1.1\r\n${head}${headers}\r\n`)
    expect((await ask('', `Authorization: Bearer ${token}\r\n`)).status).toBe(200)
    const twice = [
      ['', `Authorization: Bearer ${token}\r\nAuthorization: Bearer ${other}\r\n`],
      ['', `Authorization: Basic YTpi\r\nAuthorization: Bearer ${token}\r\n`],
      [`?token=${token}&token=${other}`, ''],
      ['', `Origin: ${url}\r\nCookie: session=${token}; session=${other}\r\n`],
    ] as const
    for (const [path, headers] of twice) expectProblem(await ask(path, headers), 'unauthorized')
  })

  it('are a subprotocol of a WebSocket, beside a real one [WP-6.6] [WP-4.2]', async () => {
    const server = await startGuarded(AUTH)
    const token = await sign()
    const url = `${server.url}/v1/topics/mine`
    expect(await handshake(url, ['watchpost.v1.json', `bearer.${token}`])).toBe(101)
    expect(server.seen?.subject).toBe('ada')
    expect(await handshake(url, [`bearer.${token}`, 'watchpost.v1.msgpack'])).toBe(101)
    expect(await handshake(url, ['watchpost.v1.json'])).toBe(404)
    expect(await handshake(url, ['watchpost.v1.json', 'bearer.nonsense'])).toBe(401)
    expect(await handshake(url, ['watchpost.v1.json', `bearer.${token}`, `bearer.${token}a`])).toBe(401)
    // Browsers would end a connection whose subprotocol the server does not name.
    expect(await handshake(url, [`bearer.${token}`])).toBe(400)
    const headers = { 'sec-websocket-protocol': `bearer.${token}` }
    expectProblem(await get(url, headers), 'unknown-topic')
  })

  it('are in the query only where the configuration allows it, and are in no link [WP-6.6] [WP-3.7]', async () => {
    const token = await sign({ watchpost: { watch: ['chat/*'], publish: ['chat/*'] } })
    const off = await startGuarded(AUTH)
    expectProblem(await get(`${off.url}/v1/topics/mine?token=${token}`), 'unknown-topic')
    const { url } = await startGuarded({ ...AUTH, queryToken: true })
    expectProblem(await get(`${url}/v1/topics/mine?token=nonsense`), 'unauthorized')
    const room = `${url}/v1/topics/chat/lobby?token=${token}`
    await post(room, [{ type: 'line' }, { type: 'line' }])
    const page = await get(`${room}&limit=1`)
    expect(page.body.events).toHaveLength(1)
    expect(page.headers.get('link')).toMatch(/limit=1.*rel="next"/)
    expect(page.headers.get('link')).not.toContain('token')
    expect((await (await openSse(`${room}&after=earliest`)).events(2)).map(({ event }) => event)).toHaveLength(2)
  })

  it('are taken from the first place that has some [WP-6.6]', async () => {
    const server = await startGuarded({ ...AUTH, queryToken: true, cookie: 'session' })
    const { url } = server
    const subjectOf = async (path: string, headers: Record<string, string>): Promise<string | undefined> => {
      expect((await get(`${url}/v1/topics/mine${path}`, headers)).status).toBe(200)
      return server.seen?.subject
    }
    const authorization = `Bearer ${await sign({ sub: 'header' })}`
    const query = `?token=${await sign({ sub: 'query' })}`
    const cookie = { cookie: `a=b; session=${await sign({ sub: 'cookie' })}`, origin: url }
    expect(await subjectOf(query, { authorization, ...cookie })).toBe('header')
    expect(await subjectOf(query, cookie)).toBe('query')
    expect(await subjectOf('', cookie)).toBe('cookie')
    expectProblem(await get(`${url}/v1/topics/mine${query}`, { authorization: 'Bearer nonsense' }), 'unauthorized')
  })
})

describe('`WWW-Authenticate`', () => {
  const invalid = (description: string): string => `Bearer error="invalid_token", error_description="${description}"`

  it('asks for credentials where none were sent, and says of those that were that they are no good [WP-6.6]', async () => {
    const { url } = await startGuarded(AUTH)
    const challenge = async (answer: Promise<Answer>): Promise<unknown> => {
      const { status, headers } = await answer
      return [status, headers.get('www-authenticate')]
    }
    const ask = (headers: Record<string, string>, query = ''): Promise<unknown> =>
      challenge(get(`${url}/v1/topics/open${query}`, headers))
    const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
    const bad = [401, invalid('The credentials are not valid.')]
    expect(await challenge(post(`${url}/v1/tickets`, ''))).toEqual([401, 'Bearer'])
    expect(await ask(bearer(await sign()))).toEqual([200, null])
    expect(await ask(bearer('nonsense'))).toEqual(bad)
    expect(await ask(bearer(await sign({}, { key: `${SECRET}x` })))).toEqual(bad)
    expect(await ask({}, '?ticket=nonsense')).toEqual(bad)
    expect(await ask(bearer(await sign({ exp: nowSeconds() - 60 })))).toEqual([
      401,
      invalid('The credentials have expired; send new ones.'),
    ])
    expect(await challenge(get(`${url}/v1/topics/mine`))).toEqual([404, null])
  })
})

describe('a cookie', () => {
  it('counts for pages of the own origin and of those listed only [WP-6.6]', async () => {
    const listed = 'https://app.example.com'
    const { url } = await startGuarded({ ...AUTH, cookie: 'session' }, { cors: { origins: [listed] } })
    const cookie = `session=${await sign()}`
    const ask = (headers: Record<string, string>): Promise<Answer> =>
      get(`${url}/v1/topics/mine`, { cookie, ...headers })
    expect((await ask({ origin: url })).status).toBe(200)
    expect((await ask({ origin: listed })).status).toBe(200)
    const { host, port } = new URL(url)
    const foreign = ['https://evil.example', 'null', `${url}.evil.example`, `http://localhost:${port}`, host]
    for (const origin of foreign) expectProblem(await ask({ origin }), 'unknown-topic')
    expectProblem(await ask({}), 'unknown-topic')
    expect(await handshake(`${url}/v1/topics/mine`, [], { cookie, origin: url })).toBe(101)
    expect(await handshake(`${url}/v1/topics/mine`, [], { cookie })).toBe(404)
  })

  it('counts behind a proxy for pages that came over TLS only [WP-6.6] [WP-8.3]', async () => {
    const { url } = await startGuarded({ ...AUTH, cookie: 'session' }, { trustProxy: 'loopback' })
    const ask = async (origin: string): Promise<Answer> =>
      get(`${url}/v1/topics/mine`, { cookie: `session=${await sign()}`, origin })
    expect((await ask(url.replace('http', 'https'))).status).toBe(200)
    expectProblem(await ask(url), 'unknown-topic')
  })

  it('counts where a browser says that a page reads from its own origin [WP-6.6]', async () => {
    const { url } = await startGuarded({ ...AUTH, cookie: 'session' })
    const head = `Host: ${new URL(url).host}\r\nConnection: close\r\nCookie: session=${await sign()}\r\n`
    const from = (site: string): Promise<Answer> =>
      raw(url, `GET /v1/topics/mine HTTP/1.1\r\n${head}Sec-Fetch-Site: ${site}\r\n\r\n`)
    expect((await from('same-origin')).status).toBe(200)
    for (const site of ['same-site', 'cross-site', 'none']) expectProblem(await from(site), 'unknown-topic')
  })

  it('does not count for any page, though any may read what is open [WP-6.6] [WP-3.13]', async () => {
    const { url } = await startGuarded({ ...AUTH, cookie: 'session' }, { cors: { origins: '*' } })
    const headers = { cookie: `session=${await sign()}`, origin: 'https://evil.example' }
    expectProblem(await get(`${url}/v1/topics/mine`, headers), 'unknown-topic')
    expect((await get(`${url}/v1/topics/open`, headers)).status).toBe(200)
  })

  it('counts only if the configuration names it [WP-6.6]', async () => {
    const { url } = await startGuarded(AUTH)
    const headers = { cookie: `session=${await sign()}`, origin: url }
    expectProblem(await get(`${url}/v1/topics/mine`, headers), 'unknown-topic')
    const other = await startGuarded({ ...AUTH, cookie: 'other' })
    expectProblem(await get(`${other.url}/v1/topics/mine`, { ...headers, origin: other.url }), 'unknown-topic')
  })
})

describe('a server without `auth`', () => {
  it('does not look at credentials [WP-6.6]', async () => {
    const { url } = await startServer({ topics: TOPICS })
    const authorization = 'Bearer nonsense'
    expect((await get(`${url}/v1/topics/log?token=x&ticket=y`, { authorization })).status).toBe(200)
    expect(await handshake(`${url}/v1`, ['watchpost.v1.json', 'bearer.nonsense'], { authorization })).toBe(101)
    expectProblem(await post(`${url}/v1/tickets`, '', { authorization }), 'unauthorized')
  })
})

describe('an identity', () => {
  it('has the scopes of its token [WP-6.6]', async () => {
    const server = await startGuarded(AUTH)
    const scopesOf = async (claims: object): Promise<string[]> => {
      expect((await server.ask(await sign({ ...claims }))).status).toBe(200)
      return [...(server.seen?.scopes ?? [])]
    }
    expect(await scopesOf({ scope: 'read  write ' })).toEqual(['read', 'write'])
    expect(await scopesOf({ scp: ['read', 'write'] })).toEqual(['read', 'write'])
    expect(await scopesOf({ scopes: ['read'], scp: 'write' })).toEqual(['write', 'read'])
    expect(await scopesOf({ scope: ['read', 7], scp: { read: true }, scopes: null })).toEqual([])
  })

  it('is granted what its token grants, topic by topic [WP-6.6] [WP-6.1]', async () => {
    const { url } = await startGuarded(AUTH)
    const rights = { watchpost: { watch: ['chat/*'], publish: ['chat/lobby'] } }
    const authorization = `Bearer ${await sign(rights)}`
    const room = (name: string): string => `${url}/v1/topics/chat/${name}`
    expect((await post(room('lobby'), { type: 'line' }, { authorization })).status).toBe(201)
    expectProblem(await post(room('attic'), { type: 'line' }, { authorization }), 'forbidden')
    expect((await get(room('attic'), { authorization })).status).toBe(200)
    expectProblem(await get(room('attic')), 'unknown-topic')
    const listed = await get(`${url}/v1/topics`, { authorization })
    expect(listed.body.topics.map(({ topic }: { topic: string }) => topic)).toContain('chat/{room}')
  })

  it('is granted nothing by a claim of another shape [WP-6.6]', async () => {
    const server = await startGuarded(AUTH)
    const shapes: readonly unknown[] = [
      ...[true, 'chat/*', ['chat/*'], null, { watch: 'chat/*' }, { watch: ['chat/*', 7] }, { watch: ['chat//x'] }],
      ...[
        { watch: ['chat/*'], admin: 'true' },
        { watch: ['chat/*'], admin: 1 },
        { watch: ['chat/*'], wach: [] },
      ],
      ...[{ watch: Array.from({ length: 129 }, (_, i) => `chat/${i}`) }, { watch: { 0: 'chat/*' } }],
    ]
    for (const watchpost of shapes) {
      expect((await server.ask(await sign({ watchpost }))).status).toBe(200)
      expect(server.seen?.grants).toEqual({ watch: [], publish: [], admin: false })
    }
    await server.ask(await sign({ watchpost: { watch: ['chat/*'], admin: true } }))
    expect(server.seen?.grants).toEqual({ watch: ['chat/*'], publish: [], admin: true })
  })

  it('is granted what the claim holds that the configuration names [WP-6.6]', async () => {
    const grantsClaim = 'https://example.com/rights'
    const server = await startGuarded({ jwt: { secret: SECRET, grantsClaim } })
    await server.ask(await sign({ watchpost: { admin: true }, [grantsClaim]: { publish: ['a'] } }))
    expect(server.seen?.grants).toEqual({ watch: [], publish: ['a'], admin: false })
    await server.ask(forged({ alg: 'HS256' }, `{"sub":"ada","exp":${nowSeconds() + 60},"__proto__":{"admin":true}}`))
    expect(server.seen?.grants.admin).toBe(false)
  })

  it('has one name for the same rights, and another for others [WP-6.6]', async () => {
    const server = await startGuarded(AUTH)
    const nameOf = async (claims: object): Promise<string | undefined> => {
      expect((await server.ask(await sign({ ...claims }))).status).toBe(200)
      return server.seen?.name
    }
    const base = await nameOf({ role: { a: 1, b: [1, 2] }, iss: 'x' })
    const same = { iss: 'x', role: { b: [1, 2], a: 1 }, iat: nowSeconds(), nbf: 1, jti: 'j', exp: nowSeconds() + 90 }
    expect(await nameOf(same)).toBe(base)
    expect(Object.keys(server.seen?.claims ?? {}).sort()).toEqual(['iss', 'role', 'sub'])
    const others = [
      ...[{ role: { a: 1, b: [2, 1] }, iss: 'x' }, { role: { a: '1', b: [1, 2] }, iss: 'x' }, { iss: 'x' }],
      ...[
        { role: { a: 1, b: [1, 2] }, iss: 'y' },
        { role: { a: 1, b: [1, 2] }, iss: 'x', sub: 'bob' },
      ],
      ...[
        {
          role: [
            ['a', 1],
            ['b', [1, 2]],
          ],
          iss: 'x',
        },
        { role: { a: 1, b: [1, 2] }, iss: 'x', scope: 's' },
      ],
    ]
    const names = new Set([base])
    for (const claims of others) names.add(await nameOf(claims))
    expect(names.size).toBe(others.length + 1)
    expect([...names].join(' ')).not.toMatch(/ada|bob/)
  })
})

describe('the log', () => {
  it('has no credentials, at its most talkative [WP-6.6]', async () => {
    const server = await startGuarded({ ...AUTH, queryToken: true, cookie: 'session' })
    const { url } = server
    const expired = await sign({ exp: nowSeconds() - 60 })
    const bad = `${(await sign()).slice(0, -4)}AAAA`
    for (const token of [await sign({ sub: 'grace' }), expired, bad]) {
      await server.ask(token)
      await get(`${url}/v1/topics/mine?token=${token}`)
      await get(`${url}/v1/topics/mine`, { cookie: `session=${token}`, origin: url })
      await handshake(`${url}/v1`, ['watchpost.v1.json', `bearer.${token}`])
      await get(`${url}/v1/topics/mine?ticket=${token}`)
      for (const part of token.split('.')) expect(server.log()).not.toContain(part.slice(8, 40))
    }
    expect(server.log()).toContain('credentials were refused')
    expect(server.log()).not.toContain(SECRET)
  })
})
