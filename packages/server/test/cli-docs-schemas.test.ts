/** What `watchpost docs diff` says of the schemas of events, rule by rule, for both kinds of documents. */
import type { JsonSchema, Schema } from '@watchpost/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { KINDS, price, type Topics, told } from './cli-docs-told.ts'

const member = (schema: object): Topics => price({ type: 'object', required: ['v'], properties: { v: schema } })
const PRICE = 'Topic "stocks", event type "price": /data'
const string = { type: 'string' }
const DEPENDING = { dependentSchemas: { a: { properties: { b: true } } } }

/** Of what stands at `/data/v`, which is always there. */
const VALUE_RULES: readonly (readonly [what: string, before: object, after: object, told: readonly string[]])[] = [
  [
    'another type',
    string,
    { type: 'number' },
    ['watchers: can be a number now, and was a string', 'publishers: must be a number now, and could be a string'],
  ],
  ['a wider type', { type: 'integer' }, { type: 'number' }, ['watchers: can be a number now, and was a whole number']],
  [
    'a narrower type',
    { type: 'number' },
    { type: 'integer' },
    ['publishers: must be a whole number now, and could be a number'],
  ],
  ['null beside it', string, { type: ['string', 'null'] }, ['watchers: can be null now, and was a string']],
  [
    'null beside it, as a choice',
    string,
    { anyOf: [string, { type: 'null' }] },
    ['watchers: can be null now, and was a string'],
  ],
  [
    'one choice less',
    { oneOf: [string, { type: 'null' }] },
    string,
    ['publishers: must be a string now, and could be null'],
  ],
  ['another value', { enum: ['a', 'b'] }, { enum: ['a', 'b', 'c'] }, ['watchers: can be "c" now, and was "a" or "b"']],
  [
    'a value less',
    { enum: ['a', 'b', 'c'] },
    { enum: ['a', 'b'] },
    ['publishers: must be "a" or "b" now, and could be "c"'],
  ],
  ['values that were open', string, { const: 'a' }, ['publishers: must be "a" now, and could be any string']],
  ['values that are open now', { const: 'a' }, string, ['watchers: can be any string now, and was "a"']],
  [
    'a value that the bounds allow',
    { minimum: 1, type: 'integer' },
    { const: 7 },
    ['publishers: must be 7 now, and could be any whole number'],
  ],
  [
    'a higher maximum',
    { type: 'number', maximum: 1 },
    { type: 'number', maximum: 2 },
    ['watchers: has `maximum` 2 now, and had `maximum` 1'],
  ],
  [
    'a lower maximum',
    { type: 'number', maximum: 2 },
    { type: 'number', maximum: 1 },
    ['publishers: must have `maximum` 1 now, and had `maximum` 2'],
  ],
  [
    'a bound that is gone',
    { ...string, maxLength: 5 },
    string,
    ['watchers: has no `maxLength` now, and had `maxLength` 5'],
  ],
  [
    'a bound that is new',
    string,
    { ...string, minLength: 1 },
    ['publishers: must have `minLength` 1 now, and had no `minLength`'],
  ],
  ['a bound that says nothing', string, { ...string, minLength: 0 }, []],
  [
    'a bound that is exclusive now',
    { type: 'number', minimum: 0 },
    { type: 'number', exclusiveMinimum: 0 },
    ['publishers: must have `exclusiveMinimum` 0 now, and had no `exclusiveMinimum`'],
  ],
  [
    'a bound that is tighter and exclusive',
    { type: 'number', exclusiveMinimum: 0 },
    { type: 'number', minimum: 1 },
    ['publishers: must have `minimum` 1 now, and had no `minimum`'],
  ],
  [
    'another pattern',
    { ...string, pattern: '^a$' },
    { ...string, pattern: '^b$' },
    [
      "watchers: may no longer keep to the `pattern` that it had, which can't be told from the schemas",
      "publishers: must keep to a `pattern` now that it may not have kept to, which can't be told from the schemas",
    ],
  ],
  [
    'a format that is gone',
    { ...string, format: 'date' },
    string,
    ['watchers: no longer keeps to the `format` that it had'],
  ],
  [
    'a rule that one of its values breaks',
    { enum: ['ab', 'a'] },
    { enum: ['ab', 'a'], minLength: 2 },
    ['publishers: must have `minLength` 2 now, and had no `minLength`'],
  ],
  ['a rule that its value keeps', { const: 'ab' }, { const: 'ab', pattern: '^a' }, []],
  [
    'a rule that its value breaks',
    { const: 'b' },
    { const: 'b', pattern: '^a' },
    ['publishers: must keep to a `pattern` now that it did not have'],
  ],
  ['both values of its type', { type: 'boolean' }, { enum: [true, false] }, []],
  ['the one value of its type', { type: 'null' }, { const: null }, []],
  [
    'multiples of more',
    { type: 'integer', multipleOf: 2 },
    { type: 'integer', multipleOf: 4 },
    ["publishers: must keep to a `multipleOf` now that it may not have kept to, which can't be told from the schemas"],
  ],
  [
    'a bound of whole numbers in other words',
    { type: 'integer', minimum: 0 },
    { type: 'integer', exclusiveMinimum: -1 },
    [],
  ],
  [
    'a range in two parts',
    { type: 'number', minimum: 0, maximum: 10 },
    {
      anyOf: [
        { type: 'number', minimum: 0, maximum: 5 },
        { type: 'number', minimum: 5, maximum: 10 },
      ],
    },
    [],
  ],
  [
    'a range with a gap',
    { type: 'number', minimum: 0, maximum: 10 },
    {
      anyOf: [
        { type: 'number', minimum: 0, maximum: 4 },
        { type: 'number', minimum: 5, maximum: 10 },
      ],
    },
    ['publishers: must have `maximum` 4 now, and had `maximum` 10'],
  ],
  [
    'one of two that have values in common',
    { anyOf: [{ type: 'number' }, { type: 'number', minimum: 5 }] },
    { oneOf: [{ type: 'number' }, { type: 'number', minimum: 5 }] },
    ["publishers: must keep to a `oneOf` now that it may not have kept to, which can't be told from the schemas"],
  ],
  ['one of two that have none', { anyOf: [string, { type: 'null' }] }, { oneOf: [string, { type: 'null' }] }, []],
  ['what says nothing', { type: 'array' }, { type: 'array', uniqueItems: false }, []],
  [
    'a number of elements that is told otherwise',
    { type: 'array', prefixItems: [string], items: false, maxItems: 1 },
    { type: 'array', prefixItems: [string], items: false },
    [],
  ],
  [
    'other words about it',
    { ...string, title: 'A', description: 'a' },
    { ...string, examples: ['b'], $comment: 'c' },
    [],
  ],
  ['the same in other words', { allOf: [{ type: 'number' }, { minimum: 1 }] }, { type: 'number', minimum: 1 }, []],
  [
    'anything',
    string,
    {},
    ['null', 'true or false', 'an object', 'an array', 'a number'].map(
      (type) => `watchers: can be ${type} now, and was a string`,
    ),
  ],
]

