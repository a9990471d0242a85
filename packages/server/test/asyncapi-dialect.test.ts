/** Schemas of 2020-12 in the dialect of AsyncAPI, which is of draft 7: ajv judges values by both. */
import type { JsonSchema } from '@watchpost/core'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { Dialect } from '../src/documents/asyncapi/dialect.ts'

const later = new Ajv2020({ strict: false, addUsedSchema: false })
const draft7 = new Ajv({ strict: false, addUsedSchema: false })

const string = { type: 'string' }
const number = { type: 'number' }

/** A schema, what it allows and what it refuses; what it refuses and draft 7 has no word for. */
type Row = readonly [
  what: string,
  schema: JsonSchema,
  allowed: readonly unknown[],
  refused: readonly unknown[],
  not?: readonly unknown[],
]

const ROWS: readonly Row[] = [
  ['elements by place', { prefixItems: [string, number] }, [[], ['a'], ['a', 1, null]], [[1], ['a', 'b']]],
  ['elements by place, and the rest', { prefixItems: [string], items: number }, [['a'], ['a', 1]], [['a', 'b']]],
  ['elements by place, and no others', { prefixItems: [string], items: false }, [[], ['a']], [['a', 'b']]],
  [
    'elements by place, further in',
    { properties: { p: { items: { prefixItems: [number] } } } },
    [{ p: [[1]] }],
    [{ p: [['a']] }],
  ],
  ['members that need others', { dependentRequired: { a: ['b'] } }, [{}, { b: 1 }, { a: 1, b: 1 }], [{ a: 1 }]],
  ['members that need schemas', { dependentSchemas: { a: { required: ['b'] } } }, [{}, { a: 1, b: 1 }], [{ a: 1 }]],
  [
    'members that need both',
    { dependentRequired: { a: ['b'] }, dependentSchemas: { a: { required: ['c'] } } },
    [{}, { a: 1, b: 1, c: 1 }],
    [
      { a: 1, b: 1 },
      { a: 1, c: 1 },
    ],
  ],
  [
    'a reference and more beside it',
    { $ref: '#/definitions/s', minLength: 2, definitions: { s: string } },
    ['ab'],
    [1, 'a'],
  ],
  [
    'a reference and all of others',
    { $ref: '#/definitions/s', allOf: [{ minLength: 2 }], definitions: { s: string } },
    ['ab'],
    [1, 'a'],
  ],
  ['some of them', { contains: string, minContains: 0 }, [[], [1], ['a']], []],
  ['at most one', { contains: string, maxContains: 1 }, [['a'], ['a', 1]], [[1]], [['a', 'b']]],
  [
    'no members beside',
    { allOf: [{ properties: { a: true } }], unevaluatedProperties: false },
    [{ a: 1 }],
    [],
    [{ b: 1 }],
  ],
  [
    'members that are named as keywords',
    { properties: { prefixItems: string, $ref: number } },
    [{ prefixItems: 'a', $ref: 1 }],
    [{ prefixItems: 1 }, { $ref: 'a' }],
  ],
  [
    'values that look like schemas',
    { enum: [{ prefixItems: [1] }], examples: [{ $schema: 'x' }] },
    [{ prefixItems: [1] }],
    [{}, { items: [1] }],
  ],
  [
    'choices and conditions',
    { anyOf: [{ prefixItems: [string] }, number], not: { const: 2 }, if: string, else: { minimum: 1 } },
    [1, ['a']],
    [0, 2, [1]],
  ],
  [
    'one of several that differ in what else they allow',
    {
      oneOf: [
        { required: ['a'], properties: { a: string }, unevaluatedProperties: false },
        { required: ['a', 'b'], properties: { a: string, b: string }, unevaluatedProperties: false },
      ],
      anyOf: [{ type: 'object' }],
    },
    [{ a: 'x' }, { a: 'x', b: 'y' }],
    [{ a: 1 }, 1],
    [{ a: 'x', c: 'y' }],
  ],
  ['one of several, word for word', { oneOf: [string, { const: 'a' }, number] }, ['b', 1], ['a', true]],
  ['not too many', { not: { contains: { const: 1 }, minContains: 2 } }, [[1], []], [], [[1, 1]]],
  [
    'not what is beside',
    { not: { items: { properties: {}, unevaluatedProperties: false } } },
    [[{ a: 1 }]],
    [],
    [[{}]],
  ],
  [
    'a condition of what is beside',
    {
      if: { properties: { k: true }, unevaluatedProperties: false },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: { required: ['k'] },
      else: { minProperties: 2 },
    },
    [{ k: 1 }, { a: 1, b: 1 }],
    [],
    [{}, { a: 1 }],
  ],
]

/** Without members that may be absent. */
const whole = ROWS.map(
  ([what, schema, allowed, refused, not = []]) => [what, schema, { allowed, refused, not }] as const,
)

describe('the dialect of AsyncAPI', () => {
  it.each(whole)('says the same, or allows more: %s', (_what, schema, { allowed, refused, not }) => {
    const [before, after] = [later.compile(schema), draft7.compile(new Dialect().inDraft7(schema))]
    const all = [...allowed, ...refused, ...not]
    expect(all.map((value) => [value, before(value)])).toEqual(all.map((value) => [value, allowed.includes(value)]))
    expect(all.map((value) => [value, after(value)])).toEqual(all.map((value) => [value, !refused.includes(value)]))
  })

  it('and in what is referred to, be it in a circle', () => {
    const to = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` })
    const schemas = {
      Loose: { properties: { next: to('Circle') }, maxProperties: 1 },
      Circle: { properties: { back: to('Loose') }, unevaluatedProperties: false },
      Plain: { required: ['b'] },
    }
    const dialect = new Dialect(schemas)
    expect(dialect.inDraft7({ not: to('Loose') })).toEqual({})
    expect(dialect.inDraft7({ not: to('Plain') })).toEqual({ not: to('Plain') })
    expect(dialect.inDraft7({ oneOf: [to('Plain'), to('Loose')] })).toEqual({ anyOf: [to('Plain'), to('Loose')] })
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    expect(dialect.inDraft7({ if: to('Circle'), then: to('Plain') })).toEqual({})
  })
})
