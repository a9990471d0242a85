import type { Json } from '@watchpost/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileProjection, parsePointer, project, valueAt } from '../src/pointer.ts'

const token = fc.oneof(fc.constantFrom('__proto__', 'constructor', '', '0', '1', '~', '/', 'a~1', 'é'), fc.string())
const tokens = fc.array(token, { maxLength: 4 })
const write = (path: readonly string[]): string =>
  path.map((one) => `/${one.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
const parsed = (text: string): Json => JSON.parse(text) as Json
const { value: json } = fc.letrec<{ value: Json; object: Json; array: Json }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, fc.constantFrom<Json>(null, true, 1, 'x'), tie('object'), tie('array')),
  // By way of its text, since a member `__proto__` can come from nowhere else.
  object: fc
    .array(fc.tuple(fc.constantFrom('a', 'b', '__proto__', '0', 'toString'), tie('value')), { maxLength: 4 })
    .map((members) =>
      parsed(`{${members.map(([name, of]) => `${JSON.stringify(name)}:${JSON.stringify(of)}`).join(',')}}`),
    ),
  array: fc.array(tie('value'), { maxLength: 3 }),
}))
const paths = fc.array(
  fc.array(fc.constantFrom('a', 'b', '__proto__', '0', '1', 'toString'), { minLength: 1, maxLength: 3 }),
  { maxLength: 4 },
)

/** Every path to a value that has no members of its own. */
function leaves(value: Json, at: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return [at]
  return Object.entries(value).flatMap(([name, member]) => leaves(member, [...at, name]))
}

const hasArray = (value: Json): boolean =>
  typeof value === 'object' && value !== null && (Array.isArray(value) || Object.values(value).some(hasArray))

describe('JSON Pointers', () => {
  it('come back from their text', () => {
    fc.assert(
      fc.property(tokens, (path) => {
        expect(parsePointer(write(path))).toEqual(path)
      }),
    )
  })

  it.each(['a', 'a/b', '/~', '/~2', '/a~', ' /a', '#/a'])('%j is none', (text) => {
    expect(parsePointer(text)).toBeUndefined()
  })

  it.each<[string, Json | undefined]>([
    ['', { list: [10, { x: null }], '': 1, 'a/b': 2, 'm~n': 3 }],
    ['/list/0', 10],
    ['/list/1/x', null],
    ['/list/2', undefined],
    ['/list/00', undefined],
    ['/list/-', undefined],
    ['/list/length', undefined],
    ['/', 1],
    ['/a~1b', 2],
    ['/m~0n', 3],
    ['/toString', undefined],
    ['/__proto__', undefined],
    ['/constructor/name', undefined],
    ['/list/0/x', undefined],
  ])('%j leads to %j', (pointer, expected) => {
    const value = { list: [10, { x: null }], '': 1, 'a/b': 2, 'm~n': 3 }
    expect(valueAt(value, parsePointer(pointer) ?? ['no pointer'])).toEqual(expected)
  })
})

describe('a projection [WP-3.6]', () => {
  it('keeps each selected member of an object, with the same value in the same place', () => {
    fc.assert(
      fc.property(
        json.filter((value) => !hasArray(value)),
        paths,
        (value, selected) => {
          const kept = project(value, compileProjection(selected))
          for (const path of selected) {
            const there = valueAt(value, path)
            if (there !== undefined) expect(valueAt(kept, path)).toEqual(there)
          }
        },
      ),
    )
  })

  it('keeps nothing that was not selected', () => {
    fc.assert(
      fc.property(
        json.filter((value) => !hasArray(value)),
        paths,
        (value, selected) => {
          const kept = project(value, compileProjection(selected))
          for (const path of leaves(kept)) {
            const isSelected = selected.some((pointer) => pointer.every((one, i) => one === path[i]))
            // The way to what is not there may remain, with nothing at its end.
            const isWay = path.length === 0 || selected.some((pointer) => path.every((one, i) => one === pointer[i]))
            if (isSelected) expect(valueAt(kept, path)).toEqual(valueAt(value, path))
            else expect([isWay, valueAt(kept, path)]).toEqual([true, path.length === 0 ? kept : {}])
          }
        },
      ),
    )
  })

  it('comes to the same when it is applied again, and in whatever order its pointers stand', () => {
    fc.assert(
      fc.property(
        json.filter((value) => !hasArray(value)),
        paths,
        (value, selected) => {
          const kept = project(value, compileProjection(selected))
          expect(project(kept, compileProjection(selected))).toEqual(kept)
          expect(project(value, compileProjection([...selected].reverse()))).toEqual(kept)
        },
      ),
    )
  })

  it('leaves the value as it was, and touches no prototype', () => {
    fc.assert(
      fc.property(json, paths, (value, selected) => {
        const before = JSON.stringify(value)
        const kept = project(value, compileProjection(selected))
        expect(JSON.stringify(value)).toBe(before)
        if (typeof kept === 'object' && kept !== null && !Array.isArray(kept)) {
          expect(Object.getPrototypeOf(kept)).toBe(Object.prototype)
        }
      }),
    )
    expect(Object.hasOwn(Object.prototype, 'a')).toBe(false)
  })

  it.each<[string, Json, readonly string[], string]>([
    ['a member and its place', { a: { b: 1, c: 2 }, d: 3 }, ['/a/b'], '{"a":{"b":1}}'],
    ['elements in order, their indices closed up', { l: [0, 1, 2] }, ['/l/2', '/l/0'], '{"l":[0,2]}'],
    ['parts of elements', { l: [{ x: 1, y: 2 }, { x: 3 }] }, ['/l/0/y', '/l/1/x'], '{"l":[{"y":2},{"x":3}]}'],
    ['what is not there is left out', { a: 1 }, ['/b', '/c/d'], '{}'],
    ['nothing is there below a number', { a: 5, b: [6, { c: 7 }] }, ['/a/x', '/b/0/c', '/b/1/c'], '{"b":[{"c":7}]}'],
    ['the wider pointer wins', { a: { b: 1, c: 2 } }, ['/a/b', '/a', '/a/c'], '{"a":{"b":1,"c":2}}'],
    ['the empty pointer selects all', { a: 1, b: [2] }, ['/a', ''], '{"a":1,"b":[2]}'],
    ['a text has no members', 'text', ['/length'], 'null'],
    ['a number has none', 7, ['/a'], 'null'],
    ['null has none', null, ['/a'], 'null'],
    ['nothing inherited', { a: 1 }, ['/toString', '/__proto__', '/hasOwnProperty'], '{}'],
    [
      'an own __proto__',
      parsed('{"__proto__":{"admin":true,"b":1}}'),
      ['/__proto__/admin'],
      '{"__proto__":{"admin":true}}',
    ],
    ['no element by another spelling of its index', { l: [1, 2] }, ['/l/00', '/l/1e0', '/l/-'], '{"l":[]}'],
  ])('%s', (_what, value, pointers, expected) => {
    const projection = compileProjection(pointers.map((pointer) => parsePointer(pointer) ?? ['no pointer']))
    expect(JSON.stringify(project(value, projection))).toBe(expected)
  })
})
