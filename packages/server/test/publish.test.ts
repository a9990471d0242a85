/** Publishing over HTTP: bodies of every kind, all or nothing, idempotency. */
import { describe, expect, it } from 'vitest'
import { expectProblem, headOf } from './fixtures/http.ts'
import { type Answer, get, post, startServer } from './harness.ts'

const line = (n: number) => ({ type: 'line', data: { n } })
const NDJSON = { 'content-type': 'application/x-ndjson' }
const CLOUDEVENT = { 'content-type': 'application/cloudevents+json' }
const CLOUDEVENTS = { 'content-type': 'application/cloudevents-batch+json' }
const WIRE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

interface Acknowledged {
  readonly id: string
  readonly timestamp: string
}
const acknowledged = (answer: Answer): Acknowledged[] => (answer.body as { events: Acknowledged[] }).events
const dataOf = async (url: string): Promise<unknown[]> =>
  (await get(`${url}/v1/topics/log?limit=1000`)).body.events.map((event: { data: unknown }) => event.data)

describe('a publish', () => {
  it('of one event is answered with its id and the server`s time [WP-3.9] [WP-1.5]', async () => {
    const { url } = await startServer()
    const before = Date.now()
    const answer = await post(`${url}/v1/topics/log`, line(1))
    expect(answer.status).toBe(201)
    expect(answer.headers.get('content-type')).toMatch(/^application\/json\b/)
    expect(answer.headers.get('idempotent-replayed')).toBeNull()
    const [event, ...others] = acknowledged(answer)
    expect(others).toEqual([])
    expect(event?.id).toMatch(/^[A-Za-z0-9._-]{1,64}$/)
    expect(event?.timestamp).toMatch(WIRE_TIME)
    expect(Date.parse(event?.timestamp ?? '')).toBeGreaterThanOrEqual(before)
    expect((await get(`${url}/v1/topics/log`)).body.events).toEqual([
      { type: 'line', topic: 'log', id: event?.id, data: { n: 1 }, timestamp: event?.timestamp },
    ])
  })

  it('of an array keeps its order, each event with an id of its own [WP-3.9]', async () => {
    const { url } = await startServer()
    const ids = acknowledged(await post(`${url}/v1/topics/log`, [line(0), line(1), line(2)])).map(({ id }) => id)
    const { events } = (await get(`${url}/v1/topics/log`)).body
    expect(events.map((event: Acknowledged) => event.id)).toEqual(ids)
    expect(new Set(ids).size).toBe(3)
    expect(await dataOf(url)).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }])
  })

  it('needs no Content-Type, and takes any case and parameters of one [WP-3.9]', async () => {
    const { url } = await startServer()
    const bare = await fetch(`${url}/v1/topics/log`, { method: 'POST', body: Buffer.from(JSON.stringify(line(0))) })
    expect(bare.status).toBe(201)
    const typed = await post(`${url}/v1/topics/log`, line(1), { 'content-type': 'Application/JSON; charset=utf-8' })
    expect(typed.status).toBe(201)
    expect(await dataOf(url)).toEqual([{ n: 0 }, { n: 1 }])
  })

  it('of NDJSON passes over empty lines and takes CRLF [WP-3.9]', async () => {
    const { url } = await startServer()
    const rows = [0, 1, 2].map((n) => JSON.stringify(line(n)))
    const text = `\r\n\n${rows[0]}\r\n\n  \n${rows[1]}\n\r\n${rows[2]}`
    expect(acknowledged(await post(`${url}/v1/topics/log`, text, NDJSON))).toHaveLength(3)
    expect(await dataOf(url)).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }])
    const broken = await post(`${url}/v1/topics/log`, `${rows[0]}\n{"type":\n${rows[2]}`, NDJSON)
    expectProblem(broken, 'invalid-message', { detail: expect.stringContaining('Line 2') })
    expectProblem(await post(`${url}/v1/topics/log`, '\n\r\n', NDJSON), 'invalid-message')
    expect(await headOf(url)).toBe(3)
  })

  it('of CloudEvents takes type, data, subject and time, and keeps nothing else [WP-3.9]', async () => {
    const { url } = await startServer()
    const cloud = (n: number) => ({
      ...{ specversion: '1.0', id: `mine-${n}`, source: '/somewhere', type: 'line', subject: `k${n}` },
      ...{ time: '2026-11-22T14:34:56+02:00', datacontenttype: 'application/json', traceparent: '00-x', data: { n } },
    })
    const [one] = acknowledged(await post(`${url}/v1/topics/log`, cloud(0), CLOUDEVENT))
    const batch = acknowledged(await post(`${url}/v1/topics/log`, [cloud(1), cloud(2)], CLOUDEVENTS))
    const { events } = (await get(`${url}/v1/topics/log`)).body
    expect(events).toEqual(
      [one, ...batch].map((event, n) => ({
        ...{ type: 'line', topic: 'log', id: event?.id, key: `k${n}`, data: { n } },
        timestamp: '2026-11-22T12:34:56.000Z',
      })),
    )
    const answer = await get(`${url}/v1/topics/log`, { accept: 'application/cloudevents-batch+json' })
    expect(answer.body[1]).toEqual({
      ...{ specversion: '1.0', id: batch[0]?.id, source: '/v1/topics/log', type: 'line', subject: 'k1' },
      ...{ time: '2026-11-22T12:34:56.000Z', datacontenttype: 'application/json', data: { n: 1 } },
    })
    // What was read as CloudEvents can be published as such.
    expect((await post(`${url}/v1/topics/log`, answer.body, CLOUDEVENTS)).status).toBe(201)
  })

  it.each([
    ['no CloudEvent', [1], ''],
    ['another version', [{ specversion: '0.3', id: '1', source: '/', type: 'line' }], '/specversion'],
    ['no id', [{ specversion: '1.0', source: '/', type: 'line' }], '/id'],
    ['no source', [{ specversion: '1.0', id: '1', type: 'line' }], '/source'],
    ['binary data', [{ specversion: '1.0', id: '1', source: '/', type: 'line', data_base64: 'aGk=' }], '/data_base64'],
    ['an unknown type', [{ specversion: '1.0', id: '1', source: '/', type: 'other' }], '/type'],
  ])('of CloudEvents with %s is refused and says where [WP-3.9]', async (_what, events, path) => {
    const { url } = await startServer()
    const answer = await post(`${url}/v1/topics/log`, events, CLOUDEVENTS)
    expectProblem(answer, 'invalid-event', { errors: [{ event: 0, path, message: expect.stringMatching(/./) }] })
    expect(await headOf(url)).toBe(0)
  })

  it.each([
    ['null', { type: 'line', data: null }, null],
    ['absent', { type: 'line' }, null],
    ['a number', { type: 'line', data: 0 }, 0],
    ['a text of every kind', { type: 'line', data: 'é\u0000\u2028\n"\\😀\ud800' }, 'é\u0000\u2028\n"\\😀\ud800'],
    ['an array', { type: 'line', data: [1, [2], {}] }, [1, [2], {}]],
    ['false', { type: 'line', data: false }, false],
  ])('keeps data that is %s [WP-1.1] [WP-6.2]', async (_what, event, data) => {
    const { url } = await startServer()
    expect((await post(`${url}/v1/topics/log`, event)).status).toBe(201)
    expect(await dataOf(url)).toEqual([data])
  })

  it.each([
    ['2026-11-22T12:34:56.789Z', '2026-11-22T12:34:56.789Z'],
    ['2026-11-22T12:34:56Z', '2026-11-22T12:34:56.000Z'],
    ['2026-11-22T13:34:56.5+01:00', '2026-11-22T12:34:56.500Z'],
    ['2026-11-22t12:34:56.123456789z', '2026-11-22T12:34:56.123Z'],
    ['2024-02-29T23:59:59.999-12:30', '2024-03-01T12:29:59.999Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ])('brings the time %s to the form of the wire [WP-1.5]', async (timestamp, expected) => {
    const { url } = await startServer()
    const [event] = acknowledged(await post(`${url}/v1/topics/log`, { ...line(0), timestamp }))
    expect(event?.timestamp).toBe(expected)
    expect((await get(`${url}/v1/topics/log`)).body.events[0].timestamp).toBe(expected)
  })

  it.each(['yesterday', '2026-02-30T00:00:00Z', '2026-11-22', '2026-11-22T24:00:00Z', '2026-11-22T12:34:60Z', 5, null])(
    'refuses the time %j [WP-1.5]',
    async (timestamp) => {
      const { url } = await startServer()
      const answer = await post(`${url}/v1/topics/log`, { ...line(0), timestamp })
      expectProblem(answer, 'invalid-event', { errors: [{ event: 0, path: '/timestamp' }] })
      expect(await headOf(url)).toBe(0)
    },
  )
})

