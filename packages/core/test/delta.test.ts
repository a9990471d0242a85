import type { Json } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { SERVER } from '../src/access.ts'
import type { Encoding } from '../src/feed.ts'
import type { Subscription } from '../src/subscription.ts'
import type { Start } from '../src/watch.ts'
import { KnownData, type Message } from './known-data.ts'
import {
  type Chunk,
  countTo,
  KEYED,
  LATEST,
  OPEN,
  plainEncoding,
  problemOf,
  RecordingSink,
  type World,
  type WorldOptions,
  world,
} from './support.ts'

const keyed = (options: WorldOptions = {}): World => world({ topics: { 'k/{x}': KEYED, plain: OPEN }, ...options })

interface Watching {
  readonly sink: RecordingSink
  readonly subscription: Subscription<Chunk>
}

interface Wanted {
  readonly filters?: readonly string[]
  readonly start?: Start
  readonly slow?: boolean
  /** What waits for the client already. */
  readonly bufferedBytes?: number
  readonly encoding?: Encoding<Chunk>
}

async function subscribe(here: World, wanted: Wanted = {}): Promise<Watching> {
  const { filters = ['k/1'], start = { otherwise: 'latest' }, slow = false, encoding = plainEncoding() } = wanted
  const watch = here.watcher.watch(filters, { delta: true }, { identity: SERVER })
  const sink = new RecordingSink(slow)
  sink.bufferedBytes = wanted.bufferedBytes ?? 0
  const from = await here.watcher.locate(watch, start)
  const subscription = here.watcher.subscribe(watch, from, encoding, sink)
  await here.clock.giveTurns()
  return { sink, subscription }
}

const FILLER = 'x'.repeat(100)

/** Data of a key, of which the number is what changes. */
const row = (k: string, n: number): object => ({ data: { k, n, filler: FILLER } })

const messagesOf = ({ sink }: Watching): Message[] => sink.events.map(({ json }) => JSON.parse(json) as Message)

/** Each event's patch, or `whole`. */
const patchesOf = (watching: Watching): Json[] => messagesOf(watching).map(({ patch }) => patch ?? 'whole')

