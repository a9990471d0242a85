import { describe, expect, it } from 'vitest'
import type { LmdbLog } from '../src/index.ts'
import { openStore } from '../src/open.ts'
import { hasExcess, OldestEvents, trimEach } from '../src/retention.ts'
import type { Store } from '../src/store.ts'
import { append, countTo, dataOf, directory, event, offsets, openLog, readAll, transactions } from './support.ts'

async function trimAll(log: LmdbLog, ...[topic, retention]: [string, Parameters<LmdbLog['trim']>[1]]): Promise<number> {
  for (let slices = 1; ; slices++) {
    const { more } = await log.trim(topic, retention, 10)
    if (!more) return slices
  }
}

describe('[WP-6.4] trim', () => {
  it('by count, in slices of a bounded size, and of that topic only', async () => {
    const log = await openLog()
    for (const n of countTo(30)) await log.append(append(n % 3 === 0 ? 'b' : 'a', event(n)))
    expect(await log.trim('a', { events: 5 }, 10)).toEqual({ more: true })
    expect(log.topic('a')).toMatchObject({ events: 10, trimmed: 14, last: 29 })
    expect(await log.trim('a', { events: 5 }, 10)).toEqual({ more: false })
    expect(offsets(readAll(log, ['a']))).toEqual([23, 25, 26, 28, 29])
    expect(offsets(readAll(log, ['b']))).toEqual([3, 6, 9, 12, 15, 18, 21, 24, 27, 30])
    expect(log.trimmed).toBe(22)
    expect(log.topic('b')).toMatchObject({ events: 10, trimmed: 0, last: 30 })
    expect(offsets(readAll(log))).toEqual([3, 6, 9, 12, 15, 18, 21, 23, 24, 25, 26, 27, 28, 29, 30])
  })

  it('by bytes, counted as UTF-8 of the whole message', async () => {
    const log = await openLog()
    await log.append(append('t', ...countTo(20).map((n) => event(`${n}é`))))
    const sizes = readAll(log).map(({ json }) => Buffer.byteLength(json))
    expect(log.topic('t')?.bytes).toBe(sizes.reduce((sum, size) => sum + size, 0))
    const bytes = sizes.slice(-7).reduce((sum, size) => sum + size, 0)
    await trimAll(log, 't', { bytes })
    expect(log.topic('t')).toMatchObject({ events: 7, bytes })
    await trimAll(log, 't', { bytes: bytes - 1 })
    expect(log.topic('t')).toMatchObject({ events: 6 })
  })

  it('by age, counted from when an event was appended and not from its timestamp', async () => {
    let now = 10_000
    const log = await openLog({ now: () => now })
    await log.append(append('t', event(1), event(2)))
    now = 10_500
    await log.append(append('t', { ...event(3), timestamp: '1970-01-01T00:00:00.000Z' }))
    await log.append(append('other', event('x')))
    now = 10_999
    expect(await log.trim('t', { ageMs: 1_000 }, 100)).toEqual({ more: false })
    expect(log.topic('t')).toMatchObject({ events: 3, trimmed: 0 })
    now = 11_000
    await log.trim('t', { ageMs: 1_000 }, 100)
    expect(readAll(log, ['t']).map(dataOf)).toEqual([3])
    now = 11_500
    await log.trim('t', { ageMs: 1_000 }, 100)
    expect(log.topic('t')).toEqual({ topic: 't', events: 0, bytes: 0, trimmed: 3, trims: 2, last: 3 })
    expect(readAll(log).map(dataOf)).toEqual(['x'])
  })

  it('lets the strictest bound win', async () => {
    let now = 0
    const log = await openLog({ now: () => now })
    for (const n of countTo(10)) {
      now = n * 100
      await log.append(append('t', event(n)))
    }
    await trimAll(log, 't', { events: 8, ageMs: 700, bytes: 1_000_000 })
    expect(readAll(log).map(dataOf)).toEqual([4, 5, 6, 7, 8, 9, 10])
    await trimAll(log, 't', { events: 2, ageMs: 700 })
    expect(readAll(log).map(dataOf)).toEqual([9, 10])
  })

  it('keeps the state [WP-9.1], and what was removed from it stays removed', async () => {
    const log = await openLog()
    await log.append(append('t', event(1, 'a'), event(2, 'b'), event(3, 'c'), event(null, 'b')))
    await trimAll(log, 't', { events: 0 })
    expect(readAll(log)).toEqual([])
    const { events } = log.state({ topic: 't', eventsMax: 10, charactersMax: 10_000 })
    expect(events.map(dataOf)).toEqual([1, 3])
    expect(offsets(events)).toEqual([1, 3])
  })

  it('knows nothing of unknown topics and does nothing without a bound', async () => {
    const log = await openLog()
    expect(await log.trim('none', { events: 0 }, 10)).toEqual({ more: false })
    await log.append(append('t', event(1)))
    expect(await log.trim('t', {}, 10)).toEqual({ more: false })
    expect(log.trimmed).toBe(0)
  })

  it('goes on with offsets after everything was trimmed', async () => {
    const log = await openLog()
    await log.append(append('t', event(1), event(2)))
    await trimAll(log, 't', { events: 0 })
    expect((await log.append(append('t', event(3)))).first).toBe(3)
    expect(readAll(log).map(dataOf)).toEqual([3])
  })

  it('lets a publish in between any two slices', async () => {
    const log = await openLog()
    await log.append(append('t', ...countTo(5_000).map((n) => event(n))))
    const happened: string[] = []
    const trimmer = (async () => {
      while ((await log.trim('t', { events: 0 }, 100)).more) happened.push('slice')
    })()
    while ((log.topic('t')?.events ?? 0) > 0) {
      await log.append(append('other', event('x')))
      happened.push('publish')
    }
    await trimmer
    const text = happened.map((what) => what[0]).join('')
    expect(happened.filter((what) => what === 'slice')).toHaveLength(49)
    // A publish waits for the slice that is being cut and for no other.
    expect(text).not.toMatch(/sss/)
  })
})

