/** Events that are not stored [WP-9.3], on every transport of a real server. */
import { setTimeout as sleep } from 'node:timers/promises'
import { json, msgpack } from '@watchpost/conformance'
import { describe, expect, it } from 'vitest'
import { topic } from 'watchpost'
import { z } from 'zod'
import { startChild } from './fixtures/child.ts'
import { SocketLog } from './fixtures/socket-log.ts'
import { get, type Message, openSse, post, startServer, temporaryDir } from './harness.ts'

const open = { watch: 'anyone', publish: 'anyone' } as const

const TYPING = {
  type: 'object',
  required: ['who'],
  properties: { who: { type: 'string' }, ip: { type: 'string' } },
} as const

const TOPICS = {
  'chat/{room}': topic({
    events: { message: {}, typing: { ephemeral: true, schema: TYPING }, note: { ephemeral: true, schema: {} } },
    mask: ['/ip'],
    ...open,
  }),
  pens: topic({
    events: {
      moved: z.object({ pen: z.string(), x: z.number() }),
      hover: { ephemeral: true, schema: z.object({ pen: z.string(), x: z.number() }) },
    },
    key: '/pen',
    ...open,
  }),
}

const message = (data: unknown) => ({ type: 'message', data })
const typing = (who: string, more: object = {}) => ({ type: 'typing', data: { who, ...more } })

const start = (more: object = {}) => startServer({ topics: TOPICS, ...more })

const eventsOf = (messages: readonly Message[]) => messages.filter(({ data }) => 'topic' in data)

