import type { Json } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { compileSchema, type DataFault, type JsonSchema, type Schema, type StandardSchema } from '../src/schema.ts'

const faultsOf = (schema: Schema, data: Json): readonly DataFault[] => compileSchema(schema).faults(data)

describe('plain JSON Schema [WP-6.2]', () => {
  const price: JsonSchema = {
    type: 'object',
    required: ['symbol', 'price'],
    additionalProperties: false,
    properties: {
      symbol: { enum: ['A', 'B'] },
      price: { type: 'number' },
      at: { type: 'string', format: 'date-time' },
    },
  }

  it.each<[Json, readonly DataFault[]]>([
    [{ symbol: 'A', price: 1 }, []],
    [
      { symbol: 'C', price: 'x' },
      [
        { path: '/symbol', message: 'must be equal to one of the allowed values: ["A","B"]' },
        { path: '/price', message: 'must be number' },
      ],
    ],
    [{ symbol: 'A' }, [{ path: '', message: "must have required property 'price'" }]],
    [{ symbol: 'A', price: 1, 'a/b': 2 }, [{ path: '', message: 'must NOT have additional properties: "a/b"' }]],
    [{ symbol: 'A', price: 1, at: 'noon' }, [{ path: '/at', message: 'must match format "date-time"' }]],
    ['text', [{ path: '', message: 'must be object' }]],
  ])('finds in %j: %j', (data, faults) => {
    expect(faultsOf(price, data)).toEqual(faults)
  })

  it.each<[string, JsonSchema]>([
    ['a keyword', { type: 'object', propertys: {} }],
    ['a type', { type: 'strin' }],
    ['a format', { type: 'string', format: 'date-tiem' }],
    ['a reference', { $ref: '#/$defs/none' }],
    ['a bound', { type: 'number', minimum: '1' }],
    ['a pattern', { type: 'string', pattern: '(' }],
    ['a keyword deep down', { properties: { a: { items: { maximun: 3 } } } }],
  ])('with a mistake in %s is an error at start', (_what, schema) => {
    expect(() => compileSchema(schema)).toThrow(Error)
  })

  it('is published as it was written, and data is not changed by it', () => {
    const schema: JsonSchema = { type: 'object', properties: { n: { type: 'number', default: 3 } } }
    const compiled = compileSchema(schema)
    const data = {}
    expect(compiled.json).toBe(schema)
    expect([compiled.faults(data), data]).toEqual([[], {}])
  })

  it('may carry an $id, also when another topic, or another server of the process, has the same', () => {
    const schema = (): JsonSchema => ({
      $id: 'https://example.com/price',
      $defs: { price: { type: 'number' } },
      properties: { price: { $ref: '#/$defs/price' } },
    })
    expect([faultsOf(schema(), { price: 1 }), faultsOf(schema(), { price: 'x' })]).toEqual([
      [],
      [{ path: '/price', message: 'must be number' }],
    ])
  })
})

/** Of lists: `v` is a whole number, and `next` the rest of the list. */
const listOf = (rest: object, more: object = {}): JsonSchema => ({
  type: 'object',
  properties: { v: { type: 'integer' }, next: rest },
  ...more,
})

const ID = 'https://example.com/list.json'

