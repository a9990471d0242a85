import { describe, expect, it } from 'vitest'
import type { LmdbLog } from '../src/index.ts'
import { append, countTo, dataOf, event, offsets, openLog, readAll } from './support.ts'

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
