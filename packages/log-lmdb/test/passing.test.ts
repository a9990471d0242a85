/** Events that are not stored, and the table of the server's own, in one store of several processes [WP-9.3]. */
import type { Append, PreparedEvent, Table } from '@watchpost/core'
import { describe, expect, it } from 'vitest'
import type { LmdbLog } from '../src/index.ts'
import { append, countTo, dataOf, directory, event, openLog, readAll } from './support.ts'

const pass = (data: unknown, key?: string): PreparedEvent => ({ ...event(data, key), ephemeral: true })

const passed = (log: LmdbLog, after = 0) => log.passing(after, 100_000)
const datas = (log: LmdbLog, after = 0): unknown[] => passed(log, after).map(dataOf)

describe('events that are not stored [WP-9.3]', () => {
  it('are held in the order of all, beside those that are stored', async () => {
    const log = await openLog()
    const appended = await log.append(append('a', pass(1), event(2), pass(3), event(4)))
    expect(appended).toMatchObject({ first: 1, ephemeral: [0, 2], replayed: false })
    expect(appended.timestamps).toHaveLength(4)
    expect(await log.append(append('b', pass(5)))).toMatchObject({ ephemeral: [0] })
    expect([log.head, log.passed]).toEqual([2, 3])
    expect(readAll(log).map(dataOf)).toEqual([2, 4])
    expect(passed(log).map(({ passing, offset, json }) => [passing, offset, dataOf({ offset, json })])).toEqual([
      [1, 0, 1],
      [2, 1, 3],
      [3, 2, 5],
    ])
    expect(JSON.parse(passed(log)[0]?.json ?? '')).not.toHaveProperty('id')
    expect(log.passing(1, 1).map(({ passing }) => passing)).toEqual([2])
    // Nothing of `b` is remembered.
    expect(log.topic('b')).toBeUndefined()
    expect(log.topic('a')).toMatchObject({ events: 2, last: 2 })
  })

  it('change no state and make no topic', async () => {
    const log = await openLog()
    await log.append({ ...append('a', event(1, 'k'), pass(2, 'k')), topicsMax: 1 })
    await log.append({ ...append('b', pass(3)), topicsMax: 1 })
    expect(log.state({ topic: 'a', eventsMax: 10, charactersMax: 1_000 }).events.map(dataOf)).toEqual([1])
    const mixed = log.append({ ...append('b', pass(4), event(5)), topicsMax: 1 })
    await expect(mixed).rejects.toMatchObject({ problem: 'reach-maximum-topics' })
    expect(datas(log)).toEqual([2, 3])
  })

  it('are announced as stored ones are, also to other processes on the store', async () => {
    const dir = directory()
    const [one, other] = [await openLog({ dir }), await openLog({ dir })]
    await one.append(append('a', event(0)))
    const heard = new Promise<void>((resolve) => other.onAdvance(() => other.passed > 0 && resolve()))
    await one.append(append('a', pass(1)))
    await heard
    expect([other.head, other.passed, datas(other)]).toEqual([1, 1, [1]])
    // Whoever opens the store later begins behind them.
    const late = await openLog({ dir })
    expect(late.passed).toBe(1)
    expect(datas(late, late.passed)).toEqual([])
  })

  it('are let go when there are too many, too large together, or too old', async () => {
    let nowMs = 1_000_000_000_000
    const bounds = { eventsMax: 5, bytesMax: 2_000, ageMs: 60_000 }
    const log = await openLog({ passing: bounds, now: () => nowMs })
    await log.append(append('a', ...countTo(8).map((n) => pass(n))))
    expect(datas(log)).toEqual([4, 5, 6, 7, 8])
    await log.append(append('a', pass('x'.repeat(1_500))))
    expect(datas(log).slice(0, -1)).toEqual([5, 6, 7, 8])
    await log.append(append('a', pass('y'.repeat(1_000))))
    expect(datas(log)).toEqual(['y'.repeat(1_000)])
    // One that is larger than all may be is held until the next.
    await log.append(append('a', pass('z'.repeat(5_000))))
    expect(datas(log)).toHaveLength(1)
    nowMs += 60_000
    await log.append(append('a', pass(9)))
    expect(datas(log)).toEqual([9])
    expect(log.passed).toBe(12)
    // A clock that was put back does not hold them for ever.
    nowMs -= 3_600_000
    await log.append(append('a', pass(10)))
    expect(datas(log)).toEqual([10])
  })

  it('are let go after a while though none follow', async () => {
    const log = await openLog({ passing: { eventsMax: 100, bytesMax: 10_000, ageMs: 200 } })
    await log.append(append('a', pass(1), pass(2)))
    expect(datas(log)).toEqual([1, 2])
    await expect.poll(() => datas(log), { timeout: 20_000 }).toEqual([])
    expect(log.passed).toBe(2)
  })

  it('are warned of, once each time, when they can not be let go', async () => {
    const warnings: string[] = []
    let isFailing = true
    let asked = 0
    const log = await openLog({
      passing: { eventsMax: 100, bytesMax: 10_000, ageMs: 50 },
      onWarning: (message) => warnings.push(message),
      now: () => {
        // The first asks what there is to do, and the second does it, in a transaction that so fails.
        if (isFailing && ++asked > 1 && asked % 2 === 1) throw new Error('no clock')
        return Date.now()
      },
    })
    for (const times of [1, 2]) {
      isFailing = false
      await log.append(append('a', pass(times)))
      await expect.poll(() => datas(log), { timeout: 20_000 }).toEqual([])
      expect(warnings).toHaveLength(times - 1)
      await log.append(append('a', pass(times)))
      ;[isFailing, asked] = [true, 1]
      await expect.poll(() => asked, { timeout: 20_000 }).toBeGreaterThan(6)
      expect(warnings).toHaveLength(times)
      expect(warnings.at(-1)).toMatch(/stay on disk longer than 50 ms.*no clock/)
    }
  })

  it('are answered again under an idempotency key as they were, and not told again', async () => {
    const log = await openLog()
    const idempotency = { key: 'k', fingerprint: 'f', keepMs: 60_000 }
    const first = await log.append({ ...append('a', pass(1), event(2), pass(3)), idempotency })
    const again = await log.append({ ...append('a', pass(1), event(2), pass(3)), idempotency })
    expect(again).toEqual({ ...first, replayed: true })
    expect([log.head, log.passed]).toEqual([1, 2])
    const alone = { ...append('a', pass(4)), idempotency: { ...idempotency, key: 'other' } }
    await log.append(alone)
    expect(await log.append(alone)).toMatchObject({ replayed: true, ephemeral: [0] })
    expect([log.head, log.passed]).toEqual([1, 3])
  })
})

