/** What `watchpost docs diff` says of schemas, against values that ajv judges: no change that breaks may pass for harmless. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { containmentFaults } from '../src/documents/diff/containment.ts'
import type { Side } from '../src/documents/diff/faults.ts'

type Node = Readonly<Record<string, unknown>>

const NAMES = ['a', 'b', 'c'] as const
const optional = { requiredKeys: [] }
const small = fc.integer({ min: -1, max: 3 })
const count = fc.integer({ min: 0, max: 2 })
const literal = fc.constantFrom<unknown>(null, true, false, 0, 1, 2, 1.5, '', 'x', 'xy', 'ab', [], {}, [1], { a: 1 })
const type = fc.constantFrom<unknown>(
  ...['null', 'boolean', 'object', 'array', 'string', 'number', 'integer', 'object'],
  ...[
    ['string', 'null'],
    ['integer', 'array'],
  ],
)
const pattern = fc.constantFrom('^a', '^x', 'b$')
const reference = fc.constantFrom({ $ref: '#/$defs/one' }, { $ref: '#/$defs/other' })

/** Some of what a schema can say, with schemas in it out of `part`. */
const saying = (part: fc.Arbitrary<unknown>): fc.Arbitrary<Node> => {
  const record = (of: Record<string, fc.Arbitrary<unknown>>) => fc.record(of, optional) as fc.Arbitrary<Node>
  const list = fc.array(part, { minLength: 1, maxLength: 3 })
  const alone = (name: string, of: fc.Arbitrary<unknown>): fc.Arbitrary<Node> => of.map((value) => ({ [name]: value }))
  const byName = fc.dictionary(fc.constantFrom(...NAMES), part, { maxKeys: 2, noNullPrototype: true })
  return fc.oneof(
    alone('type', type),
    record({ minimum: small, maximum: small, multipleOf: fc.constantFrom(1, 2, 4, 0.5) }),
    record({ exclusiveMinimum: small, exclusiveMaximum: small }),
    record({ minLength: count, maxLength: count, pattern }),
    record({ minItems: count, maxItems: count, uniqueItems: fc.boolean() }),
    record({ minProperties: count, maxProperties: count }),
    alone('enum', fc.uniqueArray(literal, { minLength: 1, maxLength: 4, comparator: 'SameValue' })),
    alone('const', literal),
    record({ properties: byName, required: fc.subarray([...NAMES]), additionalProperties: part }),
    record({
      properties: byName,
      patternProperties: fc.dictionary(pattern, part, { maxKeys: 1, noNullPrototype: true }),
    }),
    record({ properties: byName, unevaluatedProperties: part, allOf: list }),
    record({ prefixItems: list, items: part }),
    record({ contains: part, minContains: count, maxContains: count }),
    alone('anyOf', list),
    alone('oneOf', list),
    alone('allOf', list),
    alone('not', part),
    record(Object.fromEntries(['if', 'then', 'else'].map((name) => [name, part]))),
    record({ propertyNames: alone('pattern', pattern), dependentRequired: fc.constant({ a: ['b'] }) }),
    alone('dependentSchemas', byName),
    reference,
  )
}

const { part } = fc.letrec<{ part: unknown }>((tie) => ({
  part: fc.oneof({ maxDepth: 3, withCrossShrink: true }, fc.boolean(), saying(fc.boolean()), saying(tie('part')), {
    arbitrary: fc.tuple(saying(tie('part')), saying(tie('part'))).map(([some, more]) => ({ ...some, ...more })),
    weight: 2,
  }),
}))

/** Whole schemas; what references lead to may refer to itself. */
const schema = fc
  .record({ own: saying(part), more: saying(part), one: saying(part), other: saying(part) })
  .map(({ own, more, one, other }): Node => ({ ...own, ...more, $defs: { one: safe(one), other: safe(other) } }))

/** A definition that is not made of itself, though its parts may be: no validator ends with one that is. */
function safe({ $ref: _ref, allOf: _all, anyOf: _any, oneOf: _one, not: _not, if: _if, ...rest }: Node): Node {
  const { dependentSchemas: _dependent, ...kept } = rest
  return kept
}

