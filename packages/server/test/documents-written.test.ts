/** Documents as texts: that readers of JSON and YAML find in them what was written, and can read them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { jsonOf } from '../src/documents/json.ts'
import { type Making, Members, membersOf, whole } from '../src/documents/members.ts'
import { yamlOf } from '../src/documents/yaml.ts'

type Plain = Readonly<Record<string, unknown>>

/** The same object with the members of its members made one by one too, and pauses between them. */
function* making(object: Plain, depth = 0): Making {
  for (const [name, value] of Object.entries(object)) {
    yield undefined
    const isNested = depth < 2 && typeof value === 'object' && value !== null && !Array.isArray(value)
    yield [name, isNested ? new Members(making(value as Plain, depth + 1)) : value]
  }
}

/** As each document does, it begins with a name, since a byte order mark before all else is none of the text. */
const yaml = (object: Plain): string => [...yamlOf(making({ openapi: '3.1.1', ...object }))].join('')
const parseYaml = (written: string, options = {}): Plain => {
  const { openapi: _first, ...object } = parse(written, options) as Plain
  return object
}
const json = (object: Plain): string => [...jsonOf(making(object))].join('')

/** What looks like something else to YAML of one version or another, or is lost by careless writers. */
const ODD = [
  ...[
    '',
    ' ',
    'null',
    'No',
    'y',
    '~',
    '1',
    '0x1f',
    '1e3',
    '12:30',
    '2026-01-01',
    '.5',
    '-',
    '- a',
    '? a',
    'a: b',
    'a:',
  ],
  ...[
    'a #b',
    '#a',
    '&a',
    '*a',
    '!a',
    '|',
    '>',
    '%a',
    '@a',
    '`a',
    '[a]',
    '{a}',
    "'a'",
    '"a"',
    ',a',
    'a ',
    ' a',
    '<<',
    '=',
  ],
  ...[
    '---',
    '...',
    'a\nb',
    'a\n\nb',
    'a\n',
    '\na',
    'a \nb',
    'a\n b',
    '# a\n- b: c',
    'a\tb',
    'a\r\nb',
    '\u0085',
    '\u2028',
  ],
  ...[
    '\ufeff',
    'a\u2028\nb',
    'é',
    'é\nè',
    '😀',
    '😀\n',
    '\ud800',
    '\u007f',
    'a\u0000',
    '://',
    'http://[::1]:80',
    '__proto__',
  ],
]
const text = fc.oneof(
  fc.constantFrom(...ODD),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...Array.from(': #-\n"\'a1[{,&*!|>%@`~')) }),
)
const { value: anything } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    ...[text, fc.integer(), fc.boolean(), fc.constant(null)],
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
}))
const objects = fc.dictionary(text, anything, { maxKeys: 5 }) as fc.Arbitrary<Plain>

/** As JSON has it: without prototypes, and `__proto__` a member as any other. */
const plainly = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('a document that is written piece by piece', () => {
  it('is the JSON that it would be at once', () => {
    fc.assert(
      fc.property(objects, (object) => {
        expect(json(object)).toBe(JSON.stringify(object))
      }),
    )
    expect([json({}), json({ a: {}, b: [] })]).toEqual(['{}', '{"a":{},"b":[]}'])
  })

  it('is what was written to readers of YAML 1.2, and to those of 1.1', () => {
    fc.assert(
      fc.property(objects, (object) => {
        const written = yaml(object)
        expect(JSON.stringify(parseYaml(written))).toEqual(JSON.stringify(plainly(object)))
        expect(JSON.stringify(parseYaml(written, { version: '1.1' }))).toEqual(JSON.stringify(plainly(object)))
      }),
      { numRuns: 500 },
    )
  })

  it('has every odd text as key, member, element, and in an object of an array', () => {
    for (const odd of ODD) {
      const object = { [odd]: odd, list: [odd, [odd], { [odd]: odd, next: odd }], nested: { [odd]: { [odd]: [odd] } } }
      expect([odd, parseYaml(yaml(object))]).toEqual([odd, plainly(object)])
    }
    const long = 'k'.repeat(2_000)
    const object = { [long]: 1, list: [{ [long]: { [long]: [1] } }, [[], {}]], none: {}, empty: [] }
    expect(parseYaml(yaml(object))).toEqual(object)
  })

  it('passes over what is undefined, as JSON does', () => {
    const object = { a: { b: undefined, c: 1 }, d: [{ e: undefined }] }
    expect(parseYaml(yaml(object))).toEqual({ a: { c: 1 }, d: [{}] })
    expect(json(object)).toBe(JSON.stringify(object))
  })

  it('is easy to read as YAML', () => {
    const object = {
      paths: {
        '/v1/topics/chat/{room}': {
          description: 'The request says how:\n\n- **Page**: at once.\n- “Long poll”',
          $ref: '#/components/x',
          tags: ['chat/{room}', 'All topics'],
          parameters: [{ name: 'after', in: 'query', required: true, schema: { maximum: 10 } }, {}],
        },
      },
      url: 'http://localhost:8080/live',
    }
    expect(yaml(object)).toBe(`openapi: 3.1.1
paths:
  /v1/topics/chat/{room}:
    description: |-
      The request says how:

      - **Page**: at once.
      - “Long poll”
    $ref: "#/components/x"
    tags:
      - chat/{room}
      - All topics
    parameters:
      - name: after
        in: query
        required: true
        schema:
          maximum: 10
      - {}
url: http://localhost:8080/live
`)
  })

  it('can be had as a whole', () => {
    fc.assert(
      fc.property(objects, (object) => {
        expect(JSON.stringify(whole(making(object)))).toBe(JSON.stringify(object))
      }),
    )
    expect(whole(membersOf({ a: { b: 1 } }))).toEqual({ a: { b: 1 } })
  })
})
