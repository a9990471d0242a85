/** Who is here [WP-9.4] [WP-9.5], asked of a real server. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { topic } from 'watchpost'
import { sign } from './fixtures/auth.ts'
import { AUTH, asQuery, bearer, type Here, present, Watching } from './fixtures/presence.ts'
import { SocketLog } from './fixtures/socket-log.ts'
import { get, openSse, post, startServer } from './harness.ts'

const TOPICS = {
  'chat/{room}': topic({ events: { message: {} }, presence: true, watch: 'anyone', publish: 'anyone' }),
  'private/{room}': topic({ events: { message: {} }, presence: true, key: '/k' }),
  plain: topic({ events: { message: {} }, watch: 'anyone', publish: 'anyone' }),
}

const start = (limits: object = {}, more: object = {}) =>
  startServer({ topics: TOPICS, auth: AUTH, limits: { presenceGraceMs: 300, ...limits }, ...more })

const LOBBY = 'chat/lobby'
/** Longer than a busy machine takes for anything, where nothing is to happen meanwhile. */
const LONG = { presenceGraceMs: 60_000 }

const state = async (url: string, name = LOBBY): Promise<Record<string, Here>> => {
  const { body } = await get(`${url}/v1/state/$presence/${name}`)
  return Object.fromEntries(body.events.map(({ key, data }: { key: string; data: Here }) => [key, data]))
}

