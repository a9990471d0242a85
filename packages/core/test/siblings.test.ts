import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SERVER } from '../src/access.ts'
import type { Encoding } from '../src/feed.ts'
import { type Sibling, Siblings } from '../src/siblings.ts'
import type { Subscription } from '../src/subscription.ts'
import type { ViewOptions } from '../src/view.ts'
import { settled } from './manual-clock.ts'
import { siblingStep } from './siblings-script.ts'
import { type SiblingsPlayed, SiblingsSimulation } from './siblings-simulation.ts'
import {
  type Chunk,
  countTo,
  KEYED,
  LATEST,
  OPEN,
  plainEncoding,
  plainSnapshot,
  problemOf,
  RecordingSink,
  type World,
  type WorldOptions,
  world,
} from './support.ts'

const RUNS = 400
const STEPS_MAX = 150

describe('a random script of clients with several subscriptions each', () => {
  it('sends each event once for all that want it, and says truly where each stands [WP-4.5]', async () => {
    const all: SiblingsPlayed[] = []
    const scripts = fc.array(siblingStep, { minLength: 20, maxLength: STEPS_MAX, size: 'max' })
    // When a script fails, fast-check prints its seed and path: give both to the options below to play it again.
    await fc.assert(
      fc.asyncProperty(scripts, async (script) => {
        const simulation = new SiblingsSimulation()
        for (const one of script) await simulation.play(one)
        all.push(await simulation.end())
      }),
      { numRuns: RUNS },
    )
    const count = (of: keyof SiblingsPlayed): number => all.reduce((total, played) => total + played[of], 0)
    // A script in which nothing is shared would prove nothing.
    expect(count('shared')).toBeGreaterThan(RUNS)
    expect(count('again')).toBeGreaterThan(RUNS)
    expect(count('gaps')).toBeGreaterThan(RUNS / 10)
    expect(count('slow')).toBeGreaterThan(RUNS / 50)
  }, 120_000)
})

/** A connection that subscribes. */
class Client {
  readonly siblings = new Siblings()
  readonly sink: RecordingSink
  readonly #here: World
  readonly #encoding: Encoding<Chunk>

  constructor(here: World, encoding = plainEncoding(), slow = false) {
    this.#here = here
    this.#encoding = encoding
    this.sink = new RecordingSink(slow)
  }

