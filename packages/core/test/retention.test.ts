import { describe, expect, it } from 'vitest'
import type { Retention } from '../src/log.ts'
import { Registry } from '../src/registry.ts'
import { type Sweeping, sweepRegularly } from '../src/retention.ts'
import { ManualClock, settled } from './manual-clock.ts'
import { MemoryLog } from './memory-log.ts'
import { countTo, OPEN } from './support.ts'

const EVENT = { type: 'tick', data: '1', timestamp: '2026-11-22T12:34:56.789Z' }

interface Swept {
  readonly log: MemoryLog
  readonly clock: ManualClock
  /** Each trim, and what it was told. */
  readonly trims: { readonly topic: string; readonly retention: Retention; readonly eventsMax: number }[]
  readonly failures: unknown[]
  readonly sweeping: Sweeping
  readonly kept: (topic: string) => number
  readonly registry: Registry
}

async function swept(topics: Readonly<Record<string, number>>, retention?: Retention): Promise<Swept> {
  const log = new MemoryLog()
  const clock = new ManualClock()
  for (const [topic, count] of Object.entries(topics)) {
    await log.append({ topic, keyed: false, events: countTo(count).map(() => EVENT) })
  }
  const trims: Swept['trims'] = []
  const trim = log.trim.bind(log)
  log.trim = (topic, bounds, eventsMax) => {
    trims.push({ topic, retention: bounds, eventsMax })
    return trim(topic, bounds, eventsMax)
  }
  const definitions = { 'few/{x}': { ...OPEN, retention: { events: 10 } }, 'all/{x}': OPEN }
  const failures: unknown[] = []
  const registry = new Registry(definitions, { retention })
  const sweeping = sweepRegularly(log, registry, clock, (error) => failures.push(error))
  return { log, clock, registry, trims, failures, sweeping, kept: (topic) => log.topic(topic)?.events ?? 0 }
}

