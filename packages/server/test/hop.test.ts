/** A crowd joins while events are published at full speed, and hops between all transports on its cursors. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection, drivers, json, msgpack, post, type Watching, type WatchRequest } from '@watchpost/conformance'
import { type Event, matchesFilter } from '@watchpost/protocol'
import { expect, it } from 'vitest'
import { type Child, startChild } from './fixtures/child.ts'
import { EAGER_CLIENTS } from './fixtures/one-address.ts'
import { type Numbers, numbersFrom } from './fixtures/seeded.ts'
import { get, temporaryDir } from './harness.ts'

const WATCHERS = 100
const EVENTS = 5_000
const PER_PUBLISH = 5
const ROOMS = 4

/** A hop ends after so many deliveries at most, or so much time, whichever comes first. */
const HOP_DELIVERIES = EVENTS / 4
const HOP_MS = 500

/** What watchers watch; each of them lets the last events through. */
const VIEWS: readonly Pick<WatchRequest, 'topics' | 'type'>[] = [
  { topics: ['log'] },
  { topics: ['**'] },
  { topics: ['log'], type: ['line'] },
  { topics: ['chat/*'] },
]

/** The `data` of the events that come last. */
const LAST = 'last'

interface Watcher {
  readonly view: (typeof VIEWS)[number]
  readonly start: 'earliest' | 'latest'
  readonly seen: string[]
  gaps: number
}

interface Crowd {
  readonly url: string
  /** Each event as JSON, as it was first seen by anyone; all must see the same. */
  readonly texts: Map<string, string>
  readonly hops: Record<string, number>
  readonly endings: { cut: number; left: number }
  published: number
  joined: number
  joinedMeanwhile: number
}

/** Publishes its part, by POST or over one of two WebSockets, to all topics in turn. */
async function publish(crowd: Crowd, publisher: number): Promise<void> {
  const codec = [undefined, undefined, json, msgpack][publisher]
  const socket = codec && (await Connection.open(`${crowd.url}/v1`, codec, () => undefined))
  for (let n = 0; n < EVENTS / 4; n += PER_PUBLISH) {
    const topic = n % 2 === 0 ? 'log' : `chat/${n % ROOMS}`
    const type = topic === 'log' ? ['line', 'note'][(n / 2) % 2] : 'message'
    const events = Array.from({ length: PER_PUBLISH }, (_, i) => ({ type: type as string, data: [publisher, n + i] }))
    if (socket === undefined) await post(crowd.url, topic, events)
    else await Promise.all(events.map((event) => socket.request('publish', { topic, ...event })))
    crowd.published += PER_PUBLISH
  }
  await socket?.close()
}

/** Handles what comes until the hop is over; then the watch was cut off or left. */
async function handle(crowd: Crowd, watcher: Watcher, watching: Watching, random: Numbers): Promise<boolean> {
  const isCut = random(2) === 0
  crowd.endings[isCut ? 'cut' : 'left']++
  let leaving: Promise<void> | undefined
  const end = (): void => {
    if (isCut) watching.cut()
    else leaving ??= watching.leave()
  }
  const stopTimer = setTimeout(end, random(HOP_MS))
  let isAtEnd = false
  let left = 1 + random(HOP_DELIVERIES)
  // Even what was given after the end counts as handled: the cursor has gone on.
  for (let delivery = await watching.next(); delivery !== undefined; delivery = await watching.next()) {
    if (delivery.kind === 'gap') watcher.gaps++
    if (delivery.kind === 'event') {
      const { id } = delivery.event
      watcher.seen.push(id)
      const text = JSON.stringify(delivery.event)
      if (crowd.texts.get(id) === undefined) crowd.texts.set(id, text)
      else if (crowd.texts.get(id) !== text) throw new Error(`${text} was seen as ${crowd.texts.get(id)}`)
      isAtEnd = isLast(delivery.event, watcher)
    }
    if (--left === 0 || isAtEnd) end()
  }
  clearTimeout(stopTimer)
  end()
  await leaving
  return isAtEnd
}

/** The last event of all is one of `log`; who does not watch that waits for the one before it. */
const isLast = ({ data, topic }: Event, { view }: Watcher): boolean =>
  data === LAST && (topic === 'log' || view.topics[0] === 'chat/*')