describe('trimming many topics at once', () => {
  it('does to each what a trim of it does, in one transaction, up to so many events', async () => {
    const dir = directory()
    const log = await openLog({ dir })
    for (const topic of ['a', 'b', 'c', 'd']) await log.append(append(topic, event(1), event(2), event(3)))
    await trimAll(log, 'b', { events: 1 })
    const before = transactions(dir)
    expect(await log.trimEach(['a', 'b', 'none', 'c', 'd'], { events: 1 }, 3)).toEqual({ more: true })
    expect(transactions(dir)).toBe(before + 1)
    const kept = (): unknown[] =>
      Array.from(log.topics(), ({ topic, events, trimmed, trims }) => [topic, events, trimmed, trims])
    expect(kept()).toEqual([
      ['a', 1, 2, 2],
      ['b', 1, 5, 1],
      ['c', 2, 7, 3],
      ['d', 3, 0, 0],
    ])
    expect(await log.trimEach(['a', 'b', 'c', 'd'], { events: 1 }, 3)).toEqual({ more: false })
    expect(kept().slice(2)).toEqual([
      ['c', 1, 8, 4],
      ['d', 1, 11, 5],
    ])
    expect([log.trims, log.trimmed, readAll(log).map(dataOf)]).toEqual([5, 11, [3, 3, 3, 3]])
    const settledAt = transactions(dir)
    expect(await log.trimEach(['a', 'b', 'c', 'd'], { events: 1 }, 3)).toEqual({ more: false })
    expect(transactions(dir)).toBe(settledAt)
  })
})

/** The same store, where nothing but the rows of topics can be read. */
function rowsOf(store: Store): Store {
  const refuse = (): never => expect.fail('more than the row was read')
  const unread = { get: refuse, getRange: refuse }
  return { ...store, events: unread as unknown as Store['events'], runs: unread as unknown as Store['runs'] }
}

