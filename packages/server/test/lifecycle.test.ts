/** Topics that are to end: whoever uses one is told, on every answer, and can go on as before. */
import { describe, expect, it } from 'vitest'
import { type Topics, topic } from 'watchpost'
import { expectProblem } from './fixtures/http.ts'
import { openRaw } from './fixtures/raw-socket.ts'
import { get, openSse, post, startServer } from './harness.ts'

const events = { line: {} }
const open = { events, watch: 'anyone', publish: 'anyone' } as const
const since = '2026-01-01T00:00:00Z'
const sunset = '2027-07-01T12:00:00Z'

const ENDING: Topics = {
  'rooms/{room}': topic(open),
  log: topic(open),
  'chat/{room}': topic({ ...open, key: '/k', version: '1.4.0', deprecated: { since, sunset, use: 'rooms/{room}' } }),
  'old/log': topic({ ...open, transports: ['page'], deprecated: { since: '2026-02-03T04:05:06.789Z' } }),
  hidden: topic({ events, deprecated: { since } }),
}

const told = ({ headers }: { readonly headers: Headers }): readonly (string | null)[] =>
  ['deprecation', 'sunset', 'link'].map((name) => headers.get(name))

const CHAT = [
  '@1767225600',
  'Thu, 01 Jul 2027 12:00:00 GMT',
  '</v1/topics/rooms/lobby>; rel="successor-version", </docs>; rel="deprecation"; type="text/html"',
]
const LOG = ['@1770091506', null, '</docs>; rel="deprecation"; type="text/html"']
const NOTHING = [null, null, null]

