/** API keys, and the commands that make them and tokens. */
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { type ApiKey, topic } from 'watchpost'
import { newApiKey } from '../src/auth/api-keys.ts'
import { cleanUp, folderWith, runProgram, serveIn } from './cli-process.ts'
import { SECRET, sign, startGuarded } from './fixtures/auth.ts'
import { expectProblem } from './fixtures/http.ts'
import { get, post, startServer } from './harness.ts'

afterAll(cleanUp)

describe('an API key', () => {
  const feed = newApiKey('feed', { grants: { publish: ['chat/lobby'] } })

  it('speaks for its subject, with its grants [WP-6.6]', async () => {
    const server = await startGuarded({ apiKeys: [feed.entry] })
    const authorization = `Bearer ${feed.key}`
    expect((await server.ask(feed.key)).status).toBe(200)
    expect(server.seen).toMatchObject({
      subject: 'feed',
      claims: {},
      grants: { publish: ['chat/lobby'], admin: false },
    })
    const room = (name: string): string => `${server.url}/v1/topics/chat/${name}`
    expect((await post(room('lobby'), { type: 'line' }, { authorization })).status).toBe(201)
    expectProblem(await post(room('attic'), { type: 'line' }, { authorization }), 'unknown-topic')
  })

  it('can be changed: several of one subject are the same identity [WP-6.6]', async () => {
    const next = newApiKey('feed', { grants: { publish: ['chat/lobby'] } })
    const more = newApiKey('feed', { grants: { publish: ['chat/lobby'], admin: true } })
    const server = await startGuarded({ apiKeys: [feed.entry, next.entry, more.entry] })
    const names: unknown[] = []
    for (const { key } of [feed, next, more]) {
      expect((await server.ask(key)).status).toBe(200)
      names.push(server.seen?.name)
    }
    expect(names[1]).toBe(names[0])
    expect(names[2]).not.toBe(names[0])
  })

  it('has the scopes that its entry gives it, which make another identity [WP-6.6] [WP-6.1]', async () => {
    const scoped = newApiKey('feed', { grants: {}, scopes: ['prices', 'orders'] })
    const same = newApiKey('feed', { grants: {}, scopes: ['orders', 'prices'] })
    const without = newApiKey('feed', { grants: {} })
    const events = { line: {} }
    const topics = { prices: topic({ events, watch: { scope: 'prices' } }) }
    const names: unknown[] = []
    const server = await startGuarded({ apiKeys: [scoped.entry, same.entry, without.entry] })
    for (const { key } of [scoped, same, without]) {
      expect((await server.ask(key)).status).toBe(200)
      names.push(server.seen?.name)
    }
    expect([...(server.seen?.scopes ?? [])]).toEqual([])
    expect([names[1] === names[0], names[2] === names[0]]).toEqual([true, false])
    const { url } = await startServer({ topics, auth: { apiKeys: [scoped.entry, without.entry] } })
    const ask = (key: string) => get(`${url}/v1/topics/prices`, { authorization: `Bearer ${key}` })
    expect((await ask(scoped.key)).status).toBe(200)
    expectProblem(await ask(without.key), 'unknown-topic')
  })

  it('ends when it is said to [WP-6.6] [WP-5.1]', async () => {
    const past = newApiKey('past', { grants: {} })
    const future = newApiKey('future', { grants: {} })
    const server = await startGuarded({
      apiKeys: [
        { ...past.entry, notAfter: '2020-01-01T00:00:00Z' },
        { ...future.entry, notAfter: '2999-01-01T00:00:00+01:00' },
      ],
    })
    expectProblem(await server.ask(past.key), 'token-expired')
    expect((await server.ask(future.key)).status).toBe(200)
  })

  it('that is not the one is refused in the same words, whatever is wrong with it [WP-6.6]', async () => {
    const server = await startGuarded({ apiKeys: [feed.entry], jwt: { secret: SECRET } })
    const [prefix = '', id = ''] = feed.key.split('_')
    const wrong = [
      ...[`${feed.key}A`, feed.key.slice(0, -1), feed.key.toUpperCase(), feed.key.replace(id, 'aaaaaaaaaaaa')],
      ...[
        `${prefix}_${id}_`,
        `${prefix}_`,
        newApiKey('feed', { grants: {} }).key,
        feed.entry.hash,
        feed.entry.hash.slice(7),
      ],
      ...[`${prefix}_${'x'.repeat(10_000)}`],
    ]
    const details = new Set<string>()
    for (const key of wrong) {
      const { status, body } = await server.ask(key)
      expect([key, status]).toEqual([key, 401])
      details.add(body.detail)
    }
    expect([...details]).toEqual(['The credentials are not valid.'])
    expect((await server.ask(feed.key)).status).toBe(200)
    expect((await server.ask(await sign())).status).toBe(200)
    expect(server.log()).not.toContain(feed.key)
    expect(server.log()).not.toContain(id)
  })
})