describe('hasExcess', () => {
  it('reads no more than the row for bounds of count and size, and of topics without events', async () => {
    const dir = directory()
    const log = await openLog({ dir })
    await log.append(append('t', event(1), event(2)))
    await log.append(append('empty', event(1)))
    await trimAll(log, 'empty', { events: 0 })
    const bytes = log.topic('t')?.bytes ?? 0
    const store = await openStore(dir, 'disk')
    const rows = rowsOf(store)
    const ask = (...[topic, retention]: [string, Parameters<LmdbLog['trim']>[1]]): boolean =>
      hasExcess(rows, topic, retention, Date.now(), new OldestEvents())
    expect(
      [{ events: 2, bytes }, { events: 1 }, { bytes: bytes - 1, ageMs: 0 }, {}].map((one) => ask('t', one)),
    ).toEqual([false, true, true, false])
    expect(ask('empty', { events: 0, ageMs: 0, bytes: 0 })).toBe(false)
    expect(ask('unknown', { events: 0, ageMs: 0, bytes: 0 })).toBe(false)
    await store.root.close()
  })

  it('remembers others in the place of topics that nobody asked for in long, and of those that have nothing left', async () => {
    const dir = directory()
    const log = await openLog({ dir, now: () => 0 })
    for (const topic of ['a', 'b', 'c']) await log.append(append(topic, event(1)))
    const store = await openStore(dir, 'disk')
    const rows = rowsOf(store)
    const oldest = new OldestEvents(1)
    const ask = (from: Store, topic: string, nowMs: number): boolean =>
      hasExcess(from, topic, { ageMs: 10_000_000 }, nowMs, oldest)
    // What is said of `a` stays, since it is asked for, and `b` is looked up each time.
    for (const nowMs of [0, 599_999, 1_100_000]) {
      expect([ask(nowMs === 0 ? store : rows, 'a', nowMs), ask(store, 'b', nowMs)]).toEqual([false, false])
      expect(() => ask(rows, 'b', nowMs)).toThrow('more than the row')
    }
    expect(ask(store, 'b', 1_700_000)).toBe(false)
    expect(ask(rows, 'b', 1_700_000)).toBe(false)
    expect(() => ask(rows, 'a', 1_700_000)).toThrow('more than the row')
    const emptied = { retention: { events: 0 }, nowMs: 1_700_000, eventsMax: 10, oldest }
    await store.root.transaction(() => trimEach(store, ['b'], emptied))
    expect([ask(store, 'c', 1_700_000), ask(rows, 'c', 1_700_000)]).toEqual([false, false])
    await store.root.close()
  })

  it('looks the age of a topic up again only after it was trimmed, by whichever process', async () => {
    let now = 0
    const dir = directory()
    const log = await openLog({ dir, now: () => now })
    for (const n of countTo(3)) {
      now = n * 100
      await log.append(append('t', event(n)))
    }
    const store = await openStore(dir, 'disk')
    const oldest = new OldestEvents()
    const ask = (from: Store, nowMs: number): boolean => {
      store.root.resetReadTxn()
      return hasExcess(from, 't', { ageMs: 1_000 }, nowMs, oldest)
    }
    const rows = rowsOf(store)
    expect(ask(store, 1_000)).toBe(false)
    expect([1_099, 1_100].map((nowMs) => ask(rows, nowMs))).toEqual([false, true])
    await trimAll(log, 't', { events: 2 })
    expect(ask(store, 1_199)).toBe(false)
    expect(ask(rows, 1_200)).toBe(true)
    await trimAll(log, 't', { events: 0 })
    expect(ask(rows, 9_000)).toBe(false)
    now = 5_000
    await log.append(append('t', event(4)))
    expect(ask(store, 5_999)).toBe(false)
    expect(ask(rows, 6_000)).toBe(true)
    await store.root.close()
  })
})
