import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatTimestamp, normalizeTimestamp } from '../src/index.ts'

// RFC 3339 has years of four digits.
const time = fc.date({
  min: new Date('0000-01-01T00:00:00.000Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
})

describe('timestamps [WP-1.5]', () => {
  it('stay as they are in the form of the wire', () => {
    fc.assert(
      fc.property(time, (date) => {
        const text = formatTimestamp(date.getTime())
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        expect(normalizeTimestamp(text)).toBe(text)
        expect(normalizeTimestamp(text.toLowerCase())).toBe(text)
      }),
    )
  })

  it('name the same moment whatever the offset they came with', () => {
    const offset = fc.tuple(fc.constantFrom('+', '-'), fc.nat({ max: 23 }), fc.nat({ max: 59 }))
    const middle = fc.date({ min: new Date('1000-01-01'), max: new Date('9000-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(middle, offset, (date, [sign, hours, minutes]) => {
        const local = date.getTime() + (sign === '+' ? 1 : -1) * (hours * 60 + minutes) * 60_000
        const two = (n: number): string => String(n).padStart(2, '0')
        const text = `${formatTimestamp(local).slice(0, -1)}${sign}${two(hours)}:${two(minutes)}`
        expect(normalizeTimestamp(text)).toBe(date.toISOString())
      }),
    )
  })

  it.each([
    ['2026-11-22T12:34:56Z', '2026-11-22T12:34:56.000Z'],
    ['2026-11-22T12:34:56.1Z', '2026-11-22T12:34:56.100Z'],
    ['2026-11-22T12:34:56.123999999Z', '2026-11-22T12:34:56.123Z'],
    ['2024-02-29T00:00:00-00:00', '2024-02-29T00:00:00.000Z'],
  ])('%s is %s', (text, wire) => {
    expect(normalizeTimestamp(text)).toBe(wire)
  })

  it.each([
    ...['', 'now', '0', '2026-11-22', '2026-11-22T12:34Z', '2026-11-22T12:34:56', '2026-11-22 12:34:56Z'],
    ...['2026-02-29T00:00:00Z', '2026-04-31T00:00:00+01:00', '2026-13-01T00:00:00Z', '2026-00-01T00:00:00Z'],
    ...['2026-11-22T24:00:00Z', '2026-11-22T23:60:00Z', '2026-11-22T23:59:61Z', '2026-11-22T10:00:00+24:00'],
    ...[
      '2026-11-22T10:00:00+10:60',
      '2026-11-22T12:34:56.Z',
      '2026-11-22T12:34:56.0123456789Z',
      '2026-11-22T12:34:56Z\n',
    ],
    // These moments lie in a year that four digits can't say.
    ...['9999-12-31T23:59:59-01:00', '0000-01-01T00:00:00+01:00'],
  ])('%j is none', (text) => {
    expect(normalizeTimestamp(text)).toBeUndefined()
  })
})
