import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatCursor, LIMITS, parseCursor } from '../src/index.ts'

const epoch = fc.stringMatching(/^[a-z0-9]{1,16}$/)
const position = fc.record({ offset: fc.maxSafeNat(), trims: fc.maxSafeNat() })

describe('cursors [WP-2.1]', () => {
  it('come back from their text', () => {
    fc.assert(
      fc.property(epoch, position, (name, at) => {
        expect(parseCursor(formatCursor(name, at))).toEqual({ epoch: name, ...at })
      }),
    )
  })

  it('fit their bound and their alphabet', () => {
    fc.assert(
      fc.property(epoch, position, (name, at) => {
        expect(formatCursor(name, at)).toMatch(/^[A-Za-z0-9._-]+$/)
        expect(formatCursor(name, at).length).toBeLessThanOrEqual(LIMITS.cursorBytesMax.default)
      }),
    )
  })

  it.each<[string, string]>([
    ['k7f2x.1042', 'an offset'],
    ['k7f2x.0', 'the start'],
    ['k7f2x.0-17', 'the start, the losses of 17 trims announced'],
    ['k7f2x.1042-3', 'an offset, the losses of three trims announced'],
    ['0.9007199254740991', 'the highest offset'],
  ])('%s is one: %s', (text) => {
    const cursor = parseCursor(text)
    expect(cursor && formatCursor(cursor.epoch, cursor)).toBe(text)
  })
})

describe('what is no cursor [WP-2.3]', () => {
  it('anything that is not in the one form of a cursor is none', () => {
    const nearly = fc.array(fc.constantFrom('a', 'Z', '0', '1', '9', '.', '-', ' ', '\n', '\0', '/'), { maxLength: 24 })
    fc.assert(
      fc.property(
        fc.oneof(
          nearly.map((parts) => parts.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          const cursor = parseCursor(text)
          expect(cursor === undefined || formatCursor(cursor.epoch, cursor) === text).toBe(true)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ...['', '.', '1', 'a.', '.1', 'a.b', 'a.01', 'a.+1', 'a.-1', 'a.1e3', 'a.1.2', 'a.1-', 'a.1-0', 'a.1-01'],
    ...['A.1', 'a.1\n', '\na.1', ' a.1', 'a.1 ', 'a.1\0', 'a.١', '../a.1', 'a.1\r\nX: y', 'latest', 'earliest'],
    ...['a.9007199254740992', 'a.1-9007199254740992', 'a.99999999999999999', 'abcdefghijklmnopq.1'],
  ])('%j is none', (text) => {
    expect(parseCursor(text)).toBeUndefined()
  })
})
