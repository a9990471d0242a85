/** What is masked from who asks is in none of the documents that it gets, and others are told of it [WP-6.5]. */
import { type JsonSchema, type Masked, maskedData } from '@watchpost/core'
import type { Json } from '@watchpost/protocol'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { type Topics, topic } from 'watchpost'
import { maskedSchema } from '../src/documents/masked.ts'
import { type AsyncApi, AsyncApiJudge } from './fixtures/asyncapi-judge.ts'
import { SECRET, sign } from './fixtures/auth.ts'
import { Contract, type OpenApi } from './fixtures/openapi-contract.ts'
import { expectClean } from './fixtures/openapi-linters.ts'
import { get, post, serverForAll, startServer } from './harness.ts'

const person = {
  type: 'object',
  required: ['id', 'ssn'],
  properties: {
    id: { type: 'string' },
    ssn: { type: 'string', examples: ['123-45-6789'] },
    contact: { $ref: '#/$defs/Contact' },
  },
  dependentRequired: { contact: ['ssn'], ssn: ['id'] },
  additionalProperties: false,
  examples: [{ id: 'ada', ssn: '123-45-6789', contact: { mail: 'ada@secret.example', city: 'Turin' } }],
  $defs: {
    Contact: {
      type: 'object',
      required: ['mail', 'city'],
      properties: { mail: { type: 'string' }, city: { type: 'string' } },
    },
  },
} as const

const MASK = ['/ssn', '/contact/mail']

const TOPICS: Topics = {
  people: topic({ events: { seen: person }, watch: 'anyone', publish: { scope: 'feed' }, mask: MASK }),
  staff: topic({
    events: { seen: person },
    watch: 'anyone',
    mask: ({ identity }) => (identity.scopes.has('all') ? [] : MASK),
  }),
  'team/{name}': topic({ events: { seen: person }, key: '/id', watch: 'anyone', mask: MASK }),
}

const SECRETS = /ssn|mail|123-45-6789|secret\.example/

describe('what is masked', () => {
  const server = serverForAll({ topics: TOPICS, auth: { jwt: { secret: SECRET } } })
  const by = async (scope: string): Promise<{ authorization: string }> => ({
    authorization: `Bearer ${await sign({ sub: scope, scope })}`,
  })
  const read = async (path: string, headers: object = {}): Promise<unknown> =>
    (await get(`${server.url}${path}`, { ...headers })).body

  it.each(['/openapi.json', '/openapi.json?version=3.2', '/asyncapi.json', '/v1/topics'])(
    'is in no schema and no example of %s, but for those who see it or may publish it [WP-6.5]',
    async (path) => {
      // Before and after others are told of it, so none gets what was made for another.
      const before = await read(path)
      const feed = JSON.stringify(await read(path, await by('feed')))
      const all = JSON.stringify(await read(path, await by('all')))
      expect(await read(path)).toEqual(before)
      expect(JSON.stringify(before)).not.toMatch(SECRETS)
      expect(JSON.stringify(before)).toMatch(/city/)
      for (const text of [feed, all]) expect(text).toMatch(/"ssn".*"mail"/s)
    },
  )

  it('is in what may be published and not in what is watched', async () => {
    const document = (await read('/openapi.json', await by('feed'))) as OpenApi
    const { get: watch, post: publish } = document.paths['/v1/topics/people'] as Record<string, object>
    expect(JSON.stringify(publish)).toContain('123-45-6789')
    expect(JSON.stringify(watch)).not.toMatch(SECRETS)
    expect(JSON.stringify(document.components['schemas']?.['people.seen.watched'])).not.toMatch(SECRETS)
    expect(JSON.stringify(document.components['schemas']?.['people.seen.data'])).toMatch(/ssn/)
    const asyncapi = (await read('/asyncapi.json', await by('feed'))) as AsyncApi
    expect(JSON.stringify(asyncapi.components.messages['people.seen'])).not.toMatch(SECRETS)
    expect(JSON.stringify(asyncapi.components.messages['people.seen.publish'])).toMatch(/ssn/)
  })

  it('leaves documents that others take for ones, and that tell what is sent', { timeout: 120_000 }, async () => {
    const documents = { '3.1': await read('/openapi.json'), '3.2': await read('/openapi.json?version=3.2') }
    await expectClean(documents as Record<'3.1' | '3.2', OpenApi>)
    const { events } = (await read('/openapi.json').then(async () => {
      await post(`${server.url}/v1/topics/people`, { type: 'seen', data: person.examples[0] }, await by('feed'))
      return read('/v1/topics/people')
    })) as { events: readonly { data: Json }[] }
    expect(events).toMatchObject([{ data: { id: 'ada', contact: { city: 'Turin' } } }])
    const contract = new Contract(documents['3.1'] as OpenApi)
    expect(contract.schemaFault({ $ref: '#/components/schemas/people.seen.data' }, events[0]?.data)).toBeUndefined()
    const judge = new AsyncApiJudge((await read('/asyncapi.json')) as AsyncApi)
    expect(judge.fitting(judge.messagesOf('people.websocket.watch'), events[0])).toEqual(['people.seen'])
    const examples = Object.entries(judge.document.components.messages).flatMap(([name, message]) =>
      (message.examples ?? []).map(({ payload }) => [name, judge.faults(name, payload)]),
    )
    expect(examples.filter(([, faults]) => faults?.length !== 0)).toEqual([])
  })

  it('is all of it where the rule fails, as of the events', async () => {
    const fails = (): never => {
      throw new Error('no answer')
    }
    const broken = topic({ events: { seen: person }, watch: 'anyone', mask: fails })
    const { url } = await startServer({ topics: { broken } })
    for (const path of ['/openapi.json', '/asyncapi.json', '/v1/topics']) {
      const text = JSON.stringify((await get(`${url}${path}`)).body)
      expect(text).not.toMatch(/ssn|mail|city|Turin/)
      expect(text).toMatch(/"type":"null"/)
    }
  })

  it('refuses versions of AsyncAPI that there are none of', async () => {
    const refused = await get(`${server.url}/asyncapi.json?version=2`)
    expect([refused.status, refused.body]).toMatchObject([
      400,
      { type: '/problems/invalid-parameter', detail: 'Parameter version: give 3.0, once.' },
    ])
    expect((await get(`${server.url}/asyncapi.json?version=3.0`)).body).toMatchObject({ asyncapi: '3.0.0' })
  })
})