describe('deltas [WP-4.7]', () => {
  it('are patches against the event before with the same topic and key, and make its data', async () => {
    const here = keyed()
    const watching = await subscribe(here, { filters: ['k/*'] })
    await here.publish('k/1', row('a', 1), row('b', 2), row('a', 3))
    await here.publish('k/2', row('a', 4), row('a', 5))
    await here.publish('k/1', row('b', 6))
    expect(patchesOf(watching)).toEqual(['whole', 'whole', { n: 3 }, 'whole', { n: 5 }, { n: 6 }])
    const known = new KnownData()
    const data = messagesOf(watching).map((message) => known.take(message))
    expect(data.map((value) => (value as { n: number }).n)).toEqual(countTo(6))
    expect(data.every((value) => (value as { filler: string }).filler === FILLER)).toBe(true)
  })

  it('are none of a key that was removed or came back, and none that would set null', async () => {
    const here = keyed()
    const watching = await subscribe(here)
    await here.publish('k/1', row('a', 1), { key: 'a', data: null }, row('a', 3), row('a', 4))
    await here.publish('k/1', { data: { k: 'a', n: null, filler: FILLER } }, row('a', 6), row('a', 6))
    expect(patchesOf(watching)).toEqual(['whole', 'whole', 'whole', { n: 4 }, 'whole', { n: 6 }, {}])
  })

  it('are none where a topic has no key of its own, be it that its events have one', async () => {
    const here = keyed()
    const watching = await subscribe(here, { filters: ['**'] })
    const event = { key: 'a', data: { n: 1, filler: FILLER } }
    await here.publish('plain', event, event)
    expect(patchesOf(watching)).toEqual(['whole', 'whole'])
    const problem = await problemOf(() => here.watcher.watch(['k/1', 'plain'], { delta: true }, { identity: SERVER }))
    expect(problem.problem).toBe('not-keyed')
  })

  it.each<[string, object, object, boolean]>([
    ['as many bytes', { k: 'ab', '': 1 }, { k: 'ab', n: 1 }, false],
    ['one byte less', { k: 'abc', '': 1 }, { k: 'abc', n: 1 }, true],
    ['fewer characters, but more bytes', { k: 'a'.repeat(12), 価格価格: 1 }, { k: 'a'.repeat(12) }, false],
    ['fewer of both', { k: 'a'.repeat(25), 価格価格: 1 }, { k: 'a'.repeat(25) }, true],
  ])('are sent if the message is smaller so: %s', async (_what, before, after, isPatched) => {
    const here = keyed()
    const watching = await subscribe(here)
    await here.publish('k/1', { data: before }, { data: after })
    const [, patched] = watching.sink.events
    const whole = here.log.scan({ after: 1, upTo: 2, eventsMax: 1, charactersMax: 1 }).events[0]
    expect(patched?.json.includes('"patch":')).toBe(isPatched)
    const [bytes = 0, wholeBytes = 0] = [patched, whole].map((event) => Buffer.byteLength(event?.json ?? ''))
    expect(bytes < wholeBytes).toBe(isPatched)
  })

  it('are made once: who knows what they build on shares one chunk, and who does not another', async () => {
    const here = keyed()
    let encoded = 0
    const encoding = plainEncoding(() => encoded++)
    const old = [await subscribe(here, { encoding }), await subscribe(here, { encoding })]
    await here.publish('k/1', row('a', 1))
    const young = [await subscribe(here, { encoding }), await subscribe(here, { encoding })]
    encoded = 0
    await here.publish('k/1', row('a', 2))
    expect([...old, ...young].map((watching) => patchesOf(watching).at(-1))).toEqual([
      { n: 2 },
      { n: 2 },
      'whole',
      'whole',
    ])
    expect(encoded).toBe(2)
    expect(old[0]?.sink.chunks.at(-1)).toBe(old[1]?.sink.chunks.at(-1))
    expect(young[0]?.sink.chunks.at(-1)).toBe(young[1]?.sink.chunks.at(-1))
    await here.publish('k/1', row('a', 3))
    expect([...old, ...young].map((watching) => patchesOf(watching).at(-1))).toEqual(
      old.concat(young).map(() => ({ n: 3 })),
    )
    expect(encoded).toBe(3)
  })

  it('are whole again after a loss, for whoever had it', async () => {
    const here = keyed({ limits: { bufferedBytesMax: 70_000 } })
    const encoding = plainEncoding(() => {}, 1_000)
    const slow = await subscribe(here, { slow: true, encoding })
    const fast = await subscribe(here, { encoding })
    await here.publish('k/1', row('a', 1))
    await here.publish('k/1', row('a', 2), row('b', 3))
    await here.log.trim('k/1', { events: 0 }, 10)
    slow.sink.slow = false
    slow.sink.take()
    await here.clock.giveTurns()
    expect([slow.subscription.state, slow.sink.gaps.length]).toEqual(['live', 1])
    await here.publish('k/1', row('a', 4))
    await here.publish('k/1', row('b', 5))
    await here.publish('k/1', row('a', 6), row('b', 7))
    expect(patchesOf(fast)).toEqual(['whole', { n: 2 }, 'whole', { n: 4 }, { n: 5 }, { n: 6 }, { n: 7 }])
    expect(patchesOf(slow)).toEqual(['whole', 'whole', 'whole', { n: 6 }, { n: 7 }])
  })

  it('do not build on what was trimmed before one began, be it that others know it', async () => {
    const here = keyed()
    const old = await subscribe(here)
    await here.publish('k/1', row('a', 1), row('b', 2))
    await here.log.trim('k/1', { events: 1 }, 10)
    const young = await subscribe(here, { start: { otherwise: 'earliest' } })
    await here.publish('k/1', row('a', 3))
    await here.publish('k/1', row('b', 4))
    await here.publish('k/1', row('a', 5))
    expect(patchesOf(old)).toEqual(['whole', 'whole', { n: 3 }, { n: 4 }, { n: 5 }])
    expect(patchesOf(young)).toEqual(['whole', 'whole', { n: 4 }, { n: 5 }])
  })

  it('do not build on what was passed over [WP-8.2]', async () => {
    const here = keyed({ topics: { 'k/{x}': LATEST }, limits: { bufferedBytesMax: 70_000 } })
    // Encoding takes its time, so that what is published next waits.
    const encoding = plainEncoding(() => here.clock.work(2), 500)
    const fast = await subscribe(here, { encoding })
    const slow = await subscribe(here, { encoding, slow: true })
    for (const n of [1, 2, 3]) {
      here.clock.pass(10)
      await here.publish('k/1', row('a', n))
    }
    expect(slow.subscription.state).toBe('catching up')
    await here.publish('k/1', row('a', 4))
    expect([fast.subscription.position.offset, slow.sink.offsets]).toEqual([3, [1]])
    slow.sink.slow = false
    slow.sink.take()
    await here.clock.giveTurns()
    expect([slow.subscription.position.offset, here.hub.eventsPassedOver]).toEqual([3, 2])
    here.clock.pass(10)
    expect([patchesOf(fast).at(-1), patchesOf(slow)]).toEqual([{ n: 4 }, ['whole', 'whole']])
  })

  it('do not build on what was published while nobody was live', async () => {
    const here = keyed({ limits: { bufferedBytesMax: 70_000 } })
    const encoding = plainEncoding(() => {}, 1_000)
    const slow = await subscribe(here, { slow: true, encoding })
    // The second event is too much, so it is read from the log, as is the third.
    for (const n of [1, 2, 3]) await here.publish('k/1', row('a', n))
    expect(slow.subscription.state).toBe('catching up')
    slow.sink.slow = false
    slow.sink.take()
    await here.clock.giveTurns()
    for (const n of [4, 5]) await here.publish('k/1', row('a', n))
    expect(patchesOf(slow)).toEqual(['whole', 'whole', 'whole', 'whole', { n: 5 }])
  })

  it('do not build on what was published while nobody was there', async () => {
    const here = keyed()
    const first = await subscribe(here)
    await here.publish('k/1', row('a', 1))
    // The feed stays, since this one is about to read the log.
    const waiting = await subscribe(here, { bufferedBytes: 1_000_000 })
    first.subscription.close()
    expect([here.hub.feeds, waiting.subscription.state]).toEqual([1, 'catching up'])
    await here.publish('k/1', row('a', 2))
    const second = await subscribe(here)
    await here.publish('k/1', row('a', 3), row('a', 4))
    expect(patchesOf(second)).toEqual(['whole', { n: 4 }])
  })
})

