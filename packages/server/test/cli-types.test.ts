/** `watchpost types` as its users run it, and what the compiler makes of what it writes. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { declarationOf } from '../src/cli/types/declaration.ts'
import { docstring } from '../src/cli/types/docstring.ts'
import { schemaType } from '../src/cli/types/schema-type.ts'
import { folderWith, nobodysUrl, runProgram, serveForAll } from './cli-process.ts'
import { nowSeconds, SECRET, sign } from './fixtures/auth.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

describe('a JSON Schema as a type', () => {
  it.each<[object | boolean, string, ...string[]]>([
    [{}, 'unknown'],
    [true, 'unknown'],
    [false, 'never'],
    [{ type: 'integer' }, 'number'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ const: 'a' }, '"a"'],
    [{ const: { a: [1, null] } }, '{ readonly a: readonly [1, null] }'],
    [{ enum: ['a', 1, null, Number.POSITIVE_INFINITY] }, '"a" | 1 | null | number'],
    [{ type: 'array', items: { type: ['string', 'null'] } }, 'readonly (string | null)[]'],
    [{ type: 'array' }, 'readonly unknown[]'],
    [{ prefixItems: [{ type: 'string' }], items: false }, 'readonly [string?]'],
    [
      { prefixItems: [{ type: 'number' }, true], minItems: 1, items: { const: 'x' } },
      'readonly [number, unknown?, ..."x"[]]',
    ],
    [{ type: 'object' }, '{ readonly [name: string]: unknown }'],
    [{ type: 'object', additionalProperties: { type: 'number' } }, '{ readonly [name: string]: number }'],
    [
      { type: 'object', patternProperties: { '^x': { type: 'string' } }, additionalProperties: false },
      '{ readonly [name: string]: string }',
    ],
    [
      { properties: { a: { type: 'string' }, 'b-c': { type: 'boolean' } }, required: ['a', 'd'] },
      '{ readonly a: string readonly "b-c"?: boolean readonly d: unknown }',
    ],
    [
      { properties: { a: { type: 'string' } }, additionalProperties: { type: 'number' } },
      '{ readonly a?: string readonly [name: string]: unknown }',
    ],
    [
      { properties: { a: { description: 'One.' }, b: { deprecated: true } } },
      '{ /** One. */ readonly a?: unknown /** @deprecated */ readonly b?: unknown }',
    ],
    [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, 'string | number'],
    [{ oneOf: [{ type: 'string' }, {}] }, 'unknown'],
    [
      { allOf: [{ properties: { a: {} } }, { anyOf: [{ properties: { b: {} } }, { const: null }] }] },
      '{ readonly a?: unknown } & ({ readonly b?: unknown } | null)',
    ],
    [{ $ref: '#/$defs/a~1b%20c', $defs: { 'a/b c': { type: 'string' } } }, 'string'],
    [{ $ref: '#name', $defs: { p: { $anchor: 'name', type: 'string' } } }, 'string'],
    [
      { properties: { a: { $id: 'other', $ref: '#/$defs/p', $defs: { p: { type: 'string' } } } }, $defs: { p: true } },
      '{ readonly a?: string }',
    ],
    [
      { $ref: '#/$defs/t', $defs: { t: { properties: { next: { $ref: '#/$defs/t' } } } } },
      '{ readonly next?: unknown }',
      'what is in itself',
    ],
    [{ $ref: 'https://example.com/schema' }, 'unknown', 'what is defined elsewhere'],
    [{ type: 'string', not: { const: 'a' } }, 'string', '`not`'],
    [{ $ref: '#/%' }, 'unknown'],
    [{ $ref: '#/__proto__' }, 'unknown'],
  ])('%j is %s', (schema, type, ...lacks) => {
    const made = schemaType(schema)
    expect({ ...made, type: made.type.replaceAll(/\s+/g, ' ') }).toEqual({ type, lacks })
  })

  it('ends, however often a schema refers to its parts', () => {
    const doubled = Array.from({ length: 60 }, (_, i): [string, object] => [
      `p${i}`,
      { properties: { a: { $ref: `#/$defs/p${i + 1}` }, b: { $ref: `#/$defs/p${i + 1}` } } },
    ])
    const { type, lacks } = schemaType({ $ref: '#/$defs/p0', $defs: Object.fromEntries(doubled) })
    expect(type.length).toBeLessThan(2_000_000)
    expect(lacks).toEqual(['all of what is so long, or so deep'])
  })
})

