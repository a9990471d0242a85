import { describe, expect, it } from 'vitest'
import { SERVER } from '../src/access.ts'
import type { Subscription } from '../src/subscription.ts'
import type { ViewOptions } from '../src/view.ts'
import type { Start } from '../src/watch.ts'
import {
  type Chunk,
  KEYED,
  LATEST,
  plainEncoding,
  RecordingSink,
  type World,
  type WorldOptions,
  world,
} from './support.ts'

const TOPICS = { prices: LATEST, trades: KEYED }

/** Each character of an event weighs this much, so that two events are too many to wait. */
const BYTES_PER_CHARACTER = 500

const slowWorld = (options: WorldOptions = {}): World =>
  world({ topics: TOPICS, limits: { bufferedBytesMax: 70_000 }, ...options })

interface Watching {
  readonly sink: RecordingSink
  readonly subscription: Subscription<Chunk>
}

async function subscribe(
  here: World,
  start: Start = { otherwise: 'latest' },
  options: { readonly view?: ViewOptions; readonly filters?: readonly string[] } = {},
): Promise<Watching> {
  const { view = {}, filters = ['**'] } = options
  const watch = here.watcher.watch(filters, view, { identity: SERVER })
  const sink = new RecordingSink(true)
  const from = await here.watcher.locate(watch, start)
  const subscription = here.watcher.subscribe(
    watch,
    from,
    plainEncoding(() => {}, BYTES_PER_CHARACTER),
    sink,
  )
  await here.clock.giveTurns()
  return { sink, subscription }
}

/** Events of one key each. */
const of = (...keys: readonly string[]): object[] => keys.map((k) => ({ data: { k } }))

/** The client takes what waits, until nothing more comes. */
async function takeAll(here: World, { sink }: Watching): Promise<void> {
  // The hub goes ahead, or the client would catch up with it halfway.
  await here.clock.giveTurns()
  for (let taken = -1; taken < sink.chunks.length; ) {
    taken = sink.chunks.length
    sink.take()
    await here.clock.giveTurns()
  }
}

/** A subscription whose client fell behind: it was sent the first two events, which was too much for the third. */
async function fallBehind(here: World, view: ViewOptions = {}): Promise<Watching> {
  const watching = await subscribe(here, { otherwise: 'latest' }, { view })
  for (const _ of [1, 2, 3]) await here.publish('prices', ...of('start'))
  expect([watching.subscription.state, watching.sink.offsets]).toEqual(['catching up', [1, 2]])
  return watching
}

