/** Problem documents and the pages that explain them. */
import { PROBLEMS, type ProblemName, problemType } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { topic } from 'watchpost'
import { expectProblem, metric } from './fixtures/http.ts'
import { get, openSse, post, startServer, TOPICS } from './harness.ts'

const names = Object.keys(PROBLEMS) as ProblemName[]
const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

describe('the page of a problem', () => {
  it('is HTML to a browser and JSON to who asks for it, for each row of the table [WP-5.3] [WP-5.1]', async () => {
    const { url } = await startServer()
    for (const name of names) {
      const { title, status } = PROBLEMS[name]
      const html = await get(`${url}${problemType(name)}`, BROWSER)
      expect([html.status, html.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
      for (const part of ['<!doctype html>', `<title>${title}: Watchpost</title>`, problemType(name), String(status)]) {
        expect(html.body).toContain(part)
      }
      expect(html.headers.get('content-security-policy')).toMatch(/^default-src 'none';/)
      const json = await get(`${url}${problemType(name)}`, { accept: 'application/json' })
      expect(json.headers.get('content-type')).toMatch(/^application\/json\b/)
      expect(json.body).toEqual({ type: problemType(name), ...PROBLEMS[name] })
    }
  })

  it('is on a list of all, which links to each [WP-5.3]', async () => {
    const { url } = await startServer()
    const { body } = await get(`${url}/problems`, { accept: 'application/json' })
    expect(body.problems).toEqual(names.map((name) => ({ type: problemType(name), ...PROBLEMS[name] })))
    const html = await get(`${url}/problems`, BROWSER)
    const links = [...html.body.matchAll(/href="([^"]+)"/g)].map(
      ([, link]) => new URL(link, `${url}/problems`).pathname,
    )
    expect(links.filter((link) => link.startsWith('/problems/'))).toEqual(names.map(problemType))
  })

  it('is found by the `type` and the `Link` of a problem [WP-5.2] [WP-5.3]', async () => {
    const { url } = await startServer()
    const answer = await get(`${url}/v1/topics/none`)
    expectProblem(answer, 'unknown-topic')
    expect(answer.headers.get('link')).toBe('</problems/unknown-topic>; rel="type"')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect((await get(`${url}${answer.body.type}`, { accept: 'application/json' })).body.title).toBe(answer.body.title)
  })
})

describe('a problem', () => {
  const secretive = () => {
    throw new Error('password of /etc/watchpost/secret is hunter2')
  }

  it('of the server`s own tells nothing of its inside, and each has an instance of its own [WP-5.2]', async () => {
    const failing = topic({ events: { line: {} }, key: secretive, watch: 'anyone', publish: 'anyone' })
    const { url } = await startServer({ topics: { ...TOPICS, failing } })
    const instances = new Set<string>()
    for (let i = 0; i < 3; i++) {
      const answer = await post(`${url}/v1/topics/failing`, { type: 'line', data: {} })
      expectProblem(answer, 'internal')
      expect(Object.keys(answer.body).sort()).toEqual(['detail', 'instance', 'status', 'title', 'type'])
      const told = JSON.stringify([answer.body, [...answer.headers]])
      expect(told).not.toMatch(/hunter2|secret|etc|\.[jt]s\b|node:|Error:|\bat /)
      instances.add(answer.body.instance)
    }
    expect(instances.size).toBe(3)
    expect(await metric(url, 'watchpost_problems_total{problem="internal"}')).toBe(3)
    expect((await post(`${url}/v1/topics/log`, { type: 'line' })).status).toBe(201)
    expect(await metric(url, 'watchpost_log_head_offset')).toBe(1)
  })

  it('with what is not open to the caller says no more than that [WP-6.3]', async () => {
    const inbox = topic({ events: { line: {} }, publish: 'anyone' })
    const outbox = topic({ events: { line: {} }, watch: 'anyone', publish: 'granted' })
    const hidden = topic({ events: { line: {} } })
    const { url } = await startServer({ topics: { inbox, outbox, hidden } })
    expectProblem(await get(`${url}/v1/topics/inbox`), 'unauthorized')
    expectProblem(await get(`${url}/v1/topics/inbox`, { accept: 'text/event-stream' }), 'unauthorized')
    expectProblem(await post(`${url}/v1/topics/outbox`, { type: 'line' }), 'unauthorized')
    const [unseen, absent] = [await get(`${url}/v1/topics/hidden`), await get(`${url}/v1/topics/absent`)]
    for (const answer of [unseen, absent, await get(`${url}/v1/state/hidden`)]) expectProblem(answer, 'unknown-topic')
    const anonymized = (text: string, name: string) => text.replaceAll(name, 'NAME')
    expect(anonymized(unseen.body.detail, 'hidden')).toBe(anonymized(absent.body.detail, 'absent'))
    expectProblem(await get(`${url}/v1/events?topic=outbox&topic=hidden`), 'unknown-topic')
  })

  it('is decided by a rule of the server`s own, topic by topic [WP-6.1] [WP-6.3]', async () => {
    const open = ({ params, topic: name }: { params: Readonly<Record<string, string>>; topic: string }) =>
      params['room'] === 'lobby' && name === 'rooms/lobby'
    const room = topic({ events: { line: {} }, watch: open, publish: 'anyone' })
    const { url, watchpost } = await startServer({ topics: { 'rooms/{room}': room } })
    const stream = await openSse(`${url}/v1/events?topic=rooms/*`)
    await stream.next(({ event }) => event === 'welcome')
    for (const name of ['rooms/vault', 'rooms/lobby', 'rooms/attic', 'rooms/lobby']) {
      await watchpost.publish(name, { type: 'line', data: name })
    }
    expect((await stream.events(2)).map(({ data }) => data['topic'])).toEqual(['rooms/lobby', 'rooms/lobby'])
    expect((await get(`${url}/v1/events?topic=**`)).body.events).toHaveLength(2)
    expect((await get(`${url}/v1/topics/rooms/lobby`)).status).toBe(200)
    expectProblem(await get(`${url}/v1/topics/rooms/vault`), 'unauthorized')
  })
})

describe('a rule of the server`s own', () => {
  it('that fails opens nothing, and stops nobody else [WP-6.1] [WP-6.3] [WP-5.2]', async () => {
    const fails = () => {
      throw new Error('hunter2')
    }
    // What a rule written in JavaScript may answer by mistake.
    const promises = (() => Promise.resolve(false)) as unknown as () => boolean
    const events = { line: {} }
    const failing = topic({ events, watch: fails, publish: 'anyone' })
    const promising = topic({ events, watch: promises, publish: 'anyone' })
    const { url } = await startServer({ topics: { ...TOPICS, failing, promising } })
    const streams = [await openSse(`${url}/v1/events?topic=**`), await openSse(`${url}/v1/topics/log`)]
    for (const stream of streams) await stream.next(({ event }) => event === 'welcome')
    for (const name of ['failing', 'promising', 'log']) {
      expect((await post(`${url}/v1/topics/${name}`, { type: 'line', data: name })).status).toBe(201)
    }
    for (const stream of streams) expect((await stream.events(1)).map(({ data }) => data['topic'])).toEqual(['log'])
    expect((await get(`${url}/v1/events?topic=**`)).body.events).toHaveLength(1)
    const answer = await get(`${url}/v1/topics/failing`)
    expectProblem(answer, 'unauthorized')
    expect(JSON.stringify(answer.body)).not.toContain('hunter2')
    expectProblem(await get(`${url}/v1/topics/promising`), 'unauthorized')
  })
})

describe('a way to watch', () => {
  const only = (...transports: ('page' | 'long-poll' | 'sse')[]) =>
    topic({ events: { line: {} }, watch: 'anyone', publish: 'anyone', transports })

  it('that a topic does not offer is refused, and passed over by a wildcard [WP-3.5]', async () => {
    const topics = { 'a/page': only('page'), 'a/both': only('page', 'sse'), 'a/poll': only('long-poll') }
    const { url } = await startServer({ topics })
    for (const name of Object.keys(topics)) await post(`${url}/v1/topics/${name}`, { type: 'line' })
    const sse = { accept: 'text/event-stream' }
    expectProblem(await get(`${url}/v1/topics/a/page`, sse), 'transport-not-offered', { transports: ['page'] })
    expectProblem(await get(`${url}/v1/topics/a/page?wait=1`), 'transport-not-offered', { transports: ['page'] })
    expectProblem(await get(`${url}/v1/topics/a/poll`), 'transport-not-offered', { transports: ['long-poll'] })
    expectProblem(await get(`${url}/v1/events?topic=a/both&topic=a/page`, sse), 'transport-not-offered')
    const topicsOf = (events: { readonly topic: string }[]) => events.map((event) => event.topic)
    expect(topicsOf((await get(`${url}/v1/events?topic=a/*`)).body.events)).toEqual(['a/page', 'a/both'])
    expect(topicsOf((await get(`${url}/v1/events?topic=**&wait=1&after=earliest`)).body.events)).toEqual(['a/poll'])
    const stream = await openSse(`${url}/v1/events?topic=a/*&after=earliest`)
    expect((await stream.events(1)).map(({ data }) => data['topic'])).toEqual(['a/both'])
  })

  it('over the number of connections is refused, with when to come again [WP-8.1]', async () => {
    const { url } = await startServer({ topics: TOPICS, limits: { connections: 2 } })
    const stream = await openSse(`${url}/v1/topics/log`)
    await openSse(`${url}/v1/topics/log`)
    for (const [query, headers] of [
      ['', { accept: 'text/event-stream' }],
      ['?wait=5', {}],
    ] as const) {
      const refused = await get(`${url}/v1/topics/log${query}`, headers)
      expectProblem(refused, 'reach-maximum-connections', { retryAfter: 5 })
      expect(refused.headers.get('retry-after')).toBe('5')
    }
    expect((await get(`${url}/v1/topics/log`)).status).toBe(200)
    stream.close()
    const again = async () => (await get(`${url}/v1/topics/log?wait=0`)).status
    await expect.poll(again).toBe(200)
    await expect.poll(async () => (await get(`${url}/v1/topics/log?wait=1`)).status, { timeout: 5_000 }).toBe(200)
  })
})
