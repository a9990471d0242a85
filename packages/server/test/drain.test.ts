/** A server that drains: who is refused, answered and sent away, when, and what goes on as before. */
import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { Connection, json, msgpack } from '@watchpost/conformance'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sign } from './fixtures/auth.ts'
import { stillDrain } from './fixtures/drain-clock.ts'
import { FOR_EACH_MS, gone, goodbyeOf, openSockets, openStreams, startDraining } from './fixtures/drain-crowd.ts'
import { askHttp2, bodyOf, endOf, type Http2Answer } from './fixtures/drain-reading.ts'
import { dial, expectProblem, metric } from './fixtures/http.ts'
import { answerTo, handshake, openRaw, type RawSocket } from './fixtures/raw-socket.ts'
import { selfSigned } from './fixtures/tls-files.ts'
import { get, post, startServer } from './harness.ts'

const line = (data: unknown) => ({ type: 'line', data })
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('POST /v1/drain', () => {
  it('is for admins [WP-3.17]', async () => {
    const { url } = await startDraining()
    const ask = (headers: Record<string, string>) => post(`${url}/v1/drain`, '', headers)
    expectProblem(await ask({}), 'unauthorized')
    expectProblem(await ask({ authorization: `Bearer ${await sign()}` }), 'forbidden')
    const others = await sign({ watchpost: { watch: ['**'], publish: ['**'], admin: false } })
    expectProblem(await ask({ authorization: `Bearer ${others}` }), 'forbidden')
    expectProblem(await get(`${url}/v1/drain`), 'method-not-allowed')
    expect((await get(`${url}/readyz`)).status).toBe(200)
    await openStreams(url, 1)
  })

  it('is for nobody if the server knows no credentials [WP-3.17]', async () => {
    const { url } = await startServer()
    expectProblem(await post(`${url}/v1/drain`, ''), 'unauthorized')
    expect((await get(`${url}/readyz`)).status).toBe(200)
  })

  it('tells of connections and time, of the same drain each time, and the server stays [WP-3.17]', async () => {
    const { url, postDrain } = await startDraining()
    const clients = [...(await openStreams(url, 2)), ...(await openSockets(url, 2))]
    const poll = get(`${url}/v1/topics/log?wait=60`)
    await expect.poll(() => metric(url, 'watchpost_connections{transport="long-poll"}')).toBe(1)
    const first = await postDrain()
    const expected = { connections: 5, drainMs: 4 * FOR_EACH_MS }
    expect([first.status, first.body]).toEqual([202, expected])
    await gone(clients)
    await poll
    const again = await postDrain()
    expect([again.status, again.body]).toEqual([202, expected])
    expect((await get(`${url}/v1/topics/log`)).status).toBe(200)
    expect((await get(`${url}/healthz`)).status).toBe(200)
  })

  it('takes no longer than `drainMs` [WP-3.17]', async () => {
    const { url, postDrain } = await startDraining({ drainMs: 30 })
    const clients = await openSockets(url, 4)
    expect((await postDrain()).body).toEqual({ connections: 4, drainMs: 30 })
    await gone(clients)
    const atOnce = await startDraining({ drainMs: 0 })
    const others = await openSockets(atOnce.url, 4)
    expect((await atOnce.postDrain()).body).toEqual({ connections: 4, drainMs: 0 })
    await gone(others)
    for (const client of [...clients, ...others]) goodbyeOf(client)
  })
})