it('a description is a comment that nothing ends, and in which nothing is a tag', () => {
  expect(docstring(undefined)).toBe('')
  expect(docstring(' \n ')).toBe('')
  expect(docstring('One.')).toBe('/** One. */\n')
  const evil = 'a */ import("evil") /*\r\n@deprecated {@link x} a@b.c\u2028*/ b'
  expect(docstring(evil, ['@deprecated */'])).toBe(
    '/**\n * a *\\/ import("evil") /*\n * \\@deprecated {\\@link x} a@b.c\n * *\\/ b\n * @deprecated *\\/\n */\n',
  )
  const topics = [{ topic: 'a"b\u202e', description: '\u001b[2J\u202e', keyed: false, events: { 'x\u2028': {} } }]
  expect(declarationOf(topics, 'Server')).toMatch(/^[\n -~]+$/)
})

const granted = { watch: 'granted', publish: 'granted' }
const CONFIG = JSON.stringify({
  topics: {
    stocks: {
      ...granted,
      description: 'Prices as they change */ evil',
      events: {
        priceUpdate: {
          type: 'object',
          description: 'One price.',
          required: ['symbol', 'price'],
          properties: { symbol: { type: 'string' }, price: { type: 'number' }, 'last-price': { type: 'number' } },
        },
      },
      key: '/symbol',
    },
    'chat/{room}': {
      ...granted,
      events: {
        message: { type: 'object', required: ['text'], properties: { text: { type: 'string' } } },
        typing: { ephemeral: true, schema: { type: 'object', properties: { who: { type: 'string' } } } },
        'x:pointer': { ephemeral: true, schema: { type: 'object', properties: { x: { type: 'number' } } } },
      },
      presence: true,
    },
    'trees-1': {
      ...granted,
      events: { 'tree.grown': { $ref: '#/$defs/t', $defs: { t: { properties: { inner: { $ref: '#/$defs/t' } } } } } },
      deprecated: { since: '2026-02-03T04:05:06Z', sunset: '2027-01-01T00:00:00Z', use: 'stocks' },
    },
  },
  auth: { jwt: { secret: SECRET } },
})

/** The compiler judges it: what is said to be an error has to be one. */
const CLIENT = `
import { createClient } from '@watchpost/client'
import type { Server } from './server.js'

const client = createClient<Server>({ url: 'http://127.0.0.1:1' })
client.watch('stocks').on('event', ({ type, data, id }) => {
  const known: 'priceUpdate' = type
  const price: number | undefined = data?.price ?? data?.['last-price']
  const cursor: string = id
  console.log(known, price, cursor)
})
client.watch('chat/lobby').on('event', (event) => {
  if (event.type === 'message') {
    const id: string = event.id
    console.log(id, event.data.text)
  } else {
    // @ts-expect-error: what is not stored has no id
    const id: string = event.id
    const none: undefined = event.id
    console.log(id, none, event.type === 'typing' ? event.data.who : event.data.x)
  }
})
client.watch('trees-1', { type: 'tree.grown' })
client.presence('chat/lobby').on('state', (members) => members.size)
client.watch('$presence/chat/lobby', { state: true }).on('state', (members) => members.get('ana')?.data?.since)
export const page = async (): Promise<string | undefined> => {
  const { events } = await client.page('chat/lobby')
  // @ts-expect-error: what is not stored is in no page
  const typing: 'typing' | undefined = events[0]?.type
  return typing ?? events[0]?.data.text
}
// @ts-expect-error: no such topic
client.watch('stock')
// @ts-expect-error: nobody can publish to it
client.publish('$presence/chat/lobby', { type: 'presence', data: null })
`

