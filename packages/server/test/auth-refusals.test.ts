/** Credentials that are refused again and again: what their address may no longer have looked at, and who may go on. */
import { limitsWith } from '@watchpost/protocol'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { newApiKey } from '../src/auth/api-keys.ts'
import { createAuthenticator } from '../src/auth/authenticator.ts'
import { Refused } from '../src/auth/refusal.ts'
import { Refusals } from '../src/auth/refusals.ts'
import { systemClock } from '../src/clock.ts'
import { SECRET, sign, startGuarded } from './fixtures/auth.ts'
import { expectProblem, metric } from './fixtures/http.ts'
import { type Answer, get, post } from './harness.ts'

const HERE = '192.0.2.1'

/** Where each request comes from, as a proxy says. */
const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address })

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

const feed = newApiKey('feed', { grants: {} })

describe('an address whose credentials are refused again and again', () => {
  const started = async () => {
    const auth = { jwt: { secret: SECRET }, apiKeys: [feed.entry] }
    const { url } = await startGuarded(auth, { limits: { refusalsPerSecond: 2 }, trustProxy: 'loopback' })
    const ask = (headers: Record<string, string>, path = '/v1/topics/mine'): Promise<Answer> =>
      get(`${url}${path}`, headers)
    const bad = bearer(await sign({}, { key: `${SECRET}x` }))
    /** Sends bad tokens until one is not even looked at. */
    const exhaust = async (headers = from(HERE)): Promise<readonly number[]> => {
      const statuses: number[] = []
      while (statuses.length < 1_000 && statuses.at(-1) !== 429)
        statuses.push((await ask({ ...bad, ...headers })).status)
      return statuses
    }
    /** What becomes of a request that comes when its address, or another one, is over the rate. */
    const askWhenOver = async (
      headers: () => Promise<Record<string, string>>,
      path?: string,
      [over, asking]: readonly [string, string] = [HERE, HERE],
    ): Promise<Answer> => {
      let answer: Answer | undefined
      // On a busy machine the address can be within its rate again before it is asked.
      for (let i = 0; i < 20 && answer?.status !== 429; i++) {
        await exhaust(from(over))
        answer = await ask({ ...(await headers()), ...from(asking) }, path)
      }
      if (answer === undefined) throw new Error('nothing was asked')
      return answer
    }
    return { url, ask, bad, exhaust, askWhenOver }
  }

  it('is told when to come back, and no new token of its is looked at until then [WP-8.1] [WP-6.6]', async () => {
    const { ask, bad, exhaust, askWhenOver, url } = await started()
    expect((await ask({ ...bad, ...from(HERE) })).status).toBe(401)
    const statuses = await exhaust()
    expect(new Set(statuses.slice(0, -1))).toEqual(new Set([401]))
    const answer = await askWhenOver(async () => bearer(await sign({ sub: 'new' })))
    expectProblem(answer, 'rate-limited', { retryAfter: 1 })
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(answer.headers.get('www-authenticate')).toBeNull()
    expect(answer.headers.get('ratelimit-policy')).toBe('"refusals";q=2;w=1')
    expect(answer.headers.get('ratelimit')).toBe('"refusals";r=0;t=1')
    expect(await metric(url, 'watchpost_refused_total{limit="refusalsPerSecond"}')).toBeGreaterThan(0)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect((await ask({ ...bearer(await sign({ sub: 'newer' })), ...from(HERE) })).status).toBe(200)
  })

  it('may go on with tokens that were good, keys, tickets and none at all [WP-8.1] [WP-6.6] [WP-3.15]', async () => {
    const { url, ask, exhaust } = await started()
    const known = { ...bearer(await sign()), ...from(HERE) }
    const { body } = await post(`${url}/v1/tickets`, '', known)
    expect((await ask(known)).status).toBe(200)
    for (let i = 0; i < 5; i++) {
      await exhaust()
      expect((await ask(known)).status).toBe(200)
      expect((await ask({ ...bearer(feed.key), ...from(HERE) })).status).toBe(200)
      expect((await ask(from(HERE), '/v1/topics/open')).status).toBe(200)
    }
    await exhaust()
    expect((await ask(from(HERE), `/v1/topics/mine?ticket=${body.ticket}`)).status).toBe(200)
  })

  it('costs other addresses nothing, but for those of its own network of IPv6 [WP-8.1]', async () => {
    const { ask, exhaust, askWhenOver } = await started()
    await exhaust()
    expect((await ask({ ...bearer(await sign({ sub: 'b' })), ...from('192.0.2.2') })).status).toBe(200)
    await exhaust(from('2001:db8::1'))
    expect((await ask({ ...bearer(await sign({ sub: 'c' })), ...from('2001:db8:0:1::1') })).status).toBe(200)
    const near = await askWhenOver(async () => bearer(await sign({ sub: 'd' })), undefined, [
      '2001:db8::1',
      '2001:db8::2',
    ])
    expectProblem(near, 'rate-limited')
  })

  it.each([
    ['keys', () => bearer(newApiKey('x', { grants: {} }).key), undefined],
    ['tickets', () => ({}), '/v1/topics/mine?ticket=nonsense'],
    ['what is no token', () => bearer('nonsense'), undefined],
  ])('is over its rate with %s too [WP-8.1]', async (_what, headers, path) => {
    const { askWhenOver } = await started()
    expectProblem(await askWhenOver(async () => headers(), path), 'rate-limited')
  })
})

