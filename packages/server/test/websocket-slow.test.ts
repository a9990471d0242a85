/** WebSocket clients that read slowly, or not at all [WP-8.2], beside others that are not to notice. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { topic } from 'watchpost'
import { startChild } from './fixtures/child.ts'
import { metric } from './fixtures/http.ts'
import { type Message, openRaw, type RawSocket } from './fixtures/raw-socket.ts'
import { post, startServer, TOPICS, temporaryDir } from './harness.ts'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
const numbersOf = (socket: RawSocket): number[] =>
  socket.messages.filter(({ type }) => type === 'line').map(({ data }) => (data as { n: number }).n)

const TEXT = 'x'.repeat(10_000)
const linesFrom = (first: number, count: number) =>
  upTo(count).map((i) => ({ type: 'line' as const, data: { n: first + i, text: TEXT } }))

describe('a client that takes a byte a second', () => {
  const OTHERS = 200
  const EVENTS = 3_000
  const PER_PUBLISH = 50

  it(`beside ${OTHERS} that take all costs them nothing, and then gets every event once, in order [WP-8.2] [WP-2.5]`, {
    timeout: 120_000,
  }, async () => {
    const child = await startChild({ dataDir: await temporaryDir(), durability: 'os' })
    const path = '/v1/topics/log'
    const slow = await openRaw(child.url, { path })
    slow.socket.pause()
    let taken = 0
    const dribble = setInterval(() => {
      if (slow.socket.read(1) !== null) taken++
    }, 1_000)
    const others = await Promise.all(upTo(OTHERS).map(() => openRaw(child.url, { path: `${path}?select=/n` })))
    const buffersMb = async () => ((await metric(child.url, 'nodejs_external_memory_bytes')) ?? Number.NaN) / 1e6
    const beforeMb = await buffersMb()
    let highestMb = beforeMb
    let catchingUp = 0
    const startMs = performance.now()
    for (let n = 0; n < EVENTS; n += PER_PUBLISH) {
      expect((await post(`${child.url}${path}`, linesFrom(n, PER_PUBLISH))).status).toBe(201)
      highestMb = Math.max(highestMb, await buffersMb())
      catchingUp = Math.max(catchingUp, (await metric(child.url, 'watchpost_subscriptions_catching_up')) ?? 0)
      expect(await metric(child.url, 'watchpost_buffered_bytes')).toBeLessThan(20_000_000)
    }
    await expect.poll(() => Math.min(...others.map((each) => numbersOf(each).length)), { timeout: 60_000 }).toBe(EVENTS)
    const seconds = (performance.now() - startMs) / 1_000
    for (const each of others) expect(numbersOf(each)).toEqual(upTo(EVENTS))
    expect(numbersOf(slow).length).toBeLessThan(EVENTS)
    expect(catchingUp).toBeGreaterThan(0)
    expect(taken).toBeGreaterThan(0)
    console.log(
      `${EVENTS} events of 10 KB to ${OTHERS} clients in ${seconds.toFixed(1)} s beside one that took ${taken} bytes: the ` +
        `server's buffers grew by ${(highestMb - beforeMb).toFixed(0)} MB at most`,
    )
    expect(highestMb - beforeMb).toBeLessThan((EVENTS * TEXT.length) / 1e6 / 1.5)
    clearInterval(dribble)
    slow.socket.resume()
    await expect.poll(() => numbersOf(slow).length, { timeout: 30_000 }).toBe(EVENTS)
    expect(numbersOf(slow)).toEqual(upTo(EVENTS))
    expect(await metric(child.url, 'watchpost_subscriptions_catching_up')).toBe(0)
    expect(child.logged).toEqual([])
  })
})

describe('a slow client of a topic with `onSlow: latest`', () => {
  const KEYS = 20
  const ROUNDS = 300
  const topics = {
    ...TOPICS,
    trains: topic({
      ...{ events: { moved: { type: 'object' } }, key: '/train', onSlow: 'latest', watch: 'anyone' },
    } as const),
  }
  const dataOf = ({ data }: Message) => data as { train: string; round: number }

  it('is sent just the newest of each key of what it fell behind by; who resumes is sent all [WP-8.2]', {
    timeout: 60_000,
  }, async () => {
    const { url, watchpost } = await startServer({ topics, limits: { bufferedBytesMax: 65_536 } })
    const slow = await openRaw(url, { path: '/v1/topics/trains' })
    const first = await slow.next(({ type }) => type === 'welcome')
    slow.socket.pause()
    for (const round of upTo(ROUNDS)) {
      const events = upTo(KEYS).map((n) => ({
        ...{ type: 'moved' as const, data: { train: `T${n}`, round, text: 'x'.repeat(3_000) } },
      }))
      await watchpost.publish('trains', events)
    }
    slow.socket.resume()
    const received = () => slow.messages.filter(({ type }) => type === 'moved')
    const lastRounds = () => received().filter((message) => dataOf(message).round === ROUNDS - 1)
    await expect.poll(() => lastRounds().length, { timeout: 20_000 }).toBe(KEYS)
    await sleep(300)
    expect(lastRounds()).toHaveLength(KEYS)
    const passedOver = await metric(url, 'watchpost_events_passed_over_total')
    expect(received().length + (passedOver ?? 0)).toBe(ROUNDS * KEYS)
    expect(passedOver).toBeGreaterThan(KEYS * 10)
    for (const n of upTo(KEYS)) {
      const rounds = received()
        .map(dataOf)
        .filter(({ train }) => train === `T${n}`)
        .map(({ round }) => round)
      expect(rounds).toEqual([...new Set(rounds)].sort((a, b) => a - b))
    }
    const after = (first['data'] as { cursor: string }).cursor
    const resumed = await openRaw(url, { path: `/v1/topics/trains?after=${after}` })
    await expect
      .poll(() => resumed.messages.filter(({ type }) => type === 'moved').length, { timeout: 20_000 })
      .toBe(ROUNDS * KEYS)
  })
})

describe('a client that takes nothing for `stalledMs`', () => {
  it('is cut, which the log and the metrics give a reason for, and others are not [WP-8.2] [WP-4.9]', {
    timeout: 30_000,
  }, async () => {
    const limits = { stalledMs: 600, bufferedBytesMax: 65_536 }
    const { url, watchpost } = await startServer({ limits, heartbeatMs: 2_000 })
    const [stalled, busy] = await Promise.all(
      ['log', 'log'].map((name) => openRaw(url, { path: `/v1/topics/${name}` })),
    )
    if (stalled === undefined || busy === undefined) throw new Error('there are two')
    stalled.socket.pause()
    for (const batch of upTo(10)) await watchpost.publish('log', linesFrom(batch * 100, 100))
    await expect.poll(() => numbersOf(busy).length, { timeout: 10_000 }).toBe(1_000)
    const cut = () => metric(url, 'watchpost_connections_cut_total{transport="websocket",reason="stalled"}')
    await expect.poll(cut, { timeout: 10_000 }).toBe(1)
    await expect.poll(() => metric(url, 'watchpost_connections{transport="websocket"}'), { timeout: 15_000 }).toBe(1)
    await watchpost.publish('log', linesFrom(1_000, 1))
    await expect.poll(() => numbersOf(busy).length, { timeout: 10_000 }).toBe(1_001)
  })
})