describe('while a server drains', () => {
  it('probes find it not ready, and streams, WebSockets and waits are refused [WP-3.17] [WP-3.14]', async () => {
    const { url, postDrain } = await startDraining()
    await postDrain()
    const ready = await get(`${url}/readyz`)
    expect([ready.status, ready.body]).toEqual([503, { status: 'going away' }])
    const sse = { accept: 'text/event-stream' }
    for (const path of ['/v1/topics/log', '/v1/events?topic=log&topic=stocks&after=earliest']) {
      // An EventSource would give up for good if it were refused.
      const { status, headers, body } = await get(`${url}${path}`, sse)
      expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
      expect(body).toMatch(/^retry: \d+\nevent: goodbye\ndata: \{"type":"goodbye".*\n\n$/)
    }
    const proxied = await startDraining({ trustProxy: 'loopback' })
    await proxied.postDrain()
    const refused = [
      await get(`${proxied.url}/v1/topics/log`, sse),
      await answerTo(url, handshake(url)),
      await answerTo(url, handshake(url, { path: '/v1/topics/log' })),
      await get(`${url}/v1/topics/log?wait=60`),
      await get(`${url}/v1/topics/log?after=earliest`, { prefer: 'wait=60' }),
    ]
    for (const answer of refused) {
      expectProblem(answer, 'going-away')
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    }
  })

  it('everything else is answered as before, and HTTP/1.1 connections end with it [WP-3.17]', async () => {
    const { url, postDrain } = await startDraining()
    const price = { type: 'priceUpdate', data: { symbol: 'A', price: 1 } }
    await post(`${url}/v1/topics/stocks`, price)
    await postDrain()
    const published = await post(`${url}/v1/topics/stocks`, price)
    const { id } = published.body.events[0]
    const answers = [
      published,
      await get(`${url}/v1/topics/stocks?after=earliest`),
      await get(`${url}/v1/topics/stocks?wait=60&after=earliest`),
      await get(`${url}/v1/state/stocks`),
      await get(`${url}/v1/topics`),
      await get(`${url}/problems`),
      await get(`${url}/metrics`),
      await get(`${url}/healthz`),
      await get(`${url}/v1/topics/unheard/of`),
    ]
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200, 200, 200, 200, 200, 404])
    expect(answers[1]?.body).toMatchObject({ events: [price, { ...price, id }], cursor: id, more: false })
    // A poll that has something to say does not wait.
    expect(answers[2]?.body).toEqual(answers[1]?.body)
    expect(answers[3]?.body.events).toMatchObject([{ id }])
    for (const { headers } of answers) expect(headers.get('connection')).toBe('close')
  })

  it('polls that wait are answered at once, with their cursor [WP-3.17] [WP-3.7]', async () => {
    const { url, postDrain } = await startDraining()
    const { body } = await post(`${url}/v1/topics/log`, line(1))
    const { id } = body.events[0]
    const polls = [
      get(`${url}/v1/topics/log?wait=60`),
      get(`${url}/v1/topics/log?wait=60&after=${id}`),
      get(`${url}/v1/topics/log?wait=60`, { 'if-none-match': `"${id}"` }),
    ]
    await expect.poll(() => metric(url, 'watchpost_connections{transport="long-poll"}')).toBe(3)
    // Nothing that they watch, so that the cursor is one that nobody has yet.
    const other = await post(`${url}/v1/topics/chat/a`, { type: 'message', data: {} })
    const cursor = other.body.events[0].id
    await expect.poll(() => metric(url, 'watchpost_hub_lag_events')).toBe(0)
    await postDrain()
    const answers = await Promise.all(polls)
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 304])
    for (const { headers } of answers) {
      expect(headers.get('etag')).toBe(`"${cursor}"`)
      // The next poll is for another server.
      expect(headers.get('connection')).toBe('close')
    }
    for (const answer of answers.slice(0, 2)) expect(answer.body).toEqual({ events: [], cursor, more: false })
  })

  it('polls that are just about to wait are answered or refused, and none is left waiting [WP-3.17]', async () => {
    const { url, watchpost } = await startServer()
    const { body } = await post(`${url}/v1/topics/log`, line(1))
    const cursor = body.events[0].id
    const polls = upTo(60).map(async (n) => {
      await sleep(n)
      return get(`${url}/v1/topics/log?wait=60&after=${cursor}`)
    })
    await sleep(30)
    await watchpost.drain()
    const statuses: number[] = []
    for (const answer of await Promise.all(polls)) {
      statuses.push(answer.status)
      if (answer.status === 200) expect(answer.body).toEqual({ events: [], cursor, more: false })
      else expectProblem(answer, 'going-away')
    }
    expect(statuses.at(-1)).toBe(503)
  })
})