describe('a schema that refers to itself [WP-6.2]', () => {
  it.each<[string, JsonSchema]>([
    ['"#"', listOf({ $ref: '#' })],
    ['an empty reference', listOf({ $ref: '' })],
    ['"#" within what it is chosen from', listOf({ anyOf: [{ type: 'null' }, { $ref: '#' }] })],
    ['its $id', listOf({ $ref: ID }, { $id: ID })],
    ['its $id, relative to itself', listOf({ $ref: 'list.json' }, { $id: ID })],
    ['a relative $id', listOf({ $ref: 'list.json' }, { $id: 'list.json' })],
    ['an $anchor', listOf({ $ref: '#list' }, { $anchor: 'list' })],
    ['an $anchor of an $id', listOf({ $ref: 'list.json#list' }, { $id: ID, $anchor: 'list' })],
    ['a $dynamicAnchor', listOf({ $dynamicRef: '#list' }, { $dynamicAnchor: 'list' })],
    ['a $dynamicAnchor by $ref', listOf({ $ref: '#list' }, { $dynamicAnchor: 'list' })],
    ['an $anchor by $dynamicRef', listOf({ $dynamicRef: '#list' }, { $anchor: 'list' })],
    ['an anchor of a definition', { $ref: '#l', $defs: { list: listOf({ $ref: '#l' }, { $anchor: 'l' }) } }],
    [
      'a dynamic anchor of a definition',
      { $dynamicRef: '#l', $defs: { list: listOf({ $dynamicRef: '#l' }, { $dynamicAnchor: 'l' }) } },
    ],
    ['"#" of a definition with an $id', { $ref: 'l', $defs: { list: listOf({ $ref: '#' }, { $id: 'l' }) } }],
    ['a name that URIs escape', { $ref: '#/$defs/a%20~1', $defs: { 'a /': listOf({ $ref: '#/$defs/a%20~1' }) } }],
  ])('by %s is applied at every depth', (_what, schema) => {
    expect(faultsOf(schema, { v: 1, next: { v: 2, next: { v: 3 } } })).toEqual([])
    expect(faultsOf(schema, { v: 1, next: { v: 2, next: { v: 'x' } } })).toContainEqual({
      path: '/next/next/v',
      message: 'must be integer',
    })
  })

  it('by a dynamic anchor means the outermost schema that has it', () => {
    const $defs = { list: listOf({ $dynamicRef: '#list' }, { $id: 'open.json', $dynamicAnchor: 'list' }) }
    const strict = { $id: ID, $dynamicAnchor: 'list', $ref: 'open.json', unevaluatedProperties: false, $defs }
    expect(faultsOf(strict, { v: 1, next: { v: 2 } })).toEqual([])
    expect(faultsOf(strict, { v: 1, next: { v: 2, w: 3 } }).map(({ path }) => path)).toContain('/next')
    expect(faultsOf($defs.list, { v: 1, next: { v: 2, w: 3 } })).toEqual([])
  })

  it('may have a reference of each kind in one place, and literals that look like references', () => {
    const schema = {
      ...{ $ref: '#/$defs/short', $dynamicRef: '#named', allOf: [{ minLength: 2 }] },
      $defs: { short: { maxLength: 3 }, named: { $dynamicAnchor: 'named', pattern: '^[a-z]*$' } },
    }
    const texts = ['abc', 'a', 'abcd', 'ABC']
    expect(texts.map((text) => faultsOf(schema, text).length)).toEqual([0, 1, 1, 1])
    expect(faultsOf({ const: { $ref: '#none', $id: 'x' } }, { $ref: '#none', $id: 'x' })).toEqual([])
  })

  it('is published as it was written, and known with JSON Pointers in place of its names', () => {
    const schema = listOf(
      { $ref: '#list' },
      { $schema: 'https://json-schema.org/draft/2020-12/schema', $anchor: 'list' },
    )
    const { json, flat } = compileSchema(schema)
    expect([json, flat]).toEqual([schema, listOf({ $ref: '#' })])
  })

  it('may refer to the dialect, which is known', () => {
    const dialect = { $ref: 'https://json-schema.org/draft/2020-12/schema' }
    expect([faultsOf(dialect, { type: 'null' }), faultsOf(dialect, { type: 'nil' }).length > 0]).toEqual([[], true])
  })

  it.each<[string, JsonSchema, string]>([
    ['an anchor that is not there', { $ref: '#none' }, '$ref "#none" leads nowhere in the schema'],
    ['a dynamic one', { $dynamicRef: '#none' }, '$dynamicRef "#none" leads nowhere in the schema'],
    ['a pointer', { items: { $ref: '#/$defs/none' } }, '$ref "#/$defs/none" leads nowhere in the schema'],
    ['another schema', { $ref: 'https://example.com/other' }, 'https://example.com/other'],
    ['itself at once', { $ref: '#' }, 'refers to itself without end'],
    ['itself by another', { allOf: [{ $ref: '#/$defs/a' }], $defs: { a: { $ref: '#' } } }, 'itself without end'],
    [
      'itself by parts of another',
      { $ref: '#/$defs/a', $defs: { a: { items: { $ref: '#/$defs/b' } }, b: { $ref: '#/$defs/a/items' } } },
      'itself without end',
    ],
    ['an anchor with a name that is none', listOf({}, { $anchor: '1 2' }), 'schema is invalid'],
    ['a dialect that is not known', { $schema: 'http://json-schema.org/draft-07/schema#' }, 'draft-07'],
    [
      'one of several by a dynamic anchor',
      {
        anyOf: [{ $ref: 'a' }, { $ref: 'b' }],
        $defs: Object.fromEntries(
          ['a', 'b'].map(($id) => [$id, listOf({ $dynamicRef: '#l' }, { $id, $dynamicAnchor: 'l' })]),
        ),
      },
      '$dynamicRef "#l" can mean each of 2 schemas; give the root the $dynamicAnchor "l", or use $ref',
    ],
  ])('is refused at start if it refers to %s', (_what, schema, message) => {
    expect(() => compileSchema(schema)).toThrow(message)
  })
})