/** Of members of `/data`. */
const open = (properties: object, required: readonly string[] = []): JsonSchema => ({
  type: 'object',
  properties,
  required,
})
const closed = (properties: object): JsonSchema => ({ ...open(properties), additionalProperties: false })
/** Each node has two more. */
const tree = (v: object): JsonSchema => {
  const $ref = { $ref: '#/$defs/node' }
  return { ...$ref, $defs: { node: open({ left: $ref, right: $ref, v }) } }
}
/** A member whose schema refers to another one under a keyword. */
const referring = (keyword: string, name: string, to: object): JsonSchema => {
  const conditions = Object.fromEntries(['then'].map((each) => [each, string]))
  const a = { [keyword]: { $ref: `#/$defs/${name}` }, ...(keyword === 'if' && conditions) }
  const type = { contains: 'array', propertyNames: 'object' }[keyword]
  return { ...open({ a: { ...(type !== undefined && { type }), ...a } }), $defs: { [name]: to } }
}
const MEMBER_RULES: readonly (readonly [what: string, before: Schema, after: Schema, told: readonly string[]])[] = [
  [
    'one that need not be given any more',
    open({ a: string }, ['a']),
    open({ a: string }),
    [`watchers: ${PRICE}/a may be missing now, and was always there.`],
  ],
  [
    'one that must be given',
    open({ a: string }),
    open({ a: string }, ['a']),
    [`publishers: ${PRICE}/a must be given now, and could be left out.`],
  ],
  ['a new one', open({}), open({ a: string }), []],
  [
    'a new one that must be given',
    open({}),
    open({ a: string }, ['a']),
    [`publishers: ${PRICE}/a must be given now, and could be left out.`],
  ],
  [
    'one that is gone',
    open({ a: string }),
    open({}),
    [`watchers: ${PRICE}/a is no longer described: it may be missing, or anything.`],
  ],
  [
    'one that is gone for good',
    closed({ a: string, b: string }),
    closed({ b: string }),
    [`publishers: ${PRICE}/a is refused now, and was taken.`],
  ],
  [
    'no others any more',
    open({ a: string }),
    closed({ a: string }),
    [`publishers: ${PRICE} takes no members now beside those that are named.`],
  ],
  [
    'one that nothing may be called any more',
    open({ a: string }),
    open({ a: string, b: false, c: { not: {} } }),
    [`publishers: ${PRICE}/b is refused now, and was taken.`, `publishers: ${PRICE}/c is refused now, and was taken.`],
  ],
  ['one that was never taken, said by name', closed({ a: string }), closed({ a: string, b: false }), []],
  ['others', closed({ a: string }), open({ a: string }), []],
  [
    'others of another type',
    { type: 'object', additionalProperties: string },
    { type: 'object', additionalProperties: { type: 'integer' } },
    [
      `watchers: ${PRICE}/* can be a whole number now, and was a string.`,
      `publishers: ${PRICE}/* must be a whole number now, and could be a string.`,
    ],
  ],
  [
    'elements',
    open({ a: { type: 'array', items: string } }),
    open({ a: { type: 'array', items: { type: 'null' } } }),
    [
      `watchers: ${PRICE}/a/* can be null now, and was a string.`,
      `publishers: ${PRICE}/a/* must be null now, and could be a string.`,
    ],
  ],
  [
    'elements by their places',
    open({ a: { type: 'array', prefixItems: [string], items: false } }),
    open({ a: { type: 'array', prefixItems: [{ enum: ['x'] }], items: false } }),
    [`publishers: ${PRICE}/a/0 must be "x" now, and could be any string.`],
  ],
  [
    'a member of a member',
    open({ a: open({ b: string }, ['b']) }),
    open({ a: open({ b: string }) }),
    [`watchers: ${PRICE}/a/b may be missing now, and was always there.`],
  ],
  [
    'a name that JSON Pointers escape',
    open({ 'a/b': string }),
    open({ 'a/b': {} }, []),
    ['null', 'true or false', 'an object', 'an array', 'a number'].map(
      (type) => `watchers: ${PRICE}/a~1b can be ${type} now, and was a string.`,
    ),
  ],
  [
    'as many as must be given anyway',
    open({ a: string }, ['a']),
    { ...open({ a: string }, ['a']), minProperties: 1 },
    [],
  ],
  ...(['not', 'contains', 'propertyNames', 'if'] as const).map((keyword): (typeof MEMBER_RULES)[number] => [
    `what ${keyword} refers to`,
    referring(keyword, 'X', { const: 'x' }),
    referring(keyword, 'X', { const: 'y' }),
    [
      `watchers: ${PRICE}/a may no longer keep to the \`${keyword}\` that it had, which can't be told from the schemas.`,
      `publishers: ${PRICE}/a must keep to a \`${keyword}\` now that it may not have kept to, which can't be told from the schemas.`,
    ],
  ]),
  ['the name of what is referred to', referring('not', 'X', string), referring('not', 'Y', string), []],
  [
    'what a pattern refers to',
    { type: 'object', patternProperties: { '^a': { $ref: '#/$defs/X' } }, $defs: { X: string } },
    { type: 'object', patternProperties: { '^a': { $ref: '#/$defs/X' } }, $defs: { X: { type: 'null' } } },
    [
      `watchers: ${PRICE}/* can be null now, and was a string.`,
      `publishers: ${PRICE}/* must be null now, and could be a string.`,
    ],
  ],
  [
    'those of a tree, all the way down',
    tree(string),
    tree({ type: 'null' }),
    [
      `watchers: ${PRICE}/v can be null now, and was a string.`,
      `publishers: ${PRICE}/v must be null now, and could be a string.`,
    ],
  ],
  [
    'a schema that contains itself',
    { $ref: '#/$defs/node', $defs: { node: open({ child: { $ref: '#/$defs/node' }, v: { type: 'integer' } }) } },
    { $ref: '#/$defs/node', $defs: { node: open({ child: { $ref: '#/$defs/node' }, v: { type: 'integer' } }) } },
    [],
  ],
  [
    'a library that writes the same otherwise',
    open({ a: string, b: { type: 'boolean' } }, ['a']),
    z.object({ a: z.string(), b: z.boolean().optional() }),
    [],
  ],
]

