/** Handshakes that are malformed, endless, too many, from where they may not be, or for something else [WP-4.1]. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { beside } from './fixtures/beside.ts'
import { startChild } from './fixtures/child.ts'
import { dial, expectProblem, metric, parseAnswer, untilClose } from './fixtures/http.ts'
import { answerTo, handshake, OPCODE, openRaw, type RawOptions } from './fixtures/raw-socket.ts'
import { get, post, startServer, temporaryDir } from './harness.ts'

/** The answer to a handshake that is not taken. */
const refused = (url: string, options: RawOptions) => answerTo(url, handshake(url, options))

const openSockets = (url: string) => metric(url, 'watchpost_connections{transport="websocket"}')

describe('a handshake', () => {
  const malformed: Readonly<Record<string, RawOptions>> = {
    'without a key': { headers: { 'Sec-WebSocket-Key': undefined } },
    'with an empty key': { headers: { 'Sec-WebSocket-Key': '' } },
    'with a key of 15 bytes': { headers: { 'Sec-WebSocket-Key': Buffer.alloc(15).toString('base64') } },
    'with a key that is no Base64': { headers: { 'Sec-WebSocket-Key': `${'?'.repeat(22)}==` } },
    'without a version': { headers: { 'Sec-WebSocket-Version': undefined } },
    'of version 8': { headers: { 'Sec-WebSocket-Version': '8' } },
    'of version 14': { headers: { 'Sec-WebSocket-Version': '14' } },
    'of version x': { headers: { 'Sec-WebSocket-Version': 'x' } },
  }

  it('that is malformed or of another version is answered with 426 and the version that is spoken [WP-4.1]', async () => {
    const { url } = await startServer()
    for (const path of ['/v1', '/v1/topics/log']) {
      for (const [name, options] of Object.entries(malformed)) {
        const answer = await refused(url, { ...options, path })
        expect([name, answer.status, answer.headers.get('sec-websocket-version')]).toEqual([name, 426, '13'])
        expectProblem(answer, 'upgrade-required')
      }
    }
    expectProblem(await get(`${url}/v1`), 'upgrade-required')
    expect(await openSockets(url)).toBe(0)
  })

  it('for subprotocols that are not spoken is answered with 400, beside one that is it is taken [WP-4.2]', async () => {
    const { url } = await startServer()
    const offering = (offered: string): RawOptions => ({ headers: { 'Sec-WebSocket-Protocol': offered } })
    for (const offered of ['graphql-ws', 'watchpost.v2.json', 'mqtt, wamp', 'bearer.abc']) {
      expectProblem(await refused(url, offering(offered)), 'invalid-parameter')
    }
    for (const offered of ['watchpost.v1.json', 'mqtt, watchpost.v1.msgpack', 'watchpost.v1.json, bearer.abc']) {
      const { answer } = await openRaw(url, offering(offered))
      const chosen = offered.split(', ').find((name) => name.startsWith('watchpost.'))
      expect(answer.headers.get('sec-websocket-protocol')).toBe(chosen)
    }
    expect((await openRaw(url)).answer.headers.has('sec-websocket-protocol')).toBe(false)
  })

  it('that offers extensions is taken, with or without them [WP-4.1] [WP-4.2]', async () => {
    const { url } = await startServer()
    const agreed = async (offered: string) => {
      const { answer } = await openRaw(url, { headers: { 'Sec-WebSocket-Extensions': offered } })
      return answer.headers.get('sec-websocket-extensions')?.split(';')[0]
    }
    expect(await agreed('permessage-deflate; client_max_window_bits')).toBe('permessage-deflate')
    expect(await agreed('x-unknown; a=1, permessage-deflate')).toBe('permessage-deflate')
    expect(await agreed('x-unknown')).toBe(undefined)
    // An offer that a server does not take is one that it declines (RFC 7692, section 5), and no fault of the handshake.
    expect(await agreed('permessage-deflate; server_max_window_bits=9')).toBe(undefined)
    expect(await agreed('permessage-deflate; server_max_window_bits=9, permessage-deflate')).toBe('permessage-deflate')
  })

  it('from a page of another origin is refused with 403, from one of the own host it is not [WP-4.1]', async () => {
    const { url } = await startServer({ cors: { origins: ['https://app.example'] } })
    const from = (Origin: string): RawOptions => ({ headers: { Origin } })
    const { port } = new URL(url)
    for (const origin of ['https://evil.example', 'null', `http://evil.example:${port}`, 'https://app.example.evil']) {
      expectProblem(await refused(url, from(origin)), 'forbidden')
    }
    for (const origin of [url, 'https://app.example']) {
      expect((await openRaw(url, from(origin))).answer.status).toBe(101)
    }
  })

  it('is refused for whatever the same GET is refused for [WP-4.1] [WP-3.5]', async () => {
    const { url } = await startServer()
    expectProblem(await refused(url, { path: '/v1/topics/nowhere' }), 'unknown-topic')
    expectProblem(await refused(url, { path: '/v1/topics/a..b/%00' }), 'invalid-parameter')
    expectProblem(await refused(url, { path: '/v1/topics/log/..' }), 'not-found')
    expectProblem(await refused(url, { path: '/v1/topics/log?last=x' }), 'invalid-parameter')
    expectProblem(await refused(url, { path: '/v1/topics/log?after=%21' }), 'invalid-cursor')
    expectProblem(await refused(url, { path: '/v1/events?topic=log' }), 'transport-not-offered')
    expectProblem(await refused(url, { path: '/v2' }), 'unsupported-version')
    expectProblem(await refused(url, { path: '/nothing' }), 'not-found')
    expectProblem(await refused(url, { method: 'POST' }), 'method-not-allowed')
    expect(await openSockets(url)).toBe(0)
  })

  it('that dribbles a byte at a time is cut off [WP-8.1]', async () => {
    const child = await startChild({ dataDir: await temporaryDir(), limits: { slowBodyMs: 500, idleHttpMs: 500 } })
    const text = handshake(child.url)
    const { result: sent } = await beside(child.url, async () => {
      const socket = await dial(child.url)
      socket.resume()
      let count = 0
      for (; count < text.length && !socket.destroyed; count++) {
        socket.write(text.charAt(count))
        await sleep(100)
      }
      return count
    })
    expect(sent).toBeLessThan(text.length)
    expect(child.logged).toEqual([])
  })
})