describe('all or nothing', () => {
  it('appends none of many events when some are faulty, and names each fault [WP-3.9]', async () => {
    const { url } = await startServer()
    const good = { type: 'priceUpdate', data: { symbol: 'A', price: 1 } }
    const answer = await post(`${url}/v1/topics/stocks`, [
      good,
      { type: 'priceUpdate', data: { symbol: 'A', price: 'dear' } },
      good,
      { type: 'sold', data: {} },
      { ...good, id: '1', 'a/b': 1 },
      7,
      { ...good, key: 'B' },
      { type: 'priceUpdate', data: null },
    ])
    expectProblem(answer, 'invalid-event')
    const at = answer.body.errors.map(({ event, path }: { event: number; path: string }) => [event, path])
    expect(at).toEqual([
      [1, '/data/price'],
      [3, '/type'],
      [4, '/id'],
      [5, ''],
      [6, '/key'],
      [7, '/key'],
    ])
    for (const { message } of answer.body.errors) expect(message).toMatch(/./)
    expect(await headOf(url)).toBe(0)
  })

  it('lists at most 100 faults [WP-3.9]', async () => {
    const { url } = await startServer()
    const answer = await post(
      `${url}/v1/topics/log`,
      Array.from({ length: 150 }, () => ({ type: 'other' })),
    )
    expect(answer.body.errors).toHaveLength(100)
    expect(await headOf(url)).toBe(0)
  })

  it('escapes a member`s name in the pointer to it [WP-3.9]', async () => {
    const { url } = await startServer()
    const answer = await post(`${url}/v1/topics/log`, { ...line(0), 'a/b~c': 1 })
    expectProblem(answer, 'invalid-event', { errors: [{ event: 0, path: '/a~1b~0c' }] })
  })

  it('gives the events of each of many publishes at once one place after the other [WP-3.9] [WP-2.5]', async () => {
    const { url } = await startServer()
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, p) =>
        post(
          `${url}/v1/topics/log`,
          Array.from({ length: 1 + (p % 5) }, (_each, i) => ({ type: 'line', data: [p, i] })),
        ),
      ),
    )
    const { events } = (await get(`${url}/v1/topics/log?limit=1000`)).body
    expect(events).toHaveLength(300)
    const ids = events.map((event: Acknowledged) => event.id)
    for (const [p, answer] of answers.entries()) {
      const own = acknowledged(answer).map(({ id }) => id)
      const first = ids.indexOf(own[0])
      expect(ids.slice(first, first + own.length)).toEqual(own)
      const data = events.slice(first, first + own.length).map((event: { data: unknown }) => event.data)
      expect(data).toEqual(own.map((_id, i) => [p, i]))
    }
    expect(await headOf(url)).toBe(300)
  })
})