/** What a schema library gives: JSON Schema for the shape, and a validation of its own. */
function library(
  validate: StandardSchema['~standard']['validate'],
  json: Record<string, unknown> = { type: 'object', properties: { n: { type: 'number' } } },
): StandardSchema {
  return {
    '~standard': { version: 1, vendor: 'test', validate, jsonSchema: { input: () => json, output: () => json } },
  }
}

describe('a Standard Schema [WP-6.2]', () => {
  it('is checked by its JSON Schema first, then by its own refinements', () => {
    const asked: unknown[] = []
    const schema = library((value) => {
      asked.push(value)
      return { issues: [{ message: 'is odd', path: ['a/b', { key: 0 }, '~'] }] }
    })
    expect(faultsOf(schema, { n: 'x' })).toEqual([{ path: '/n', message: 'must be number' }])
    expect(asked).toEqual([])
    expect(faultsOf(schema, { n: 1 })).toEqual([{ path: '/a~1b/0/~0', message: 'is odd' }])
    expect(asked).toEqual([{ n: 1 }])
  })

  it('has no faults when neither finds one; an issue without path is about all of the data', () => {
    expect(
      faultsOf(
        library((value) => ({ value })),
        { n: 1 },
      ),
    ).toEqual([])
    expect(
      faultsOf(
        library(() => ({ issues: [{ message: 'no' }] })),
        {},
      ),
    ).toEqual([{ path: '', message: 'no' }])
  })

  it('is documented by the JSON Schema 2020-12 of what is sent in', () => {
    const targets: string[] = []
    const schema = library((value) => ({ value }))
    const input = ({ target }: { target: string }): Record<string, unknown> => {
      targets.push(target)
      return { type: 'string' }
    }
    const compiled = compileSchema({
      '~standard': { ...schema['~standard'], jsonSchema: { input, output: () => ({}) } },
    })
    expect([compiled.json, targets]).toEqual([{ type: 'string' }, ['draft-2020-12']])
  })

  it('may have formats and keywords that only its library knows', () => {
    const schema = library((value) => ({ value }), { type: 'string', format: 'cuid2', 'x-note': true })
    expect([faultsOf(schema, 'abc'), faultsOf(schema, 1).length]).toEqual([[], 1])
  })

  it('may refer to itself, as libraries write it', () => {
    const schema = library((value) => ({ value }), listOf({ $ref: '#' }) as Record<string, unknown>)
    expect([faultsOf(schema, { next: { v: 1 } }), faultsOf(schema, { next: { v: 'x' } }).length]).toEqual([[], 1])
  })

  it('must answer at once', () => {
    const schema = library((value) => Promise.resolve({ value }))
    expect(() => faultsOf(schema, { n: 1 })).toThrow('validates asynchronously; use refinements that answer at once')
  })

  it('must come from a library that gives JSON Schema', () => {
    const old = { '~standard': { version: 1, vendor: 'old', validate: () => ({ value: 1 }) } }
    expect(() => compileSchema(old as unknown as Schema)).toThrow('Zod does from version 4.2 on')
  })

  it('may be a function, as some libraries have it', () => {
    const schema = Object.assign(
      () => true,
      library((value) => ({ value })),
    )
    expect(faultsOf(schema, { n: 'x' })).toEqual([{ path: '/n', message: 'must be number' }])
  })
})
