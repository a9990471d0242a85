/** `watchpost docs` as its users run it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { CONFIGURED } from '../src/documents/configured.ts'
import { CONFIG, cleanUp, folderWith, MAIN, runProgram, serveIn } from './cli-process.ts'
import type { OpenApi } from './fixtures/openapi-contract.ts'

afterAll(cleanUp)

/** How the program ends whose stdout is a file. */
async function endOfWritingTo(file: string, args: readonly string[], cwd: string): Promise<object> {
  const handle = await open(file, 'w')
  const child = spawn(process.execPath, [MAIN, ...args], {
    ...{ cwd, env: { PATH: process.env['PATH'], NO_COLOR: '1' } },
    stdio: ['ignore', handle.fd, 'pipe'],
  })
  const [stderr, [code]] = await Promise.all([textOf(child.stderr as Readable), once(child, 'close')])
  await handle.close()
  return { code: code as number, stderr }
}

const KINDS = ['openapi', 'asyncapi'] as const
type Kind = (typeof KINDS)[number]

/** As JSON, with one member changed or, by `undefined`, removed. */
function configWith(path: readonly string[], value: unknown): string {
  const config = JSON.parse(CONFIG) as Record<string, unknown>
  let node = config
  for (const name of path.slice(0, -1)) node = node[name] as Record<string, unknown>
  node[path.at(-1) ?? ''] = value
  return JSON.stringify(config)
}