/** Joins at a random moment, and hops until it has seen the last event. */
async function follow(crowd: Crowd, number: number): Promise<Watcher> {
  const random = numbersFrom(number + 1)
  const view = VIEWS[number % VIEWS.length] as Watcher['view']
  const watcher: Watcher = { view, start: number % 5 === 4 ? 'latest' : 'earliest', seen: [], gaps: 0 }
  const joinsAt = random(EVENTS)
  while (crowd.published < joinsAt) await sleep(5)
  let cursor: string = watcher.start
  let isAtEnd = false
  for (let hops = 0; !isAtEnd; hops++) {
    const driver = drivers[random(drivers.length)] as (typeof drivers)[number]
    crowd.hops[driver.name] = (crowd.hops[driver.name] ?? 0) + 1
    const request = { ...view, after: cursor, pageEvents: 1 + random(1_000), waitSeconds: 1 }
    const watching = await driver.watch(crowd.url, request)
    if (hops === 0) {
      crowd.joined++
      if (crowd.published < EVENTS) crowd.joinedMeanwhile++
    }
    isAtEnd = await handle(crowd, watcher, watching, random)
    cursor = watching.cursor ?? cursor
  }
  return watcher
}

/** Publishes the last events, which end it for everyone, when all are published and everyone is there. */
async function finish(crowd: Crowd, publishing: Promise<unknown>): Promise<void> {
  await publishing
  while (crowd.joined < WATCHERS) await sleep(5)
  await post(crowd.url, 'chat/0', { type: 'message', data: LAST })
  await post(crowd.url, 'log', { type: 'line', data: LAST })
}

async function allEvents({ url }: Child): Promise<Event[]> {
  const all: Event[] = []
  for (let after = 'earliest', more = true; more; ) {
    const { body } = await get(`${url}/v1/topics/**?limit=1000&after=${after}`)
    all.push(...(body.events as Event[]))
    after = body.cursor
    more = body.more
  }
  return all
}

/** What a watcher must have seen of all events; one that joined at `latest`, the end of it. */
function expectedOf({ view, start, seen }: Watcher, all: readonly Event[]): string[] {
  const { topics, type } = view
  const matching = all.filter(
    (event) => topics.some((filter) => matchesFilter(filter, event.topic)) && (type?.includes(event.type) ?? true),
  )
  return matching.slice(start === 'latest' ? matching.length - seen.length : 0).map(({ id }) => id)
}

it(`${WATCHERS} watchers that hop between ${drivers.length} clients see every event once, in order [WP-2.5] [WP-2.1] [WP-3.5] [WP-4.3]`, {
  timeout: 90_000,
  retry: 0,
}, async () => {
  const child = await startChild({ dataDir: await temporaryDir(), limits: EAGER_CLIENTS })
  const counts = { published: 0, joined: 0, joinedMeanwhile: 0 }
  const crowd: Crowd = { url: child.url, texts: new Map(), hops: {}, endings: { cut: 0, left: 0 }, ...counts }
  const startMs = performance.now()
  const publishing = Promise.all([0, 1, 2, 3].map((publisher) => publish(crowd, publisher)))
  const [watchers] = await Promise.all([
    Promise.all(Array.from({ length: WATCHERS }, (_, number) => follow(crowd, number))),
    finish(crowd, publishing),
  ])
  const seconds = (performance.now() - startMs) / 1_000

  const all = await allEvents(child)
  expect(new Set(all.map(({ id }) => id)).size).toBe(EVENTS + 2)
  for (const publisher of [0, 1, 2, 3]) {
    const own = all.map(({ data }) => data as unknown as readonly number[]).filter(([first]) => first === publisher)
    expect(own.map(([, n]) => n)).toEqual(Array.from({ length: EVENTS / 4 }, (_, n) => n))
  }
  for (const event of all) expect(crowd.texts.get(event.id) ?? JSON.stringify(event)).toBe(JSON.stringify(event))
  for (const watcher of watchers) {
    expect(watcher.gaps).toBe(0)
    expect(watcher.seen).toEqual(expectedOf(watcher, all))
  }
  const deliveries = watchers.reduce((sum, { seen }) => sum + seen.length, 0)
  console.log(
    `${all.length} events, ${deliveries} deliveries to ${WATCHERS} watchers, ${crowd.joinedMeanwhile} of whom joined ` +
      `meanwhile, by ${JSON.stringify(crowd.hops)}, ended ${JSON.stringify(crowd.endings)}, in ${seconds.toFixed(1)} s`,
  )
  expect(crowd.joinedMeanwhile).toBeGreaterThan(WATCHERS / 2)
  expect(Object.keys(crowd.hops)).toHaveLength(drivers.length)
  expect(Math.min(...Object.values(crowd.hops), ...Object.values(crowd.endings))).toBeGreaterThan(20)
  expect(child.logged).toEqual([])
})