describe('the table of the server’s own', () => {
  const AWKWARD = 'm n topic a b\u0000 "é💡'

  it('changes together with what is appended, in one transaction', async () => {
    const dir = directory()
    const [one, other] = [await openLog({ dir }), await openLog({ dir })]
    const add = (log: LmdbLog, name: string) =>
      log.change((table: Table): readonly Append[] => {
        const count = Number(table.get('count') ?? 0) + 1
        table.put('count', String(count))
        table.put(`${AWKWARD}${name}`, name)
        const latest = table.latest('t', 'k')
        const before = latest === undefined ? 0 : dataOf({ offset: 0, json: latest })
        return [append('t', event(Number(before) + 1, 'k'))]
      })
    const each = 40
    await Promise.all(countTo(each).flatMap((n) => [add(one, `1.${n}`), add(other, `2.${n}`)]))
    one.refresh()
    expect(readAll(one).map(dataOf)).toEqual(countTo(each * 2))
    await one.change((table) => {
      expect(table.get('count')).toBe(String(each * 2))
      expect(table.entries(`${AWKWARD}1.`, 1_000)).toHaveLength(each)
      expect(table.entries(AWKWARD, 3)).toHaveLength(3)
      expect(table.entries(`${AWKWARD}2.7`, 9)).toEqual([[`${AWKWARD}2.7`, '2.7']])
      table.remove('count')
      table.remove('nothing')
      return []
    })
    await other.change((table) => {
      expect(table.get('count')).toBeUndefined()
      expect(table.latest('nowhere', 'k')).toBeUndefined()
      return []
    })
  })

  it('is kept when the log is opened again; of several appends, those that can be are made', async () => {
    const dir = directory()
    const log = await openLog({ dir })
    const refused = await log.change((table) => {
      table.put('a', '1')
      return [append('x', event(1)), { ...append('y', event(2)), topicsMax: 1 }, append('z', event(3))]
    })
    expect(refused).toMatchObject([{ topic: 'y', problem: { problem: 'reach-maximum-topics' } }])
    await log.close()
    const again = await openLog({ dir })
    expect(readAll(again).map(dataOf)).toEqual([1, 3])
    await again.change((table) => {
      expect(table.entries('', 10)).toEqual([['a', '1']])
      return []
    })
  })
})
