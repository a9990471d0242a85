import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MessageQuota } from '../src/quotas/messages.ts'
import { Quota } from '../src/quotas/quota.ts'
import { Rate } from '../src/quotas/rate.ts'

/** A clock that a test sets. */
class SetClock {
  nowMs = 1_000_000

  monotonic(): number {
    return this.nowMs
  }
}

/** How many of so many attempts succeed. */
const allowed = (quota: Quota, key: string, attempts: number): number =>
  Array.from({ length: attempts }, () => quota.take(key)).filter(({ waitMs }) => waitMs === 0).length

describe('a rate [WP-8.1]', () => {
  it('allows its burst at once, says how many are left and how long to wait, and then as many as come back', () => {
    const rate = new Rate(10, 3)
    let wholeMs = 0
    const take = (nowMs: number): readonly [waitMs: number, left: number] => {
      const taken = rate.take(wholeMs, nowMs)
      wholeMs = taken.wholeMs
      return [taken.waitMs, taken.left]
    }
    expect([take(1_000), take(1_000), take(1_000), take(1_000)]).toEqual([
      [0, 2],
      [0, 1],
      [0, 0],
      [100, 0],
    ])
    expect(take(1_060)).toEqual([40, 0])
    expect(take(1_100)).toEqual([0, 0])
    expect(take(1_100)).toEqual([100, 0])
    expect(take(9_000)).toEqual([0, 2])
  })

  it('never allows more than its burst and what came back, and always what it said would be allowed', () => {
    const step = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 50 }), fc.double({ min: 0, max: 400, noNaN: true }))
    const property = fc.property(
      fc.integer({ min: 1, max: 3_000 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(step, { maxLength: 200 }),
      (perSecond, burst, steps) => {
        const rate = new Rate(perSecond, burst)
        let nowMs = 5_000
        let wholeMs = 0
        let count = 0
        for (const stepMs of steps) {
          nowMs += stepMs
          const taken = rate.take(wholeMs, nowMs)
          wholeMs = taken.wholeMs
          if (taken.waitMs === 0) count++
          else expect(rate.take(wholeMs, nowMs + taken.waitMs).waitMs).toBe(0)
        }
        const backAtMost = ((nowMs - 5_000) * perSecond) / 1_000
        expect(count).toBeLessThanOrEqual(burst + backAtMost + 0.01)
      },
    )
    fc.assert(property, { numRuns: 300 })
  })
})

describe('a quota for each key [WP-8.1]', () => {
  it('is each key’s own, and comes back', () => {
    const clock = new SetClock()
    const quota = new Quota(new Rate(5), clock)
    expect([allowed(quota, 'a', 9), allowed(quota, 'b', 9)]).toEqual([5, 5])
    clock.nowMs += 400
    expect(allowed(quota, 'a', 9)).toBe(2)
    clock.nowMs += 60_000
    expect(allowed(quota, 'a', 9)).toBe(5)
  })

  it('is what a rate alone would allow, whatever was forgotten on the way', () => {
    const step = fc.record({
      ms: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 900 })),
      key: fc.constantFrom('a', 'b'),
    })
    const property = fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const clock = new SetClock()
      const rate = new Rate(7, 4)
      const quota = new Quota(rate, clock)
      const wholeMs = { a: 0, b: 0 }
      for (const { ms, key } of steps) {
        clock.nowMs += ms
        const expected = rate.take(wholeMs[key], clock.nowMs)
        wholeMs[key] = expected.wholeMs
        expect(quota.take(key).waitMs).toBeCloseTo(expected.waitMs, 6)
      }
    })
    fc.assert(property, { numRuns: 300 })
  })

  it('remembers a bounded number of keys: those past it share one quota, and the first ones keep theirs', () => {
    const clock = new SetClock()
    const quota = new Quota(new Rate(5), clock, 100)
    for (let i = 0; i < 100; i++) quota.take(`first ${i}`)
    const late = Array.from({ length: 1_000 }, (_, i) => quota.take(`late ${i}`))
    expect(late.filter(({ waitMs }) => waitMs === 0)).toHaveLength(5)
    expect(quota.keys).toBeLessThanOrEqual(101)
    expect(allowed(quota, 'first 7', 9)).toBe(4)
    for (let i = 0; i < 10_000; i++) {
      clock.nowMs += 1
      quota.take(`later ${i}`)
    }
    expect(quota.keys).toBeLessThanOrEqual(2 * 101)
  })

  it('forgets who did nothing for a while, without a timer', () => {
    const clock = new SetClock()
    const quota = new Quota(new Rate(5), clock)
    for (let i = 0; i < 1_000; i++) quota.take(`${i}`)
    clock.nowMs += 2_000
    quota.take('another')
    expect(quota.keys).toBe(1)
  })
})

describe('the messages of a WebSocket [WP-4.11]', () => {
  const rates = { messages: new Rate(50, 100), refused: new Rate(50, 1_000) }
  const send = (quota: MessageQuota, count: number, nowMs: number): number =>
    Array.from({ length: count }, () => quota.take(nowMs)).filter((waitMs) => waitMs === 0).length

  it('may come in a burst; who sends ten more of them regardless is ignoring what it is told', () => {
    const quota = new MessageQuota(rates)
    expect(send(quota, 1_100, 1_000)).toBe(100)
    expect(quota.isIgnored).toBe(false)
    send(quota, 1, 1_000)
    expect(quota.isIgnored).toBe(true)
  })

  it('may be somewhat too many for ever, since those are refused; not twice as many and more', () => {
    const [somewhat, far] = [new MessageQuota(rates), new MessageQuota(rates)]
    for (let tick = 0; tick < 6_000; tick++) {
      somewhat.take(1_000 + tick * 12)
      if (!far.isIgnored) far.take(1_000 + tick * 5)
    }
    expect([somewhat.isIgnored, far.isIgnored]).toEqual([false, true])
  })
})