  async subscribe(filter: string, after = 'latest', view: ViewOptions = {}): Promise<Subscription<Chunk>> {
    const { watcher } = this.#here
    const watch = watcher.watch([filter], view, { identity: SERVER })
    const from = await this.#here.clock.until(watcher.locate(watch, { after, otherwise: 'latest' }))
    this.siblings.demandCompatible(watch, watch.view.hasDeltas)
    const subscription = watcher.subscribe(watch, from, this.#encoding, this.sink)
    this.siblings.add(subscription)
    await settled()
    return subscription
  }

  unsubscribe(subscription: Subscription<Chunk>): string {
    this.siblings.remove(subscription)
    subscription.close()
    return this.#here.watcher.cursor(subscription.position)
  }

  /** What was sent since the last call, in short: offsets, and bookmarks as `filter@offset`. */
  taken(): string {
    const chunks = this.sink.chunks.splice(0)
    return chunks
      .flatMap(({ events, bookmark, gap, filters }) => [
        ...events.map(({ offset }) => String(offset)),
        ...(bookmark === undefined ? [] : [`${filters?.join()}@${bookmark.replace('m3m.', '')}`]),
        ...(gap === undefined ? [] : [`${filters?.join()} lost`]),
      ])
      .join(' ')
  }
}

const topics = { 'a/{x}': OPEN, 'b/{x}': OPEN, 'k/{x}': KEYED, 'latest/{x}': LATEST }
const siblingWorld = (options: WorldOptions = {}): World => world({ topics, ...options })

describe('several subscriptions of one client [WP-4.5]', () => {
  it('cost nothing while no two of them can match the same event: the chunk is the one of all others', async () => {
    const here = siblingWorld()
    const encoding = plainEncoding()
    const clients = countTo(2).map(() => new Client(here, encoding))
    for (const client of clients) for (const filter of ['a/1', 'a/2', 'b/*']) await client.subscribe(filter)
    await here.publish('a/1', {}, {})
    await here.publish('b/1', {})
    const [one = [], other = []] = clients.map(({ sink }) => sink.chunks)
    expect(one.map(({ events }) => events.length)).toEqual([2, 1])
    expect(one.every((chunk, i) => chunk === other[i])).toBe(true)
  })

  it('send an event once, which counts for all, and each says where it stands', async () => {
    const here = siblingWorld()
    const client = new Client(here)
    await client.subscribe('a/1')
    await client.subscribe('a/*')
    await here.publish('a/1', {})
    expect(client.taken()).toBe('1 a/1@1 a/*@1')
    await here.publish('a/2', {})
    expect(client.taken()).toBe('2 a/*@2')
    await here.publish('b/1', {})
    expect(client.taken()).toBe('')
  })

  it('share the chunk of all others again when they are alone', async () => {
    const here = siblingWorld()
    const encoding = plainEncoding()
    const [client, other] = [new Client(here, encoding), new Client(here, encoding)]
    await client.subscribe('a/1')
    await other.subscribe('a/1')
    const sibling = await client.subscribe('**')
    await here.publish('a/1', {})
    expect(client.unsubscribe(sibling)).toBe('m3m.1')
    await here.publish('a/1', {})
    client.sink.chunks.splice(0)
    await here.publish('a/1', {})
    expect(client.sink.chunks[0]).toBe(other.sink.chunks.at(-1))
    expect(client.taken()).toBe('3')
  })

  it('send again what was sent before one of them was made, for that one alone', async () => {
    const here = siblingWorld()
    const client = new Client(here)
    await client.subscribe('a/*')
    await here.publish('a/1', {}, {})
    await here.publish('a/2', {})
    expect(client.taken()).toBe('1 2 3')
    await client.subscribe('a/1', 'earliest')
    await here.clock.giveTurns()
    expect(client.taken()).toBe('1 2 a/1@3')
    await here.publish('a/1', {})
    expect(client.taken()).toBe('4 a/*@4 a/1@4')
  })

  it('send again what one of them would pass over, since it was sent in its stead before another was made', async () => {
    const here = siblingWorld({ sliceEventsMax: 1 })
    const client = new Client(here)
    await here.publish('a/1', {}, {}, {})
    await here.clock.giveTurns()
    await client.subscribe('**')
    // The second one still reads the log when the event comes.
    await client.subscribe('a/*', 'earliest')
    await here.publish('a/1', {})
    expect(client.taken()).toBe('1 a/*@1 4 **@4')
    const third = await client.subscribe('a/1', 'earliest')
    await here.clock.giveTurns()
    expect(third.position.offset).toBe(4)
    expect(
      client
        .taken()
        .split(' ')
        .filter((word) => word === '4'),
    ).toEqual(['4'])
  })

  it('count for each other though one that sent is closed', async () => {
    const here = siblingWorld({ sliceEventsMax: 1 })
    const client = new Client(here)
    await here.publish('a/1', {}, {}, {})
    await here.clock.giveTurns()
    const first = await client.subscribe('**')
    await client.subscribe('a/*', 'earliest')
    await here.publish('a/1', {})
    expect(client.unsubscribe(first)).toBe('m3m.4')
    expect(client.taken()).toBe('1 a/*@1 4 **@4')
    await here.clock.giveTurns()
    expect(client.taken()).toBe('2 a/*@2 3 a/*@3 a/*@4')
  })

  it('send what waits for its feed and was trimmed meanwhile, though another one passes it in the log [WP-2.4]', async () => {
    const here = siblingWorld()
    const client = new Client(
      here,
      plainEncoding(() => here.clock.work(2)),
    )
    await client.subscribe('a/1')
    await here.publish('a/1', {})
    await here.publish('a/1', {})
    expect(client.taken()).toBe('1')
    await here.log.trim('a/1', { events: 0 }, 10)
    await client.subscribe('a/*', 'earliest')
    await here.clock.giveTurns()
    here.clock.pass(10)
    expect(
      client
        .taken()
        .split(' ')
        .filter((word) => /^\d$/.test(word)),
    ).toEqual(['2'])
  })

  it("pass nothing over for a slow client where `onSlow: 'latest'` is, since another one may see less of a key [WP-8.2]", async () => {
    const here = siblingWorld({ limits: { bufferedBytesMax: 70_000 } })
    const client = new Client(
      here,
      plainEncoding(() => {}, 500),
      true,
    )
    await client.subscribe('latest/*')
    await client.subscribe('latest/1', 'latest', { types: ['tock'] })
    const data = { k: 'a' }
    for (const _ of [1, 2]) await here.publish('latest/1', { data })
    await here.publish('latest/1', { type: 'tock', data }, { data }, { type: 'tock', key: 'b', data: null }, { data })
    for (const _ of countTo(10)) {
      client.sink.take()
      await here.clock.giveTurns()
    }
    expect(client.sink.offsets.sort((a, b) => a - b)).toEqual(countTo(6))
    expect(here.hub.eventsPassedOver).toBe(0)
  })

  it('have one bound for what waits for their client, however many they are [WP-8.2]', async () => {
    const here = siblingWorld({ limits: { bufferedBytesMax: 70_000 } })
    const client = new Client(here, plainEncoding(), true)
    const rooms = countTo(50)
    for (const room of rooms) await client.subscribe(`a/${room}`)
    for (const room of rooms) await here.publish(`a/${room}`, { data: 'x'.repeat(10_000) })
    await here.clock.giveTurns()
    expect(client.sink.bufferedBytes).toBeLessThan(90_000)
    client.sink.slow = false
    client.sink.take()
    await here.clock.giveTurns()
    expect(client.sink.offsets.sort((a, b) => a - b)).toEqual(rooms)
  })

  it('keep to that bound also where one has the others send what they hold', async () => {
    const here = siblingWorld({ limits: { bufferedBytesMax: 70_000 } })
    const client = new Client(
      here,
      plainEncoding(() => here.clock.work(2)),
      true,
    )
    await client.subscribe('a/1')
    // The first is sent at once; the others wait, and are trimmed.
    for (const length of [1, 60_000, 8_000]) await here.publish('a/1', { data: 'x'.repeat(length) })
    await here.log.trim('a/1', { events: 0 }, 10)
    await here.publish('a/2', { data: 'x'.repeat(60_000) })
    await client.subscribe('a/*', 'earliest')
    await here.clock.giveTurns()
    expect(client.sink.offsets).toEqual([1, 2, 3])
    expect(client.sink.bufferedBytes).toBeLessThan(80_000)
    client.sink.take()
    await here.clock.giveTurns()
    expect(client.sink.offsets).toEqual([1, 2, 3, 4])
  })

  it('that come and go leave nothing behind in one that is sent nothing', async () => {
    const here = siblingWorld()
    const client = new Client(here)
    const { watch } = await client.subscribe('a/*')
    let asked = 0
    for (const _ of countTo(1_000)) {
      let closed = false
      const sibling: Sibling = {
        watch,
        get reached() {
          asked++
          return 0
        },
        get closed() {
          return closed
        },
        hasPassed: () => false,
        meet: () => {},
        builds: false,
        sentByNow: () => undefined,
        flush: () => {},
      }
      client.siblings.add(sibling)
      closed = true
      client.siblings.remove(sibling)
    }
    asked = 0
    await here.publish('a/1', {})
    expect(client.taken()).toBe('1 a/*@1')
    expect(asked).toBeLessThan(10)
  })

  it('may begin with the state beside others: what changes meanwhile comes once [WP-4.6]', async () => {
    const here = siblingWorld({ sliceEventsMax: 1 })
    const client = new Client(here)
    await here.publish('k/1', ...['a', 'b', 'c'].map((k) => ({ data: { k } })))
    await here.clock.giveTurns()
    await client.subscribe('**')
    const watch = here.watcher.watch(['k/1'], {}, { identity: SERVER })
    const snapshot = plainSnapshot(here.watcher, watch)
    client.siblings.add(here.watcher.subscribe(watch, snapshot.from, plainEncoding(), client.sink, snapshot))
    await settled()
    await here.publish('k/1', { data: { k: 'b' } })
    await here.clock.giveTurns()
    const parts = client.sink.chunks.flatMap((chunk) => chunk.snapshot?.events.map(({ offset }) => offset) ?? [])
    expect([parts, client.sink.offsets]).toEqual([[1, 3], [4]])
    expect(client.sink.chunks.findLast(({ filters }) => filters?.[0] === 'k/1')?.bookmark).toBe('m3m.4')
  })
})

describe('which subscriptions go together [WP-4.5]', () => {
  it.each<[string, ViewOptions, string, ViewOptions, boolean]>([
    ['k/1', {}, 'k/*', {}, true],
    ['k/1', { select: ['/n', '/k'] }, 'k/*', { select: ['/k', '/n', '/k'], keys: ['a'], types: ['tick'] }, true],
    ['k/1', { select: ['/n'] }, 'k/*', {}, false],
    ['k/1', { select: ['/n'] }, 'k/2', { select: ['/k'] }, true],
    ['k/1', { delta: true }, 'k/*', {}, false],
    ['k/*', {}, 'k/1', { delta: true }, false],
    ['**', { delta: true }, 'k/1', { delta: true }, false],
    ['k/1', { delta: true }, 'k/2', { delta: true }, true],
    ['k/1', { delta: true, select: ['/n'] }, 'a/*', {}, true],
    // Be it that no event has two keys: it is the topics that count.
    ['k/1', { keys: ['a'], select: ['/n'] }, '**', { keys: ['b'] }, false],
  ])('%s with %j and %s with %j: %j', async (one, view, other, otherView, isAllowed) => {
    const client = new Client(siblingWorld())
    const first = await client.subscribe(one, 'latest', view)
    if (isAllowed) {
      expect((await client.subscribe(other, 'latest', otherView)).state).toBe('live')
      return
    }
    const problem = await problemOf(() => client.subscribe(other, 'latest', otherView))
    expect(problem.problem).toBe('invalid-parameter')
    expect(problem.message).toContain(JSON.stringify(other))
    expect(problem.message).toContain(JSON.stringify(one))
    // When the first is gone, the other may come.
    client.unsubscribe(first)
    expect((await client.subscribe(other, 'latest', otherView)).state).toBe('live')
  })
})