describe('what is remembered for deltas', () => {
  const DATA_CHARACTERS = 60_000
  /** As the documentation of the code has it: for all feeds of a process. */
  const REMEMBERED_CHARACTERS_MAX = 33_554_432

  /** Publishes so many keys twice; answers how many came as patches the second time. */
  async function patchedKeys(here: World, keys: number): Promise<number> {
    const watching = await subscribe(here)
    const filler = 'x'.repeat(DATA_CHARACTERS)
    for (const n of [1, 2]) {
      for (const k of countTo(keys)) await here.publish('k/1', { data: { k: String(k), n, filler } })
      // So that the log does not hold all of them as well.
      await here.log.trim('k/1', { events: 0 }, keys)
    }
    const patched = patchesOf(watching).filter((patch) => patch !== 'whole').length
    watching.subscription.close()
    return patched
  }

  it('has a bound, past which events are sent whole, and is forgotten with those who watched', async () => {
    const here = keyed()
    const patched = await patchedKeys(here, 620)
    expect(patched).toBeGreaterThan((REMEMBERED_CHARACTERS_MAX / DATA_CHARACTERS) * 0.95)
    expect(patched).toBeLessThanOrEqual(REMEMBERED_CHARACTERS_MAX / DATA_CHARACTERS)
    expect(await patchedKeys(here, 20)).toBe(20)
  })
})