describe('an idempotency key', () => {
  const keyed = (key: string) => ({ 'idempotency-key': key })

  it('answers a repeat as the first time, and publishes nothing [WP-3.10]', async () => {
    const { url } = await startServer()
    const first = await post(`${url}/v1/topics/log`, [line(0), line(1)], keyed('a'))
    await post(`${url}/v1/topics/log`, line(2))
    const again = await post(`${url}/v1/topics/log`, [line(0), line(1)], keyed('a'))
    expect([first.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([null, 'true'])
    expect([again.status, again.body]).toEqual([201, first.body])
    expect(await headOf(url)).toBe(3)
  })

  it('refuses another body, and stays with the first one [WP-3.10]', async () => {
    const { url } = await startServer()
    const first = await post(`${url}/v1/topics/log`, line(0), keyed('a'))
    expectProblem(await post(`${url}/v1/topics/log`, line(1), keyed('a')), 'idempotency-conflict')
    // Byte for byte: one that only means the same is another body.
    expectProblem(await post(`${url}/v1/topics/log`, `${JSON.stringify(line(0))} `, keyed('a')), 'idempotency-conflict')
    expect((await post(`${url}/v1/topics/log`, line(0), keyed('a'))).body).toEqual(first.body)
    expect(await headOf(url)).toBe(1)
  })

  it('counts for one topic [WP-3.10]', async () => {
    const { url } = await startServer()
    const topics = ['chat/a', 'chat/b']
    for (const topic of topics) {
      const answer = await post(`${url}/v1/topics/${topic}`, { type: 'message', data: {} }, keyed('a'))
      expect([answer.status, answer.headers.get('idempotent-replayed')]).toEqual([201, null])
    }
    expect(await headOf(url)).toBe(2)
  })

  it('holds for requests at the same time [WP-3.10]', async () => {
    const { url } = await startServer()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => post(`${url}/v1/topics/log`, [line(0), line(1)], keyed('a'))),
    )
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1)
    expect(answers.filter((answer) => answer.headers.get('idempotent-replayed') === null)).toHaveLength(1)
    expect(await headOf(url)).toBe(2)
  })

  it('is unused after a publish that was refused [WP-3.10]', async () => {
    const { url } = await startServer()
    expectProblem(await post(`${url}/v1/topics/log`, { type: 'other' }, keyed('a')), 'invalid-event')
    const answer = await post(`${url}/v1/topics/log`, line(0), keyed('a'))
    expect([answer.status, answer.headers.get('idempotent-replayed')]).toEqual([201, null])
  })

  it('is remembered after a restart, as are the events [WP-3.10] [WP-2.5]', async () => {
    const first = await startServer()
    const answer = await post(`${first.url}/v1/topics/log`, line(0), keyed('a'))
    await first.close()
    const second = await startServer({ dataDir: first.dataDir })
    const again = await post(`${second.url}/v1/topics/log`, line(0), keyed('a'))
    expect([again.body, again.headers.get('idempotent-replayed')]).toEqual([answer.body, 'true'])
    expectProblem(await post(`${second.url}/v1/topics/log`, line(1), keyed('a')), 'idempotency-conflict')
    expect(await dataOf(second.url)).toEqual([{ n: 0 }])
  })

  it('has 1 to 255 bytes [WP-3.10] [WP-8.1]', async () => {
    const { url } = await startServer()
    expectProblem(await post(`${url}/v1/topics/log`, line(0), keyed('')), 'invalid-parameter')
    expectProblem(await post(`${url}/v1/topics/log`, line(0), keyed('x'.repeat(256))), 'invalid-parameter')
    expect((await post(`${url}/v1/topics/log`, line(0), keyed('x'.repeat(255)))).status).toBe(201)
    expect(await headOf(url)).toBe(1)
  })
})
