import { encodeEvent } from '@watchpost/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LoggedEvent } from '../src/log.ts'
import { View, type ViewOptions } from '../src/view.ts'

const logged = (type: string, key: string | undefined, data: unknown): LoggedEvent => ({
  offset: 7,
  json: encodeEvent({
    type,
    topic: 'a/b',
    id: 'm3m.7',
    key,
    data: JSON.stringify(data),
    timestamp: '2026-11-22T12:34:56.789Z',
  }),
})

const words = fc.array(fc.constantFrom('a', 'b', '"', '","', 'é'), { maxLength: 4 })
const pointers = fc.array(fc.constantFrom('/a', '/b', '/a/b', '/"', ''), { maxLength: 4 })
const options = fc.record({ keys: words, types: words, select: pointers, delta: fc.boolean() })

describe('the name of a view', () => {
  it('is the same for equal wishes, in whatever order and however often they are said', () => {
    fc.assert(
      fc.property(options, ({ keys, types, select, delta }) => {
        const again = {
          keys: [...keys, ...keys].reverse(),
          types: [...types].reverse(),
          select: [...select, ...select],
          delta,
        }
        expect(new View(again).name).toBe(new View({ keys, types, select, delta }).name)
      }),
    )
  })

  it('differs for different wishes', () => {
    const meaning = ({ keys, types, select, delta }: ViewOptions): string =>
      JSON.stringify([delta, ...[keys, types, select].map((list) => [...new Set(list)].sort())])
    fc.assert(
      fc.property(options, options, (one, other) => {
        expect(new View(one).name === new View(other).name).toBe(meaning(one) === meaning(other))
      }),
    )
  })

  it('takes an empty list for none, and deltas for not wanted', () => {
    expect(new View({ keys: [], types: [], select: [], delta: false }).name).toBe(new View().name)
  })

  it('of what it selects is the same for equal selections, whatever else is asked for [WP-4.5]', () => {
    fc.assert(
      fc.property(options, options, (one, other) => {
        const isSame = [one, other].map(({ select }) => JSON.stringify([...new Set(select)].sort()))
        expect(new View(one).selectName === new View(other).selectName).toBe(isSame[0] === isSame[1])
      }),
    )
  })
})

describe('what a view shows [WP-3.6]', () => {
  it.each<[ViewOptions, string, string | undefined, boolean]>([
    [{}, 'tick', undefined, true],
    [{ types: ['tick', 'tock'] }, 'tock', 'k', true],
    [{ types: ['tick'] }, 'tock', 'k', false],
    [{ types: ['tic'] }, 'tick', 'k', false],
    [{ keys: ['k', 'l'] }, 'tick', 'l', true],
    [{ keys: ['k'] }, 'tick', 'kk', false],
    [{ keys: ['k'] }, 'tick', undefined, false],
    [{ keys: ['k"\\'] }, 'tick', 'k"\\', true],
    [{ keys: ['k'], types: ['tick'] }, 'tick', 'l', false],
    [{ keys: ['k'], types: ['tick'] }, 'tock', 'k', false],
    [{ keys: ['k'], types: ['tick'] }, 'tick', 'k', true],
  ])('%j of type %j and key %j: %j', (view, type, key, expected) => {
    expect(new View(view).shows(logged(type, key, { key: 'k' }))).toBe(expected)
  })

  it('is found in the event itself, not in its data', () => {
    const event = logged('tick', undefined, { type: 'tock', key: 'k', ',"key":"k"': 1 })
    expect(new View({ keys: ['k'] }).shows(event)).toBe(false)
    expect(new View({ types: ['tock'] }).shows(event)).toBe(false)
  })
})

describe('how a view shows it [WP-3.6]', () => {
  it('is the very same event when nothing is left out', () => {
    const event = logged('tick', 'k', { a: 1 })
    expect(new View({ keys: ['k'] }).render(event)).toBe(event)
    expect(new View({ select: ['/a', ''] }).render(event)).toBe(event)
  })

  it('changes data alone, and leaves the order of the members', () => {
    const event = logged('tick', 'k"', { a: { b: 1, c: 2 }, d: [1, 2] })
    const shown = new View({ select: ['/a/c', '/d/1'] }).render(event)
    expect(shown).toEqual({ offset: 7, json: logged('tick', 'k"', { a: { c: 2 }, d: [2] }).json })
  })

  it('makes null of data without members', () => {
    expect(new View({ select: ['/a'] }).render(logged('tick', undefined, 'text')).json).toContain('"data":null,')
  })

  it('is refused when a select is no pointer, which it names', () => {
    expect(() => new View({ select: ['/a', 'price'] })).toThrow(RangeError)
    expect(() => new View({ select: ['/a', 'price'] })).toThrow('"price"')
  })
})