function faultsOf(cwd: string): string {
  mkdirSync(join(cwd, 'node_modules'))
  symlinkSync(join(ROOT, 'node_modules', '@watchpost'), join(cwd, 'node_modules', '@watchpost'))
  const compilerOptions = { module: 'nodenext', target: 'es2023', strict: true, noEmit: true, types: [] }
  writeFileSync(join(cwd, 'main.ts'), CLIENT)
  writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }))
  writeFileSync(join(cwd, 'package.json'), '{"type":"module"}')
  try {
    execFileSync(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', cwd], {
      encoding: 'utf8',
    })
    return ''
  } catch (error) {
    return String((error as { stdout: unknown }).stdout)
  }
}

describe('watchpost types', () => {
  const server = serveForAll(CONFIG)

  it('writes the same of a server and of its configuration, which the client is typed by [WP-3.12] [WP-9.3]', async () => {
    const token = await sign({ watchpost: { watch: ['**'] }, exp: nowSeconds() + 60 })
    // What vouches for clients need not be at hand where types are made.
    const cwd = folderWith({ 'watchpost.config.json': CONFIG.replace(SECRET, '${NOT_HERE}') })
    const env = { WATCHPOST_TOKEN: token }
    const served = await runProgram(['types', '--url', server.url, '--out', 'server.d.ts'], { cwd, env })
    expect(served).toEqual({ code: 0, stdout: '', stderr: '' })
    const { stdout, ...defined } = await runProgram(['types', '--config', 'watchpost.config.json'], { cwd })
    expect(defined).toEqual({ code: 0, stderr: '' })
    expect(readFileSync(join(cwd, 'server.d.ts'), 'utf8')).toBe(stdout)
    expect(faultsOf(cwd)).toBe('')
    expect(stdout).toContain(`
    /** It has presence. */
    readonly "chat/{room}": {
      readonly ephemeral: "typing" | "x:pointer"
      readonly data: {
        readonly message: {
          readonly text: string
        }
`)
    expect(stdout).toContain(`
    /** Prices as they change *\\/ evil */
    readonly stocks: {
      readonly keyed: true
      readonly data: {
        /** One price. */
        readonly priceUpdate: {
`)
    expect(stdout).toContain(`
    /** @deprecated since 2026-02-03, gone after 2027-01-01; use stocks */
    readonly "trees-1": {
      readonly data: {
        /** Types can't say of its schema: what is in itself. */
        readonly "tree.grown": {
          readonly inner?: unknown
        }
`)
  })

  it('says what is wrong, and leaves the file that was there', async () => {
    const cwd = folderWith({ 'watchpost.config.json': CONFIG, 'old.d.ts': 'old' })
    const run = (...args: readonly string[]) => runProgram(['types', '--out', 'old.d.ts', ...args], { cwd })
    const other = createServer((_request, response) => response.end('{"topics":[1]}'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const foreign = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const [named, missing, nobody, stranger, folder] = await Promise.all([
      run('--config', 'watchpost.config.json', '--name', 'a b'),
      run('--config', 'none.json'),
      run('--url', await nobodysUrl()),
      run('--url', foreign),
      runProgram(['types', '--config', 'watchpost.config.json', '--out', 'none/server.d.ts'], { cwd }),
    ])
    expect(named).toMatchObject({ code: 2, stderr: expect.stringContaining('--name a b: must be a name') as string })
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('none.json does not exist') as string })
    expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining('no server answers at') as string })
    const unlike = `watchpost: ${foreign} does not answer as a Watchpost server does; check --url\n`
    expect(stranger).toMatchObject({ code: 1, stderr: unlike })
    expect(folder).toMatchObject({ code: 1, stderr: 'watchpost: none/server.d.ts: there is no folder none\n' })
    expect(readFileSync(join(cwd, 'old.d.ts'), 'utf8')).toBe('old')
  })

  it('tells whoever has no token, or a wrong one, what to do [WP-6.6]', async () => {
    const [none, wrong] = await Promise.all([
      runProgram(['types', '--url', server.url]),
      runProgram(['types', '--url', server.url], { env: { WATCHPOST_TOKEN: 'wrong' } }),
    ])
    expect(none).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('send a token with WATCHPOST_TOKEN') as string,
    })
    expect(none.stdout).toContain('readonly topics: {\n  }\n')
    expect(wrong).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('--token-file') as string })
  })
})
