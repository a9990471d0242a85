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
