import { describe, expect, it } from 'vitest'
import { SERVER } from '../src/access.ts'
import { settled } from './manual-clock.ts'
import { countTo, OPEN, plainEncoding, RecordingSink, type World, world } from './support.ts'

async function watching(here: World, after: string, ...filters: readonly string[]): Promise<RecordingSink> {
  const watch = here.watcher.watch(filters, {}, { identity: SERVER })
  const sink = new RecordingSink()
  here.watcher.subscribe(watch, await here.watcher.locate(watch, { after, otherwise: 'latest' }), plainEncoding(), sink)
  await settled()
  return sink
}

describe('the hub', () => {
  it('sends nothing before it is durable [WP-2.5]', async () => {
    const here = world({ byHand: true })
    const sink = await watching(here, 'earliest', 'a/1')
    const acknowledged: string[] = []
    const publishes = ['first', 'second'].map((name) => here.publish('a/1', {}).then(() => acknowledged.push(name)))
    await here.clock.giveTurns()
    expect([sink.offsets, acknowledged]).toEqual([[], []])
    here.log.advance(1)
    await settled()
    expect([sink.offsets, acknowledged]).toEqual([[1], ['first']])
    here.log.advance()
    await Promise.all(publishes)
    expect(sink.offsets).toEqual([1, 2])
  })

  it('hands out in turns, so that a long batch lets other work in between', async () => {
    const here = world({ byHand: true, sliceEventsMax: 4 })
    const sink = await watching(here, 'latest', '**')
    void here.publish('a/1', ...countTo(10).map(() => ({})))
    here.log.advance()
    expect([sink.offsets, here.hub.position]).toEqual([countTo(4), 4])
    await here.clock.giveTurn()
    expect(sink.offsets).toEqual(countTo(8))
    await here.clock.giveTurns()
    expect([sink.offsets, here.hub.eventsDispatched]).toEqual([countTo(10), 10])
  })

  it('looks at nothing while nobody is subscribed', async () => {
    const here = world()
    await here.publish('a/1', {}, {}, {})
    expect([here.hub.position, here.hub.eventsDispatched]).toEqual([3, 0])
  })

  it('finds a topic that came after the wildcard that matches it, and a feed that came after the topic', async () => {
    const here = world()
    const early = await watching(here, 'latest', 'a/*')
    await here.publish('a/new', {})
    const late = await watching(here, 'latest', 'a/new')
    await here.publish('a/new', {})
    const wild = await watching(here, 'latest', '**')
    await here.publish('a/new', {})
    expect([early.offsets, late.offsets, wild.offsets]).toEqual([[1, 2, 3], [2, 3], [3]])
  })

  it('finds a topic that was defined while its events were passed over', async () => {
    const here = world({ topics: { a: OPEN } })
    const { hub, registry, publish, log } = here
    const sink = await watching(here, 'latest', '**')
    const unknown = {
      topic: 'b',
      keyed: false,
      events: [{ type: 'tick', data: '1', timestamp: '2026-11-22T12:34:56.789Z' }],
    }
    // As another process does, whose topics are others.
    await log.append(unknown)
    await publish('a', {})
    registry.redefine({ b: OPEN })
    hub.reconsider()
    await publish('b', {})
    await log.append({ ...unknown, topic: 'a' })
    await settled()
    expect(sink.offsets).toEqual([2, 3])
  })

  it('follows the log no more once it is closed', async () => {
    const here = world()
    await watching(here, 'latest', '**')
    here.hub.close()
    expect([here.log.listeners, here.clock.timers]).toEqual([0, 0])
  })
})

describe('a hub that trimming has overtaken [WP-2.4]', () => {
  it('lets everyone read the log, where those who lost something find the gap, and the others do not', async () => {
    const here = world({ byHand: true, sliceEventsMax: 2 })
    const [loser, other, both] = [
      await watching(here, 'latest', 'a/1'),
      await watching(here, 'latest', 'c'),
      await watching(here, 'latest', '**'),
    ]
    void here.publish('a/1', ...countTo(6).map(() => ({})))
    void here.publish('c', {})
    here.log.advance()
    expect([loser.offsets, here.hub.position]).toEqual([[1, 2], 2])
    await here.log.trim('a/1', { events: 1 }, 100)
    await here.clock.giveTurns()
    expect([loser.offsets, other.offsets, both.offsets]).toEqual([[1, 2, 6], [7], [1, 2, 6, 7]])
    const gap = { reason: 'trimmed', after: 'm3m.2', earliest: 'm3m.2-1' }
    expect([loser.gaps, other.gaps, both.gaps]).toEqual([[gap], [], [gap]])
    void here.publish('a/1', {})
    here.log.advance()
    await here.clock.giveTurns()
    expect([loser.offsets.at(-1), both.offsets.at(-1)]).toEqual([8, 8])
  })
})

describe('a log that can not be read', () => {
  it('is reported, and dispatching goes on where it stopped when the log grows again', async () => {
    const here = world()
    const sink = await watching(here, 'latest', 'a/1')
    here.log.failure = new Error('disk')
    await here.publish('a/1', {})
    expect([here.failures, sink.offsets]).toEqual([[here.log.failure], []])
    here.log.failure = undefined
    await here.publish('a/1', {})
    expect(sink.offsets).toEqual([1, 2])
  })

  it('ends a subscription that was reading it, by telling its sink', async () => {
    const here = world()
    await here.publish('a/1', {})
    const watch = here.watcher.watch(['a/1'], {}, { identity: SERVER })
    const located = await here.watcher.locate(watch, { after: 'earliest', otherwise: 'latest' })
    const sinks = [new RecordingSink(), new RecordingSink()]
    here.log.failure = new Error('disk')
    const [, closed] = sinks.map((sink) => here.watcher.subscribe(watch, located, plainEncoding(), sink))
    closed?.close()
    await settled()
    expect(sinks.map(({ failures }) => failures)).toEqual([[here.log.failure], []])
  })
})
