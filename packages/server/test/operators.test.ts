/** What operators watch: health, readiness, metrics, and the list of topics. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { LIMITS, type LimitName, PROBLEMS } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { topic } from 'watchpost'
import { nowSeconds, SECRET, sign, startGuarded } from './fixtures/auth.ts'
import { dial, metric } from './fixtures/http.ts'
import { openRaw } from './fixtures/raw-socket.ts'
import { type Answer, get, openSse, post, startServer, TOPICS } from './harness.ts'

const line = { type: 'line', data: {} }

describe('for operators there is', () => {
  it('health and readiness [WP-3.14]', async () => {
    const { url } = await startServer()
    const health = await get(`${url}/healthz`)
    expect([health.status, health.body.status]).toEqual([200, 'ok'])
    expect((await get(`${url}/readyz`)).status).toBe(200)
  })

  it('503 from readiness while the server shuts down, after what had begun is finished [WP-3.14]', async () => {
    const server = await startServer()
    const { url } = server
    // Only a connection that has something to be answered yet is still open then.
    const socket = await dial(url)
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    const body = JSON.stringify(line)
    const publish = `POST /v1/topics/log HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`
    socket.write(publish)
    await sleep(100)
    const closed = Promise.all([server.close(), new Promise((resolve) => socket.once('close', resolve))])
    const ready = 'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n'
    socket.write(`${body}${ready}${ready}`)
    await closed
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
    // The client is to ask elsewhere next.
    expect(statuses).toEqual([201, 503])
    expect(text).toMatch(/503[^]*Connection: close/)
    expect(text).toContain('{"status":"going away"}')
  })

  it('metrics, under these names [WP-3.14]', async () => {
    const { url } = await startServer()
    await post(`${url}/v1/topics/log`, [line, line])
    await post(`${url}/v1/topics/chat/lobby`, { type: 'message', data: {} })
    await post(`${url}/v1/topics/log`, { type: 'other' })
    const stream = await openSse(`${url}/v1/topics/log`)
    await stream.next(({ event }) => event === 'welcome')
    const poll = get(`${url}/v1/topics/log?wait=20`)
    await expect.poll(() => metric(url, 'watchpost_connections{transport="long-poll"}')).toBe(1)
    await post(`${url}/v1/topics/log`, line)
    await Promise.all([poll, stream.events(1)])
    const response = await fetch(`${url}/metrics`)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    for (const [sample, value] of [
      ['watchpost_log_head_offset', 4],
      ['watchpost_events_published_total{topic="log"}', 3],
      ['watchpost_events_published_total{topic="chat/{room}"}', 1],
      ['watchpost_publishes_total{topic="log"}', 2],
      ['watchpost_problems_total{problem="invalid-event"}', 1],
      ['watchpost_http_requests_total{route="/v1/topics/*",method="POST",status="201"}', 3],
      ['watchpost_http_requests_total{route="/v1/topics/*",method="POST",status="422"}', 1],
      ['watchpost_connections{transport="sse"}', 1],
      ['watchpost_connections{transport="long-poll"}', 0],
      ['watchpost_events_dispatched_total', 1],
      ['watchpost_hub_feeds', 1],
      ['watchpost_hub_lag_events', 0],
    ] as const) {
      expect([sample, await metric(url, sample)]).toEqual([sample, value])
    }
    for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds']) {
      expect(await metric(url, name)).toEqual(expect.any(Number))
    }
    stream.close()
    await expect.poll(() => metric(url, 'watchpost_connections{transport="sse"}')).toBe(0)
    await expect.poll(() => metric(url, 'watchpost_hub_feeds')).toBe(0)
  })

  it('a series for every problem and limit from the start, and one for what becomes of credentials [WP-3.14]', async () => {
    const { url } = await startGuarded({ jwt: { secret: SECRET } })
    const text = await (await fetch(`${url}/metrics`)).text()
    const begun = (name: string, label: string, values: readonly string[]): void => {
      const lines = text.split('\n').filter((each) => each.startsWith(`${name}{`))
      expect(lines).toEqual(values.map((value) => `${name}{${label}="${value}"} 0`))
    }
    begun('watchpost_problems_total', 'problem', Object.keys(PROBLEMS))
    const limits = (Object.keys(LIMITS) as LimitName[]).filter((name) =>
      /^connections|PerSecond$|^presenceTopics/.test(name),
    )
    begun('watchpost_refused_total', 'limit', limits)
    begun('watchpost_authentications_total', 'outcome', ['accepted', 'expired', 'refused', 'limited', 'failed'])

    const ask = async (token: string): Promise<Answer> =>
      get(`${url}/v1/topics/mine`, { authorization: `Bearer ${token}` })
    await ask(await sign())
    await ask(await sign({ exp: nowSeconds() - 600 }))
    await ask(`${await sign()}x`)
    await get(`${url}/v1/topics/mine`)
    const socket = await openRaw(url)
    socket.ask({ type: 'authenticate', id: '1', data: { token: await sign() } })
    await socket.next(({ re }) => re === '1')
    const counts = ['accepted', 'expired', 'refused', 'limited'].map((outcome) =>
      metric(url, `watchpost_authentications_total{outcome="${outcome}"}`),
    )
    expect(await Promise.all(counts)).toEqual([2, 1, 1, 0])
  })

  it('a guide that lists the same metrics', async () => {
    const { url } = await startServer()
    const guide = await readFile(new URL('../../../docs/guides/records.md', import.meta.url), 'utf8')
    const namesIn = (text: string, pattern: RegExp): readonly string[] =>
      [...new Set([...text.matchAll(pattern)].map(([, name]) => name as string))].sort()
    const served = namesIn(await (await fetch(`${url}/metrics`)).text(), /^# TYPE (watchpost_\w+)/gm)
    expect(served.length).toBeGreaterThan(10)
    expect(namesIn(guide, /`(watchpost_\w+)`/g)).toEqual(served)
  })

  it('a list of the topics that the caller may use, and the limits in force [WP-3.12] [WP-8.1]', async () => {
    const described = topic({
      ...{ description: 'What happens', events: { line: { type: 'object' } }, publish: 'anyone' as const },
      ...{ retention: { events: 10, ageMs: 1_000 }, transports: ['page', 'sse'] as const },
    })
    const hidden = topic({ events: { line: {} } })
    const topics = { stocks: TOPICS.stocks, 'rooms/{room}': described, hidden }
    const { url } = await startServer({ topics, limits: { pageEventsMax: 7 } })
    const { body } = await get(`${url}/v1/topics`)
    expect(body.limits).toMatchObject({ pageEventsMax: 7, eventBytesMax: 65_536 })
    expect(body.topics.find(({ topic: name }: { topic: string }) => name === 'rooms/{room}')).toEqual({
      ...{ topic: 'rooms/{room}', description: 'What happens', watch: false, publish: true, keyed: false },
      ...{ retention: { events: 10, ageMs: 1_000 }, transports: ['page', 'sse'] },
      ...{ events: { line: { type: 'object' } }, links: { topic: '/v1/topics/rooms/{room}' } },
    })
    const stocks = body.topics.find(({ topic: name }: { topic: string }) => name === 'stocks')
    expect(stocks).toMatchObject({
      ...{ keyed: true, watch: true, publish: true, retention: {}, onSlow: 'all' },
      ...{ transports: ['page', 'long-poll', 'sse', 'websocket'] },
      ...{ links: { topic: '/v1/topics/stocks', state: '/v1/state/stocks' } },
    })
    expect(body.topics).toHaveLength(2)
    expect((await get(`${url}/v1/topics/stocks?limit=8`)).status).toBe(400)
  })
})