describe("a client that is too slow for a topic with `onSlow: 'latest'` [WP-8.2]", () => {
  it('is sent of what it fell behind by the newest event of each key, in order, and then all that comes', async () => {
    const here = slowWorld({ sliceEventsMax: 2 })
    const watching = await fallBehind(here)
    await here.publish('prices', ...of('a', 'b', 'a', 'a', 'c', 'b', 'a'))
    await takeAll(here, watching)
    expect(watching.sink.offsets).toEqual([1, 2, 3, 8, 9, 10])
    expect([watching.subscription.state, watching.subscription.position.offset]).toEqual(['live', 10])
    expect([watching.sink.gaps, here.hub.eventsPassedOver]).toEqual([[], 4])
    watching.sink.slow = false
    await here.publish('prices', ...of('a', 'a'))
    expect(watching.sink.offsets.slice(6)).toEqual([11, 12])
    expect(here.hub.eventsPassedOver).toBe(4)
  })

  it('is sent all events of the other topics that it watches', async () => {
    const here = slowWorld()
    const watching = await fallBehind(here)
    for (const _ of [1, 2]) {
      await here.publish('prices', ...of('a'))
      await here.publish('trades', ...of('a'))
    }
    await takeAll(here, watching)
    expect([watching.sink.offsets, here.hub.eventsPassedOver]).toEqual([[1, 2, 3, 5, 6, 7], 1])
  })

  it('ends with the true state of each key, also of those that were removed', async () => {
    const here = slowWorld({ sliceEventsMax: 3 })
    const watching = await fallBehind(here)
    const removal = (key: string): object => ({ key, data: null })
    await here.publish('prices', ...of('a'), removal('a'), ...of('b'), removal('b'), ...of('b'), removal('start'))
    await takeAll(here, watching)
    expect([watching.sink.offsets, here.hub.eventsPassedOver]).toEqual([[1, 2, 5, 8, 9], 4])
  })

  it('is sent one removal of a key, not each', async () => {
    const here = slowWorld()
    const watching = await fallBehind(here)
    await here.publish('prices', ...of('a'), { key: 'a', data: null }, ...of('a'), { key: 'a', data: null })
    await takeAll(here, watching)
    expect(watching.sink.offsets).toEqual([1, 2, 3, 7])
  })

  it('is sent the newest event that its view shows, whatever else there is of the key', async () => {
    const here = slowWorld({ sliceEventsMax: 2 })
    const watching = await fallBehind(here, { types: ['tick'] })
    const hidden = { type: 'tock', data: { k: 'a' } }
    await here.publish('prices', ...of('a', 'a'), hidden, ...of('b', 'b', 'b'))
    await here.publish('prices', ...of('c'), { type: 'tock', key: 'c', data: null })
    await takeAll(here, watching)
    expect(watching.sink.offsets.filter((offset) => [5, 9, 10].includes(offset))).toEqual([5, 9, 10])
    expect(watching.sink.offsets.filter((offset) => [7, 8].includes(offset))).toEqual([])
  })

  it('is sent all of it once it goes on from its cursor instead', async () => {
    const here = slowWorld()
    const { sink, subscription } = await fallBehind(here)
    await here.publish('prices', ...of('a', 'a', 'a'))
    const cursor = here.watcher.cursor(subscription.position)
    subscription.close()
    sink.take()
    const resumed = await subscribe(here, { after: cursor, otherwise: 'latest' })
    await takeAll(here, resumed)
    expect([resumed.sink.offsets, here.hub.eventsPassedOver]).toEqual([[3, 4, 5, 6], 0])
  })

  it('is sent all before it is live for the first time, however slowly it takes it', async () => {
    const here = slowWorld({ sliceEventsMax: 2 })
    await here.publish('prices', ...of('a', 'a', 'b', 'a', 'b', 'a'))
    const first = await subscribe(here, { otherwise: 'earliest' })
    expect([first.subscription.state, first.sink.offsets]).toEqual(['catching up', [1, 2]])
    await takeAll(here, first)
    expect([first.sink.offsets, here.hub.eventsPassedOver]).toEqual([[1, 2, 3, 4, 5, 6], 0])
  })

  it('is told of what was trimmed, which is not the same as passed over [WP-2.4]', async () => {
    const here = slowWorld()
    const watching = await fallBehind(here)
    await here.publish('prices', ...of('a', 'b', 'b'))
    await here.log.trim('prices', { events: 2 }, 100)
    await takeAll(here, watching)
    expect(watching.sink.offsets).toEqual([1, 2, 6])
    expect(watching.sink.gaps.map(({ after }) => after)).toEqual(['m3m.2'])
    expect(here.hub.eventsPassedOver).toBe(1)
  })
})

describe('a client that was put back to the log for no fault of its own', () => {
  it('is sent all [WP-8.2]', async () => {
    const here = slowWorld({ sliceEventsMax: 1 })
    const watching = await subscribe(here, { otherwise: 'latest' }, { filters: ['prices'] })
    watching.sink.slow = false
    // The hub is overtaken while it hands out the first of these, one in a turn.
    await here.publish('trades', ...of('a', 'a', 'a'))
    await here.publish('prices', ...of('a', 'a', 'a'))
    await here.log.trim('trades', { events: 0 }, 100)
    await here.clock.giveTurns()
    expect([watching.sink.offsets, here.hub.eventsPassedOver]).toEqual([[4, 5, 6], 0])
  })
})
