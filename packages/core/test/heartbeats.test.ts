import { formatCursor } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { SERVER } from '../src/access.ts'
import { type Beating, Heartbeats } from '../src/heartbeats.ts'
import { ManualClock, settled } from './manual-clock.ts'
import { countTo, plainEncoding, RecordingSink, type World, world } from './support.ts'

const HEARTBEAT_MS = 16_000

/** Writes down when it was asked, and about what silence. */
class Beaten implements Beating {
  readonly atMs: number[] = []
  readonly silencesMs: number[] = []
  readonly #clock: ManualClock

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  beat(nowMs: number, silentSinceMs: number): void {
    if (nowMs !== this.#clock.now()) throw new Error(`${nowMs} is not now`)
    this.atMs.push(this.#clock.monotonic())
    this.silencesMs.push(this.#clock.monotonic() - silentSinceMs)
  }
}

describe('the wheel of heartbeats', () => {
  it('comes to each twice per heartbeat, and to a crowd spread over it', () => {
    const clock = new ManualClock()
    const heartbeats = new Heartbeats(clock, HEARTBEAT_MS)
    const crowd = countTo(320).map(() => new Beaten(clock))
    for (const one of crowd) heartbeats.add(one)
    clock.pass(HEARTBEAT_MS * 3)
    expect(crowd.map(({ atMs }) => atMs.length)).toEqual(crowd.map(() => 6))
    for (const { atMs, silencesMs } of crowd) {
      expect((atMs[1] ?? 0) - (atMs[0] ?? 0)).toBe(HEARTBEAT_MS / 2)
      expect(new Set(silencesMs)).toEqual(new Set([HEARTBEAT_MS / 2]))
    }
    const atOnce = new Map<number, number>()
    for (const ms of crowd.flatMap(({ atMs }) => atMs)) atOnce.set(ms, (atOnce.get(ms) ?? 0) + 1)
    expect(Math.max(...atOnce.values())).toBe(10)
  })

  it('passes over who has left, also in the midst of a visit, and stops for good', () => {
    const clock = new ManualClock()
    const heartbeats = new Heartbeats(clock, HEARTBEAT_MS)
    const stays = new Beaten(clock)
    let beats = 0
    const leaving = { beat: () => (beats++, heartbeats.remove(leaving)) }
    heartbeats.add(leaving)
    for (const _ of countTo(31)) heartbeats.add(new Beaten(clock))
    heartbeats.add(stays)
    clock.pass(HEARTBEAT_MS)
    expect([beats, stays.atMs.length]).toEqual([1, 2])
    heartbeats.close()
    expect(clock.timers).toBe(0)
  })
})

async function watching(here: World, after: string, filters = ['a/1'], slow = false): Promise<RecordingSink> {
  const watch = here.watcher.watch(filters, {}, { identity: SERVER })
  const sink = new RecordingSink(slow)
  here.watcher.subscribe(watch, await here.watcher.locate(watch, { after, otherwise: 'latest' }), plainEncoding(), sink)
  await settled()
  return sink
}

/** Lets time go by as it does, in small steps. */
function pass(here: World, ms: number): void {
  for (let passed = 0; passed < ms; passed += 50) here.clock.pass(50)
}

describe('a silent subscription [WP-3.8]', () => {
  it('gets a bookmark within heartbeatMs, again and again, wherever on the wheel it stands', async () => {
    const here = world({ heartbeatMs: HEARTBEAT_MS })
    const sinks: RecordingSink[] = []
    for (const _ of countTo(40)) {
      sinks.push(await watching(here, 'latest'))
      pass(here, 150)
    }
    for (const sink of sinks) sink.chunks.length = 0
    for (const beats of countTo(3)) {
      pass(here, HEARTBEAT_MS)
      for (const { bookmarks } of sinks) expect(bookmarks.length).toBeGreaterThanOrEqual(beats)
    }
    for (const { bookmarks } of sinks) expect(bookmarks.length).toBeLessThanOrEqual(6)
  })

  it('learns from it how far it has seen, though nothing matched', async () => {
    const here = world({ heartbeatMs: HEARTBEAT_MS })
    const sink = await watching(here, 'earliest')
    await here.publish('b/1', {}, {}, {})
    pass(here, HEARTBEAT_MS)
    expect(new Set(sink.bookmarks)).toEqual(new Set([formatCursor(here.log.epoch, { offset: 3, trims: 0 })]))
    await here.publish('b/1', {})
    pass(here, HEARTBEAT_MS)
    expect(sink.bookmarks.at(-1)).toBe('m3m.4')
  })

  it('gets none while its client has not taken what it was sent', async () => {
    const here = world({ heartbeatMs: HEARTBEAT_MS })
    const sink = await watching(here, 'latest', ['a/1'], true)
    await here.publish('a/1', {})
    pass(here, HEARTBEAT_MS * 2)
    expect(sink.bookmarks).toEqual([])
    sink.take()
    pass(here, HEARTBEAT_MS)
    expect(sink.bookmarks[0]).toBe('m3m.1')
  })

  it('gets one while it reads the log as well, with the place that it has reached', async () => {
    const here = world({ heartbeatMs: HEARTBEAT_MS, sliceEventsMax: 3 })
    await here.publish('b/1', ...countTo(10).map(() => ({})))
    const sink = await watching(here, 'earliest', ['b/1'])
    expect(sink.offsets).toEqual([1, 2, 3])
    pass(here, HEARTBEAT_MS)
    expect(sink.bookmarks[0]).toBe('m3m.3')
  })

  it('whose log can not be read is told so, and the timer goes on', async () => {
    const here = world({ heartbeatMs: HEARTBEAT_MS, sliceEventsMax: 3 })
    await here.publish('b/1', ...countTo(10).map(() => ({})))
    const sink = await watching(here, 'earliest', ['b/1'])
    here.log.failure = new Error('disk')
    pass(here, HEARTBEAT_MS)
    expect(sink.failures[0]).toBe(here.log.failure)
    expect(sink.bookmarks).toEqual([])
  })

  it('shares one bookmark with its feed when they are due together', async () => {
    const here = world({ heartbeatMs: HEARTBEAT_MS })
    const sinks: RecordingSink[] = []
    for (const _ of countTo(33)) sinks.push(await watching(here, 'latest'))
    pass(here, HEARTBEAT_MS)
    expect(sinks[32]?.chunks[0]).toBeDefined()
    expect(sinks[32]?.chunks[0]).toBe(sinks[0]?.chunks[0])
  })
})

describe('a busy subscription', () => {
  it('gets no bookmark', async () => {
    const here = world({ heartbeatMs: HEARTBEAT_MS })
    const sink = await watching(here, 'latest')
    for (const _ of countTo(50)) {
      await here.publish('a/1', {})
      pass(here, HEARTBEAT_MS / 4)
    }
    expect([sink.offsets, sink.bookmarks]).toEqual([countTo(50), []])
  })
})