describe('streams and WebSockets of a server that drains', () => {
  it('are each sent goodbye with a time of their own, and ended [WP-3.17] [WP-1.3] [WP-4.9]', async () => {
    const { url, watchpost } = await startServer()
    const topic = `${url}/v1/topics/log`
    const plain = upTo(4).map(() => bodyOf(topic, {}))
    const gzip = upTo(4).map(() => bodyOf(topic, { 'accept-encoding': 'gzip' }))
    const sockets = await Promise.all(
      [json, json, json, json, msgpack, msgpack, msgpack, msgpack].map(async (codec) => {
        const messages: Readonly<Record<string, unknown>>[] = []
        const { closed } = await Connection.open(topic, codec, ({ message }) => messages.push(message))
        return { messages, closed }
      }),
    )
    await expect.poll(() => metric(url, 'watchpost_connections{transport="sse"}')).toBe(8)
    await watchpost.drain()
    const texts = [...(await Promise.all(plain)), ...(await Promise.all(gzip)).map((bytes) => gunzipSync(bytes))]
    const times = texts.map((text) => {
      const { retryMs, retryAfter } = endOf(text.toString())
      expect(retryMs).toBe(Math.round(retryAfter * 1_000))
      return retryAfter
    })
    for (const { messages, closed } of sockets) {
      expect(await closed).toEqual({ code: 1001, reason: 'going away' })
      times.push(goodbyeOf({ messages: messages as RawSocket['messages'] }).retryAfter)
    }
    for (const time of times) expect(time).toBeGreaterThan(0)
    // Each is one of thousands, so that even two of sixteen are rarely the same.
    expect(new Set(times).size).toBeGreaterThan(12)
    expect(await metric(url, 'watchpost_connections{transport="sse"}')).toBe(0)
    expect(await metric(url, 'watchpost_connections{transport="websocket"}')).toBe(0)
  })

  it('are ended evenly, none before its time, also when others left by themselves [WP-3.17]', async () => {
    const { url, watchpost } = await startServer()
    const clients = await openSockets(url, 60)
    const beganMs = Date.now()
    const drained = watchpost.drain()
    for (const [n, client] of clients.entries()) if (n % 3 === 1) client.socket.destroy()
    await drained
    await gone(clients)
    for (const [n, client] of clients.entries()) {
      // One may be told in its time and then be destroyed by the test.
      if (n % 3 === 1) continue
      // The clock of timestamps is another one, and whole milliseconds.
      expect(goodbyeOf(client).saidMs).toBeGreaterThanOrEqual(beganMs + n * FOR_EACH_MS - 10)
      expect((await client.closed).code).toBe(1001)
    }
  })

  it('are sent events, and answered, until it is their turn [WP-3.17]', async () => {
    const { url, postDrain } = await startDraining()
    const crowd = await openSockets(url, 200)
    const [stream] = await openStreams(url, 1)
    const socket = crowd.at(-1) as RawSocket
    await postDrain()
    const byHttp = await post(`${url}/v1/topics/log`, line('HTTP'))
    const published: unknown[] = [byHttp.body.events[0].id]
    const requests = [
      { type: 'publish', data: { topic: 'log', ...line('WebSocket') } },
      { type: 'subscribe', data: { topic: 'stocks' } },
      { type: 'unsubscribe', data: { topic: 'stocks' } },
      { type: 'ping' },
    ]
    const answers: unknown[] = []
    for (const [n, request] of requests.entries()) {
      const answer = await socket.ask({ ...request, id: `r${n}` }).next(({ re }) => re === `r${n}`)
      answers.push(answer.type)
      if (answer.type === 'published') published.push((answer['data'] as { readonly id: string }).id)
    }
    expect(answers).toEqual(['published', 'subscribed', 'unsubscribed', 'pong'])
    await gone([...crowd, stream as NonNullable<typeof stream>])
    const idsOf = (messages: readonly object[]): unknown[] =>
      messages.flatMap((message) =>
        'type' in message && message.type === 'line' && 'id' in message ? [message.id] : [],
      )
    expect(idsOf(socket.messages)).toEqual(published)
    expect(idsOf(stream?.messages.map(({ data }) => data) ?? [])).toEqual(published)
    for (const client of [...crowd, stream as NonNullable<typeof stream>]) goodbyeOf(client)
  })

  it('are answered what they asked before their goodbye [WP-3.17] [WP-4.3]', async () => {
    const { url, watchpost } = await startServer()
    const socket = await openRaw(url)
    await socket.next(({ type }) => type === 'welcome')
    for (const n of upTo(300)) socket.ask({ type: 'publish', id: `p${n}`, data: { topic: 'log', ...line(n) } })
    await socket.next(({ re }) => re === 'p20')
    await watchpost.drain()
    expect((await socket.closed).code).toBe(1001)
    goodbyeOf(socket)
    const answered = socket.messages.filter(({ type }) => type === 'published').length
    expect(answered).toBeGreaterThan(20)
    // None that is in the log was left without an answer.
    expect(await metric(url, 'watchpost_log_head_offset')).toBe(answered)
  })
})