describe('retention [WP-6.4]', () => {
  it('keeps the newest events of each topic that its definition bounds, and all of the others', async () => {
    const { clock, log, kept } = await swept({ 'few/1': 25, 'few/2': 5, 'all/1': 25, 'gone/1': 25 })
    clock.pass(1_000)
    await clock.giveTurns()
    expect(['few/1', 'few/2', 'all/1', 'gone/1'].map(kept)).toEqual([10, 5, 25, 25])
    expect([log.keeps(15), log.keeps(16), log.topic('few/1')?.trimmed, log.topic('few/2')?.trimmed]).toEqual([
      ...[false, true, 15, 0],
    ])
  })

  it('falls back to the bounds of the server', async () => {
    const { clock, kept } = await swept({ 'few/1': 25, 'all/1': 25 }, { events: 20 })
    clock.pass(1_000)
    await clock.giveTurns()
    expect([kept('few/1'), kept('all/1')]).toEqual([10, 20])
  })

  it('trims in slices, and gives other work a turn between them', async () => {
    const { clock, trims, kept } = await swept({ 'few/1': 1_600 })
    clock.pass(1_000)
    await settled()
    expect(kept('few/1')).toBe(1_100)
    await clock.giveTurn()
    expect(kept('few/1')).toBe(600)
    await clock.giveTurns()
    expect([kept('few/1'), trims.map(({ eventsMax }) => eventsMax)]).toEqual([10, [500, 500, 500, 500]])
  })

  it('goes by definitions that are new, also in the midst of a topic', async () => {
    const { clock, kept, log, registry } = await swept({ 'few/1': 1_600, 'all/1': 25 })
    clock.pass(1_000)
    await settled()
    expect([kept('few/1'), kept('all/1')]).toEqual([1_100, 25])
    registry.redefine({
      'few/{x}': { ...OPEN, retention: { events: 900 } },
      'all/{x}': { ...OPEN, retention: { events: 5 } },
    })
    await clock.giveTurns()
    expect([kept('few/1'), kept('all/1')]).toEqual([900, 25])
    clock.pass(1_000)
    await clock.giveTurns()
    expect([kept('few/1'), kept('all/1')]).toEqual([900, 5])
    await log.append({ topic: 'all/1', keyed: false, events: [EVENT] })
    registry.redefine({ 'few/{x}': OPEN })
    clock.pass(1_000)
    await clock.giveTurns()
    expect([kept('few/1'), kept('all/1')]).toEqual([900, 6])
  })

  it('has one sweep at a time, and the next one after it', async () => {
    const { clock, trims } = await swept({ 'few/1': 600 })
    clock.pass(5_000)
    await settled()
    expect(trims).toHaveLength(1)
    await clock.giveTurns()
    expect(trims).toHaveLength(2)
    clock.pass(1_000)
    await clock.giveTurns()
    expect(trims).toHaveLength(3)
  })

  it('stops in the midst of a sweep, and for good', async () => {
    const { clock, trims, sweeping } = await swept({ 'few/1': 2_000, 'few/2': 2_000 })
    clock.pass(1_000)
    await settled()
    sweeping.stop()
    await clock.giveTurns()
    clock.pass(10_000)
    await clock.giveTurns()
    expect([trims.length, clock.timers]).toEqual([1, 0])
  })

  it('reports a log that can not trim, and tries again', async () => {
    const { clock, log, failures, kept } = await swept({ 'few/1': 25 })
    const trim = log.trim.bind(log)
    log.trim = () => Promise.reject(new Error('disk'))
    clock.pass(1_000)
    await clock.giveTurns()
    expect(failures).toEqual([new Error('disk')])
    log.trim = trim
    clock.pass(1_000)
    await clock.giveTurns()
    expect([failures.length, kept('few/1')]).toEqual([1, 10])
  })

  it('trims presence topics many at once, each ten seconds, also those whose definition went [WP-9.4]', async () => {
    const rooms = countTo(250).map((n) => `$presence/few/${String(n).padStart(3, '0')}`)
    const topics = { 'few/1': 25, '$presence/gone/1': 1_200, ...Object.fromEntries(rooms.map((room) => [room, 2])) }
    const { clock, log, registry, kept, trims } = await swept(topics)
    const asked: { readonly topics: readonly string[]; readonly retention: Retention }[] = []
    const trimEach = log.trimEach.bind(log)
    log.trimEach = (names, retention, eventsMax) => {
      asked.push({ topics: names, retention })
      // As if all of them were too old.
      return trimEach(names, { events: 0 }, eventsMax)
    }
    registry.redefine({ 'few/{x}': { ...OPEN, retention: { events: 10 } } })
    clock.pass(9_999)
    await clock.giveTurns()
    expect([kept('few/1'), asked, trims.filter(({ topic }) => topic !== 'few/1')]).toEqual([10, [], []])
    clock.pass(1)
    await clock.giveTurns()
    expect([...rooms, '$presence/gone/1'].map(kept)).toEqual([...rooms.map(() => 0), 0])
    // In slices of so many events, of so many topics.
    expect(asked.map((one) => [one.topics.length, one.retention])).toEqual(
      [100, 100, 51, 51, 51].map((length) => [length, { events: 10_000, ageMs: 60_000 }]),
    )
  })

  it('does not let other topics wait for presence topics', async () => {
    const { clock, log, kept } = await swept({ 'few/1': 10, '$presence/few/1': 1 })
    log.trimEach = () => new Promise(() => undefined)
    clock.pass(10_000)
    await clock.giveTurns()
    await log.append({ topic: 'few/1', keyed: false, events: countTo(10).map(() => EVENT) })
    clock.pass(1_000)
    await clock.giveTurns()
    expect(kept('few/1')).toBe(10)
  })

  it('reports nothing that fails because it was stopped', async () => {
    const { clock, log, failures, sweeping } = await swept({ 'few/1': 25 })
    log.trim = () => Promise.reject(new Error('closed'))
    clock.pass(1_000)
    sweeping.stop()
    await clock.giveTurns()
    expect(failures).toEqual([])
  })

  it('does not look at a topic when there is nothing to keep to', async () => {
    const log = new MemoryLog()
    const clock = new ManualClock()
    log.failure = new Error('was read')
    const failures: unknown[] = []
    sweepRegularly(log, new Registry({ a: OPEN }), clock, (error) => failures.push(error))
    clock.pass(3_000)
    await clock.giveTurns()
    expect(failures).toEqual([])
  })
})
