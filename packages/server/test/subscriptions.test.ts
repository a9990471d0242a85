/** Many subscriptions on one WebSocket, also ones that match the same events. */
import { randomBytes } from 'node:crypto'
import { type Codec, json, msgpack, type NewEvent, post, Refusal } from '@watchpost/conformance'
import { describe, expect, it } from 'vitest'
import { topic } from 'watchpost'
import { EAGER_CLIENTS } from './fixtures/one-address.ts'
import { numbersFrom } from './fixtures/seeded.ts'
import { check, Ledger, settle } from './fixtures/socket-check.ts'
import { type Entry, SocketClient, type Wish } from './fixtures/socket-client.ts'
import { numbersOf, playScript, someEvents, sumOf } from './fixtures/socket-script.ts'
import { get, startServer } from './harness.ts'

const topics = {
  'room/{run}/{row}/{seat}': topic({ events: { line: {}, note: {}, word: {} }, watch: 'anyone', publish: 'anyone' }),
}

/** Heartbeats would tell clients sooner or later what they must be told at once. */
const CONFIG = { topics, limits: EAGER_CLIENTS, durability: 'os', heartbeatMs: 3_600_000 } as const

const codecOf = (n: number): Codec => (n % 2 === 0 ? json : msgpack)

describe('10,000 subscriptions over 100 connections', () => {
  const CONNECTIONS = 100
  const SIDE = 16
  const PER_TOPIC = 2
  const VIEWS: readonly Omit<Wish, 'topic'>[] = [
    {},
    { type: ['line'] },
    { key: ['k1', 'k2'] },
    { select: ['/n'] },
    { type: ['note', 'word'], key: ['k0'], select: ['/n'] },
  ]

  /** 100 wishes, no two of which can match the same event: a few rows seat by seat, four other rows as a whole. */
  function wishesOf(connection: number, known: readonly string[]): Wish[] {
    const row = (n: number): number => (connection + n) % SIDE
    const filters = [
      ...numbersOf(6).flatMap((n) => numbersOf(SIDE).map((seat) => `room/big/${row(n)}/${seat}`)),
      ...[`room/big/${row(6)}/*`, `room/big/${row(7)}/**`, `*/big/${row(8)}/*`, `room/*/${row(9)}/**`],
    ]
    const starts = [
      {},
      { after: 'earliest' },
      { after: known[connection] ?? 'latest' },
      { last: 3 },
      { after: 'latest' },
    ]
    return filters.map((filter, i) => ({
      topic: filter,
      ...VIEWS[(connection + i) % VIEWS.length],
      ...starts[(connection + i * 7) % starts.length],
    }))
  }

  /** Publishes to all topics, in an order that is not theirs, some of it over the clients' own connections. */
  async function publishToAll(url: string, clients: readonly SocketClient[], first: number): Promise<string[]> {
    const random = numbersFrom(first)
    const ids = await Promise.all(
      numbersOf(SIDE * SIDE).map(async (n) => {
        const place = (n * 101) % (SIDE * SIDE)
        const name = `room/big/${Math.floor(place / SIDE)}/${place % SIDE}`
        const [event, ...events] = someEvents(random, PER_TOPIC, first + n * PER_TOPIC)
        const { connection } = clients[n % clients.length] ?? {}
        const published = await connection?.request('publish', { topic: name, ...event })
        const posted = await post(url, name, published === undefined ? [event as NewEvent, ...events] : events)
        return (published?.['id'] as string | undefined) ?? posted[0]?.id ?? ''
      }),
    )
    return ids
  }

  it('each get exactly their events, once and in order, and go on exactly elsewhere [WP-4.4] [WP-4.2] [WP-2.5]', {
    timeout: 90_000,
  }, async () => {
    const startMs = performance.now()
    const { url } = await startServer(CONFIG)
    const known = await publishToAll(url, [], 0)
    const connect = async (wishes: readonly Wish[], n: number): Promise<SocketClient> => {
      const client = await SocketClient.open(url, codecOf(n))
      await Promise.all(wishes.map((wish) => client.subscribe(wish)))
      return client
    }
    const clients = await Promise.all(numbersOf(CONNECTIONS).map((n) => connect(wishesOf(n, known), n)))
    await publishToAll(url, clients, 10_000)
    await settle(clients, await Ledger.read(url, 'room/big/**'))
    // A quarter of them goes on on new connections, in the other language; the others stay.
    const [leaving, staying] = [clients.filter((_, n) => n % 4 === 0), clients.filter((_, n) => n % 4 !== 0)]
    for (const [n, client] of leaving.entries()) {
      if (n % 2 === 0) client.cut()
      else await client.close()
    }
    await publishToAll(url, staying, 20_000)
    const resumed = await Promise.all(leaving.map((client) => connect(client.resumed(), 1)))
    await publishToAll(url, [...staying, ...resumed], 30_000)
    const ledger = await Ledger.read(url, 'room/big/**')
    await settle([...staying, ...resumed], ledger)

    const [first, second] = [clients, resumed].map((some) => sumOf(some.map((client) => check(client, ledger))))
    console.log(
      `${ledger.events.size} events, ${first?.events} deliveries to ${first?.subscriptions} subscriptions over ` +
        `${CONNECTIONS} connections, and ${second?.events} to the ${second?.subscriptions} of them that were resumed, ` +
        `in ${((performance.now() - startMs) / 1_000).toFixed(1)} s`,
    )
    expect(first).toMatchObject({ subscriptions: 10_000, shared: 0 })
    expect(second).toMatchObject({ subscriptions: 2_500, shared: 0 })
    expect(ledger.events.size).toBe(4 * PER_TOPIC * SIDE * SIDE)
    expect(Math.min(first?.events ?? 0, second?.events ?? 0)).toBeGreaterThan(10_000)
    for (const client of [...staying, ...resumed]) client.cut()
  })
})

