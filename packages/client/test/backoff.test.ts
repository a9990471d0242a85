import fc from 'fast-check'
import { expect, it } from 'vitest'
import { backoffMs } from '../src/backoff.ts'

const backoff = { backoffBaseMs: 500, backoffMsMax: 30_000 }

const UNSAID = { retryAfterMs: undefined }

it('waits from nothing up to twice as long each time, and never longer than the cap', () => {
  const longest = (failures: number): number => backoffMs(backoff, UNSAID, failures, 1)
  expect([0, 1, 2, 5, 6, 1_000].map(longest)).toEqual([500, 1_000, 2_000, 16_000, 30_000, 30_000])
  fc.assert(
    fc.property(fc.nat(2_000), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const waitMs = backoffMs(backoff, UNSAID, failures, random)
      expect(waitMs).toBeGreaterThanOrEqual(0)
      expect(waitMs).toBeLessThanOrEqual(longest(failures))
    }),
  )
  expect(backoffMs(backoff, UNSAID, 3, 0)).toBe(0)
})

it('waits as the server asks, though not longer than a timer can', () => {
  expect(backoffMs(backoff, { retryAfterMs: 120_000 }, 0)).toBe(120_000)
  expect(backoffMs(backoff, { retryAfterMs: 1e15 }, 0)).toBe(2 ** 31 - 1)
})