describe('tokens that come by messages', () => {
  it('count for the address that sent them [WP-8.1] [WP-6.7]', async () => {
    const authenticator = createAuthenticator(
      { auth: { jwt: { secret: SECRET } } },
      {
        ...{ clock: { ...systemClock, monotonic: () => 0 }, logger: pino({ level: 'silent' }) },
        ...{
          limits: limitsWith({ refusalsPerSecond: 2 }),
          addressOf: () => HERE,
          isProxied: () => false,
          onRefused: () => undefined,
        },
      },
    )
    const verify = (token: string, address: string): Promise<unknown> | undefined =>
      authenticator?.verify(token, address)
    const [bad, good] = [await sign({}, { key: `${SECRET}x` }), await sign()]
    for (let i = 0; i < 2; i++) await expect(verify(bad, HERE)).rejects.toMatchObject({ problem: 'unauthorized' })
    for (const token of [bad, good, 'nonsense', feed.key]) {
      await expect(verify(token, HERE)).rejects.toMatchObject({ problem: 'rate-limited' })
    }
    expect(await verify(good, '192.0.2.2')).toMatchObject({ identity: { subject: 'ada' } })
    expect(await verify(good, HERE)).toMatchObject({ identity: { subject: 'ada' } })
  })
})

describe('refusals, counted', () => {
  const started = (perSecond: number) => {
    const at = { ms: 0 }
    const limited: string[] = []
    const refusals = new Refusals({
      clock: { monotonic: () => at.ms },
      limits: { refusalsPerSecond: perSecond },
      onRefused: (limit) => limited.push(limit),
    })
    let checks = 0
    /** Checks a token; `good` says what it is worth. */
    const check = (token: string, good: boolean, address = HERE): Promise<string> =>
      refusals.checked(address, token, async () => {
        checks++
        await Promise.resolve()
        if (!good) throw new Refused('it is not good')
        return token
      })
    return { at, limited, refusals, check, checks: () => checks }
  }
  const isLimited = expect.objectContaining({ problem: 'rate-limited', members: { retryAfter: 1 } })

  it('let so many be checked at once, and so many a second, also of those that come together [WP-8.1]', async () => {
    const { at, limited, check, checks } = started(20)
    const flood = async (): Promise<readonly unknown[]> => {
      const all = Array.from({ length: 1_000 }, (_, i) => check(`t${i}`, false))
      return (await Promise.allSettled(all)).map((each) => (each.status === 'rejected' ? each.reason : undefined))
    }
    const reasons = await flood()
    expect(reasons.filter((reason) => reason instanceof Refused)).toHaveLength(20)
    expect(reasons.at(-1)).toEqual(isLimited)
    expect([checks(), limited.length, limited[0]]).toEqual([20, 980, 'refusalsPerSecond'])
    at.ms += 500
    await flood()
    expect(checks()).toBe(30)
    at.ms += 60_000
    await flood()
    expect(checks()).toBe(50)
  })

  it('never stand in the way of good tokens, however many come together [WP-8.1]', async () => {
    const { check, checks, limited } = started(1)
    const all = await Promise.all(Array.from({ length: 1_000 }, (_, i) => check(`t${i}`, true)))
    expect([all.length, checks(), limited]).toEqual([1_000, 1_000, []])
  })

  it('let a token that was good be checked, until it is refused once [WP-8.1]', async () => {
    const { check, checks } = started(1)
    await check('known', true)
    await expect(check('bad', false)).rejects.toThrow('it is not good')
    await expect(check('unknown', true)).rejects.toEqual(isLimited)
    expect(await Promise.all([check('known', true), check('known', true)])).toEqual(['known', 'known'])
    expect(await check('unknown', true, '192.0.2.2')).toBe('unknown')
    await expect(check('known', false)).rejects.toEqual(isLimited)
    expect(checks()).toBe(6)
    await expect(check('known', true)).rejects.toEqual(isLimited)
    expect(checks()).toBe(6)
  })

  it('remember a bounded number of tokens that were good, those that are used the longest [WP-8.1]', async () => {
    const { check } = started(1)
    for (let i = 0; i < 25_000; i++) {
      await check(`t${i}`, true)
      if (i % 5_000 === 0) await check('often', true)
    }
    await expect(check('bad', false)).rejects.toThrow('it is not good')
    await expect(check('t0', true)).rejects.toEqual(isLimited)
    expect(await check('t24999', true)).toBe('t24999')
    expect(await check('often', true)).toBe('often')
  })

  it('do not count what is no fault of the credentials [WP-8.1]', async () => {
    const { refusals } = started(1)
    const failing = (): Promise<never> => Promise.reject(new Error('the issuer is down'))
    for (let i = 0; i < 10; i++) await expect(refusals.counted(HERE, failing)).rejects.toThrow('the issuer is down')
    expect(await refusals.checked(HERE, 'good', () => Promise.resolve('good'))).toBe('good')
  })
})