describe('an event that is not stored [WP-9.3]', () => {
  it('comes in its place among stored ones, without an id, and is in nothing that is read later', async () => {
    const { url } = await start()
    const chat = `${url}/v1/topics/chat/lobby`
    const stream = await openSse(chat)
    const { id: start0 } = await stream.next(({ event }) => event === 'welcome')
    const answer = await post(chat, [message(1), typing('ana'), typing('bob'), message(2), typing('ana')])
    expect(answer.status).toBe(201)
    const [one, , , two] = answer.body.events
    expect(answer.body.events.map((event: object) => Object.keys(event))).toEqual([
      ['id', 'timestamp'],
      ['timestamp'],
      ['timestamp'],
      ['id', 'timestamp'],
      ['timestamp'],
    ])
    const seen = await stream.events(5)
    expect(seen.map(({ event }) => event)).toEqual(['message', 'typing', 'typing', 'message', 'typing'])
    // The last event id of the stream stays what it was.
    expect(seen.map(({ id }) => id)).toEqual([one.id, one.id, one.id, two.id, two.id])
    expect(seen[1]?.data).toEqual({
      ...{ type: 'typing', topic: 'chat/lobby', data: { who: 'ana' } },
      timestamp: answer.body.events[1].timestamp,
    })
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toMatch(/^watchpost_events_published_total\{topic="chat\/\{room\}"\} 5$/m)
    expect(metrics).toMatch(/^watchpost_events_ephemeral_total\{topic="chat\/\{room\}"\} 3$/m)
    expect(metrics).toMatch(/^watchpost_events_missed_total 0$/m)
    const page = await get(`${chat}?after=${start0}`)
    expect(page.body).toEqual({ events: [seen[0]?.data, seen[3]?.data], cursor: two.id, more: false })
    const late = await openSse(`${chat}?after=earliest`)
    await post(chat, message(3))
    expect((await late.events(3)).map(({ event }) => event)).toEqual(['message', 'message', 'message'])
  })

  it('alone it appends nothing, makes no topic, and answers no long poll', async () => {
    const { url } = await start({ limits: { topicsMax: 1 } })
    const head = (await get(`${url}/v1/topics/pens`)).body.cursor
    const poll = get(`${url}/v1/topics/chat/b?wait=2`)
    await sleep(200)
    expect((await post(`${url}/v1/topics/chat/a`, typing('ana'))).status).toBe(201)
    expect((await post(`${url}/v1/topics/chat/b`, typing('ana'))).status).toBe(201)
    expect((await poll).body).toEqual({ events: [], cursor: head, more: false })
    expect((await post(`${url}/v1/topics/chat/a`, message(1))).status).toBe(201)
  })

  it('is checked as any other, and all or nothing with those beside it', async () => {
    const { url } = await start()
    const chat = `${url}/v1/topics/chat/lobby`
    const stream = await openSse(chat)
    await stream.next(({ event }) => event === 'welcome')
    const refused = await post(chat, [message(1), typing('ana'), { type: 'typing', data: { who: 7 } }])
    expect(refused.status).toBe(422)
    expect(refused.body.errors).toEqual([{ event: 2, path: '/data/who', message: 'must be string' }])
    expect((await post(chat, typing('x'.repeat(70_000)))).status).toBe(413)
    await post(chat, message('last'))
    await stream.next(({ data }) => data['data'] === 'last')
    expect(eventsOf(stream.messages)).toHaveLength(1)
  })

  it('is filtered, selected from and masked as any other', async () => {
    const { url } = await start()
    const chat = `${url}/v1/topics/chat/lobby`
    const all = await openSse(chat)
    const byType = await openSse(`${chat}?type=note`)
    const selected = await openSse(`${chat}?select=/x`)
    const byKey = await openSse(`${chat}?key=k`)
    for (const stream of [all, byType, selected, byKey]) await stream.next(({ event }) => event === 'welcome')
    await post(chat, [typing('ana', { ip: '10.1.2.3', x: 1 }), { type: 'note', data: 1, key: 'k' }, message('end')])
    const dataOf = (messages: readonly Message[]) => eventsOf(messages).map(({ data }) => data['data'])
    expect(dataOf(await all.events(3))).toEqual([{ who: 'ana', x: 1 }, 1, 'end'])
    expect(dataOf(await selected.events(3))).toEqual([{ x: 1 }, null, null])
    expect(dataOf(await byType.events(1))).toEqual([1])
    expect(dataOf(await byKey.events(1))).toEqual([1])
    expect(byKey.messages.find(({ event }) => event === 'note')?.data['key']).toBe('k')
  })

  it('of a keyed topic changes no state, is no delta, and must fit its schema also if it is null [WP-4.7] [WP-9.1]', async () => {
    const { url } = await start()
    const pens = `${url}/v1/topics/pens`
    const at = (type: string, x: number) => ({ type, data: { pen: 'red', x } })
    const socket = await SocketLog.open(`${url}/v1`)
    await socket.request('subscribe', { topic: 'pens', delta: true })
    await post(pens, [at('moved', 1), at('hover', 2), at('moved', 1)])
    await post(pens, message('x')).then(({ status }) => expect(status).toBe(422))
    const last = await socket.next(({ type, patch }) => type === 'moved' && patch !== undefined)
    const [moved, hover] = socket.messages.filter(({ topic: name }) => name === 'pens')
    expect(last['patch']).toEqual({})
    expect([moved?.['data'], hover?.['data'], hover?.['id'], hover?.['key']]).toEqual([
      { pen: 'red', x: 1 },
      { pen: 'red', x: 2 },
      undefined,
      'red',
    ])
    const state = await get(`${url}/v1/state/pens`)
    expect(state.body.events.map(({ data }: { data: unknown }) => data)).toEqual([{ pen: 'red', x: 1 }])
    expect((await post(pens, { type: 'hover', key: 'red', data: null })).status).toBe(422)
  })

  it.each([json, msgpack])(
    'is published and sent by WebSocket in $name, compressed too [WP-4.2] [WP-4.3]',
    async (codec) => {
      const { url } = await start()
      const socket = await SocketLog.open(`${url}/v1`, codec)
      await socket.request('subscribe', { topic: 'chat/lobby' })
      const filler = 'x'.repeat(2_000)
      const published = await socket.request('publish', { topic: 'chat/lobby', ...typing('ana', { filler }) })
      expect(Object.keys(published).sort()).toEqual(['timestamp', 'topic'])
      const event = await socket.next(({ type }) => type === 'typing')
      expect(event).toEqual({
        ...{ type: 'typing', topic: 'chat/lobby', data: { who: 'ana', filler } },
        timestamp: published['timestamp'],
      })
    },
  )

  it('is sent once to a connection whose subscriptions both match it [WP-4.5]', async () => {
    const { url } = await start()
    const socket = await SocketLog.open(`${url}/v1`)
    await socket.request('subscribe', { topic: 'chat/lobby' })
    await socket.request('subscribe', { topic: 'chat/*' })
    for (let n = 0; n < 50; n++) await post(`${url}/v1/topics/chat/lobby`, [typing(String(n)), message(n)])
    await socket.next(({ data }) => data === 49)
    const came = socket.messages.filter(({ type }) => type === 'typing').map(({ data }) => data.who as string)
    expect(came).toEqual(Array.from({ length: 50 }, (_, n) => String(n)))
  })

  it('is published once under an idempotency key [WP-3.10]', async () => {
    const { url } = await start()
    const chat = `${url}/v1/topics/chat/lobby`
    const stream = await openSse(chat)
    await stream.next(({ event }) => event === 'welcome')
    const key = { 'idempotency-key': 'once' }
    const first = await post(chat, [typing('ana'), message(1), typing('bob')], key)
    const again = await post(chat, [typing('ana'), message(1), typing('bob')], key)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(again.body).toEqual(first.body)
    expect(first.body.events[0].id).toBeUndefined()
    await post(chat, message(2))
    expect((await stream.events(4)).map(({ event }) => event)).toEqual(['typing', 'message', 'typing', 'message'])
  })

  it('does not keep the bookmarks away that move a cursor on [WP-3.8]', async () => {
    const { url } = await start({ heartbeatMs: 300 })
    const stream = await openSse(`${url}/v1/topics/chat/lobby`)
    await stream.next(({ event }) => event === 'welcome')
    const { body } = await post(`${url}/v1/topics/pens`, { type: 'moved', data: { pen: 'red', x: 1 } })
    const isMoved = ({ event, id }: Message) => event === 'bookmark' && id === body.events[0].id
    const deadline = Date.now() + 20_000
    while (!stream.messages.some(isMoved) && Date.now() < deadline) {
      await post(`${url}/v1/topics/chat/lobby`, typing('ana'))
      await sleep(20)
    }
    expect(stream.messages.some(isMoved)).toBe(true)
  })

  it('is told of by the list of topics [WP-3.12]', async () => {
    const { url } = await start()
    const { topics } = (await get(`${url}/v1/topics`)).body
    expect(topics.map(({ ephemeral }: { ephemeral?: string[] }) => ephemeral)).toEqual([['hover'], ['typing', 'note']])
    expect(Object.keys(topics[1].events)).toEqual(['message', 'typing', 'note'])
  })

  it('comes from the program that embeds the server, and to it', async () => {
    const { watchpost } = await start()
    const seen: unknown[] = []
    const watching = (async () => {
      for await (const event of watchpost.watch('chat/lobby')) if (seen.push(event) === 2) return
    })()
    const { events } = await watchpost.publish('chat/lobby', [typing('ana'), message(1)])
    await watching
    expect(events.map(({ id }) => typeof id)).toEqual(['undefined', 'string'])
    expect(seen).toMatchObject([
      { type: 'typing', data: { who: 'ana' } },
      { type: 'message', id: events[1]?.id },
    ])
    expect(Object.keys(seen[0] as object)).not.toContain('id')
  })
})

