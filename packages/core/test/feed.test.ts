import { describe, expect, it } from 'vitest'
import { SERVER } from '../src/access.ts'
import type { Encoding } from '../src/feed.ts'
import type { Subscription } from '../src/subscription.ts'
import type { ViewOptions } from '../src/view.ts'
import { settled } from './manual-clock.ts'
import { type Chunk, countTo, plainEncoding, RecordingSink, type World, world } from './support.ts'

interface Watching {
  readonly sink: RecordingSink
  readonly subscription: Subscription<Chunk>
}

/** A subscription that is live from now on. */
async function live(
  { watcher }: World,
  encoding: Encoding<Chunk>,
  options: { readonly filters?: readonly string[]; readonly view?: ViewOptions; readonly slow?: boolean } = {},
): Promise<Watching> {
  const watch = watcher.watch(options.filters ?? ['a/1'], options.view ?? {}, { identity: SERVER })
  const sink = new RecordingSink(options.slow)
  const from = await watcher.locate(watch, { otherwise: 'latest' })
  const subscription = watcher.subscribe(watch, from, encoding, sink)
  await settled()
  expect(subscription.state).toBe('live')
  return { sink, subscription }
}

describe('the subscriptions of a feed', () => {
  it('are given the very same chunk, encoded once', async () => {
    const here = world()
    let encoded = 0
    const encoding = plainEncoding(() => encoded++)
    const members = await Promise.all(countTo(5).map(() => live(here, encoding)))
    await here.publish('a/1', { data: 1 }, { data: 2 })
    const [first] = members[0]?.sink.chunks ?? []
    expect(first?.events).toHaveLength(2)
    for (const { sink } of members) expect(sink.chunks.every((chunk) => chunk === first)).toBe(true)
    expect([members.map(({ sink }) => sink.chunks.length), encoded, here.hub.feeds]).toEqual([[1, 1, 1, 1, 1], 1, 1])
  })

  it('share it for equal wishes only', async () => {
    const here = world()
    const encoding = plainEncoding()
    await live(here, encoding, { filters: ['a/1', 'c'], view: { keys: ['k', 'l'] } })
    await live(here, encoding, { filters: ['c', 'a/1', 'c'], view: { keys: ['l', 'k', 'l'] } })
    expect(here.hub.feeds).toBe(1)
    await live(here, encoding, { filters: ['c', 'a/1'], view: { keys: ['l'] } })
    await live(here, { ...encoding, name: 'another' }, { filters: ['c', 'a/1'], view: { keys: ['l'] } })
    expect(here.hub.feeds).toBe(3)
  })

  it('leave nothing behind when all are closed, be it twice', async () => {
    const here = world()
    const members = await Promise.all([live(here, plainEncoding()), live(here, plainEncoding())])
    members[0]?.subscription.close()
    members[0]?.subscription.close()
    expect(here.hub.feeds).toBe(1)
    await here.publish('a/1', {})
    expect(members.map(({ sink }) => sink.chunks.length)).toEqual([0, 1])
    members[1]?.subscription.close()
    expect(here.hub.feeds).toBe(0)
  })

  it('get what their view shows and no chunk for what it hides', async () => {
    const here = world()
    const { sink } = await live(here, plainEncoding(), { filters: ['**'], view: { types: ['tock'] } })
    await here.publish('a/1', { data: 1 })
    await here.publish('c', { type: 'tock', data: 2 }, { data: 3 })
    expect(sink.chunks.map(({ events }) => events.map(({ offset }) => offset))).toEqual([[2]])
  })
})

