/** Server-Sent Events, over HTTP/1.1 and HTTP/2. */
import { execFile } from 'node:child_process'
import { connect } from 'node:http2'
import { createConnection } from 'node:net'
import { promisify } from 'node:util'
import { SseParser } from '@watchpost/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certificate } from './certificate.ts'
import { get, openSse, post, startServer } from './harness.ts'

const line = (n: number) => ({ type: 'line', data: { n } })

describe('a stream', () => {
  it('begins with retry and welcome, whose id is where it starts [WP-3.8] [WP-1.3]', async () => {
    const { url } = await startServer()
    const { id } = (await post(`${url}/v1/topics/log`, line(0))).body.events[0]
    const stream = await openSse(`${url}/v1/topics/log`)
    const welcome = await stream.next(() => true)
    expect(welcome).toMatchObject({
      id,
      event: 'welcome',
      data: { type: 'welcome', data: { cursor: id, heartbeatMs: 15_000 } },
    })
    expect(stream.headers.get('content-type')).toContain('text/event-stream')
    expect(stream.headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(stream.headers.get('x-accel-buffering')).toBe('no')
  })

  it('carries each message whole on one line, with its cursor and type [WP-3.8]', async () => {
    const { url } = await startServer()
    const stream = await openSse(`${url}/v1/topics/log?after=earliest`)
    const data = { text: 'a\nb\r\nc\u2028d', emoji: '🚂' }
    await post(`${url}/v1/topics/log`, { type: 'note', data })
    const [event] = await stream.events(1)
    const page = await get(`${url}/v1/topics/log`)
    expect(event).toEqual({ id: page.body.cursor, event: 'note', data: page.body.events[0] })
    expect(event?.data['data']).toEqual(data)
  })

  it('starts live by default, or where it is told to [WP-3.6]', async () => {
    const { url } = await startServer()
    const published = await post(`${url}/v1/topics/log`, [line(0), line(1), line(2)])
    const live = await openSse(`${url}/v1/topics/log`)
    const last = await openSse(`${url}/v1/topics/log?last=1`)
    const after = await openSse(`${url}/v1/topics/log`, { 'last-event-id': published.body.events[0].id })
    await live.next((message) => message.event === 'welcome')
    await post(`${url}/v1/topics/log`, line(3))
    const seen = async (stream: typeof live, count: number) =>
      (await stream.events(count)).map((message) => (message.data['data'] as { n: number }).n)
    expect(await seen(live, 1)).toEqual([3])
    expect(await seen(last, 2)).toEqual([2, 3])
    expect(await seen(after, 3)).toEqual([1, 2, 3])
  })

  it('advances a silent client by bookmarks [WP-3.8]', async () => {
    const { url } = await startServer({ heartbeatMs: 200 })
    const stream = await openSse(`${url}/v1/topics/log`)
    await stream.next((message) => message.event === 'welcome')
    const other = await post(`${url}/v1/topics/chat/a`, { type: 'message', data: {} })
    const { id } = other.body.events[0]
    const bookmark = await stream.next((message) => message.event === 'bookmark' && message.id === id)
    expect(bookmark.data).toMatchObject({ type: 'bookmark', data: { cursor: id } })
  })

  it('resumes by Last-Event-ID without loss or repeat, bookmarks and welcome included [WP-2.5]', async () => {
    const { url } = await startServer({ heartbeatMs: 100 })
    const seen: number[] = []
    let lastEventId: string | undefined
    for (let round = 0; round < 5; round++) {
      const stream = await openSse(
        `${url}/v1/topics/log`,
        lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
      )
      await stream.next((message) => message.event === 'welcome')
      await post(`${url}/v1/topics/log`, [line(round * 10), line(round * 10 + 1)])
      await stream.events(round === 0 ? 2 : 3)
      stream.close()
      await stream.ended
      for (const { event, data } of stream.messages) if (event === 'line') seen.push((data['data'] as { n: number }).n)
      lastEventId = stream.messages.at(-1)?.id
      await post(`${url}/v1/topics/log`, line(round * 10 + 2))
    }
    expect(seen).toEqual([0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41])
  })

  it('says goodbye when the server closes [WP-3.8]', async () => {
    const server = await startServer()
    const stream = await openSse(`${server.url}/v1/topics/log`)
    await stream.next((message) => message.event === 'welcome')
    const poll = get(`${server.url}/v1/topics/log?wait=60`)
    await new Promise((resolve) => setTimeout(resolve, 100))
    await server.close()
    await stream.ended
    expect(stream.messages.at(-1)?.event).toBe('goodbye')
    expect((await poll).body.events).toEqual([])
  })

  it('runs over HTTP/2 with TLS, as do pages, on the same port as HTTP/1.1 [WP-3.1] [WP-3.8]', async () => {
    const { url, watchpost } = await startServer({ listen: { tls: await certificate() } })
    const session = connect(url, { rejectUnauthorized: false })
    onTestFinished(() => session.destroy())
    const stream = session.request({ ':path': '/v1/topics/log', accept: 'text/event-stream' })
    let text = ''
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    await expect.poll(() => text).toContain('event: welcome')
    await watchpost.publish('log', { type: 'line', data: { n: 7 } })
    await expect.poll(() => text).toContain('"data":{"n":7}')
    const { stdout } = await promisify(execFile)('curl', ['-sk', '--http1.1', `${url}/v1/topics/log`])
    expect(JSON.parse(stdout).events).toHaveLength(1)
  })

  it('holds a bounded amount for a client that never reads, who harms nobody and loses nothing [WP-8.2]', async () => {
    const { url, watchpost } = await startServer()
    const port = Number(new URL(url).port)
    const stalled = createConnection(port, '127.0.0.1')
    onTestFinished(() => void stalled.destroy())
    stalled.write('GET /v1/topics/log?after=earliest HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n')
    await new Promise((resolve) => stalled.once('readable', resolve))
    const healthy = await openSse(`${url}/v1/topics/log`)
    await healthy.next((message) => message.event === 'welcome')
    const text = 'x'.repeat(10_000)
    for (let batch = 0; batch < 30; batch++) {
      const events = Array.from({ length: 300 }, (_, i) => ({ type: 'line', data: { n: batch * 300 + i, text } }))
      await watchpost.publish('log', events)
    }
    const numberOf = (data: Record<string, unknown>) => (data['data'] as { n: number }).n
    const inOrder = Array.from({ length: 9_000 }, (_, n) => n)
    expect((await healthy.events(9_000)).map(({ data }) => numberOf(data))).toEqual(inOrder)
    // 90 MB were published, of which the server holds no more than its bound for who does not read: the rest is in the log.
    const numbers: number[] = []
    const parser = new SseParser(({ event, data }) => {
      if (event === 'line') numbers.push(numberOf(JSON.parse(data)))
    })
    stalled.setEncoding('utf8').on('data', (chunk: string) => parser.push(chunk))
    stalled.resume()
    await expect.poll(() => numbers.length, { timeout: 20_000 }).toBe(9_000)
    expect(numbers).toEqual(inOrder)
  })
})
