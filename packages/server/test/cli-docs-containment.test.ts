/** Whether one schema is contained in another, against values that ajv judges. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { containmentFaults } from '../src/documents/diff/containment.ts'

const NAMES = ['a', 'b'] as const
const bound = fc.integer({ min: -2, max: 3 })
const count = fc.integer({ min: 0, max: 3 })
const optional = { requiredKeys: [] }

const literal = fc.constantFrom<unknown>(null, true, 0, 1, 1.5, 'x', 'xy', [], {})

const flat = fc.oneof(
  fc.constant({}),
  fc.record({ type: fc.constantFrom('null', 'boolean') }),
  fc.record(
    { type: fc.constantFrom('number', 'integer'), minimum: bound, exclusiveMaximum: bound },
    { requiredKeys: ['type'] },
  ),
  fc.record({ type: fc.constantFrom('number'), exclusiveMinimum: bound, maximum: bound }, { requiredKeys: ['type'] }),
  fc.record(
    { type: fc.constantFrom('string', ['string', 'null']), minLength: count, maxLength: count },
    { requiredKeys: ['type'] },
  ),
  fc.record({ enum: fc.uniqueArray(literal, { minLength: 1, maxLength: 4, comparator: 'IsStrictlyEqual' }) }),
  fc.record({ const: literal }),
)

/** Schemas of all that is compared by its meaning, but for objects that take no other members. */
const { schema } = fc.letrec<{ schema: object }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    flat,
    fc.record(
      {
        type: fc.constant('object'),
        properties: fc.record({ a: tie('schema'), b: tie('schema') }, optional),
        required: fc.subarray([...NAMES]),
        additionalProperties: tie('schema'),
      },
      { requiredKeys: ['type'] },
    ),
    fc.record({ type: fc.constant('array'), items: tie('schema'), maxItems: count }, { requiredKeys: ['type'] }),
    fc.record({ type: fc.constant('array'), prefixItems: fc.tuple(tie('schema')), items: tie('schema') }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ allOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
  ),
}))

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    literal,
    fc.integer({ min: -3, max: 4 }),
    fc.dictionary(fc.constantFrom(...NAMES, 'c'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
}))

const ajv = new Ajv2020({ strict: false, addUsedSchema: false })
const allows = (of: object, data: unknown): boolean => ajv.compile(of)(data)
const faults = (inner: object, outer: object, side: 'watchers' | 'publishers'): readonly unknown[] =>
  containmentFaults({ schema: inner, root: inner }, { schema: outer, root: outer }, side)

describe('containment', () => {
  it('has no faults only if every value of the inner schema is one of the outer', () => {
    const seen = { contained: 0, allowed: 0 }
    fc.assert(
      fc.property(schema, schema, fc.array(value, { minLength: 30, maxLength: 30 }), (inner, outer, values) => {
        if (faults(inner, outer, 'watchers').length > 0) return
        const allowed = values.filter((each) => allows(inner, each))
        seen.contained++
        seen.allowed += allowed.length
        expect(allowed.filter((each) => !allows(outer, each))).toEqual([])
      }),
      { numRuns: 3_000 },
    )
    // Or it would have looked at nothing.
    expect(seen.contained).toBeGreaterThan(50)
    expect(seen.allowed).toBeGreaterThan(500)
  })

  it('has no faults for a schema and itself, to watchers and publishers', () => {
    fc.assert(
      fc.property(schema, fc.constantFrom('watchers', 'publishers'), (same, side) => {
        expect(faults(same, structuredClone(same), side)).toEqual([])
      }),
      { numRuns: 1_000 },
    )
  })

  it('has no faults for a schema and one of its alternatives, or with anything', () => {
    fc.assert(
      fc.property(schema, schema, (one, other) => {
        expect(faults(one, { anyOf: [other, one] }, 'watchers')).toEqual([])
        expect(faults(one, {}, 'watchers')).toEqual([])
      }),
      { numRuns: 1_000 },
    )
  })

  it('has no faults for a schema and what is narrower by some further rules', () => {
    const rules = fc.record(
      {
        ...{ minimum: bound, exclusiveMaximum: bound, minLength: count, maxItems: count },
        ...{ required: fc.subarray([...NAMES]), properties: fc.constant({ a: { minimum: 1 } }) },
        ...{ prefixItems: fc.constant([{ maximum: 1 }]), items: fc.constant({ minLength: 1 }) },
      },
      optional,
    )
    fc.assert(
      fc.property(schema, rules, (one, further) => {
        expect(faults({ allOf: [one, further] }, one, 'watchers')).toEqual([])
        expect(faults({ allOf: [further, one] }, one, 'watchers')).toEqual([])
      }),
      { numRuns: 1_000 },
    )
  })
})