/** A schema, what is masked, values that it allows, and what its masked twin is to hold no more. */
const ROWS: readonly (readonly [string, JsonSchema, readonly string[], readonly Json[]])[] = [
  ['all', { type: 'object', required: ['x'] }, [''], [{ x: 1 }]],
  [
    'a member in all places',
    { allOf: [{ required: ['x'] }, { properties: { x: { type: 'number' } } }] },
    ['/x'],
    [{ x: 1 }],
  ],
  [
    'one of several that it tells apart',
    {
      oneOf: [{ required: ['x'], properties: { x: {}, a: {} } }, { properties: { x: false, a: {} } }],
      anyOf: [{ type: 'object' }],
    },
    ['/x'],
    [{ x: 1, a: 1 }, { a: 1 }],
  ],
  [
    'a condition',
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    { if: { properties: { x: { const: 1 } } }, then: { required: ['a'] }, else: { maxProperties: 1 } },
    ['/x'],
    [{ x: 1, a: 1, b: 1 }, { x: 2 }],
  ],
  ['what it must not be', { not: { required: ['x'] }, properties: { x: false } }, ['/x'], [{}]],
  ['values', { enum: [{ x: 1 }, { x: 2 }, 'text'], default: { x: 1 } }, ['/x'], [{ x: 1 }, 'text']],
  ['one value', { properties: { p: { const: { x: 1, y: 2 } } } }, ['/p/x'], [{ p: { x: 1, y: 2 } }]],
  [
    'names and counts',
    {
      minProperties: 2,
      propertyNames: { enum: ['x', 'y'] },
      patternProperties: { '^x$': { type: 'number' } },
      additionalProperties: false,
      properties: { y: {} },
      dependentSchemas: { x: { required: ['y'] }, y: { required: ['x'] } },
    },
    ['/x'],
    [{ x: 1, y: 1 }],
  ],
  [
    'by place',
    { prefixItems: [{ type: 'number' }, { required: ['x'] }], uniqueItems: true },
    ['/0', '/1/x'],
    [[1, { x: 1 }]],
  ],
  [
    'a list of its own kind',
    {
      $ref: '#/$defs/x',
      $defs: {
        x: { required: ['x'], properties: { x: {}, parts: { type: 'array', items: { $ref: '#/$defs/y' } } } },
        y: { type: 'null' },
      },
    },
    ['/x'],
    [{ x: 1, parts: [null] }],
  ],
  [
    'where another refers to',
    { properties: { x: { type: 'number' }, y: { $ref: '#/properties/x' } } },
    ['/x'],
    [{ x: 1, y: 2 }],
  ],
]

describe('a schema without what is masked', () => {
  const parsed = (mask: readonly string[]): Masked => mask.map((pointer) => pointer.split('/').slice(1))
  const ajv = new Ajv2020({ strict: false })

  it.each(ROWS)('allows what is left, and names nothing else: %s', (_what, schema, mask, allowed) => {
    const pruned = maskedSchema(schema, parsed(mask))
    expect(JSON.stringify(pruned)).not.toMatch(/"x"|\^x\$|\/x"/)
    const [before, after] = [ajv.compile(schema), ajv.compile(pruned)]
    for (const value of allowed) {
      expect([value, before(value)]).toEqual([value, true])
      expect([value, after(maskedData(value, parsed(mask)))]).toEqual([value, true])
    }
  })

  it('still says all else, also where the same name is seen', () => {
    const node = {
      type: 'object',
      required: ['x', 'n'],
      properties: { x: { type: 'string' }, n: { type: 'integer' }, next: { $ref: '#' } },
    }
    const validate = ajv.compile(maskedSchema(node, parsed(['/x'])))
    expect(validate({ n: 1, next: { x: 'a', n: 1 } })).toBe(true)
    for (const wrong of [{}, { n: 'a' }, { n: 1, next: { n: 1 } }, { n: 1, next: { x: 1, n: 1 } }]) {
      expect([wrong, validate(wrong)]).toEqual([wrong, false])
    }
    const map = { additionalProperties: { required: ['x'] }, unevaluatedProperties: false }
    const ofMap = ajv.compile(maskedSchema(map, parsed(['/ada/x'])))
    expect([{ ada: {}, bob: { x: 1 } }, { bob: 1 }].map((value) => ofMap(value))).toEqual([true, true])
    const elements = ajv.compile(maskedSchema({ items: { type: 'object', required: ['x'] } }, parsed(['/0/x', '/1'])))
    expect([[{}, null, { x: 1 }], [1]].map((value) => elements(value))).toEqual([true, false])
  })

  it('is the schema itself where nothing is', () => {
    const schema = { $ref: '#/$defs/a', $defs: { a: {} } }
    expect(maskedSchema(schema, [])).toBe(schema)
  })
})