describe('an upgrade to anything else is ignored', () => {
  /** As Java's HttpClient sends it with the first request of a connection that is not encrypted. */
  const H2C =
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n'

  it('on GET and on a publish with a body, whole or in parts [WP-4.1] [WP-3.9]', async () => {
    const { url, watchpost } = await startServer()
    await watchpost.publish('log', { type: 'line', data: 0 })
    const page = await answerTo(url, `GET /v1/topics/log HTTP/1.1\r\nHost: x\r\n${H2C}\r\n`)
    expect([page.status, page.body.events.length]).toEqual([200, 1])
    const body = JSON.stringify({ type: 'line', data: 'x'.repeat(50_000) })
    const head = `POST /v1/topics/log HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${H2C}`
    const whole = await answerTo(url, `${head}Content-Length: ${body.length}\r\n\r\n${body}`)
    expect(whole.status).toBe(201)
    const part = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
    const chunks = [part(body.slice(0, 7)), part(body.slice(7)), '0\r\n\r\n']
    const chunked = await answerTo(url, `${head}Transfer-Encoding: chunked\r\n\r\n`, ...chunks)
    expect(chunked.status).toBe(201)
    expect((await get(`${url}/v1/topics/log`)).body.events).toHaveLength(3)
  })

  it('when a body comes late, and then another request on the same connection [WP-4.1] [WP-3.9]', async () => {
    const { url } = await startServer()
    const socket = await dial(url)
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    const body = JSON.stringify({ type: 'line', data: 1 })
    const head = `POST /v1/topics/log HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`
    socket.write(`${head}${H2C}Content-Length: ${body.length}\r\n\r\n`)
    await sleep(200)
    socket.write(body.slice(0, 5))
    await sleep(200)
    socket.write(body.slice(5))
    await expect.poll(() => text).toMatch(/^HTTP\/1\.1 201 /)
    // Unless the server said that the connection ends, it must take another request on it.
    const goesOn = !/^connection: close/im.test(text)
    if (goesOn) socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`)
    const answers = () => [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status)
    await expect.poll(answers).toEqual(goesOn ? ['201', '201'] : ['201'])
  })

  it('when the body never comes, which ends it in time [WP-8.1]', async () => {
    const { url } = await startServer({ limits: { slowBodyMs: 500, idleHttpMs: 500 } })
    const socket = await dial(url)
    socket.write(`POST /v1/topics/log HTTP/1.1\r\nHost: x\r\n${H2C}Content-Length: 10\r\n\r\n{`)
    expectProblem(await untilClose(socket), 'request-timeout')
  })

  it('time and again on one connection, which holds no more for it [WP-4.1]', async () => {
    const warnings: string[] = []
    const onWarning = ({ message }: Error): number => warnings.push(message)
    process.on('warning', onWarning)
    onTestFinished(() => void process.off('warning', onWarning))
    const { url } = await startServer()
    let socket = await dial(url)
    for (let n = 0; n < 30; n++) {
      if (!socket.writable) socket = await dial(url)
      socket.write(`GET /v1/topics HTTP/1.1\r\nHost: x\r\n${H2C}\r\n`)
      const answer = await new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(chunk.toString())))
      expect(parseAnswer(answer).status).toBe(200)
      if (/^connection: close/im.test(answer)) socket.destroy()
    }
    expect(warnings).toEqual([])
  })

  it('of several requests sent at once, which are answered in order, or up to where the connection ends [WP-4.1]', async () => {
    const { url } = await startServer()
    const expected = Object.entries({ '/v1/topics': '200', '/nothing': '404', '/v1': '426', '/v1/events': '400' })
    const socket = await dial(url)
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    socket.write(expected.map(([path]) => `GET ${path} HTTP/1.1\r\nHost: x\r\n${H2C}\r\n`).join(''))
    const statuses = () => [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status)
    // What comes right behind an upgrade is the other protocol's to Node, so only the first one is sure of an answer.
    await expect.poll(() => statuses().length, { timeout: 10_000 }).toBeGreaterThan(0)
    expect(statuses()).toEqual(expected.map(([, status]) => status).slice(0, statuses().length))
  })

  it.each(['h2c', 'TLS/1.0', 'foo/1, bar', ''])('as it is: %j [WP-4.1]', async (protocol) => {
    const { url } = await startServer()
    const answer = await answerTo(
      url,
      `GET /v1/topics HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`,
    )
    expect(answer.status).toBe(200)
  })
})

describe('many', () => {
  it('2,000 handshakes at once are all taken, and leave nothing behind [WP-4.1] [WP-8.1]', {
    timeout: 60_000,
  }, async () => {
    const { url, logged } = await startChild({ dataDir: await temporaryDir(), durability: 'os' })
    const { grownMb } = await beside(url, async () => {
      const peers = await Promise.all(Array.from({ length: 2_000 }, () => openRaw(url)))
      await Promise.all(peers.map((peer) => peer.next(({ type }) => type === 'welcome')))
      for (const { socket } of peers) socket.destroy()
    })
    console.log(`2,000 handshakes at once: memory grew by ${JSON.stringify(grownMb)} MB`)
    await expect.poll(() => openSockets(url), { timeout: 20_000 }).toBe(0)
    expect(grownMb.heapMb).toBeLessThan(300)
    expect(logged).toEqual([])
  })

  it('over `connections` are told so and closed with 4429; over twice that, answered with 429 [WP-4.1] [WP-4.9]', async () => {
    const { url, logged } = await startChild({ dataDir: await temporaryDir(), limits: { connections: 3 } })
    const inside = await Promise.all([1, 2, 3].map(() => openRaw(url)))
    await Promise.all(inside.map((peer) => peer.next(({ type }) => type === 'welcome')))
    // They do not answer the close frame, and so are still there.
    const outside = await Promise.all([1, 2, 3].map(() => openRaw(url, { answers: false })))
    for (const peer of outside) {
      const { error } = await peer.next(({ type }) => type === 'error')
      expect(error).toMatchObject({ type: '/problems/reach-maximum-connections' })
      expect((await peer.frame(OPCODE.close)).payload.readUInt16BE(0)).toBe(4429)
    }
    expectProblem(await refused(url, {}), 'reach-maximum-connections')
    for (const peer of [...outside, inside[0]]) peer?.socket.destroy()
    await expect.poll(async () => (await openOrRefused(url)) !== undefined).toBe(true)
    for (const peer of inside.slice(1)) {
      peer.ask({ type: 'ping', id: 'here' })
      await peer.next(({ re }) => re === 'here')
    }
    expect(logged).toEqual([])
  })

  it('subscriptions of one connection are bounded, and others are not touched by it [WP-4.4] [WP-8.1]', async () => {
    const { url, logged } = await startChild({
      dataDir: await temporaryDir(),
      limits: { subscriptionsPerConnection: 2 },
    })
    await beside(url, async () => {
      const peer = await openRaw(url)
      for (const room of ['a', 'b', 'c']) peer.ask({ type: 'subscribe', id: room, data: { topic: `chat/${room}` } })
      await peer.next(({ re, type }) => re === 'b' && type === 'subscribed')
      const { error } = await peer.next(({ re }) => re === 'c')
      expect(error).toMatchObject({ type: '/problems/reach-maximum-subscriptions' })
      peer.ask({ type: 'unsubscribe', id: 'no-a', data: { topic: 'chat/a' } })
      await peer.next(({ re }) => re === 'no-a')
      peer.ask({ type: 'subscribe', id: 'c again', data: { topic: 'chat/c' } })
      expect(await peer.next(({ re }) => re === 'c again')).toMatchObject({ type: 'subscribed' })
      for (const room of ['a', 'b', 'c']) await post(`${url}/v1/topics/chat/${room}`, { type: 'message', data: room })
      await peer.next(({ data }) => data === 'c')
      const rooms = peer.messages.filter(({ type }) => type === 'message').map(({ data }) => data)
      expect(new Set(rooms)).toEqual(new Set(['b', 'c']))
    })
    expect(logged).toEqual([])
  })
})

/** A WebSocket that was not told to leave, or `undefined`. */
async function openOrRefused(url: string) {
  const peer = await openRaw(url)
  const { type } = await peer.next((message) => ['welcome', 'error'].includes(message.type))
  return type === 'welcome' ? peer : undefined
}