describe('watchpost key', () => {
  it('prints a key and the entry that lets it in [WP-6.6]', async () => {
    const args = ['key', '--subject', 'feed', '--publish', 'chat/*', '--publish', 'news', '--watch', '**', '--admin']
    const { code, stdout, stderr } = await runProgram([...args, '--not-after', '2999-01-01T00:00:00+00:00'])
    expect(code).toBe(0)
    const [key = '', ...rest] = stdout.split('\n')
    expect(key).toMatch(/^wpk_[a-z0-9]{12}_[\w-]{43}$/)
    const entry = JSON.parse(rest.join('\n')) as ApiKey
    expect(entry).toEqual({
      id: key.split('_')[1],
      hash: `sha256:${createHash('sha256').update(key).digest('base64url')}`,
      subject: 'feed',
      grants: { publish: ['chat/*', 'news'], watch: ['**'], admin: true },
      notAfter: '2999-01-01T00:00:00.000Z',
    })
    expect(stderr).not.toContain(key)
    const scoped = await runProgram(['key', '--subject', 'a', '--json', '--scope', 'prices  https://example.com/x'])
    expect(JSON.parse(scoped.stdout).entry).toMatchObject({ grants: {}, scopes: ['prices', 'https://example.com/x'] })
    const server = await startGuarded({ apiKeys: [entry] })
    expect((await server.ask(key)).status).toBe(200)
    expect(server.seen?.grants.admin).toBe(true)
  })

  it('prints another one each time, as JSON if it is asked to [WP-6.6]', async () => {
    const run = async (): Promise<{ key: string; entry: ApiKey }> =>
      JSON.parse((await runProgram(['key', '--subject', 'a', '--json'])).stdout)
    const [a, b] = [await run(), await run()]
    expect(a.key).not.toBe(b.key)
    expect([a.entry.id, a.entry.hash]).not.toEqual([b.entry.id, b.entry.hash])
    expect(a.entry.grants).toEqual({})
  })

  it.each([
    [['key']],
    [['key', '--subject', '']],
    [['key', '--subject', 'a', '--watch', 'a//b']],
    [['key', '--subject', 'a', '--scope', ' ']],
    [['key', '--subject', 'a', '--scope', 'a"b']],
    [['key', '--subject', 'a', '--not-after', 'tomorrow']],
    [['token', '--subject', 'a']],
    [['token', '--subject', 'a', '--secret-env', 'NONE']],
    [['token', '--subject', 'a', '--secret-env', 'SHORT']],
    [['token', '--subject', 'a', '--secret-env', 'LONG', '--ttl', '1 hour']],
  ])('and token refuse %j as wrong usage, without what is secret [WP-6.6]', async (args) => {
    const { code, stdout, stderr } = await runProgram(args, { env: { SHORT: 'tooshortasecret', LONG: SECRET } })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/error|watchpost:/)
    expect(stderr).not.toMatch(new RegExp(`tooshortasecret|${SECRET}`))
  })
})

describe('watchpost token', () => {
  it('signs what a served configuration lets in, by a secret from the environment [WP-6.6]', async () => {
    const topics = { 'chat/{room}': { events: { line: {} }, watch: 'granted', publish: 'granted' } }
    const jwt = { secret: SECRET, issuer: 'me', audience: 'here' }
    const serving = await serveIn(folderWith({ 'watchpost.config.json': JSON.stringify({ auth: { jwt }, topics }) }))
    const made = (...more: readonly string[]) =>
      runProgram(['token', '--secret-env', 'S', '--subject', 'ada', '--watch', 'chat/*', ...more], {
        env: { S: SECRET },
      })
    const { code, stdout } = await made('--issuer', 'me', '--audience', 'here', '--ttl', '15m', '--scope', 'a b')
    expect(code).toBe(0)
    const claims = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ sub: 'ada', scope: 'a b', watchpost: { watch: ['chat/*'] } })
    expect(claims.exp - claims.iat).toBe(900)
    const ask = (token: string) =>
      get(`${serving.url}/v1/topics/chat/lobby`, { authorization: `Bearer ${token.trim()}` })
    expect((await ask(stdout)).status).toBe(200)
    expectProblem(await ask((await made()).stdout), 'unauthorized')
    const { stdout: log, stderr } = await serving.stop()
    expect(log + stderr).not.toContain(SECRET)
  })
})
