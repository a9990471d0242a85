import type { Append } from '@watchpost/core'
import { describe, expect, it } from 'vitest'
import { AT, append, dataOf, directory, event, openLog, readAll } from './support.ts'

const KEEP_MS = 1_000

const keyed = (key: string, fingerprint: string, what: Append): Append => ({
  ...what,
  idempotency: { key, fingerprint, keepMs: KEEP_MS },
})

describe('[WP-3.10] idempotency', () => {
  it('answers a repeated publish as it answered the first, and appends nothing', async () => {
    const log = await openLog()
    const publish = keyed('k', 'f', append('t', event(1), event(2)))
    const first = await log.append(publish)
    const again = await log.append(publish)
    expect(first).toEqual({ first: 1, timestamps: [AT, AT], replayed: false })
    expect(again).toEqual({ ...first, replayed: true })
    expect(log.head).toBe(2)
  })

  it('gives timestamps that differ back as they were', async () => {
    const log = await openLog()
    const timestamps = ['2026-11-22T12:34:56.789Z', '0001-01-01T00:00:00.000Z', '2026-11-22T12:34:56.790Z']
    const publish = keyed('k', 'f', append('t', ...timestamps.map((timestamp) => ({ ...event(1), timestamp }))))
    await log.append(publish)
    expect(await log.append(publish)).toEqual({ first: 1, timestamps, replayed: true })
  })

  it('refuses the key for another body, also within one group, and takes the rest of the group', async () => {
    const log = await openLog()
    const results = await Promise.allSettled([
      log.append(keyed('k', 'f', append('t', event(1)))),
      log.append(keyed('k', 'f', append('t', event(1)))),
      log.append(keyed('k', 'g', append('t', event(2)))),
      log.append(keyed('other', 'g', append('t', event(3)))),
    ])
    expect(results).toMatchObject([
      { status: 'fulfilled', value: { first: 1, replayed: false } },
      { status: 'fulfilled', value: { first: 1, replayed: true } },
      { status: 'rejected', reason: { problem: 'idempotency-conflict', status: 409 } },
      { status: 'fulfilled', value: { first: 2, replayed: false } },
    ])
    expect(readAll(log).map(dataOf)).toEqual([1, 3])
  })

  it('remembers after the store was opened again and the events were trimmed', async () => {
    const dir = directory()
    const log = await openLog({ dir })
    await log.append(keyed('k', 'f', append('t', event(1))))
    await log.trim('t', { events: 0 }, 100)
    await log.close()
    const again = await openLog({ dir })
    expect(readAll(again)).toEqual([])
    expect(await again.append(keyed('k', 'f', append('t', event(1))))).toMatchObject({ first: 1, replayed: true })
    await expect(again.append(keyed('k', 'g', append('t', event(1))))).rejects.toMatchObject({
      problem: 'idempotency-conflict',
    })
  })

  it('forgets a key when its time has passed', async () => {
    let now = 1_000_000
    const log = await openLog({ now: () => now })
    await log.append(keyed('k', 'f', append('t', event(1))))
    now += KEEP_MS - 1
    expect(await log.append(keyed('k', 'f', append('t', event(1))))).toMatchObject({ first: 1, replayed: true })
    now += 1
    expect(await log.append(keyed('k', 'g', append('t', event(2))))).toMatchObject({ first: 2, replayed: false })
    expect(await log.append(keyed('k', 'g', append('t', event(2))))).toMatchObject({ first: 2, replayed: true })
    // What the first use left behind must not take the second with it.
    now += KEEP_MS - 1
    await log.append(keyed('x', 'x', append('t', event(3))))
    expect(await log.append(keyed('k', 'g', append('t', event(2))))).toMatchObject({ first: 2, replayed: true })
  })

  it('takes keys of any length', async () => {
    const log = await openLog()
    const key = 'k'.repeat(10_000)
    await log.append(keyed(`${key}1`, 'f', append('t', event(1))))
    expect(await log.append(keyed(`${key}2`, 'f', append('t', event(2))))).toMatchObject({ first: 2, replayed: false })
    expect(await log.append(keyed(`${key}1`, 'f', append('t', event(1))))).toMatchObject({ first: 1, replayed: true })
  })
})
