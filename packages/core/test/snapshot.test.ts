import { describe, expect, it } from 'vitest'
import { ANONYMOUS, SERVER } from '../src/access.ts'
import type { TopicDefinition } from '../src/definition.ts'
import type { Subscription } from '../src/subscription.ts'
import type { ViewOptions } from '../src/view.ts'
import { settled } from './manual-clock.ts'
import {
  type Chunk,
  KEYED,
  OPEN,
  plainEncoding,
  plainSnapshot,
  problemOf,
  RecordingSink,
  type World,
  type WorldOptions,
  world,
} from './support.ts'

const stocks = (options: WorldOptions = {}): World => world({ topics: { stocks: KEYED, plain: OPEN }, ...options })

interface Begun {
  readonly sink: RecordingSink
  readonly subscription: Subscription<Chunk>
}

/** Subscribes with the state first. */
function begin(here: World, view: ViewOptions = {}, slow = false, encoding = plainEncoding()): Begun {
  const watch = here.watcher.watch(['stocks'], view, { identity: SERVER })
  const snapshot = plainSnapshot(here.watcher, watch)
  const sink = new RecordingSink(slow)
  return { sink, subscription: here.watcher.subscribe(watch, snapshot.from, encoding, sink, snapshot) }
}

/** The offsets of each part of the state, and whether more follow. */
const partsOf = ({ chunks }: RecordingSink): [number[], boolean][] =>
  chunks.flatMap(({ snapshot }) =>
    snapshot === undefined ? [] : [[snapshot.events.map(({ offset }) => offset), snapshot.more] as [number[], boolean]],
  )

const prices = (...keys: readonly string[]): object[] =>
  keys.map((k) => ({ data: { k, price: 1, name: 'x'.repeat(50) } }))

describe('a subscription with the state first [WP-4.6]', () => {
  it('is sent the latest event of each key in the order of keys, part by part, and then what follows', async () => {
    const here = stocks({ sliceEventsMax: 2 })
    await here.publish('stocks', ...prices('c', 'a', 'b', 'a', 'd', 'e'))
    await here.publish('stocks', { key: 'b', data: null })
    const { sink, subscription } = begin(here)
    await here.clock.giveTurns()
    await here.publish('stocks', ...prices('a', 'f'))
    expect(partsOf(sink)).toEqual([
      [[4, 1], true],
      [[5, 6], false],
    ])
    expect([sink.offsets, subscription.state]).toEqual([[8, 9], 'live'])
  })

  it('is one empty part where there is no state', async () => {
    const here = stocks()
    const { sink } = begin(here)
    await here.clock.giveTurns()
    expect(partsOf(sink)).toEqual([[[], false]])
  })

  it('has the keys, types and members that are asked for', async () => {
    const here = stocks({ sliceEventsMax: 2 })
    await here.publish('stocks', ...prices('a', 'b', 'c', 'd'), { type: 'tock', data: { k: 'a', price: 2 } })
    const views: [ViewOptions, [number[], boolean][]][] = [
      [
        { keys: ['d', 'b', 'none', 'a'] },
        [
          [[5, 2], true],
          [[4], false],
        ],
      ],
      [
        { types: ['tock'] },
        [
          [[5], true],
          [[], false],
        ],
      ],
      [{ types: ['tick'], keys: ['a', 'b'] }, [[[2], false]]],
    ]
    for (const [view, parts] of views) {
      const { sink } = begin(here, view)
      await here.clock.giveTurns()
      expect(partsOf(sink)).toEqual(parts)
    }
    const { sink } = begin(here, { select: ['/price'], keys: ['b'] })
    await here.clock.giveTurns()
    expect(sink.chunks[0]?.snapshot?.events[0]?.json).toContain('"data":{"price":1}')
  })

  it('has no event twice, and lacks what changes meanwhile, which follows', async () => {
    const here = stocks({ sliceEventsMax: 2 })
    await here.publish('stocks', ...prices('a', 'b', 'c', 'd', 'e', 'f'))
    const { sink } = begin(here)
    await settled()
    expect(partsOf(sink)).toEqual([[[1, 2], true]])
    // Before the parts that they belong to, and after.
    await here.publish('stocks', ...prices('a', 'd', 'aa'), { key: 'e', data: null }, { key: 'b', data: null })
    await here.clock.giveTurns()
    expect(partsOf(sink)).toEqual([
      [[1, 2], true],
      [[3], true],
      [[6], false],
    ])
    expect(sink.offsets).toEqual([7, 8, 9, 10, 11])
  })

  it('waits for a client that does not take it', async () => {
    const here = stocks({ sliceEventsMax: 2 })
    await here.publish('stocks', ...['a', 'b', 'c', 'd', 'e'].map((k) => ({ data: { k, filler: 'x'.repeat(40_000) } })))
    const { sink } = begin(here, {}, true)
    await here.clock.giveTurns()
    expect(partsOf(sink)).toEqual([[[1, 2], true]])
    sink.take()
    await here.clock.giveTurns()
    expect(partsOf(sink).length).toBe(2)
  })

  it('goes on with what another identity may see, when that takes its place [WP-6.7]', async () => {
    const mask: TopicDefinition['mask'] = ({ identity }) => (identity === ANONYMOUS ? ['/price'] : [])
    const here = world({ topics: { stocks: { ...KEYED, watch: 'anyone', mask } }, sliceEventsMax: 2 })
    await here.publish('stocks', ...prices('a', 'b', 'c', 'd', 'e'))
    const { sink, subscription } = begin(here, { delta: true })
    await settled()
    const watch = here.watcher.watch(['stocks'], { delta: true }, { identity: ANONYMOUS })
    const encoding = plainEncoding()
    const after = here.watcher.replace(subscription, watch, encoding, sink)
    await here.publish('stocks', ...prices('e', 'a'))
    await here.clock.giveTurns()
    expect(partsOf(sink)).toEqual([
      [[1, 2], true],
      [[3, 4], true],
      [[], false],
    ])
    expect(sink.offsets).toEqual([6, 7])
    const shown = sink.chunks.flatMap(({ snapshot, events }) => [...(snapshot?.events ?? []), ...events])
    expect(shown.map(({ json }) => json.includes('"price"'))).toEqual([true, true, false, false, false, false])
    expect([subscription.closed, after.state, after.builds]).toEqual([true, 'live', true])
    // What came before it was masked otherwise, so a patch could not be laid over it.
    expect(shown.some(({ json }) => json.includes('"patch"'))).toBe(false)
  })

  it('is whole though its events are trimmed, and a loss of what follows is announced [WP-2.4]', async () => {
    const here = stocks({ sliceEventsMax: 2 })
    await here.publish('stocks', ...prices('a', 'b', 'c'))
    await here.log.trim('stocks', { events: 0 }, 100)
    const { sink } = begin(here)
    await settled()
    await here.publish('stocks', ...prices('a', 'b'))
    await here.log.trim('stocks', { events: 1 }, 100)
    await here.clock.giveTurns()
    expect(partsOf(sink)).toEqual([
      [[1, 2], true],
      [[3], false],
    ])
    expect(sink.gaps).toEqual([{ reason: 'trimmed', after: 'm3m.3', earliest: 'm3m.3-2' }])
    expect(sink.offsets).toEqual([5])
  })

  it('stops when it is closed', async () => {
    const here = stocks({ sliceEventsMax: 2 })
    await here.publish('stocks', ...prices('a', 'b', 'c'))
    const { sink, subscription } = begin(here)
    await settled()
    subscription.close()
    await here.clock.giveTurns()
    expect([partsOf(sink).length, here.hub.catchingUp, here.hub.feeds]).toEqual([1, 0, 0])
  })

  it.each([
    [['stocks', 'plain'], 'invalid-parameter'],
    [['stocks/**'], 'invalid-parameter'],
    [['plain'], 'not-keyed'],
  ])('is none of %j: %s', async (filters, problem) => {
    const { watcher } = stocks()
    const watch = watcher.watch(filters, {}, { identity: SERVER })
    expect((await problemOf(() => watcher.snapshot(watch))).problem).toBe(problem)
  })
})

