/** Every event once and in order, whatever is done to the connections. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { AGAIN_MS, AGAIN_MS_MAX, type Contender, startPlainSocket, startSocketIo } from './fixtures/peers.ts'
import { clientOf, type Heard, hear, numbers, startServer, TRANSPORTS } from './harness.ts'

const CUTS = 50
const CUT_MS = 2_000

/** Twenty events a second. */
const PUBLISH_MS = 200
const EVENTS = 4

/** From one cut to the next: mostly time to connect again, sometimes to do no more than that, sometimes not even that. */
const PAUSES_MS = [2_500, 1_500, 3_000, 600, 2_000, 2_500, 200]

interface Row {
  readonly published: number
  readonly delivered: number
  readonly repeated: number
  readonly 'out of order': number
  readonly lost: number
  readonly connections: number
  readonly 'delivered/published': string
}

let rows: Readonly<Record<string, Row>> = {}

afterAll(() => console.table(rows))

function rowOf({ numbers: heard, opened }: Contender, published: number): Row {
  const delivered = new Set<number>()
  let [highest, outOfOrder] = [-1, 0]
  for (const n of heard) {
    if (n < highest && !delivered.has(n)) outOfOrder++
    highest = Math.max(highest, n)
    delivered.add(n)
  }
  return {
    published,
    delivered: delivered.size,
    repeated: heard.length - delivered.size,
    'out of order': outOfOrder,
    lost: published - delivered.size,
    connections: opened(),
    'delivered/published': `${delivered.size}/${published}`,
  }
}

/** Ours, by each transport alone, and by what it chooses itself. */
async function startOurs(url: string): Promise<(Contender & { readonly heard: Heard })[]> {
  const ways = [...TRANSPORTS.map((name) => [name]), [...TRANSPORTS]]
  return Promise.all(
    ways.map(async (transports) => {
      const proxy = await FaultProxy.start(url)
      const watch = clientOf(proxy.url, { transports, backoffBaseMs: AGAIN_MS, backoffMsMax: AGAIN_MS_MAX }).watch(
        'log',
      )
      const heard = hear(watch)
      return {
        kind: `watchpost, ${transports.length === 1 ? transports[0] : 'any transport'}`,
        proxy,
        heard,
        numbers: heard.numbers,
        opened: () => heard.statuses.filter((status) => status === 'open').length,
        isOpen: () => watch.status === 'open',
      }
    }),
  )
}

it(`every event comes once and in order through ${CUTS} cuts of ${CUT_MS / 1_000} s, beside others [WP-2.5]`, {
  timeout: 600_000,
  retry: 0,
}, async () => {
  const server = await startServer()
  const ours = await startOurs(server.url)
  const peers = [await startSocketIo(), await startPlainSocket()]
  const all: readonly Contender[] = [...ours, ...peers]
  const expectAllOpen = () =>
    expect.poll(() => all.filter(({ isOpen }) => !isOpen()).map(({ kind }) => kind), { timeout: 60_000 }).toEqual([])
  await expectAllOpen()

  let published = 0
  const startMs = performance.now()
  const ended = new AbortController()
  const publishing = (async () => {
    while (!ended.signal.aborted) {
      for (const peer of peers) for (const n of numbers(published, EVENTS)) peer.publish(n)
      await server.publish('log', published, EVENTS)
      published += EVENTS
      await sleep(startMs + (published / EVENTS) * PUBLISH_MS - performance.now())
    }
  })()
  for (let cut = 0; cut < CUTS; cut++) {
    await sleep(PAUSES_MS[cut % PAUSES_MS.length])
    for (const { proxy } of all) {
      proxy.faults.refuses = true
      proxy.cut()
    }
    await sleep(CUT_MS)
    for (const { proxy } of all) proxy.faults.refuses = false
  }
  // Nobody is away when the last ones are published, and each has the time to get what it missed.
  await expectAllOpen()
  await sleep(1_000)
  ended.abort()
  await publishing
  const hasAll = ({ numbers: { length } }: Contender) => length >= published
  const hasLast = (each: Contender) => each.numbers.at(-1) === published - 1
  const untilMs = performance.now() + 60_000
  while (!(ours.every(hasAll) && peers.every(hasLast)) && performance.now() < untilMs) await sleep(100)
  rows = Object.fromEntries(all.map((each) => [each.kind, rowOf(each, published)]))
  for (const { heard } of ours) {
    expect(heard.numbers).toEqual(numbers(0, published))
    expect([heard.gaps, heard.errors]).toEqual([[], []])
  }
  // Whoever was not cut off, or never came back, proves nothing.
  for (const { connections, delivered } of Object.values(rows)) {
    expect(connections).toBeGreaterThan(CUTS / 4)
    expect(delivered).toBeGreaterThan(published / 10)
  }
})

it('a watch goes on by another transport from where the last one ended [WP-2.1] [WP-2.5]', {
  timeout: 60_000,
}, async () => {
  const server = await startServer()
  const seen: number[] = []
  let cursor: string | undefined = 'earliest'
  for (const [round, transport] of [...TRANSPORTS, ...TRANSPORTS].entries()) {
    await server.publish('log', round * 20, 20)
    const client = clientOf(server.url, { transports: [transport] })
    const watch = client.watch('log', { after: cursor })
    for await (const event of watch) {
      seen.push((event.data as { n: number }).n)
      cursor = watch.cursor as string
      if (seen.length === round * 20 + 13 || seen.length === (round + 1) * 20) break
    }
    await client.close()
    expect(cursor).toBe(watch.cursor)
  }
  expect(seen).toEqual(numbers(0, seen.length))
  expect(seen.length).toBeGreaterThan(20)
})