describe('a topic that is deprecated', () => {
  it('says so on every answer, with its end and its successor [WP-6.8]', async () => {
    const { url } = await startServer({ topics: ENDING })
    const chat = `${url}/v1/topics/chat/lobby`
    const event = { type: 'line', data: { k: 'a' } }
    expect(told(await post(chat, event))).toEqual(CHAT)
    expect(told(await get(chat))).toEqual(CHAT)
    expect(told(await get(`${url}/v1/state/chat/lobby`))).toEqual(CHAT)
    const { headers } = await get(`${chat}?wait=0`)
    const unchanged = await get(`${chat}?wait=0`, { 'if-none-match': headers.get('etag') ?? '' })
    expect([unchanged.status, ...told(unchanged)]).toEqual([304, ...CHAT])
    const stream = await openSse(chat)
    expect(told(stream)).toEqual(CHAT)
    expect(told(await get(`${url}/v1/topics/old/log`))).toEqual(LOG)
    expect(told(await get(`${url}/v1/topics/log`))).toEqual(NOTHING)
  })

  it('says so beside what else an answer links to [WP-3.7] [WP-5.2]', async () => {
    const { url } = await startServer({ topics: ENDING })
    const chat = `${url}/v1/topics/chat/lobby`
    await post(
      chat,
      [1, 2].map((n) => ({ type: 'line', data: { k: `${n}` } })),
    )
    const link = (await get(`${chat}?limit=1`)).headers.get('link')
    expect(link).toMatch(/^<\/v1\/topics\/rooms\/lobby>; rel="successor-version", .*, <[^>]*limit=1[^>]*>; rel="next"$/)
    const refused = await post(chat, { type: 'none' })
    expectProblem(refused, 'invalid-event')
    expect(refused.headers.get('link')).toBe(`${CHAT[2]}, </problems/invalid-event>; rel="type"`)
    expect(told(refused).slice(0, 2)).toEqual(CHAT.slice(0, 2))
    const stream = await get(`${url}/v1/topics/old/log`, { accept: 'text/event-stream' })
    expectProblem(stream, 'transport-not-offered')
    expect(told(stream).slice(0, 2)).toEqual(LOG.slice(0, 2))
  })

  it('says for which of several topics a link is', async () => {
    const { url } = await startServer({ topics: ENDING })
    const answer = await get(`${url}/v1/events?topic=old/log&topic=chat/lobby&topic=log&topic=chat/*`)
    expect(told(answer)).toEqual([
      CHAT[0],
      CHAT[1],
      '</v1/topics/rooms/lobby>; rel="successor-version"; anchor="/v1/topics/chat/lobby", </docs>; rel="deprecation"; type="text/html"',
    ])
    expect(told(await get(`${url}/v1/events?topic=chat/*`))).toEqual(NOTHING)
  })

  it('is as if it were not there to who may not see it [WP-6.3] [WP-6.8]', async () => {
    const { url } = await startServer({ topics: ENDING })
    const [unseen, absent] = [await get(`${url}/v1/topics/hidden`), await get(`${url}/v1/topics/absent`)]
    for (const answer of [unseen, absent]) expectProblem(answer, 'unknown-topic')
    expect(told(unseen)).toEqual(told(absent))
    expect(JSON.stringify((await get(`${url}/openapi.json`)).body)).not.toContain('hidden')
  })

  it('names its successor to those who may know of that, in everything that tells of it [WP-6.3] [WP-6.8]', async () => {
    const { url } = await startServer({
      topics: { old: topic({ ...open, deprecated: { since, use: 'merger' } }), merger: topic({ events }) },
    })
    const answer = await get(`${url}/v1/topics/old`)
    expect(told(answer)).toEqual([CHAT[0], null, '</docs>; rel="deprecation"; type="text/html"'])
    const stream = await openSse(`${url}/v1/topics/old`)
    const { data: greeting } = await stream.next(({ event }) => event === 'welcome')
    const socket = await openRaw(url, { path: '/v1/topics/old' })
    const subscribed = await socket.next(({ type }) => type === 'subscribed')
    const documents = ['/v1/topics', '/openapi.json', '/asyncapi.json'].map(
      async (path) => (await get(url + path)).body,
    )
    for (const text of [greeting, subscribed, ...(await Promise.all(documents))].map((each) => JSON.stringify(each))) {
      expect(text).toContain('2026-01-01T00:00:00.000Z')
      expect(text).not.toContain('merger')
    }
  })

  it('names a successor whose parameter is called otherwise [WP-6.8]', async () => {
    const { url } = await startServer({
      topics: {
        'chat/{room}': topic({ ...open, deprecated: { since, use: 'v2/{room}' } }),
        'v2/{channel}': topic(open),
      },
    })
    const { topics } = (await get(`${url}/v1/topics`)).body as { readonly topics: readonly Record<string, unknown>[] }
    expect(topics.find(({ topic: name }) => name === 'chat/{room}')).toMatchObject({ deprecated: { use: 'v2/{room}' } })
    const link = (await get(`${url}/v1/topics/chat/lobby`)).headers.get('link')
    expect(link).toMatch(/^<\/v1\/topics\/v2\/lobby>; rel="successor-version"/)
  })

  it('fills no more of the headers than clients take, and looks at no more topics than may be asked for', async () => {
    let asked = 0
    const counted = (): boolean => ++asked > 0
    const { url } = await startServer({
      topics: {
        'a/{x}': topic({ ...open, watch: counted, deprecated: { since, use: 'b/{x}' } }),
        'b/{x}': topic(open),
      },
    })
    const query = (count: number): string => Array.from({ length: count }, (_, i) => `topic=a/${i}`).join('&')
    const many = await get(`${url}/v1/events?${query(100)}`)
    expect([many.status, many.headers.get('deprecation')]).toEqual([200, CHAT[0]])
    expect(many.headers.get('link')).toBe('</docs>; rel="deprecation"; type="text/html"')
    const same = await get(`${url}/v1/events?${'topic=a/1&'.repeat(99)}topic=a/1`)
    expect(same.headers.get('link')).toBe(
      '</v1/topics/b/1>; rel="successor-version", </docs>; rel="deprecation"; type="text/html"',
    )
    asked = 0
    expect(told(await get(`${url}/healthz?${query(100)}`))).toEqual(NOTHING)
    expectProblem(await get(`${url}/v1/events?${query(129)}`), 'invalid-parameter')
    expect(asked).toBe(0)
  })

  it('is in the list of topics, with its version [WP-3.12]', async () => {
    const { url } = await startServer({ topics: ENDING })
    const { topics } = (await get(`${url}/v1/topics`)).body as { readonly topics: readonly Record<string, unknown>[] }
    const shown = topics.map(({ topic: name, version, deprecated }) => ({ name, version, deprecated }))
    expect(shown).toContainEqual({ name: 'log' })
    expect(shown).toContainEqual({
      name: 'chat/{room}',
      version: '1.4.0',
      deprecated: {
        topic: 'chat/{room}',
        since: '2026-01-01T00:00:00.000Z',
        sunset: '2027-07-01T12:00:00.000Z',
        use: 'rooms/{room}',
      },
    })
  })

  it('is told of by the beginning of a stream and of a subscription, if it is named [WP-1.3] [WP-4.4]', async () => {
    const { url } = await startServer({ topics: ENDING })
    const ending = {
      topic: 'chat/{room}',
      since: '2026-01-01T00:00:00.000Z',
      sunset: '2027-07-01T12:00:00.000Z',
      use: 'rooms/{room}',
    }
    const welcomeOf = async (path: string): Promise<unknown> => {
      const stream = await openSse(`${url}${path}`)
      const { data } = await stream.next(({ event }) => event === 'welcome')
      return (data['data'] as { readonly deprecated?: unknown }).deprecated
    }
    expect(await welcomeOf('/v1/topics/chat/lobby')).toEqual([ending])
    expect(await welcomeOf('/v1/events?topic=chat/lobby&topic=log')).toEqual([ending])
    expect(await welcomeOf('/v1/events?topic=chat/*')).toBeUndefined()
    expect(await welcomeOf('/v1/topics/log')).toBeUndefined()
    expect(await welcomeOf('/v1/events?topic=chat/a&topic=chat/b')).toEqual([ending])
    const socket = await openRaw(url, { path: '/v1/topics/chat/lobby' })
    const greeting = await socket.next(({ type }) => type === 'welcome')
    expect(greeting['data']).toMatchObject({ deprecated: [ending] })
    const { data } = await socket.next(({ type }) => type === 'subscribed')
    expect(data).toMatchObject({ topic: 'chat/lobby', deprecated: [ending] })
    expect([socket.answer.status, ...told(socket.answer)]).toEqual([101, ...CHAT])
  })

  it('says so in the documents [WP-6.8] [WP-3.18]', async () => {
    const { url } = await startServer({ topics: ENDING })
    const { paths, components } = (await get(`${url}/openapi.json`)).body
    const { get: watch, post: publish } = paths['/v1/topics/chat/{room}']
    for (const operation of [watch, publish, paths['/v1/state/chat/{room}'].get]) {
      expect(operation.deprecated).toBe(true)
      expect(operation['x-topic']).toMatchObject({ version: '1.4.0', deprecated: { use: 'rooms/{room}' } })
      for (const answer of Object.values(operation.responses) as {
        readonly headers: object
        readonly $ref?: string
      }[]) {
        const { headers } =
          answer.$ref === undefined ? answer : components.responses[answer.$ref.split('/').at(-1) ?? '']
        expect(Object.keys(headers)).toEqual(expect.arrayContaining(['Deprecation', 'Sunset', 'Link']))
      }
    }
    expect(paths['/v1/topics/rooms/{room}'].get.deprecated).toBeUndefined()
    expect(Object.keys(paths['/v1/topics/old/log'].get.responses['200'].headers)).not.toContain('Sunset')
  })
})