const BY_NAME = ['properties', 'patternProperties', 'dependentSchemas', '$defs'] as const
const ONE = ['items', 'contains', 'additionalProperties', 'unevaluatedProperties', 'not', 'if', 'then', 'else'] as const
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'] as const

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null

/** The same schema with each of its parts, and itself, changed. */
function mapped(of: unknown, change: (node: Node, depth: number) => Node, depth = 0): unknown {
  if (!isNode(of)) return of
  const node: Record<string, unknown> = { ...of }
  const inside = (value: unknown): unknown => mapped(value, change, depth + 1)
  for (const name of ONE) if (name in node) node[name] = inside(node[name])
  for (const name of LISTS) if (name in node) node[name] = (node[name] as readonly unknown[]).map(inside)
  for (const name of BY_NAME) {
    if (name in node) {
      node[name] = Object.fromEntries(Object.entries(node[name] as Node).map(([key, value]) => [key, inside(value)]))
    }
  }
  return change(node, depth)
}

/** One change: at one of its parts, keywords are put in place of others, or one is gone. */
const change = fc.record({ at: fc.nat(30), more: saying(part), gone: fc.nat(6) })

function changed(
  of: Node,
  { at, more, gone }: { readonly at: number; readonly more: Node; readonly gone: number },
): Node {
  let parts = 0
  mapped(of, (node) => {
    parts++
    return node
  })
  let place = 0
  return mapped(of, (node, depth) => {
    if (place++ !== at % parts) return node
    const { $ref: _ref, ...rest } = more
    const names = Object.keys(node).filter((name) => name !== '$defs')
    const { [names[gone] ?? '']: _gone, ...left } = node
    return gone < names.length ? left : { ...node, ...(depth === 0 ? more : safe(rest)) }
  }) as Node
}

/** A change of a schema, small or great. */
const pair = fc
  .record({
    before: schema,
    after: schema,
    edits: fc.array(change, { minLength: 1, maxLength: 2 }),
    isGreat: fc.nat(3),
  })
  .map(({ before, after, edits, isGreat }) => ({
    before,
    after: isGreat === 0 ? after : edits.reduce(changed, before),
  }))

const FEW = [null, true, false, -1, 0, 0.5, 1, 1.5, 2, 3, 4, '', 'a', 'x', 'ab', 'xy', 'xb', 'xyz']
const FLAT = [0, 1, 'x', 'ab', null, {}, [], [1]]
/** Values of all types, small enough to be few. */
const VALUES: readonly unknown[] = [
  ...FEW,
  ...[
    [],
    ...FEW.map((one) => [one]),
    ...FLAT.flatMap((one) => FLAT.map((other) => [one, other])),
    [1, 1, 1],
    [1, 'x', null],
  ],
  ...[
    {},
    ...NAMES.flatMap((name) => FEW.map((one) => ({ [name]: one }))),
    { d: 1 },
    { ab: 1 },
    { xb: 'x' },
    { ab: 'x', a: 1 },
  ],
  ...FLAT.flatMap((a) =>
    FLAT.flatMap((b) => [
      { a, b },
      { b: a, c: b },
      { a, b, c: 1 },
    ]),
  ),
  ...FEW.flatMap((one) => [{ a: { a: one } }, { a: { b: one } }, { b: [one] }, [{ a: one }], { a: { a: { a: one } } }]),
]

/** Watchers pass over members that they do not know. */
const opened = (of: Node): Node =>
  mapped(of, (node) => {
    const { additionalProperties, unevaluatedProperties, ...rest } = node
    return {
      ...rest,
      ...(additionalProperties !== undefined && additionalProperties !== false && { additionalProperties }),
      ...(unevaluatedProperties !== undefined && unevaluatedProperties !== false && { unevaluatedProperties }),
    }
  }) as Node