describe('the ends of connections', () => {
  it('are spread over all of the time, however many they are [WP-3.17]', () => {
    for (const [count, drainMs] of [
      [100, 2_500],
      [999, 24_975],
      [1_000, 25_000],
      [20_000, 25_000],
    ] as const) {
      const { drain, clock, told } = stillDrain(count, 25_000)
      expect(drain.begin()).toEqual({ connections: count, drainMs })
      for (const part of upTo(10)) {
        expect(Math.abs(told.length - (part * count) / 10)).toBeLessThanOrEqual(10)
        clock.pass(drainMs / 10)
      }
      clock.pass(10)
      expect(told).toEqual(upTo(count))
    }
  })

  it('are no later because the process had no time, and none is left out [WP-3.17]', () => {
    const { drain, clock, told } = stillDrain(100, 25_000)
    drain.begin()
    clock.pass(1_000, true)
    expect(told.length).toBe(40)
    clock.pass(10_000, true)
    expect(told).toEqual(upTo(100))
  })

  it('are not awaited for ever, and nothing is left to do once there are none or the server is closed [WP-3.17]', async () => {
    const stuck = stillDrain(10, 25_000, true)
    const ended = stuck.drain.ended()
    stuck.clock.pass(10 * FOR_EACH_MS + 10_000)
    await ended
    const closed = stillDrain(100, 25_000)
    const closing = closed.drain.ended()
    closed.connections.goAway()
    await closing
    closed.clock.pass(10)
    expect([stuck.clock.timers.size, closed.clock.timers.size]).toEqual([0, 0])
  })
})