describe('presence [WP-9.4]', () => {
  it('is a state and a watch: who joins is told, and who leaves', async () => {
    const { url } = await start()
    const watching = await Watching.open(url, LOBBY)
    const ana = await present(url, LOBBY, 'ana', { info: { name: 'Ana', pen: ['red'] } })
    await watching.until(({ here }) => here.has('ana'))
    const bob = await openSse(`${url}/v1/topics/${LOBBY}?info=${encodeURIComponent('"Bob"')}`, await bearer('bob'))
    await watching.until(({ here }) => here.has('bob'))
    const polling = get(`${url}/v1/topics/${LOBBY}?wait=30&info=7`, await bearer('eve'))
    await watching.until(({ here }) => here.has('eve'))
    const since = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T[\d:]{8}\.\d{3}Z$/)
    const here = {
      ana: { since, connections: 1, info: { name: 'Ana', pen: ['red'] } },
      bob: { since, connections: 1, info: 'Bob' },
      eve: { since, connections: 1, info: 7 },
    }
    expect(await state(url)).toEqual(here)
    expect(Object.fromEntries(watching.here)).toEqual(here)
    const page = await get(`${url}/v1/topics/$presence/${LOBBY}`)
    expect(page.body.events.map(({ type, topic: name, key }: Record<string, unknown>) => [type, name, key])).toEqual(
      ['ana', 'bob', 'eve'].map((key) => ['presence', `$presence/${LOBBY}`, key]),
    )
    await ana.close()
    bob.close()
    await post(`${url}/v1/topics/${LOBBY}`, { type: 'message', data: 1 })
    await polling
    await watching.until(({ here: left }) => left.size === 0)
    expect(watching.of('ana').at(-1)).toEqual({ key: 'ana', data: null })
    expect(await state(url)).toEqual({})
  })

  it('knows the anonymous by their connections, and not at all when they poll', async () => {
    const { url } = await start()
    const watching = await Watching.open(url, LOBBY)
    const socket = await present(url, LOBBY)
    const stream = await openSse(`${url}/v1/topics/${LOBBY}`)
    const { data } = await stream.next(({ event }) => event === 'welcome')
    const { connection } = data['data'] as { readonly connection: string }
    const polling = get(`${url}/v1/topics/${LOBBY}?wait=2`)
    await watching.until(({ here }) => here.size === 2)
    expect([...watching.here.keys()].sort()).toEqual([socket.id, connection].sort())
    await polling
    expect(watching.told).toHaveLength(2)
  })

  it('counts who watches exactly that topic, and nobody else', async () => {
    const { url } = await start()
    const watching = await Watching.open(url, LOBBY)
    await present(url, 'chat/*', 'wild')
    await present(url, `$presence/${LOBBY}`, 'onlooker')
    await present(url, 'plain', 'elsewhere')
    await get(`${url}/v1/topics/${LOBBY}`, await bearer('reader'))
    const several = `topic=${LOBBY}&topic=plain&topic=${encodeURIComponent('chat/other')}`
    await openSse(`${url}/v1/events?${several}`, await bearer('ana'))
    await watching.until(({ here }) => here.has('ana'))
    expect([...watching.here.keys()]).toEqual(['ana'])
    await expect.poll(() => state(url, 'chat/other'), { timeout: 20_000 }).toHaveProperty('ana')
    expect((await get(`${url}/v1/topics/$presence/plain`)).status).toBe(404)
  })

  it('leaves out who asks to be, by every transport [WP-3.6] [WP-4.1] [WP-4.3]', async () => {
    const { url } = await start()
    const watching = await Watching.open(url, LOBBY)
    const hidden = 'present=false&info=1'
    const topicUrl = `${url}/v1/topics/${LOBBY}`
    await present(url, LOBBY, 'by-message', { present: false, info: 1 })
    await SocketLog.open(`${topicUrl}?${hidden}&${await asQuery('by-handshake')}`)
    await openSse(`${topicUrl}?${hidden}`, await bearer('by-stream'))
    const polling = get(`${topicUrl}?${hidden}&wait=30`, await bearer('by-poll'))
    await present(url, LOBBY, 'ana', { present: true })
    await openSse(`${topicUrl}?present=true`, await bearer('bob'))
    await watching.until(({ here }) => here.size >= 2)
    await post(topicUrl, { type: 'message', data: 1 })
    expect((await polling).body.events).toHaveLength(1)
    await present(url, LOBBY, 'last')
    await watching.until(({ here }) => here.has('last'))
    expect([...watching.here.keys()].sort()).toEqual(['ana', 'bob', 'last'])
  })

  it('takes true and false for whether one is present, and nothing else [WP-3.6] [WP-4.3]', async () => {
    const { url } = await start()
    const ask = async (query: string, headers = {}) => {
      const { status, body } = await get(`${url}/v1/topics/${LOBBY}?${query}`, headers)
      return [status, body.type]
    }
    const refused = [400, '/problems/invalid-parameter']
    expect(await ask('present=no&wait=0')).toEqual(refused)
    // A page has no use for it, but the same query is good or bad on every transport.
    expect([await ask('present=no'), await ask('info={')]).toEqual([refused, refused])
    expect(await ask('present=false&present=false')).toEqual(refused)
    expect(await ask('present=', { accept: 'text/event-stream' })).toEqual(refused)
    await expect(SocketLog.open(`${url}/v1/topics/${LOBBY}?present=0`)).rejects.toMatchObject({
      problem: '/problems/invalid-parameter',
    })
    const socket = await SocketLog.open(`${url}/v1`)
    await expect(socket.request('subscribe', { topic: LOBBY, present: 'false' })).rejects.toMatchObject({
      problem: '/problems/invalid-message',
    })
  })

  it('knows ten tabs of one person as one key', async () => {
    const { url } = await start()
    const watching = await Watching.open(url, LOBBY)
    const tabs = await Promise.all(Array.from({ length: 10 }, () => present(url, LOBBY, 'ana')))
    await watching.until(({ here }) => here.get('ana')?.connections === 10)
    const told = watching.of('ana').length
    console.log(`ten tabs: told ${told} times`)
    expect(told).toBeLessThanOrEqual(10)
    const since = watching.here.get('ana')?.since
    for (const tab of tabs.slice(1)) await tab.close()
    await watching.until(({ here }) => here.get('ana')?.connections === 1)
    expect(watching.here.get('ana')?.since).toBe(since)
    await tabs[0]?.close()
    await watching.until(({ here }) => !here.has('ana'))
  })

  it('tells nothing of who connects again in time', async () => {
    const { url } = await start({ presenceGraceMs: 8_000 })
    const watching = await Watching.open(url, LOBBY)
    const before = await present(url, LOBBY, 'ana', { info: 1 })
    const stream = await openSse(`${url}/v1/topics/${LOBBY}`, await bearer('bob'))
    await watching.until(({ here }) => here.size === 2)
    before.cut()
    stream.close()
    await sleep(500)
    const after = await present(url, LOBBY, 'ana', { info: 1 })
    await openSse(`${url}/v1/topics/${LOBBY}`, await bearer('bob'))
    // Past the grace of what was there before.
    await sleep(9_500)
    expect(watching.told).toHaveLength(2)
    after.cut()
    await watching.until(({ here }) => !here.has('ana'), 30_000)
    expect(watching.told).toHaveLength(3)
  }, 60_000)

  it('makes no storm of one who tells another thing of itself all the time', async () => {
    const { url } = await start(LONG)
    const watching = await Watching.open(url, LOBBY)
    const socket = await present(url, LOBBY, 'ana', { info: 0 })
    for (let n = 1; n <= 40; n++) {
      await socket.request('unsubscribe', { topic: LOBBY })
      await socket.request('subscribe', { topic: LOBBY, info: n })
      await sleep(50)
    }
    await present(url, LOBBY, 'bob')
    await watching.until(({ here }) => here.has('bob'))
    console.log(`40 infos in a row: told ${watching.of('ana').length} times`)
    expect(watching.of('ana').length).toBeLessThanOrEqual(2)
  })

  it('knows those who were sent away until they had the time to come back [WP-3.17]', async () => {
    const { url, watchpost } = await start({ presenceGraceMs: 1_000 })
    const told = watchpost.watch(`$presence/${LOBBY}`)
    const ana = await present(url, LOBBY, 'ana')
    expect((await told.next()).value).toMatchObject({ key: 'ana', data: { connections: 1 } })
    const drained = watchpost.drain()
    const { data } = await ana.next(({ type }) => type === 'goodbye')
    const goodbyeMs = performance.now()
    await drained
    expect((await told.next()).value).toMatchObject({ key: 'ana', data: null })
    expect(performance.now() - goodbyeMs).toBeGreaterThan(data.retryAfter * 1_000 + 900)
  })

  it('makes no storm of connections that come and go', async () => {
    const { url } = await start(LONG)
    const watching = await Watching.open(url, LOBBY)
    for (let n = 0; n < 60; n++) {
      const socket = await present(url, LOBBY, 'ana')
      socket.cut()
    }
    await present(url, LOBBY, 'bob')
    await watching.until(({ here }) => here.has('bob'))
    console.log(`60 connections that came and went: told ${watching.of('ana').length} times`)
    expect(watching.of('ana').length).toBeLessThanOrEqual(1)
  })

  it('goes by the rights of the topic that it is about, and nobody publishes to it [WP-6.1] [WP-6.3]', async () => {
    const { url, watchpost } = await start()
    const granted = { watchpost: { watch: ['private/a', '$presence/private/c'], publish: ['**'], admin: true } }
    const headers = await bearer('ana', granted)
    const statusOf = async (name: string) => (await get(`${url}/v1/topics/${name}`, headers)).status
    expect(await statusOf('$presence/private/a')).toBe(200)
    expect((await get(`${url}/v1/state/$presence/private/a`, headers)).status).toBe(200)
    // As with the topics themselves, to which that one may publish.
    expect([await statusOf('private/b'), await statusOf('$presence/private/b')]).toEqual([403, 404])
    expect(await statusOf('$presence/private/c')).toBe(404)
    expect((await get(`${url}/v1/topics/$presence/private/a`)).status).toBe(404)
    const event = { type: 'presence', key: 'bob', data: null }
    expect((await post(`${url}/v1/topics/$presence/private/a`, event, headers)).status).toBe(403)
    expect((await post(`${url}/v1/topics/$presence/${LOBBY}`, event)).status).toBe(401)
    expect((await post(`${url}/v1/topics/$presence/private/b`, event, headers)).status).toBe(404)
    await expect(watchpost.publish('$presence/chat/lobby' as never, event as never)).rejects.toMatchObject({
      problem: 'unknown-topic',
    })
    for (const room of ['a', 'b', 'c']) {
      await present(url, `private/${room}`, 'bob', {}, { watchpost: { watch: ['private/*'] } })
    }
    await expect
      .poll(async () => (await get(`${url}/v1/state/$presence/private/a`, headers)).body.events.length, {
        timeout: 20_000,
      })
      .toBe(1)
    const wild = await SocketLog.open(`${url}/v1?${await asQuery('ana', granted)}`)
    await wild.request('subscribe', { topic: '$presence/**', after: 'earliest' })
    await wild.request('subscribe', { topic: '**', after: 'earliest' })
    await present(url, 'private/a', 'eve', {}, { watchpost: { watch: ['private/a'] } })
    await wild.next(
      ({ key, data }) => key === 'eve' || data?.events?.some?.(({ key: each }: { key: string }) => each === 'eve'),
    )
    const topics = wild.messages.flatMap(({ type, topic: name, data }) =>
      type === 'events' ? [data.topic] : type === 'presence' ? [name] : [],
    )
    expect(new Set(topics)).toEqual(new Set(['$presence/private/a']))
  })

  it('takes of what one tells of oneself only so much, and only JSON', async () => {
    const { url } = await start({ presenceInfoBytesMax: 100 })
    const most = 'é'.repeat(49)
    const socket = await SocketLog.open(`${url}/v1?${await asQuery('ana')}`)
    await expect(socket.request('subscribe', { topic: LOBBY, info: `${most}x` })).rejects.toMatchObject({
      problem: '/problems/invalid-parameter',
    })
    await socket.request('subscribe', { topic: LOBBY, info: most })
    await expect.poll(async () => (await state(url))['ana']?.info, { timeout: 20_000 }).toBe(most)
    const ask = (info: string) =>
      get(`${url}/v1/topics/${LOBBY}?wait=0&info=${encodeURIComponent(info)}`).then(({ status }) => status)
    expect(
      await Promise.all([ask(JSON.stringify(`${most}x`)), ask('{'), ask('['.repeat(101)), ask('{"a":1}')]),
    ).toEqual([400, 400, 400, 200])
  })

  it('knows a WebSocket under the name that it gets by its credentials [WP-6.7]', async () => {
    const { url } = await start()
    const watching = await Watching.open(url, LOBBY)
    const socket = await present(url, LOBBY)
    await watching.until(({ here }) => here.has(socket.id))
    await socket.request('authenticate', { token: await sign({ sub: 'ana' }) })
    await watching.until(({ here }) => here.has('ana') && !here.has(socket.id))
    expect(watching.here.size).toBe(1)
  })

  it('lets those go who may watch no longer, and begins where a definition gets it [WP-6.7]', async () => {
    const { url, watchpost } = await start(
      {},
      { topics: { ...TOPICS, 'chat/{room}': { ...TOPICS['chat/{room}'], presence: false } } },
    )
    expect((await get(`${url}/v1/state/$presence/${LOBBY}`)).status).toBe(404)
    await present(url, LOBBY, 'ana')
    const base = { auth: AUTH, dataDir: 'unchanged' }
    watchpost.reload({ ...base, topics: TOPICS })
    const watching = await Watching.open(url, LOBBY)
    await watching.until(({ here }) => here.has('ana'))
    const own = await present(url, `$presence/${LOBBY}`, 'ana')
    const rights = ({ identity }: { identity: { subject?: string } }) => identity.subject !== 'ana'
    watchpost.reload({ ...base, topics: { ...TOPICS, 'chat/{room}': { ...TOPICS['chat/{room}'], watch: rights } } })
    await watching.until(({ here }) => !here.has('ana'))
    // Nor is that one told any more who is.
    const ended = await own.next(({ type }) => type === 'unsubscribed')
    expect(ended).toMatchObject({ data: { topic: `$presence/${LOBBY}` } })
    await present(url, LOBBY, 'bob')
    await watching.until(({ here }) => here.has('bob'))
    expect(own.messages.filter(({ key }) => key === 'bob')).toEqual([])
  })

  it('keeps what was told last when definitions change [WP-9.4]', async () => {
    const { url, watchpost } = await start()
    const watching = await Watching.open(url, LOBBY)
    const info = () => watching.here.get('ana')?.info
    const first = await present(url, LOBBY, 'ana', { info: 'first' })
    await openSse(`${url}/v1/topics/${LOBBY}?info=${encodeURIComponent('"second"')}`, await bearer('ana'))
    await watching.until(() => info() === 'second')
    await present(url, LOBBY, 'ana', { info: 'third' })
    await watching.until(() => info() === 'third')
    await first.request('unsubscribe', { topic: LOBBY })
    await first.request('subscribe', { topic: LOBBY, info: 'last' })
    await watching.until(({ here }) => info() === 'last' && here.get('ana')?.connections === 3)
    // Another one could be told at once from here on.
    await sleep(600)
    const told = watching.of('ana').length
    const described = { ...TOPICS['chat/{room}'], description: 'Rooms.' }
    watchpost.reload({ auth: AUTH, dataDir: 'unchanged', topics: { ...TOPICS, 'chat/{room}': described } })
    await present(url, LOBBY, 'bob')
    await watching.until(({ here }) => here.has('bob'))
    expect(watching.of('ana').slice(told)).toEqual([])
  })

  it('is listed beside its topic, for who may watch that [WP-3.12]', async () => {
    const { url } = await start()
    const { topics } = (await get(`${url}/v1/topics`)).body
    const found = topics.find(({ topic: name }: { topic: string }) => name === '$presence/chat/{room}')
    expect(found).toMatchObject({
      watch: true,
      publish: false,
      keyed: true,
      links: { state: '/v1/state/$presence/chat/{room}' },
    })
    expect(topics.map(({ topic: name }: { topic: string }) => name)).not.toContain('$presence/private/{room}')
  })

  it('is told in so many topics, and leaves those who publish theirs, and who watches the watch [WP-8.1]', async () => {
    const { url } = await start({ topicsMax: 3, presenceTopicsMax: 3, presenceGraceMs: 60_000 })
    const sockets = []
    for (let n = 0; n < 5; n++) sockets.push(await present(url, `chat/${n}`, 'ana'))
    const present3 = async () =>
      (await Promise.all([0, 1, 2].map((n) => state(url, `chat/${n}`)))).every((each) => 'ana' in each)
    await expect.poll(present3, { timeout: 20_000 }).toBe(true)
    const statuses = await Promise.all(
      [4, 5, 6].map((n) => post(`${url}/v1/topics/chat/${n}`, { type: 'message' }).then(({ status }) => status)),
    )
    expect(statuses).toEqual([201, 201, 201])
    await sockets[4]?.next(({ type }) => type === 'message')
    expect(await state(url, 'chat/4')).toEqual({})
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toMatch(/^watchpost_refused_total\{limit="presenceTopicsMax"\} [1-9]/m)
    expect(metrics).toMatch(/^watchpost_presence_topics 3$/m)
    expect(metrics).toMatch(/^watchpost_presence_members 5$/m)
  })
})