/** What a publisher sends under a name that means nothing yet is its own affair: so here each name means something. */
function described(of: unknown, depth = 3): unknown {
  if (of === false || depth === 0) return of
  const node = isNode(of) ? of : {}
  const inside = (value: unknown): unknown => described(value, depth - 1)
  const each = (value: Node): Node =>
    Object.fromEntries(Object.entries(value).map(([name, one]) => [name, inside(one)]))
  const kept: Record<string, unknown> = { ...node }
  for (const name of LISTS)
    if (name in node) kept[name] = (node[name] as readonly unknown[]).map((one) => described(one, depth))
  for (const name of ['patternProperties', '$defs'] as const) if (name in node) kept[name] = each(node[name] as Node)
  kept['items'] = inside(node['items'] ?? true)
  if ((node['additionalProperties'] ?? true) === true) {
    const names = Object.fromEntries([...NAMES, 'd', 'ab', 'xb'].map((name) => [name, true]))
    kept['properties'] = each({ ...names, ...(node['properties'] as Node | undefined) })
  } else {
    kept['additionalProperties'] = inside(node['additionalProperties'])
    if ('properties' in node) kept['properties'] = each(node['properties'] as Node)
  }
  return kept
}

/** Unless it looks for all errors, it does not look into `contains` of an empty array that is to begin with something. */
const ajv = new Ajv2020({ strict: false, allErrors: true, addUsedSchema: false, logger: false })
const faults = (inner: Node, outer: Node, side: Side): readonly unknown[] =>
  containmentFaults({ schema: inner, root: inner }, { schema: outer, root: outer }, side)

/** How often a change that breaks nobody was looked at, and how many values it was tried with. */
interface Seen {
  harmless: number
  values: number
  /** Changes of which ajv has no opinion: it makes code that can't run of some uses of `unevaluatedProperties`. */
  unjudged: number
}

/** Values that the inner schema has and the outer one has not, though it is said that there are none. */
function missed(inner: Node, outer: Node, side: Side, seen: Seen): readonly unknown[] {
  if (faults(inner, outer, side).length > 0) return []
  const judgements = judged(inner, outer)
  if (judgements === undefined) {
    seen.unjudged++
    return []
  }
  const values = judgements.filter(({ isInner }) => isInner)
  seen.harmless++
  seen.values += values.length
  return values.filter(({ isOuter }) => !isOuter).map(({ value }) => value)
}

interface Judgement {
  readonly value: unknown
  readonly isInner: boolean
  readonly isOuter: boolean
}

function judged(inner: Node, outer: Node): readonly Judgement[] | undefined {
  try {
    const [isInner, isOuter] = [ajv.compile(inner), ajv.compile(outer)]
    return VALUES.map((value) => ({ value, isInner: isInner(value), isOuter: isOuter(value) }))
  } catch (error) {
    if (error instanceof ReferenceError || error instanceof TypeError) return undefined
    throw error
  }
}

/** By hand, more pairs and other ones: DIFF_PAIRS=5000 DIFF_SEED=1. */
const pairs = Number(process.env['DIFF_PAIRS'] ?? 300)
const seed = Number(process.env['DIFF_SEED'] ?? 20_261_122)

describe(`changes of schemas, ${pairs} with the seed ${seed}`, () => {
  it.each<Side>(['watchers', 'publishers'])(
    'are told to break %s if a value shows it',
    (side) => {
      const seen: Seen = { harmless: 0, values: 0, unjudged: 0 }
      fc.assert(
        fc.property(pair, ({ before, after }) => {
          const [inner, outer] = side === 'watchers' ? [after, opened(before)] : [described(before) as Node, after]
          expect(missed(inner, outer, side, seen)).toEqual([])
        }),
        { numRuns: pairs, seed },
      )
      console.log(
        `${side}: ${seen.harmless} of ${pairs} changes break nobody; tried with ${seen.values} values, ${seen.unjudged} not tried`,
      )
      // Or it would have looked at nothing.
      expect(seen.harmless).toBeGreaterThan(pairs / 20)
      expect(seen.values).toBeGreaterThan(pairs * 2)
      expect(seen.unjudged).toBeLessThan(pairs / 20)
    },
    120_000,
  )
})
