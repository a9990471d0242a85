/** Requests that are wrong in every way: each gets its problem, and changes nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProblemName } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { dial, expectProblem, headOf, parseAnswer, raw, untilClose } from './fixtures/http.ts'
import { type Answer, get, post, type Running, startServer } from './harness.ts'

const line = { type: 'line', data: {} }
const deep = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`

const send = async (url: string, body: Buffer<ArrayBuffer>): Promise<Answer> => {
  const response = await fetch(url, { method: 'POST', body })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

/** Starts a server with one event, does the bad thing, and asserts that nothing was added. */
async function expectUnchanged(act: (server: Running) => Promise<void>, config = {}): Promise<void> {
  const server = await startServer(config)
  await post(`${server.url}/v1/topics/log`, line)
  await act(server)
  expect(await headOf(server.url)).toBe(1)
  expect((await get(`${server.url}/v1/topics/log`)).body.events).toHaveLength(1)
}

describe('a body', () => {
  it.each<[string, string, ProblemName]>([
    ['that is empty', '', 'invalid-message'],
    ['of broken JSON', '{"type":"line","data":{}', 'invalid-message'],
    ['of two JSON values', `${JSON.stringify(line)}${JSON.stringify(line)}`, 'invalid-message'],
    ['of JavaScript', "{type:'line'}", 'invalid-message'],
    ['without an event', '[]', 'invalid-message'],
    ['that is a number', '7', 'invalid-event'],
    ['that is null', 'null', 'invalid-event'],
    ['with an array in an array', `[[${JSON.stringify(line)}]]`, 'invalid-event'],
    ['without a type', '{"data":{}}', 'invalid-event'],
    ['with a type that is no text', '{"type":["line"]}', 'invalid-event'],
    ['of a type that the topic does not have', '{"type":"other"}', 'invalid-event'],
    ['of a type that every object has', '{"type":"constructor"}', 'invalid-event'],
    ['of a type that begins a prototype', '{"type":"__proto__"}', 'invalid-event'],
    ['with a member __proto__', '{"type":"line","__proto__":{"data":1}}', 'invalid-event'],
    ['with a member that is the server`s', '{"type":"line","id":"x.1"}', 'invalid-event'],
    ['with another topic', '{"type":"line","topic":"stocks"}', 'invalid-event'],
    ['with a key that is empty', '{"type":"line","key":""}', 'invalid-event'],
    ['with a key that is no text', '{"type":"line","key":1}', 'invalid-event'],
    ['with a key that is too long', JSON.stringify({ ...line, key: 'x'.repeat(256) }), 'invalid-event'],
    ['with a key of too many bytes', JSON.stringify({ ...line, key: 'é'.repeat(128) }), 'invalid-event'],
    ['with a key that has no UTF-8', '{"type":"line","key":"\\ud800"}', 'invalid-event'],
    ['with data nested beyond reason', `{"type":"line","data":${deep(30_000)}}`, 'invalid-event'],
    ['with a member nested beyond reason', `{"type":"line","more":${deep(1_000_000)}}`, 'invalid-event'],
    [
      'with an event that is too large',
      JSON.stringify({ type: 'line', data: 'x'.repeat(65_536) }),
      'message-too-large',
    ],
    [
      'with an event of too many bytes',
      JSON.stringify({ type: 'line', data: '€'.repeat(21_900) }),
      'message-too-large',
    ],
    ['of too many events', `[${Array.from({ length: 10_001 }, () => '{"type":"line"}').join()}]`, 'message-too-large'],
  ])('%s is refused [WP-3.9] [WP-1.2] [WP-8.1]', async (_what, body, problem) => {
    await expectUnchanged(async ({ url }) => {
      expectProblem(await post(`${url}/v1/topics/log`, body), problem)
      const good = JSON.stringify(line)
      if (!body.startsWith('[')) expectProblem(await post(`${url}/v1/topics/log`, `[${good},${body}]`), problem)
    })
  })

  it.each([
    'welcome error ping pong subscribe subscribed unsubscribe unsubscribed publish published',
    'authenticate authenticated expiring bookmark gap snapshot goodbye',
  ])('of a reserved type is refused: %s [WP-1.2]', async (types) => {
    await expectUnchanged(async ({ url }) => {
      for (const type of types.split(' ')) {
        const answer = await post(`${url}/v1/topics/log`, { type, data: {} })
        expectProblem(answer, 'invalid-event', {
          errors: [{ path: '/type', message: expect.stringMatching('reserved') }],
        })
      }
    })
  })

  it('that is not UTF-8 is refused [WP-3.9]', async () => {
    await expectUnchanged(async ({ url }) => {
      for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf]]) {
        const body = Buffer.concat([Buffer.from('{"type":"line","data":"'), Buffer.from(bytes), Buffer.from('"}')])
        expectProblem(await send(`${url}/v1/topics/log`, body), 'invalid-message')
      }
    })
  })

  it('against the schema of its type is refused, fault by fault [WP-6.2] [WP-3.9]', async () => {
    await expectUnchanged(async ({ url }) => {
      const answer = await post(`${url}/v1/topics/stocks`, { type: 'priceUpdate', data: { symbol: 1, price: '2' } })
      expectProblem(answer, 'invalid-event', {
        errors: [
          { event: 0, path: '/data/symbol', message: 'must be string' },
          { event: 0, path: '/data/price', message: 'must be number' },
        ],
      })
    })
  })

  it('in another media type or coding is refused [WP-3.9]', async () => {
    await expectUnchanged(async ({ url }) => {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'constructor', '/']) {
        expectProblem(await post(`${url}/v1/topics/log`, line, { 'content-type': type }), 'unsupported-media-type')
      }
      const coded = await post(`${url}/v1/topics/log`, line, { 'content-encoding': 'gzip' })
      expectProblem(coded, 'unsupported-media-type')
    })
  })

  it('keeps what looks like a prototype as the data that it is [WP-6.2]', async () => {
    const { url } = await startServer()
    const data = '{"__proto__":{"admin":true},"constructor":{"prototype":1},"toString":2}'
    expect((await post(`${url}/v1/topics/log`, `{"type":"line","data":${data}}`)).status).toBe(201)
    const text = await (await fetch(`${url}/v1/topics/log`)).text()
    expect(text).toContain(`"data":${data}`)
    const selected = await (await fetch(`${url}/v1/topics/log?select=/__proto__/admin&select=/toString`)).text()
    expect(selected).toContain('"data":{"__proto__":{"admin":true},"toString":2}')
    expect((await get(`${url}/v1/topics/log?select=/hasOwnProperty`)).body.events[0].data).toEqual({})
  })

  it('over the bound is refused before it is read, however it is announced [WP-8.1]', async () => {
    const bounded = { limits: { publishBytesMax: 1_000 } }
    await expectUnchanged(async ({ url }) => {
      const body = JSON.stringify(Array.from({ length: 100 }, () => line))
      expectProblem(await post(`${url}/v1/topics/log`, body), 'message-too-large')
      const start = 'POST /v1/topics/log HTTP/1.1\r\nHost: x\r\n'
      // Of this body nothing ever comes, and the answer doesn't wait for it.
      expectProblem(await raw(url, `${start}Content-Length: 4000000\r\n\r\n`), 'message-too-large')
      const chunk = `400\r\n${' '.repeat(1_024)}\r\n`
      expectProblem(await raw(url, `${start}Transfer-Encoding: chunked\r\n\r\n${chunk}`), 'message-too-large')
      expect((await post(`${url}/v1/topics/log`, ' '.repeat(1_001))).status).toBe(413)
      // More than any buffer on the way holds, so that the client still sends when it is answered.
      for (let i = 0; i < 10; i++) expect((await post(`${url}/v1/topics/log`, ' '.repeat(8_000_000))).status).toBe(413)
    }, bounded)
  })

  it('over the bound gets its answer though the client is still sending [WP-8.1]', async () => {
    await expectUnchanged(async ({ url }) => {
      const body = Buffer.alloc(16_777_216, ' ')
      for (let round = 0; round < 5; round++) {
        expectProblem(await send(`${url}/v1/topics/log`, body), 'message-too-large')
      }
    })
  })

  it('that comes too slowly is answered with 408, and the connection closed [WP-8.1]', async () => {
    await expectUnchanged(
      async ({ url }) => {
        const socket = await dial(url)
        const answered = untilClose(socket)
        const body = JSON.stringify(line)
        socket.write(
          `POST /v1/topics/log HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
        )
        const dripping = setInterval(() => socket.write(' '), 100)
        const answer = await answered
        clearInterval(dripping)
        expectProblem(answer, 'request-timeout')
        expect(answer.headers.get('connection')).toBe('close')
      },
      { limits: { slowBodyMs: 400 } },
    )
  })

  it('that is cut off publishes nothing [WP-3.9]', async () => {
    await expectUnchanged(async ({ url }) => {
      const socket = await dial(url)
      const body = JSON.stringify(line)
      socket.end(`POST /v1/topics/log HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length + 1}\r\n\r\n${body}`)
      await untilClose(socket)
      await sleep(50)
    })
  })
})

describe('headers', () => {
  it('that are too large are answered with 431 [WP-8.1] [WP-5.2]', async () => {
    await expectUnchanged(async ({ url }) => {
      const large = 'x'.repeat(17_000)
      const start = 'GET /v1/topics/log HTTP/1.1\r\nHost: x\r\n'
      expectProblem(await raw(url, `${start}X-Large: ${large}\r\n\r\n`), 'headers-too-large')
      expectProblem(await raw(url, `GET /v1/topics/log?key=${large} HTTP/1.1\r\nHost: x\r\n\r\n`), 'headers-too-large')
    })
  })

  it('that never end are answered with 408 [WP-8.1] [WP-5.2]', async () => {
    await expectUnchanged(
      async ({ url }) => {
        const answer = await raw(url, 'GET /v1/topics/log HTTP/1.1\r\nHost: x\r\nX-Slow: ')
        expectProblem(answer, 'request-timeout')
      },
      { limits: { slowBodyMs: 300 } },
    )
  })

  it('that are no HTTP are answered with 400 [WP-5.2]', async () => {
    await expectUnchanged(async ({ url }) => {
      for (const text of [
        'nonsense\r\n\r\n',
        'GET / HTTP/9.9\r\n\r\n',
        'GET /v1/topics/log HTTP/1.1\r\nHost x\r\n\r\n',
      ]) {
        expectProblem(await raw(url, text), 'invalid-message')
      }
      expectProblem(
        await raw(url, 'POST /v1/topics/log HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n'),
        'invalid-message',
      )
    })
  })
})

describe('a parameter', () => {
  const many = (name: string, count: number): string =>
    Array.from({ length: count }, (_, i) => `${name}=x${i}`).join('&')

  it.each([
    ...['last=-1', 'last=1001', 'last=1.5', 'last=', 'last=x', 'last=1&last=2'],
    ...['limit=0', 'limit=1e9', 'limit=1001', 'limit=-5', 'limit=%2B5', 'limit=0x10', 'limit=', 'limit=5&limit=5'],
    ...['wait=abc', 'wait=61', 'wait=-1', 'wait=', 'wait=1&wait=1', 'wait=9999999999999999'],
    ...['select=price', 'select=/a~2', 'select=~', 'select=/a&select=b'],
    ...['after=latest&after=latest', 'lastEventId=a&lastEventId=b'],
    ...[many('key', 129), many('type', 129), many('select', 129)],
  ])('out of its bounds is refused: %s [WP-3.6] [WP-3.4] [WP-8.1]', async (query) => {
    await expectUnchanged(async ({ url }) => {
      const name = query.slice(0, query.indexOf('='))
      for (const accept of ['application/json', 'text/event-stream']) {
        // What is no parameter of a stream is ignored there.
        if (accept !== 'application/json' && name === 'limit') continue
        const answer = await get(`${url}/v1/topics/log?${query}`, { accept })
        expectProblem(answer, 'invalid-parameter', { detail: expect.stringContaining(name) })
      }
    })
  })

  it.each(['wait=x', 'wait=99'])('in `Prefer` out of its bounds is refused: %s [WP-3.5] [WP-3.6]', async (prefer) => {
    const { url } = await startServer()
    expectProblem(await get(`${url}/v1/topics/log`, { prefer }), 'invalid-parameter')
  })

  it('that nobody knows is ignored, as are `*` and lists in If-None-Match [WP-3.6]', async () => {
    const { url } = await startServer()
    await post(`${url}/v1/topics/log`, line)
    expect((await get(`${url}/v1/topics/log?nonsense=1&nonsense=2&__proto__=1`)).body.events).toHaveLength(1)
    expect((await get(`${url}/v1/topics/log`, { 'if-none-match': '*' })).body.events).toHaveLength(1)
  })

  const cursors = ['abc', '', 'abc.', '.5', 'ABC.5', 'abc.05', 'abc.-1', 'abc.1e3', 'abc.5-0', 'abc.5-01', 'abc.5%20']
  const hostile = ['../etc', 'a%00b.1', 'abc.9999999999999999', 'x'.repeat(65), 'abc.5%0a', 'éa.1', 'Earliest', '0']
  it.each([...cursors, ...hostile])('that should be a cursor and is none is refused: %j [WP-2.3]', async (cursor) => {
    await expectUnchanged(async ({ url }) => {
      for (const [query, headers] of [
        [`?after=${cursor}`, {}],
        [`?after=${cursor}&wait=1`, {}],
        [`?after=${cursor}`, { accept: 'text/event-stream' }],
      ] as const) {
        expectProblem(await get(`${url}/v1/topics/log${query}`, headers), 'invalid-cursor')
      }
    })
  })

  it('for a cursor in a header is refused too, and an empty Last-Event-ID is none [WP-2.3] [WP-3.4]', async () => {
    const { url } = await startServer()
    const good = await post(`${url}/v1/topics/log`, [line, line])
    const { id } = good.body.events[0]
    const log = `${url}/v1/topics/log`
    expectProblem(await get(`${log}?after=${id}`, { 'last-event-id': 'nonsense' }), 'invalid-cursor')
    expectProblem(await get(log, { 'if-none-match': '"nonsense"' }), 'invalid-cursor')
    expect((await get(`${log}?after=${id}`, { 'last-event-id': '' })).body.events).toHaveLength(1)
    expect((await get(`${log}?lastEventId=&after=${id}`)).body.events).toHaveLength(1)
  })
})

describe('a path', () => {
  it.each<[string, string, ProblemName]>([
    ['GET', '/v1/topics/none', 'unknown-topic'],
    ['POST', '/v1/topics/none', 'unknown-topic'],
    ['GET', '/v1/topics/chat/a/b', 'unknown-topic'],
    ['GET', '/v1/topics/__proto__', 'unknown-topic'],
    ['GET', '/v1/topics/$presence/log', 'unknown-topic'],
    ['POST', '/v1/topics/$log', 'unknown-topic'],
    ['GET', '/v1/topics/a b', 'invalid-parameter'],
    ['GET', '/v1/topics/log/', 'invalid-parameter'],
    ['GET', '/v1/topics//log', 'invalid-parameter'],
    ['GET', '/v1/topics/caf%C3%A9', 'invalid-parameter'],
    ['GET', '/v1/topics/log%00', 'invalid-parameter'],
    ['GET', '/v1/topics/%E0%A4%A', 'invalid-parameter'],
    ['GET', '/v1/topics/{room}', 'invalid-parameter'],
    ['GET', '/v1/topics/lo*', 'invalid-parameter'],
    ['GET', `/v1/topics/${'x'.repeat(256)}`, 'invalid-parameter'],
    ['GET', `/v1/topics/${Array.from({ length: 17 }, () => 'x').join('/')}`, 'invalid-parameter'],
    ['POST', '/v1/topics/chat/*', 'invalid-parameter'],
    ['POST', `/v1/topics/chat/${'x'.repeat(251)}`, 'invalid-parameter'],
    ['GET', '/v1/events', 'invalid-parameter'],
    ['GET', '/v1/events?topic=', 'invalid-parameter'],
    ['GET', `/v1/events?${Array.from({ length: 129 }, () => 'topic=log').join('&')}`, 'invalid-parameter'],
    ['GET', '/v1/events?topic=log&topic=none', 'unknown-topic'],
    ['GET', '/', 'not-found'],
    ['GET', '/v1', 'upgrade-required'],
    ['GET', '/v1/', 'not-found'],
    ['GET', '/v1/topics/', 'not-found'],
    ['GET', '/v1/state', 'not-found'],
    ['GET', '/v1/../metrics', 'not-found'],
    ['GET', '/v1/%2e%2E/metrics', 'not-found'],
    ['GET', '/v1/topics/.%2e/..\\metrics', 'not-found'],
    ['GET', '/v1/./topics', 'not-found'],
    ['POST', '/v1\\drain', 'not-found'],
    ['GET', '/v1/topics/log/..', 'not-found'],
    ['GET', '/v1/webhooks', 'not-found'],
    ['POST', '/nothing', 'not-found'],
    ['GET', '/V1/topics', 'not-found'],
    ['GET', '//v1/topics', 'not-found'],
    ['GET', '/v2/topics/log', 'unsupported-version'],
    ['GET', '/v2', 'unsupported-version'],
    ['POST', '/v0/topics/log', 'unsupported-version'],
    ['GET', '/problems/none', 'not-found'],
    ['GET', '/problems/constructor', 'not-found'],
  ])('%s %s is refused [WP-3.2] [WP-3.3] [WP-3.1] [WP-9.2]', async (method, path, problem) => {
    await expectUnchanged(async ({ url }) => {
      const body = JSON.stringify(line)
      const rest = method === 'POST' ? `Content-Length: ${body.length}\r\n\r\n${body}` : '\r\n'
      const target = path.replaceAll(' ', '%20')
      const answer = await raw(url, `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${rest}`)
      expectProblem(answer, problem, problem === 'unsupported-version' ? { versions: ['v1'] } : {})
      expect(answer.headers.get('link')).toContain(`</problems/${problem}>; rel="type"`)
    })
  })

  it.each([
    ['PUT', '/v1/topics/log', 'GET, POST, OPTIONS'],
    ['DELETE', '/v1/topics/log', 'GET, POST, OPTIONS'],
    ['POST', '/v1/events?topic=log', 'GET, OPTIONS'],
    ['POST', '/v1/topics', 'GET, OPTIONS'],
    ['PATCH', '/v1/state/stocks', 'GET, OPTIONS'],
    ['POST', '/problems', 'GET, OPTIONS'],
    ['DELETE', '/metrics', 'GET, OPTIONS'],
  ])('takes no %s: %s [WP-3.2]', async (method, path, allow) => {
    await expectUnchanged(async ({ url }) => {
      const response = await fetch(`${url}${path}`, { method })
      const answer = { status: response.status, headers: response.headers, body: await response.json() }
      expectProblem(answer, 'method-not-allowed')
      expect(answer.headers.get('allow')).toBe(allow)
    })
  })

  it('takes no HEAD, and then sends no body [WP-3.2]', async () => {
    const { url } = await startServer()
    const response = await fetch(`${url}/v1/topics/log`, { method: 'HEAD' })
    expect([response.status, response.headers.get('allow'), await response.text()]).toEqual([
      405,
      'GET, POST, OPTIONS',
      '',
    ])
  })

  it('in the form of a whole URL is that path [WP-3.2]', async () => {
    const { url } = await startServer()
    const answer = await raw(url, `GET ${url}/v1/topics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect(answer.status).toBe(200)
  })
})

describe('a connection', () => {
  it('that was used before can be asked for a stream [WP-3.8]', async () => {
    const { url } = await startServer()
    const socket = await dial(url)
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    socket.write('GET /v1/topics HTTP/1.1\r\nHost: x\r\n\r\n')
    await expect.poll(() => text).toContain('"limits"')
    text = ''
    socket.write('GET /v1/topics/log HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n')
    await expect.poll(() => text).toContain('event: welcome')
    const { status, headers } = parseAnswer(text)
    expect([status, headers.get('connection'), headers.get('content-length')]).toEqual([200, 'close', null])
  })
})