describe.concurrent('watchpost docs openapi and asyncapi', () => {
  it.each(KINDS)(
    'write the %s document that a server of the configuration serves to who may do anything',
    async (kind) => {
      const cwd = folderWith({ 'watchpost.config.json': CONFIG })
      const { url, stop } = await serveIn(cwd)
      const [served, made] = [
        await fetch(`${url}/${kind}.json`).then((response) => response.json()),
        await runProgram(['docs', kind, '--url', url], { cwd }),
      ]
      await stop()
      expect(made).toMatchObject({ code: 0, stderr: '' })
      // What no caller is told, such as masks [WP-6.5], only the configuration's own document has.
      const { [CONFIGURED]: configured, ...told } = JSON.parse(made.stdout) as Record<string, unknown>
      expect(told).toEqual(served)
      expect(configured).toMatchObject({ topics: { stocks: { watch: 'anyone' } } })
    },
  )

  it('know all topics, whoever may use them, and start no server', async () => {
    const secret = { events: { item: {} }, watch: { scope: 'x' } }
    const text = configWith(['topics', 'hidden/{part}'], secret)
    const cwd = folderWith({ 'live.json': text })
    for (const kind of KINDS) {
      const { code, stdout } = await runProgram(['docs', kind, '--config', 'live.json'], { cwd })
      expect(code).toBe(0)
      expect(stdout).toContain('"/v1/topics/hidden/{part}"')
      expect(stdout).toContain('127.0.0.1:8080')
    }
    expect(existsSync(join(cwd, '.watchpost'))).toBe(false)
  })

  it('write YAML on request, or to a file that is named so', async () => {
    const cwd = folderWith({ 'watchpost.config.json': CONFIG })
    const json = await runProgram(['docs', 'asyncapi'], { cwd })
    const yaml = await runProgram(['docs', 'asyncapi', '--yaml'], { cwd })
    expect(() => JSON.parse(yaml.stdout) as unknown).toThrow(SyntaxError)
    expect(parse(yaml.stdout)).toEqual(JSON.parse(json.stdout))
    expect(await runProgram(['docs', 'asyncapi', '--out', 'a.yml'], { cwd })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(readFileSync(join(cwd, 'a.yml'), 'utf8')).toBe(yaml.stdout)
    await runProgram(['docs', 'asyncapi', '--out', 'a.json'], { cwd })
    expect(readFileSync(join(cwd, 'a.json'), 'utf8')).toBe(json.stdout)
  })

  it('make OpenAPI of the version that is asked for', async () => {
    const cwd = folderWith({ 'watchpost.config.json': CONFIG })
    const { url, stop } = await serveIn(cwd)
    for (const version of ['3.1', '3.2']) {
      const served = await fetch(`${url}/openapi.json?version=${version}`).then((response) => response.json())
      const made = await runProgram(['docs', 'openapi', '--spec', version, '--url', url], { cwd })
      expect(made).toMatchObject({ code: 0, stderr: '' })
      const { [CONFIGURED]: _configured, ...told } = JSON.parse(made.stdout) as Record<string, unknown>
      expect(told).toEqual(served)
    }
    await stop()
  })

  it('say that there is no room for what they write', async (context) => {
    if (!existsSync('/dev/full')) {
      const reason = '/dev/full is not there, which is what has no room'
      if (process.env['CI'] === 'true') throw new Error(`${reason}; CI must have it`)
      console.log(`skipped: ${reason}`)
      return context.skip(reason)
    }
    const cwd = folderWith({ 'watchpost.config.json': CONFIG })
    expect(await runProgram(['docs', 'openapi', '--out', '/dev/full'], { cwd })).toMatchObject({
      code: 1,
      stderr: 'watchpost: /dev/full: the disk is full\n',
    })
    expect(await endOfWritingTo('/dev/full', ['docs', 'openapi'], cwd)).toEqual({
      code: 1,
      stderr: 'watchpost: stdout: the disk is full\n',
    })
  })

  /** Other variables than those of keys are needed as before. */
  const OF_ENVIRONMENT = {
    ...(JSON.parse(CONFIG) as object),
    listen: { tls: { cert: '${TLS_CERT}', key: '${TLS_KEY}', ca: '${TLS_CA}' } },
    auth: { jwt: { secret: '${WATCHPOST_JWT_SECRET}', issuer: '${ISSUER}' }, cookie: 'session' },
  }

  const UNSET = `
    const { WATCHPOST_JWT_SECRET, KEY_HASH } = process.env
    export default {
      topics: { a: { events: { m: {} }, watch: 'authenticated' } },
      auth: {
        jwt: { secret: WATCHPOST_JWT_SECRET ?? '' },
        apiKeys: [{ id: 'feed1', hash: KEY_HASH, subject: 'feed', grants: {} }],
        cookie: 'session',
      },
    }`

  it.each([
    ['watchpost.config.mjs', UNSET, ['jwt', 'apiKey', 'ticket', 'cookie'], 'http'],
    ['watchpost.config.json', JSON.stringify(OF_ENVIRONMENT), ['jwt', 'ticket', 'cookie', 'certificate'], 'https'],
  ])('need no secrets, nor variables for them: %s', async (file, text, schemes, protocol) => {
    const cwd = folderWith({ [file]: text })
    const { code, stdout, stderr } = await runProgram(['docs', 'openapi'], { cwd })
    expect([code, stderr]).toEqual([0, ''])
    const document = JSON.parse(stdout) as OpenApi
    expect(Object.keys(document.components['securitySchemes'] ?? {})).toEqual(schemes)
    expect(document.servers[0]?.url).toBe(`${protocol}://127.0.0.1:8080`)
    // With them it is the same.
    const env = { WATCHPOST_JWT_SECRET: 'x'.repeat(32) }
    expect((await runProgram(['docs', 'openapi'], { cwd, env })).stdout === stdout).toBe(true)
    // A server is started by nothing less than before.
    expect((await runProgram(['serve'], { cwd })).code).not.toBe(0)
  })

  it('still say what is wrong beside secrets', async () => {
    const wrong = { ...OF_ENVIRONMENT, dataDir: '${NO_SUCH_VARIABLE}' }
    const cwd = folderWith({ 'watchpost.config.json': JSON.stringify(wrong) })
    const { code, stderr } = await runProgram(['docs', 'openapi'], { cwd })
    expect(code).toBe(1)
    expect(stderr).toContain('NO_SUCH_VARIABLE')
    expect(stderr).not.toContain('JWT_SECRET')
  })

  it('name the schemes that the configuration has, without looking at keys', async () => {
    const config = { ...JSON.parse(CONFIG), auth: { jwt: { keys: 'not-here.pem' }, cookie: 'session' } } as object
    const cwd = folderWith({ 'watchpost.config.json': JSON.stringify(config) })
    const { code, stdout } = await runProgram(['docs', 'asyncapi'], { cwd })
    expect(code).toBe(0)
    const document = JSON.parse(stdout) as { components: { securitySchemes: object } }
    expect(Object.keys(document.components.securitySchemes)).toEqual(['bearer', 'subprotocol', 'cookie', 'ticket'])
  })

  it.each([
    [['docs'], 2, 'Usage: watchpost docs'],
    [['docs', 'raml'], 2, "unknown command 'raml'"],
    [['docs', 'openapi', '--url', 'example.com'], 2, '--url example.com: must be where the server is'],
    [['docs', 'openapi', '--config', 'none.json'], 1, 'does not exist'],
    [['docs', 'openapi', '--out', 'no/such/folder.json'], 1, 'no/such/folder.json: there is no folder no/such'],
    [['docs', 'openapi', '--out', '.'], 1, '.: it is a directory, not a file'],
    [['docs', 'openapi', '--out', ''], 2, '--out: name a file'],
    [['docs', 'openapi', '--spec', '3.0'], 2, 'Allowed choices are 3.1, 3.2'],
    [['docs', 'asyncapi', '--spec', '3.1'], 2, "unknown option '--spec'"],
  ])('say what is wrong: %s', async (args, code, message) => {
    const cwd = folderWith({ 'watchpost.config.json': CONFIG })
    const ended = await runProgram(args, { cwd })
    expect(ended.code).toBe(code)
    expect(ended.stderr).toContain(message)
  })
})

describe.concurrent('watchpost docs diff', () => {
  /** The document of {@link CONFIG}, made once for all. */
  const olds = new Map<Kind, Promise<string>>()

  async function make(kind: Kind): Promise<string> {
    const cwd = folderWith({ 'old.json': CONFIG })
    await runProgram(['docs', kind, '--config', 'old.json', '--out', 'before.json'], { cwd })
    return readFileSync(join(cwd, 'before.json'), 'utf8')
  }

  /** A folder with two documents of one kind, before and after a change. */
  async function documents(kind: Kind, path: readonly string[], value: unknown): Promise<string> {
    const old = olds.get(kind) ?? make(kind)
    olds.set(kind, old)
    const cwd = folderWith({ 'before.json': await old, 'new.json': configWith(path, value) })
    await runProgram(['docs', kind, '--config', 'new.json', '--out', 'after.yaml'], { cwd })
    return cwd
  }

  it.each(KINDS)('ends with 1 and says so if a change breaks anybody: %s', async (kind) => {
    const cwd = await documents(kind, ['topics', 'stocks', 'events', 'priceUpdate', 'required'], ['symbol', 'currency'])
    expect(await runProgram(['docs', 'diff', 'before.json', 'after.yaml'], { cwd })).toEqual({
      code: 1,
      stdout: `Breaks watchers: Topic "stocks", event type "priceUpdate": /data/price may be missing now, and was always there.
Breaks publishers: Topic "stocks", event type "priceUpdate": /data/currency must be given now, and could be left out.
`,
      stderr: 'watchpost: 2 of 2 changes break watchers or publishers\n',
    })
  })

  it.each(KINDS)('ends with 0 if none does: %s', async (kind) => {
    const cwd = await documents(kind, ['topics', 'news'], { events: { item: {} } })
    expect(await runProgram(['docs', 'diff', 'before.json', 'after.yaml'], { cwd })).toEqual({
      code: 0,
      stdout: 'Breaks nobody: Topic "news" is new.\n',
      stderr: '',
    })
    expect(await runProgram(['docs', 'diff', 'before.json', 'before.json'], { cwd })).toEqual({
      code: 0,
      stdout: 'Nothing changed that concerns watchers or publishers.\n',
      stderr: '',
    })
  })

  it.each(KINDS)('tells of what only configurations say, of which those of a server say nothing: %s', async (kind) => {
    const cwd = await documents(kind, ['topics', 'stocks', 'watch'], 'granted')
    const { [CONFIGURED]: _configured, ...told } = JSON.parse(
      readFileSync(join(cwd, 'before.json'), 'utf8'),
    ) as object & Record<string, unknown>
    writeFileSync(join(cwd, 'served.json'), JSON.stringify(told))
    expect(await runProgram(['docs', 'diff', 'before.json', 'after.yaml'], { cwd })).toMatchObject({
      code: 1,
      stdout: `Breaks watchers: Topic "stocks" can be watched only by those to whom it is granted now, and could be by anyone.
`,
    })
    expect((await runProgram(['docs', 'diff', 'served.json', 'after.yaml'], { cwd })).code).toBe(0)
  })

  /** As small as documents that can be compared get, and what is none. */
  const FILES = {
    'o.json': '{"openapi":"3.1.1","paths":{"/v1/topics/a":{"get":{"x-topic":{"topic":"a"},"responses":{}}}}}',
    'a.json': '{"asyncapi":"3.0.0","channels":{"a":{"x-topic":{"topic":"a","transports":[]}}}}',
    'text.json': '{"openapi":',
    'other.json': '{"swagger":"2.0"}',
    'old.json': '{"asyncapi":"2.6.0"}',
    'older.json': '{"openapi":"3.0.3"}',
    'none.json': '{"openapi":"3.1.0","paths":{}}',
    'list.yaml': '- 1\n',
    'text.yaml': 'openapi',
    'empty.json': '',
    'broken.json':
      '{"openapi":"3.1.1","paths":{"/v1/topics/a":{"get":{"x-topic":{},"responses":{"200":{"$ref":"#/nowhere"}}}}}}',
  }

  it.each([
    ['o.json', 'a.json', 'o.json is OpenAPI, and a.json is AsyncAPI; give two documents of one kind'],
    ['gone.json', 'a.json', 'gone.json: there is no such file'],
    ['text.json', 'o.json', 'text.json: it is no JSON: '],
    ['.', 'o.json', '.: it is a directory'],
    ['o.json', 'other.json', 'other.json: it is neither an OpenAPI nor an AsyncAPI document'],
    ['a.json', 'old.json', 'old.json: it is AsyncAPI 2.6.0; AsyncAPI 3 is what is read here'],
    ['older.json', 'o.json', 'older.json: it is OpenAPI 3.0.3; OpenAPI 3.1 or 3.2 is what is read here'],
    [
      'none.json',
      'o.json',
      'none.json: it describes no topics; make it with `watchpost docs`, or load it from a server',
    ],
    ['list.yaml', 'o.json', 'list.yaml: it is neither an OpenAPI nor an AsyncAPI document'],
    ['text.yaml', 'o.json', 'text.yaml: it is no document'],
    ['empty.json', 'o.json', 'empty.json: it is empty'],
    ['broken.json', 'o.json', 'broken.json: #/nowhere points nowhere'],
  ])('ends with 2 for what it can not compare, and says why: %s and %s', async (before, after, message) => {
    const { code, stdout, stderr } = await runProgram(['docs', 'diff', before, after], { cwd: folderWith(FILES) })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`watchpost: ${message}`)
  })

  it('takes the smallest of these, each with itself', async () => {
    const cwd = folderWith(FILES)
    expect((await runProgram(['docs', 'diff', 'o.json', 'o.json'], { cwd })).code).toBe(0)
    expect((await runProgram(['docs', 'diff', 'a.json', 'a.json'], { cwd })).code).toBe(0)
  })
})
