/** Tickets: one use, soon, for whoever can't set headers. */
import { ProblemError } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { newApiKey } from '../src/auth/api-keys.ts'
import { identityOfKey } from '../src/auth/identity.ts'
import { Refused } from '../src/auth/refusal.ts'
import { ANONYMOUS_SESSION, type Session } from '../src/auth/session.ts'
import { Tickets } from '../src/auth/tickets.ts'
import { systemClock } from '../src/clock.ts'
import { SECRET, sign, startGuarded } from './fixtures/auth.ts'
import { expectProblem } from './fixtures/http.ts'
import { get, openSse, post } from './harness.ts'

const AUTH = { jwt: { secret: SECRET } }

async function ticketOf(url: string, token: string): Promise<string> {
  const answer = await post(`${url}/v1/tickets`, '', { authorization: `Bearer ${token}` })
  expect(answer.status).toBe(201)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  return answer.body.ticket
}

describe('a ticket', () => {
  it('stands for its session once [WP-3.15]', async () => {
    const server = await startGuarded(AUTH)
    const before = Date.now()
    const { status, body } = await post(`${server.url}/v1/tickets`, '', { authorization: `Bearer ${await sign()}` })
    expect(status).toBe(201)
    expect(Object.keys(body).sort()).toEqual(['expires', 'ticket'])
    expect(Date.parse(body.expires) - before).toBeGreaterThanOrEqual(29_000)
    expect(Date.parse(body.expires) - Date.now()).toBeLessThanOrEqual(30_000)
    const mine = `${server.url}/v1/topics/mine?ticket=${body.ticket}`
    expect((await get(mine)).status).toBe(200)
    expect(server.seen?.subject).toBe('ada')
    expectProblem(await get(mine), 'unauthorized', { detail: 'The credentials are not valid.' })
    expect(server.log()).not.toContain(body.ticket)
  })

  it('opens what browsers open without headers, and only once of many at a time [WP-3.15] [WP-4.1]', async () => {
    const server = await startGuarded(AUTH)
    const token = await sign()
    const stream = await openSse(`${server.url}/v1/topics/mine?ticket=${await ticketOf(server.url, token)}`)
    await stream.next(({ event }) => event === 'welcome')
    const ticket = await ticketOf(server.url, token)
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/topics/mine?ticket=${ticket}`)
    await new Promise((resolve, reject) => {
      socket.on('message', resolve).on('error', reject)
    })
    socket.close()
    const shared = await ticketOf(server.url, token)
    const mine = `${server.url}/v1/topics/mine?ticket=${shared}`
    const answers = await Promise.all(Array.from({ length: 10 }, () => get(mine)))
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
      200,
      ...Array.from({ length: 9 }, () => 401),
    ])
  })

  it('is for who has a token or key, and not for who has a ticket [WP-3.15]', async () => {
    const { key, entry } = newApiKey('feed', { grants: {} })
    const { url } = await startGuarded({ ...AUTH, apiKeys: [entry] })
    expectProblem(await post(`${url}/v1/tickets`, ''), 'unauthorized')
    expectProblem(await get(`${url}/v1/tickets`), 'method-not-allowed')
    const ticket = await ticketOf(url, key)
    expectProblem(await post(`${url}/v1/tickets?ticket=${ticket}`, ''), 'unauthorized')
    expectProblem(await get(`${url}/v1/topics/mine?ticket=nonsense`), 'unauthorized')
    expectProblem(await get(`${url}/v1/topics/mine?ticket=`), 'unauthorized')
  })

  it('of one process is none of another [WP-3.15]', async () => {
    const [one, other] = [await startGuarded(AUTH), await startGuarded(AUTH)]
    const ticket = await ticketOf(one.url, await sign())
    expectProblem(await get(`${other.url}/v1/topics/mine?ticket=${ticket}`), 'unauthorized')
    expect((await get(`${one.url}/v1/topics/mine?ticket=${ticket}`)).status).toBe(200)
  })
})

/** Nothing was withdrawn meanwhile. */
const asBefore = (session: Session): Session => session

describe('tickets, as time goes by and more are asked for', () => {
  const sessionOf = (subject: string, expiresMs?: number): Session => ({
    identity: identityOfKey(subject, { grants: {} }),
    ...(expiresMs !== undefined && { expiresMs }),
  })
  const started = () => {
    const at = { ms: 0 }
    const clock = { ...systemClock, now: () => at.ms, monotonic: () => at.ms }
    return { at, tickets: new Tickets(clock) }
  }

  it('are good for 30 seconds, and no longer than what they were given for [WP-3.15]', () => {
    const { at, tickets } = started()
    const [inTime, late] = [tickets.issue(sessionOf('a')), tickets.issue(sessionOf('a'))]
    expect(inTime.expiresMs).toBe(30_000)
    const ending = tickets.issue(sessionOf('a', 10_000))
    at.ms = 29_999
    expect(tickets.redeem(inTime.ticket, asBefore).identity.subject).toBe('a')
    expect(() => tickets.redeem(ending.ticket, asBefore)).toThrow(
      new Refused('what the ticket was given for has expired', true),
    )
    at.ms = 30_000
    expect(() => tickets.redeem(late.ticket, asBefore)).toThrow('the ticket was not used in time')
  })

  it('are bounded for each identity, which takes nothing from others [WP-3.15] [WP-5.1]', () => {
    const { at, tickets } = started()
    const issued = Array.from({ length: 500 }, () => tickets.issue(sessionOf('greedy')))
    expect(() => tickets.issue(sessionOf('greedy'))).toThrow(ProblemError)
    expect(tickets.issue(sessionOf('modest')).ticket).toMatch(/^[\w-]{43}$/)
    tickets.redeem(issued[7]?.ticket ?? '', asBefore)
    expect(tickets.issue(sessionOf('greedy')).ticket).toMatch(/^[\w-]{43}$/)
    expect(() => tickets.issue(sessionOf('greedy'))).toThrow('Too many tickets')
    at.ms = 30_000
    expect(tickets.issue(sessionOf('greedy')).expiresMs).toBe(60_000)
  })

  it('are bounded for all [WP-3.15] [WP-5.1]', () => {
    const { at, tickets } = started()
    for (let i = 0; i < 50_000; i++) tickets.issue(sessionOf(`s${i % 200}`))
    expect(() => tickets.issue(sessionOf('another'))).toThrow(expect.objectContaining({ problem: 'rate-limited' }))
    at.ms = 30_000
    expect(tickets.issue(sessionOf('another')).ticket).toMatch(/^[\w-]{43}$/)
  })

  it('are for nobody who is anonymous [WP-3.15]', () => {
    expect(() => started().tickets.issue(ANONYMOUS_SESSION)).toThrow(
      expect.objectContaining({ problem: 'unauthorized' }),
    )
  })
})