describe('a drain ends', () => {
  it('at once if nobody is connected, and again whenever it is asked for [WP-3.17]', async () => {
    const { url, watchpost } = await startServer({ drainMs: 600_000 })
    const seen = watchpost.watch('log')
    await watchpost.drain()
    await watchpost.drain()
    // What the program itself publishes and watches goes on.
    await watchpost.publish('log', line(1))
    expect((await seen.next()).value).toMatchObject(line(1))
    expect((await get(`${url}/readyz`)).status).toBe(503)
  })

  it('as soon as all clients have left by themselves [WP-3.17]', async () => {
    const { watchpost, url } = await startServer({ drainMs: 600_000 })
    const clients = await openSockets(url, 30)
    // Were one awaited in vain, it would be for seconds.
    const drained = watchpost.drain().then(() => 'drained')
    for (const client of clients) client.socket.destroy()
    expect(await Promise.race([drained, sleep(5_000, 'late')])).toBe('drained')
  })

  it('although clients take nothing [WP-3.17] [WP-8.2]', { timeout: 60_000 }, async () => {
    const { url, watchpost } = await startServer()
    const stream = await dial(url)
    stream.pause()
    stream.write('GET /v1/topics/log HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n')
    const socket = await openRaw(url, { path: '/v1/topics/log' })
    socket.socket.pause()
    await expect.poll(() => metric(url, 'watchpost_connections{transport="sse"}')).toBe(1)
    for (const n of upTo(20)) {
      const data = { n, text: 'x'.repeat(50_000) }
      await watchpost.publish(
        'log',
        upTo(20).map(() => line(data)),
      )
    }
    // More than any kernel holds for them, so neither can be told.
    expect(await metric(url, 'watchpost_buffered_bytes')).toBeGreaterThan(500_000)
    await watchpost.drain()
    expect(await metric(url, 'watchpost_connections{transport="sse"}')).toBe(0)
    expect(await metric(url, 'watchpost_connections{transport="websocket"}')).toBe(0)
  })

  it('with all that is left at once when the server is closed meanwhile [WP-3.17]', async () => {
    const { url, watchpost } = await startServer()
    const clients = [...(await openSockets(url, 200)), ...(await openStreams(url, 100))]
    const drained = watchpost.drain()
    await watchpost.close()
    // A client that was not sent away by now was cut off, and knows of no goodbye.
    await Promise.all([drained, gone(clients)])
    const saidMs = clients.map((client) => goodbyeOf(client).saidMs)
    expect(Math.max(...saidMs) - Math.min(...saidMs)).toBeLessThan(clients.length * FOR_EACH_MS - 1_000)
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed')
  })
})

it('HTTP/2 connections take no more requests, and their streams live on until their goodbye [WP-3.17]', async () => {
  const tls = await selfSigned()
  const { url, watchpost } = await startServer({ listen: { tls } })
  const open = (): ClientHttp2Session => {
    const session = connect(url, { ca: readFileSync(tls.cert) })
    onTestFinished(() => session.destroy())
    return session
  }
  const sessions = [open(), open()] as const
  const goneAway = sessions.map((session) => new Promise<number>((resolve) => session.once('goaway', resolve)))
  const sse = { ':path': '/v1/topics/log', accept: 'text/event-stream' }
  // As many as connections may have: the last one is told after some seconds.
  const streams: Http2Answer[] = []
  for (const n of upTo(198)) streams.push(await askHttp2(sessions[n < 99 ? 0 : 1], sse))
  const poll = askHttp2(sessions[1], { ':path': '/v1/topics/stocks?wait=60' })
  await expect.poll(() => watchpost.publish('log', line('ready')).then(() => streams.at(-1)?.text)).toContain('ready')
  const drained = watchpost.drain()
  expect(await Promise.all(goneAway)).toEqual([0, 0])
  expect((await poll).status).toBe(200)
  const next = open()
  const publish = { ':path': '/v1/topics/log', ':method': 'POST' }
  expect((await askHttp2(next, publish, JSON.stringify(line('meanwhile')))).status).toBe(201)
  const refused = await askHttp2(open(), sse)
  await refused.ended
  expect(refused.text).toMatch(/^retry: \d+\nevent: goodbye\n/)
  await drained
  await Promise.all(streams.map(({ ended }) => ended))
  for (const { text } of streams) expect(text).toMatch(/\nretry: \d+\nevent: goodbye\n.*\n\n$/)
  expect(streams.at(-1)?.text).toMatch(/meanwhile[^]*goodbye/)
})
