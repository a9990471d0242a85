import type { Json } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { Deltas, merged } from '../src/state.ts'

/** RFC 7396, appendix A: original, patch, result. */
const EXAMPLES: readonly (readonly [Json, Json, Json])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
]

describe('a patch [WP-4.7]', () => {
  it.each(EXAMPLES)('makes of %j with %j what RFC 7396 says', (before, patch, after) => {
    const kept = structuredClone(before)
    expect(merged(before, patch)).toEqual(after)
    expect(before).toEqual(kept)
  })

  it('can set a member of any name', () => {
    const patch = JSON.parse('{"__proto__":{"a":1}}') as Json
    const after = merged({}, patch)
    expect(JSON.stringify(after)).toBe('{"__proto__":{"a":1}}')
    expect(Object.getPrototypeOf(after)).toBe(Object.prototype)
  })

  it('is made against what was sent last of the same topic and key', () => {
    const deltas = new Deltas()
    const event = { type: 'price', topic: 'stocks', timestamp: '' }
    const whole = (id: string, key: string, members: object): Json =>
      deltas.whole({ ...event, id, key, ...members }).data
    expect(whole('1', 'A', { data: { price: 1, open: 5 } })).toEqual({ price: 1, open: 5 })
    expect(whole('2', 'B', { data: { price: 9 } })).toEqual({ price: 9 })
    expect(whole('3', 'A', { patch: { price: 2 } })).toEqual({ price: 2, open: 5 })
    expect(whole('4', 'A', { patch: { open: null } })).toEqual({ price: 2 })
    expect(whole('5', 'B', { patch: { price: 8 } })).toEqual({ price: 8 })
  })
})
