import { filtersOverlap } from '@watchpost/protocol'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { mayOverlap } from '../src/overlap.ts'

it('never carries two filters together that can match one event, and parts what is plainly apart [WP-4.5]', () => {
  const filter = fc
    .array(fc.constantFrom('a', 'b', '*', '**', '$x'), { minLength: 1, maxLength: 4 })
    .map((segments) => segments.join('/'))
  let apart = 0
  fc.assert(
    fc.property(filter, filter, (a, b) => {
      const may = mayOverlap(a, b)
      if (filtersOverlap(a, b)) expect(may).toBe(true)
      if (!may) apart++
      expect(mayOverlap(b, a)).toBe(may)
    }),
    { numRuns: 2_000 },
  )
  expect(apart).toBeGreaterThan(100)
  expect(mayOverlap('chat/*', 'stocks/*')).toBe(false)
  expect(mayOverlap('chat/a', 'chat/b')).toBe(false)
})