describe('subscriptions that match the same event', () => {
  const cursorsOf = (entries: readonly Entry[]): string[] =>
    entries.flatMap((entry) => (entry.kind === 'bookmark' ? [`${entry.of.wish.topic} ${entry.cursor}`] : []))

  it('are sent it once, and a bookmark for each that it counts for [WP-4.5]', async () => {
    const { url } = await startServer(CONFIG)
    const client = await SocketClient.open(url, json)
    const [row, all, other] = ['room/a/1/*', 'room/a/**', 'room/a/2/2']
    for (const each of [row, all, other]) await client.subscribe({ topic: each })
    const put = async (name: string): Promise<string> => (await post(url, name, { type: 'line' }))[0]?.id ?? ''
    const ids: string[] = []
    for (const name of ['room/a/1/1', 'room/a/3/3', 'room/a/2/2']) {
      ids.push(await put(name))
      await settle([client], await Ledger.read(url, 'room/a/**'))
    }
    const events = client.entries.flatMap((entry) => (entry.kind === 'event' ? [entry.event.id] : []))
    expect(events).toEqual(ids)
    const told = [`${row} ${ids[0]}`, `${all} ${ids[0]}`, `${other} ${ids[2]}`, `${all} ${ids[2]}`]
    expect(cursorsOf(client.entries)).toEqual(expect.arrayContaining(told))
    check(client, await Ledger.read(url, 'room/a/**'))
    await client.close()
  })

  it('count what was sent before as not sent to a later one [WP-4.5]', async () => {
    const { url } = await startServer(CONFIG)
    const client = await SocketClient.open(url, msgpack)
    await client.subscribe({ topic: 'room/a/**' })
    await post(url, 'room/a/1/1', someEvents(numbersFrom(1), 5, 0))
    await settle([client], await Ledger.read(url, 'room/a/**'))
    await client.subscribe({ topic: 'room/a/1/*', after: 'earliest' })
    await post(url, 'room/a/1/1', someEvents(numbersFrom(2), 5, 5))
    const ledger = await Ledger.read(url, 'room/a/**')
    await settle([client], ledger)
    expect(check(client, ledger)).toMatchObject({ events: 15, subscriptions: 2 })
    await client.close()
  })

  it('must ask for the same select, and neither for delta, or are refused [WP-4.5]', async () => {
    const { url } = await startServer(CONFIG)
    const client = await SocketClient.open(url, json)
    await client.subscribe({ topic: 'room/a/1/*', select: ['/n'] })
    for (const wish of [
      { topic: 'room/a/**' },
      { topic: 'room/*/1/1', select: ['/text'] },
      { topic: '**', select: ['/n', '/text'] },
      { topic: 'room/a/*/1', select: ['/n'], delta: true },
    ]) {
      const refused = await client.subscribe(wish).catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(Refusal)
      expect((refused as Refusal).problem).toBe('/problems/invalid-parameter')
    }
    await client.subscribe({ topic: 'room/a/*/1', select: ['/n'] })
    await client.subscribe({ topic: 'room/a/2/2' })
    await client.unsubscribe('room/a/1/*')
    await client.unsubscribe('room/a/*/1')
    await client.subscribe({ topic: 'room/a/**' })
    expect([...client.subscriptions.keys()]).toEqual(['room/a/2/2', 'room/a/**'])
    await client.close()
  })

  const metric = async (url: string, name: string): Promise<number> => {
    const { body } = await get(`${url}/metrics`)
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(body as string)?.[1])
  }

  /** Publishes 900 events to three topics, more than all buffers hold, of text that no compression makes short. */
  async function publishMuch(url: string): Promise<void> {
    const text = randomBytes(20_000).toString('base64')
    for (let n = 0; n < 30; n++) {
      const events = numbersOf(30).map((i) => ({ type: 'line', data: { n: n * 30 + i, text } }))
      await post(url, ['room/a/1/1', 'room/a/1/2', 'room/b/1/1'][n % 3] as string, events)
    }
  }

  it('lose and repeat nothing to a client that is too slow for all of them [WP-4.5] [WP-8.2]', async () => {
    const { url } = await startServer({ ...CONFIG, limits: { ...EAGER_CLIENTS, bufferedBytesMax: 65_536 } })
    const client = await SocketClient.open(url, json)
    const filters = ['room/a/**', 'room/a/1/*', 'room/a/*/2', 'room/b/**']
    for (const each of filters) await client.subscribe({ topic: each })
    client.connection.pause()
    await publishMuch(url)
    expect(await metric(url, 'watchpost_subscriptions_catching_up')).toBeGreaterThan(0)
    client.connection.resume()
    const ledger = await Ledger.read(url, 'room/**')
    await settle([client], ledger)
    expect(check(client, ledger)).toMatchObject({ events: 900, subscriptions: 4 })
    await client.close()
  })

  it('are not sent again what one sent ahead of the others, though it ended since [WP-4.5]', async () => {
    const { url } = await startServer({ ...CONFIG, coalesceMs: 0 })
    await publishMuch(url)
    const client = await SocketClient.open(url, json)
    await client.subscribe({ topic: 'room/a/1/*' })
    client.connection.pause()
    const asked = [client.subscribe({ topic: 'room/a/**', after: 'earliest' })]
    await expect.poll(() => metric(url, 'watchpost_subscriptions_catching_up'), { timeout: 10_000 }).toBe(1)
    const dispatched = await metric(url, 'watchpost_events_dispatched_total')
    await post(url, 'room/a/1/1', someEvents(numbersFrom(1), 5, 900))
    const sent = () => metric(url, 'watchpost_events_dispatched_total')
    await expect.poll(sent, { timeout: 10_000 }).toBe(dispatched + 5)
    asked.push(client.unsubscribe('room/a/1/*'))
    await expect.poll(() => metric(url, 'watchpost_hub_feeds'), { timeout: 10_000 }).toBe(1)
    client.connection.resume()
    await Promise.all(asked)
    const ledger = await Ledger.read(url, 'room/**')
    await settle([client], ledger)
    expect(check(client, ledger)).toMatchObject({ events: 605, shared: 5, subscriptions: 2 })
    await client.close()
  })
})