it('an event that is not stored reaches the subscribers of every process on the log, in its place [WP-9.3]', async () => {
  const dataDir = await temporaryDir()
  const config = {
    dataDir,
    topics: { chat: { events: { message: {}, typing: { ephemeral: true, schema: {} } }, ...open } },
  }
  const servers = [await startChild(config), await startChild(config)]
  const streams = await Promise.all(servers.map(({ url }) => openSse(`${url}/v1/topics/chat`)))
  for (const stream of streams) await stream.next(({ event }) => event === 'welcome')
  const publishes = 100
  await Promise.all(
    servers.map(async ({ url }, server) => {
      for (let n = 0; n < publishes; n++) {
        const events = ['typing', 'message', 'typing'].map((type, i) => ({ type, data: [server, n, i] }))
        expect((await post(`${url}/v1/topics/chat`, events)).status).toBe(201)
      }
    }),
  )
  const total = 2 * publishes * 3
  const [one, other] = await Promise.all(
    streams.map(async (stream) => (await stream.events(total)).map(({ id, data }) => [id, data['data']])),
  )
  expect(one).toHaveLength(total)
  expect(other).toEqual(one)
  for (const server of [0, 1]) {
    const own = one?.map(([, data]) => data as number[]).filter(([from]) => from === server)
    expect(own).toEqual(Array.from({ length: publishes * 3 }, (_, i) => [server, Math.floor(i / 3), i % 3]))
  }
  for (const { logged } of servers) expect(logged).toEqual([])
})