/** Of members, in words that AsyncAPI's dialect of schemas does not have. */
const NEWER_RULES: typeof MEMBER_RULES = [
  [
    'others than those that depend on one, beside a divisor, which says nothing of them',
    { ...DEPENDING, unevaluatedProperties: string, multipleOf: 2 },
    { ...DEPENDING, unevaluatedProperties: { type: 'null' }, multipleOf: 2 },
    [
      `watchers: ${PRICE} may no longer keep to the \`unevaluatedProperties\` that it had, which can't be told from the schemas.`,
      `publishers: ${PRICE} must keep to a \`unevaluatedProperties\` now that it may not have kept to, which can't be told from the schemas.`,
    ],
  ],
]

describe.each(KINDS)('%s', (_kind, make) => {
  it.each(VALUE_RULES)('tells of a value: %s', (_what, before, after, expected) => {
    const sentences = expected.map((text) => text.replace(': ', `: ${PRICE}/v `).concat('.'))
    expect(told(make, member(before), member(after))).toEqual(sentences)
  })

  it.each(MEMBER_RULES)('tells of members: %s', (_what, before, after, expected) => {
    expect(told(make, price(before), price(after))).toEqual(expected)
  })
})

describe.each(KINDS.filter(([kind]) => kind !== 'AsyncAPI'))('%s', (_kind, make) => {
  it.each(NEWER_RULES)('tells of members: %s', (_what, before, after, expected) => {
    expect(told(make, price(before), price(after))).toEqual(expected)
  })
})