describe('random scripts of subscribing, leaving, publishing and reconnecting', () => {
  const SCRIPTS = 24
  const AT_A_TIME = 6
  const STEPS = 80

  it('lose and repeat nothing for any subscription, by the cursors that clients know [WP-4.5] [WP-4.4] [WP-2.5]', {
    timeout: 90_000,
  }, async () => {
    const startMs = performance.now()
    const { url } = await startServer(CONFIG)
    const lanes = numbersOf(AT_A_TIME).map(async (lane) => {
      const played = []
      for (let seed = 1 + lane; seed <= SCRIPTS; seed += AT_A_TIME) played.push(await playScript(url, seed, STEPS))
      return played
    })
    const played = (await Promise.all(lanes)).flat()
    const { events, shared, bookmarks, subscriptions } = sumOf(played)
    const reconnects = played.reduce((sum, each) => sum + each.reconnects, 0)
    console.log(
      `${SCRIPTS} scripts: ${subscriptions} subscriptions, ${events} deliveries, ${shared} of them for several, ` +
        `${bookmarks} bookmarks, ${reconnects} reconnects, in ${((performance.now() - startMs) / 1_000).toFixed(1)} s`,
    )
    // A script in which nothing happens would prove nothing.
    expect(Math.min(events, shared, bookmarks, subscriptions)).toBeGreaterThan(SCRIPTS * 20)
    expect(reconnects).toBeGreaterThan(SCRIPTS * 2)
  })
})