describe('when a feed flushes', () => {
  it('is at once, while there is time', async () => {
    const here = world()
    const { sink } = await live(here, plainEncoding())
    for (const data of countTo(3)) {
      await here.publish('a/1', { data })
      expect(sink.offsets).toHaveLength(data)
      here.clock.pass(1)
    }
    expect([sink.chunks.length, here.clock.timers]).toEqual([3, 1])
  })

  it('waits after a flush that took long, and then for all that came meanwhile, in one chunk', async () => {
    const here = world({ coalesceMs: 5 })
    const { sink } = await live(
      here,
      plainEncoding(() => here.clock.work(1)),
    )
    await here.publish('a/1', { data: 1 })
    for (const data of countTo(3)) await here.publish('a/1', { data })
    expect(sink.offsets).toEqual([1])
    here.clock.pass(3.9)
    expect(sink.offsets).toEqual([1])
    here.clock.pass(0.2)
    expect(sink.chunks.map(({ events }) => events.length)).toEqual([1, 3])
  })

  it('is never put off for longer than coalesceMs, however much comes [WP-2.5]', async () => {
    const here = world({ coalesceMs: 5 })
    const atMs: number[] = []
    const encoding = plainEncoding(() => {
      atMs.push(here.clock.monotonic())
      here.clock.work(40)
    })
    const { sink } = await live(here, encoding)
    for (const data of countTo(200)) {
      await here.publish('a/1', { data })
      here.clock.pass(0.5)
    }
    here.clock.pass(10)
    const restsMs = atMs.slice(1).map((ms, i) => ms - (atMs[i] ?? 0) - 40)
    expect(Math.max(...restsMs)).toBeLessThanOrEqual(5)
    expect(Math.min(...restsMs)).toBeGreaterThan(4)
    expect(sink.offsets).toEqual(countTo(200))
    expect(sink.chunks.length).toBeLessThan(30)
  })

  it('makes a newcomer join behind what it still holds back, once', async () => {
    const here = world({ coalesceMs: 5 })
    const encoding = plainEncoding(() => here.clock.work(10))
    const old = await live(here, encoding)
    await here.publish('a/1', { data: 1 })
    await here.publish('a/1', { data: 2 })
    expect(old.sink.offsets).toEqual([1])
    const newcomer = await live(here, encoding)
    expect([old.sink.offsets, newcomer.sink.offsets]).toEqual([[1, 2], []])
    here.clock.pass(10)
    await here.publish('a/1', { data: 3 })
    expect([old.sink.offsets, newcomer.sink.offsets]).toEqual([[1, 2, 3], [3]])
  })

  it('stops for good when the last one leaves: no timer is left', async () => {
    const here = world()
    const { sink, subscription } = await live(
      here,
      plainEncoding(() => here.clock.work(10)),
    )
    await here.publish('a/1', { data: 1 })
    await here.publish('a/1', { data: 2 })
    subscription.close()
    here.clock.pass(100)
    expect(sink.offsets).toEqual([1])
    here.hub.close()
    expect(here.clock.timers).toBe(0)
  })
})

describe('a client that is too slow for the feed [WP-8.2]', () => {
  it('leaves it, reads the log when it has taken all, and comes back; the others notice nothing', async () => {
    const here = world({ limits: { bufferedBytesMax: 70_000 } })
    const encoding = plainEncoding()
    const slow = await live(here, encoding, { slow: true })
    const fast = await live(here, encoding)
    const data = 'x'.repeat(20_000)
    for (const _ of countTo(10)) await here.publish('a/1', { data })
    await here.clock.giveTurns()
    expect([fast.sink.offsets, slow.sink.offsets]).toEqual([countTo(10), countTo(4)])
    expect([slow.subscription.state, fast.subscription.state]).toEqual(['catching up', 'live'])
    slow.sink.take()
    await here.clock.giveTurns()
    expect([slow.sink.offsets, slow.subscription.state]).toEqual([countTo(10), 'catching up'])
    slow.sink.take()
    await here.clock.giveTurns()
    expect(slow.subscription.state).toBe('live')
    await here.publish('a/1', { data: 1 })
    expect([slow.sink.offsets, fast.sink.offsets]).toEqual([countTo(11), countTo(11)])
  })

  it('is told of what was trimmed meanwhile [WP-2.4]', async () => {
    const here = world({ limits: { bufferedBytesMax: 70_000 } })
    const slow = await live(here, plainEncoding(), { slow: true, filters: ['a/*'] })
    for (const _ of countTo(4)) await here.publish('a/1', { data: 'x'.repeat(20_000) })
    await here.publish('a/1', {}, {}, {})
    await here.publish('a/2', {})
    await here.log.trim('a/1', { events: 1 }, 100)
    slow.sink.take()
    await here.clock.giveTurns()
    expect(slow.sink.offsets).toEqual([1, 2, 3, 4, 7, 8])
    expect(slow.sink.gaps).toEqual([{ reason: 'trimmed', after: 'm3m.4', earliest: 'm3m.4-1' }])
  })

  it('is written nothing more once it is closed, whatever it waited for', async () => {
    const here = world({ limits: { bufferedBytesMax: 70_000 } })
    const { sink, subscription } = await live(here, plainEncoding(), { slow: true })
    for (const _ of countTo(10)) await here.publish('a/1', { data: 'x'.repeat(20_000) })
    subscription.close()
    sink.take()
    await here.clock.giveTurns()
    expect([sink.offsets, here.hub.feeds, subscription.state]).toEqual([countTo(4), 0, 'closed'])
  })
})