describe('several that come at one time [WP-9.5]', () => {
  const COUNT = 200

  it('are told in few messages, on a stream with their cursor as its id', async () => {
    const { url } = await start(LONG)
    const stream = await openSse(`${url}/v1/topics/$presence/${LOBBY}`)
    await stream.next(({ event }) => event === 'welcome')
    const watching = await Watching.open(url, LOBBY)
    const sockets = await Promise.all(
      Array.from({ length: COUNT }, async (_, n) => SocketLog.open(`${url}/v1?${await asQuery(`m${n}`)}`)),
    )
    await Promise.all(sockets.map((socket) => socket.request('subscribe', { topic: LOBBY })))
    await watching.until(({ here }) => here.size === COUNT, 60_000)
    console.log(`${COUNT} joined: ${watching.messages} messages, ${watching.told.length} events`)
    expect(watching.messages).toBeLessThan(COUNT / 4)
    expect(watching.told).toHaveLength(COUNT)
    const told = () =>
      stream.messages.flatMap(({ event, data }) =>
        event === 'events' ? (data['data'] as { events: object[] }).events : event === 'presence' ? [data] : [],
      )
    await expect.poll(() => told().length, { timeout: 20_000 }).toBe(COUNT)
    const bundle = await stream.next(({ event }) => event === 'events')
    const {
      topic: name,
      cursor,
      events,
    } = bundle.data['data'] as {
      readonly topic: string
      readonly cursor: string
      readonly events: readonly { readonly id: string; readonly topic: string }[]
    }
    expect([name, cursor]).toEqual([`$presence/${LOBBY}`, bundle.id])
    expect(events.at(-1)?.id).toBe(cursor)
    expect(bundle.data['timestamp']).toMatch(/^\d{4}-.*Z$/)
    const page = await get(`${url}/v1/topics/$presence/${LOBBY}?limit=1000`)
    expect(told()).toEqual(page.body.events)
    // Whoever goes on from the cursor of such a message meets what follows it, and nothing twice.
    const rest = await get(`${url}/v1/topics/$presence/${LOBBY}?limit=1000&after=${cursor}`)
    const at = page.body.events.findIndex(({ id }: { id: string }) => id === cursor)
    expect(rest.body.events).toEqual(page.body.events.slice(at + 1))
  }, 90_000)
})