describe('deltas after a state [WP-4.7]', () => {
  const patchesOf = ({ events }: RecordingSink): boolean[] => events.map(({ json }) => json.includes('"patch":'))

  it('begin with the first event of each key that was in the state', async () => {
    const here = stocks({ sliceEventsMax: 2 })
    await here.publish('stocks', ...prices('a'))
    // Whoever was there first makes the feed remember what it shows.
    const first = begin(here, { delta: true })
    await here.clock.giveTurns()
    await here.publish('stocks', ...prices('a', 'b'))
    const second = begin(here, { delta: true })
    await here.clock.giveTurns()
    await here.publish('stocks', ...prices('a', 'b', 'c'))
    await here.clock.giveTurns()
    expect([patchesOf(first.sink), patchesOf(second.sink)]).toEqual([
      [false, false, true, true, false],
      [true, true, false],
    ])
  })

  it('are none of a key whose latest event was of a type that is not asked for', async () => {
    const here = stocks()
    const view = { delta: true, types: ['tick'] }
    const first = begin(here, view)
    await here.clock.giveTurns()
    await here.publish('stocks', ...prices('a', 'b'), { type: 'tock', data: { k: 'a', price: 2 } })
    const second = begin(here, view)
    await here.clock.giveTurns()
    expect(partsOf(second.sink)).toEqual([[[2], false]])
    await here.publish('stocks', ...prices('a'))
    expect([patchesOf(first.sink), patchesOf(second.sink)]).toEqual([[false, false, true], [false]])
  })

  it('are none of a key that changed and was removed while the state was sent, until it came whole', async () => {
    const here = stocks({ sliceEventsMax: 2 })
    // Encoding takes its time, so that what is published next waits, and the newcomer is given it live.
    const encoding = plainEncoding(() => here.clock.work(2))
    const first = begin(here, { delta: true }, false, encoding)
    await here.clock.giveTurns()
    await here.publish('stocks', ...prices('a', 'b', 'c'))
    await here.clock.giveTurns()
    here.clock.pass(50)
    // Sent at once; what comes next has to wait.
    await here.publish('stocks', ...prices('a'))
    const second = begin(here, { delta: true }, false, encoding)
    await settled()
    expect(partsOf(second.sink)).toEqual([[[4, 2], true]])
    await here.publish('stocks', { data: { k: 'c', price: 2, name: 'x'.repeat(50) } }, { key: 'c', data: null })
    await here.clock.giveTurns()
    expect(partsOf(second.sink)).toEqual([
      [[4, 2], true],
      [[], false],
    ])
    here.clock.pass(10)
    expect([patchesOf(first.sink), patchesOf(second.sink)]).toEqual([
      [false, false, false, true, true, false],
      [false, false],
    ])
  })
})
