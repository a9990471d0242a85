/** Schemas of topic definitions as parts of a document, where what they refer to has another place. */
import { type JsonSchema, Registry } from '@watchpost/core'
import { describe, expect, it } from 'vitest'
import { embed } from '../src/documents/embed.ts'
import { Names } from '../src/documents/names.ts'

/** A schema as a topic definition has it once it is checked. */
function flat(schema: JsonSchema): JsonSchema {
  const found = new Registry({ t: { events: { e: schema } } }).topics[0]?.schemas.get('e')?.flat
  if (found === undefined) throw new Error('the definition has lost its schema')
  return found
}

function embedded(...schemas: readonly JsonSchema[]): Readonly<Record<string, JsonSchema>> {
  const names = new Names(['Event'])
  const all: Record<string, JsonSchema> = {}
  for (const [i, schema] of schemas.entries()) {
    embed(flat(schema), `s${i}`, names, (name, added) => {
      expect(all).not.toHaveProperty(name)
      all[name] = added
    })
  }
  return all
}

const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` })

describe('a schema in a document', () => {
  it('refers to itself where it is now', () => {
    const list = { type: 'object', properties: { next: { $ref: '#' }, name: { $ref: '#/properties/x~1y' }, 'x/y': {} } }
    expect(embedded(list)).toEqual({
      s0: { type: 'object', properties: { next: ref('s0'), name: ref('s0/properties/x~1y'), 'x/y': {} } },
    })
  })

  it('has its definitions as schemas of their own, and parts of these where they are', () => {
    const $defs = { A: { items: { $ref: '#/$defs/B' } }, B: { prefixItems: [{ $ref: '#/$defs/A/items' }] }, unused: {} }
    expect(embedded({ $ref: '#/$defs/A', $defs })).toEqual({
      s0: ref('A'),
      A: { items: ref('B') },
      B: { prefixItems: [ref('A/items')] },
    })
  })

  it('is found by what it calls itself and its parts', () => {
    const $defs = {
      A: { $id: 'a.json', $anchor: 'here', $defs: { C: { type: 'null' } }, properties: { c: { $ref: '#/$defs/C' } } },
      B: { $dynamicAnchor: 'node', $ref: 'a.json#here' },
    }
    const $id = 'https://example.com/s.json'
    const schema = { $id, $defs, anyOf: [{ $ref: 'a.json' }, { $dynamicRef: '#node' }, { $ref: `${$id}#/$defs/B` }] }
    expect(embedded(schema)).toEqual({
      s0: { anyOf: [ref('A'), ref('B'), ref('B')] },
      A: { $defs: { C: { type: 'null' } }, properties: { c: ref('A/$defs/C') } },
      B: ref('A'),
    })
  })

  it.each<[string, JsonSchema, JsonSchema]>([
    ['an anchor', { $anchor: 'me', items: { $ref: '#me' } }, { items: ref('s0') }],
    ['a dynamic anchor', { $dynamicAnchor: 'me', items: { $dynamicRef: '#me' } }, { items: ref('s0') }],
    [
      'an anchor of a part',
      { properties: { a: { $anchor: 'a' }, b: { $ref: '#a' } } },
      {
        properties: { a: {}, b: ref('s0/properties/a') },
      },
    ],
    ['its own URI', { $id: 'https://example.com/s', items: { $ref: 's#' } }, { items: ref('s0') }],
    [
      'a name that URIs escape',
      { properties: { 'é?': {}, b: { $ref: '#/properties/é%3F' } } },
      {
        properties: { 'é?': {}, b: ref('s0/properties/%C3%A9%3F') },
      },
    ],
  ])('refers to itself by %s', (_what, schema, expected) => {
    expect(embedded(schema)).toEqual({ s0: expected })
  })

  it('means the outermost schema by a dynamic anchor, also in its definitions', () => {
    const tree = { $id: 'tree', $dynamicAnchor: 'n', items: { $dynamicRef: '#n' } }
    const schema = { $dynamicAnchor: 'n', $ref: 'tree', maxItems: 2, $defs: { tree } }
    expect(embedded(schema)).toEqual({ s0: { ...ref('tree'), maxItems: 2 }, tree: { items: ref('s0') } })
  })

  it('keeps literals, names of members and what is elsewhere', () => {
    const schema = {
      const: { $ref: '#/$defs/A' },
      examples: [{ $id: 'x', $ref: '#' }],
      properties: { $ref: { type: 'string' }, $id: { const: 1 } },
      anyOf: [true, { $ref: 'https://json-schema.org/draft/2020-12/schema' }],
    }
    expect(embedded(schema)).toEqual({ s0: schema })
  })

  it('shares definitions that are the same, and has a name of its own where they are not', () => {
    const of = (Event: JsonSchema): JsonSchema => ({ $ref: '#/$defs/Event', $defs: { Event } })
    const text = { type: 'string' }
    expect(embedded(of(text), of({ type: 'null' }), { ...of(text), title: 'another' })).toEqual({
      s0: ref('Event_2'),
      s1: ref('Event_3'),
      s2: { ...ref('Event_2'), title: 'another' },
      Event_2: text,
      Event_3: { type: 'null' },
    })
    // The definition is the same text, but of something else.
    const outer = (type: string): JsonSchema => ({
      properties: { a: { type } },
      anyOf: [{ $ref: '#/$defs/A' }],
      $defs: { A: { $ref: '#/properties/a' } },
    })
    expect(Object.keys(embedded(outer('string'), outer('null')))).toEqual(['A', 's0', 'A_2', 's1'])
  })

  it('may have a definition of any name, also of one that objects have by themselves', () => {
    const $defs = JSON.parse('{"__proto__":{"type":"null"},"constructor":{"type":"string"}}') as object
    const schema = { anyOf: [{ $ref: '#/$defs/__proto__' }, { $ref: '#/$defs/constructor' }], $defs }
    expect(embedded(schema)).toEqual({
      s0: { anyOf: [ref('__proto___2'), ref('constructor')] },
      __proto___2: { type: 'null' },
      constructor: { type: 'string' },
    })
  })
})
