import type { Json } from '@watchpost/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergePatch } from '../src/merge-patch.ts'
import { applyMergePatch, canonical, isObject } from './merge-patch-reference.ts'

/** Few names, so that two values have many in common, and those that an object has without having them. */
const name = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', '', '0')
const leaf = fc.constantFrom<Json>(null, null, true, 0, 1, 'x', '', 'null')

const { value, object } = fc.letrec<{ value: Json; object: Json; members: readonly (readonly [string, Json])[] }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
      { weight: 4, arbitrary: tie('object') },
    ),
    members: fc.uniqueArray(fc.tuple(name, tie('value')), { selector: ([member]) => member, maxLength: 4 }),
    // As a parser makes it: `__proto__` is a member.
    object: tie('members').map((members) => Object.fromEntries(members) as Json),
  }),
)

/** Whether there is a patch at all: nothing can become `null` that is not already. */
function isPatchable(before: Json | undefined, after: Json): boolean {
  if (!isObject(after)) return after !== null || before === null
  const old = isObject(before) ? before : {}
  return Object.entries(after).every(([member, inner]) =>
    isPatchable(Object.hasOwn(old, member) ? old[member] : undefined, inner),
  )
}

const parse = (text: string): Json => JSON.parse(text) as Json

describe('a merge patch [WP-4.7]', () => {
  it('makes exactly the value after out of the value before, as RFC 7396 applies it, and is there whenever one can be', () => {
    let patches = 0
    fc.assert(
      fc.property(object, object, (before, after) => {
        const texts = [canonical(before), canonical(after)]
        const patch = mergePatch(before, after)
        expect(patch !== undefined).toBe(isPatchable(before, after))
        expect([canonical(before), canonical(after)]).toEqual(texts)
        if (patch === undefined) return
        patches++
        // A client is sent text.
        const sent = parse(JSON.stringify(patch))
        expect(canonical(applyMergePatch(before, sent))).toBe(texts[1])
      }),
      { numRuns: 5_000 },
    )
    expect(patches).toBeGreaterThan(1_000)
  })

  it('is one between objects only, since anything else it could just replace', () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        fc.pre(!isObject(before) || !isObject(after))
        expect(mergePatch(before, after)).toBeUndefined()
      }),
    )
  })

  it('between arbitrary JSON values is right or not there', () => {
    const json = fc.json().map(parse)
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), fc.dictionary(fc.string(), json), (one, other) => {
        const [before, after] = [parse(JSON.stringify(one)), parse(JSON.stringify({ ...one, ...other }))]
        const patch = mergePatch(before, after)
        if (patch !== undefined) expect(canonical(applyMergePatch(before, patch))).toBe(canonical(after))
      }),
      { numRuns: 1_000 },
    )
  })

  it('is empty between equal values, in whatever order their members are', () => {
    fc.assert(
      fc.property(object, (before) => {
        const members = Object.entries(before as Readonly<Record<string, Json>>).reverse()
        expect(canonical(mergePatch(before, Object.fromEntries(members)) ?? 'none')).toBe('{}')
      }),
    )
  })

  // Appendix A of RFC 7396: the original, the patch and the result.
  it.each([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d"}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['{}', '{"a":{"bb":{}}}', '{"a":{"bb":{}}}'],
  ])('of %s by %s is %s', (before, patch, after) => {
    expect(canonical(mergePatch(parse(before), parse(after)) ?? 'none')).toBe(patch)
    expect(canonical(applyMergePatch(parse(before), parse(patch)))).toBe(canonical(parse(after)))
  })

  it.each([
    ['{"a":1}', '{"a":null}', 'a member becomes null'],
    ['{}', '{"a":{"b":[],"c":null}}', 'a new member has null in it'],
    ['{"a":1}', '{"a":{"b":{"c":null}}}', 'what becomes an object has null in it'],
    ['{"a":{"b":1}}', '{"a":{"b":null}}', 'an inner member becomes null'],
    ['["a"]', '["a","b"]', 'an array is replaced whole'],
    ['{"a":1}', 'null', 'the key is removed'],
    ['null', '{"a":1}', 'the key comes back'],
  ])('is not there from %s to %s: %s', (before, after) => {
    expect(mergePatch(parse(before), parse(after))).toBeUndefined()
  })

  it.each([
    ['{"a":null,"b":1}', '{"a":null,"b":2}', '{"b":2}', 'what was null stays'],
    ['{"a":1}', '{"a":[null,{"b":null}]}', '{"a":[null,{"b":null}]}', 'arrays are taken as they are'],
    ['{"a":[{"b":1},{"c":2}]}', '{"a":[{"b":1},{"c":3}]}', '{"a":[{"b":1},{"c":3}]}', 'and whole'],
    ['{"a":[{"b":1}],"c":0}', '{"a":[{"b":1}],"c":1}', '{"c":1}', 'unless they are the same'],
    ['{"__proto__":{"x":1}}', '{"__proto__":{"x":2}}', '{"__proto__":{"x":2}}', '`__proto__` is a name'],
    ['{"__proto__":{"x":1},"a":1}', '{"a":1}', '{"__proto__":null}', 'that can go'],
    ['{"a":1}', '{"a":1,"__proto__":7,"constructor":{}}', '{"__proto__":7,"constructor":{}}', 'and come'],
  ])('from %s to %s is %s: %s', (before, after, expected) => {
    const patch = mergePatch(parse(before), parse(after))
    expect(canonical(patch ?? 'none')).toBe(canonical(parse(expected)))
    expect(canonical(applyMergePatch(parse(before), parse(JSON.stringify(patch))))).toBe(canonical(parse(after)))
  })

  it('is small however deep the difference lies', () => {
    const nested = (depth: number, inner: string): Json =>
      parse(`${'{"same":[1,2,3],"in":'.repeat(depth)}${inner}${'}'.repeat(depth)}`)
    const depth = 1_000
    const patch = mergePatch(nested(depth, '{"n":1}'), nested(depth, '{"n":2}')) ?? null
    expect(JSON.stringify(patch)).toBe(`${'{"in":'.repeat(depth)}{"n":2}${'}'.repeat(depth)}`)
  })
})
