import { afterAll, describe, expect, it } from 'vitest'
import { jsonFault } from '../src/config/json-fault.ts'
import { type ConfigRequest, loadConfig } from '../src/config/load.ts'
import { cleanUp, folderWith } from './cli-process.ts'

afterAll(cleanUp)

const TOPICS = { stocks: { events: { priceUpdate: { type: 'object' } }, watch: 'anyone' } }
const JSON_CONFIG = JSON.stringify({ topics: TOPICS, listen: { host: '::1', port: 1 } })

const load = (
  files: Readonly<Record<string, string>>,
  request: Partial<ConfigRequest> = {},
): ReturnType<typeof loadConfig> => loadConfig({ cwd: folderWith(files), env: {}, flags: {}, ...request })

describe('loadConfig', () => {
  it('loads TypeScript that imports watchpost without its being installed', async () => {
    const { config } = await load({
      'watchpost.config.ts': `
        import { defineConfig, topic } from 'watchpost'
        const port: number = 4321
        export default defineConfig({ listen: { port }, topics: { a: topic({ events: { x: {} } }) } })`,
    })
    expect(config).toEqual({ listen: { port: 4321 }, topics: { a: { events: { x: {} } } } })
  })

  it('loads a module anew each time', async () => {
    const cwd = folderWith({
      'watchpost.config.mjs': `export default { heartbeatMs: 1, topics: { a: { events: { x: {} } } } }`,
    })
    const { writeFileSync } = await import('node:fs')
    const first = await loadConfig({ cwd, env: {}, flags: {} })
    writeFileSync(first.file, `export default { heartbeatMs: 2, topics: { a: { events: { x: {} } } } }`)
    const second = await loadConfig({ cwd, env: {}, flags: {} })
    expect([first.config.heartbeatMs, second.config.heartbeatMs]).toEqual([1, 2])
  })

  it('lays flags over the environment over the file, and says so', async () => {
    const { config, overrides } = await load(
      { 'watchpost.config.json': JSON_CONFIG },
      {
        env: {
          PORT: '2',
          HOST: '',
          WATCHPOST_DURABILITY: 'os',
          WATCHPOST_HEARTBEAT_MS: '70',
          WATCHPOST_URL: 'http://x',
        },
        flags: { port: '3', dataDir: 'd' },
      },
    )
    expect(config).toEqual({
      ...{ topics: TOPICS, listen: { host: '::1', port: 3 }, durability: 'os', heartbeatMs: 70, dataDir: 'd' },
    })
    expect(overrides.map(({ setting, by }) => `${setting} ${by}`)).toEqual([
      ...['listen.port PORT', 'durability WATCHPOST_DURABILITY', 'heartbeatMs WATCHPOST_HEARTBEAT_MS'],
      ...['listen.port --port', 'dataDir --data-dir'],
    ])
  })

  it('fills in variables of JSON, which need not be settings', async () => {
    const text = JSON.stringify({
      topics: { stocks: { ...TOPICS.stocks, description: '${WATCHPOST_ABOUT}, $${HOME}' } },
    })
    const { config } = await load({ 'watchpost.config.json': text }, { env: { WATCHPOST_ABOUT: 'a "b"' } })
    expect(config.topics['stocks']?.description).toBe('a "b", ${HOME}')
  })

  it('knows the variables that a module names, and those of clients', async () => {
    const text = `const { WATCHPOST_PORT_NAME: description } = process.env
      export default { dataDir: process.env.WATCHPOST_SECRETS, topics: { a: { events: { x: {} }, description } } }`
    const env = { WATCHPOST_SECRETS: 'x', WATCHPOST_PORT_NAME: 'y', WATCHPOST_TOKEN: 'z' }
    // The module reads the environment of the process, where these are not set.
    await expect(load({ 'watchpost.config.ts': text }, { env })).resolves.toHaveProperty('overrides', [])
  })

  it('knows the name that the examples give to a secret', async () => {
    const request = { env: { WATCHPOST_SECRET: 'x' } }
    await expect(load({ 'watchpost.config.json': JSON_CONFIG }, request)).resolves.toHaveProperty('overrides', [])
  })

  it.each<[Record<string, string>, object]>([
    [{ WATCHPOST_PLAINTEXT: 'true' }, { listen: { host: '::1', port: 1, plaintext: true } }],
    [{ WATCHPOST_PLAINTEXT: 'false' }, { listen: { host: '::1', port: 1, plaintext: false } }],
    [{ WATCHPOST_TRUST_PROXY: 'true' }, { trustProxy: true }],
    [{ WATCHPOST_TRUST_PROXY: 'loopback' }, { trustProxy: 'loopback' }],
    [{ WATCHPOST_TRUST_PROXY: '10.0.0.0/8, fd00::1' }, { trustProxy: ['10.0.0.0/8', 'fd00::1'] }],
    [
      { WATCHPOST_DRAIN_MS: '0', WATCHPOST_EXPIRING_MS: '5000' },
      { drainMs: 0, expiringMs: 5_000 },
    ],
  ])('takes %o from the environment', async (env, settings) => {
    const { config, overrides } = await load({ 'watchpost.config.json': JSON_CONFIG }, { env })
    expect(config).toMatchObject(settings)
    expect(overrides.map(({ by }) => by)).toEqual(Object.keys(env))
  })

  it('passes over what Kubernetes injects beside a service named watchpost', async () => {
    const env = {
      ...{ WATCHPOST_SERVICE_HOST: '10.0.0.1', WATCHPOST_SERVICE_PORT: '80', WATCHPOST_SERVICE_PORT_HTTP: '80' },
      ...{
        WATCHPOST_PORT: 'tcp://10.0.0.1:80',
        WATCHPOST_PORT_80_TCP: 'tcp://10.0.0.1:80',
        WATCHPOST_PORT_80_TCP_ADDR: 'x',
      },
    }
    await expect(load({ 'watchpost.config.json': JSON_CONFIG }, { env })).resolves.toHaveProperty('overrides', [])
  })

  const refused: readonly (readonly [string, Record<string, string>, Partial<ConfigRequest>, string])[] = [
    ['no file', {}, {}, 'make one with `watchpost init`'],
    ['a file that is not there', {}, { file: 'x.json' }, 'x.json does not exist'],
    [
      'two files',
      { 'watchpost.config.json': '{}', 'watchpost.config.ts': '' },
      {},
      'both watchpost.config.ts and watchpost.config.json',
    ],
    [
      'broken JSON',
      { 'watchpost.config.json': '{' },
      {},
      'watchpost.config.json: is not JSON; look at line 1, column 2',
    ],
    ['several configurations', { 'watchpost.config.json': '["hunter2"]' }, {}, 'must export one configuration'],
    ['no export', { 'watchpost.config.ts': 'export const a = []' }, {}, 'watchpost.config.ts: needs "topics"'],
    [
      'JSON in a module that is none',
      { 'watchpost.config.ts': `export default { auth: JSON.parse('hunter2 ') }` },
      {},
      'watchpost.config.ts: what it gives to JSON.parse is not JSON',
    ],
    ['a syntax error', { 'watchpost.config.ts': 'export default {' }, {}, 'watchpost.config.ts: '],
    ['a package that is missing', { 'watchpost.config.ts': `import 'nosuchpackage'` }, {}, 'npm install nosuchpackage'],
    [
      'an unset variable',
      { 'watchpost.config.json': '{"dataDir":"${NOT_SET}"}' },
      {},
      '${NOT_SET} is not set in the environment',
    ],
    [
      'an unknown variable',
      { 'watchpost.config.json': JSON_CONFIG },
      { env: { WATCHPOST_DATADIR: 'x' } },
      'did you mean WATCHPOST_DATA_DIR?',
    ],
    [
      'a name that has no prefix',
      { 'watchpost.config.json': JSON_CONFIG },
      { env: { WATCHPOST_PORT: '80' } },
      'set PORT instead',
    ],
    [
      'a bad variable',
      { 'watchpost.config.json': JSON_CONFIG },
      { env: { PORT: 'http' } },
      'PORT must be a whole number from 0 to 65535, not "http"',
    ],
    [
      'a word that is no truth',
      { 'watchpost.config.json': JSON_CONFIG },
      { env: { WATCHPOST_PLAINTEXT: 'yes' } },
      'WATCHPOST_PLAINTEXT must be true or false, not "yes"',
    ],
    [
      'a proxy by name',
      { 'watchpost.config.json': JSON_CONFIG },
      { env: { WATCHPOST_TRUST_PROXY: '10.0.0.1, nginx' } },
      'WATCHPOST_TRUST_PROXY[1] must be an address or a network',
    ],
    [
      'an expiry that is too long',
      { 'watchpost.config.json': JSON_CONFIG },
      { env: { WATCHPOST_EXPIRING_MS: '3600001' } },
      'WATCHPOST_EXPIRING_MS must be a whole number from 0 to 3600000',
    ],
    [
      'a variable that a module does not name',
      { 'watchpost.config.mjs': 'export default { topics: {} } // WATCHPOST_SECRET' },
      { env: { WATCHPOST_SECRETS: 'x' } },
      'WATCHPOST_SECRETS is no setting',
    ],
    [
      'a bad flag',
      { 'watchpost.config.json': JSON_CONFIG },
      { flags: { logLevel: 'inf' } },
      '--log-level must be one of',
    ],
  ]
  it.each(refused)('refuses %s', async (_name, files, request, message) => {
    await expect(load(files, request)).rejects.toThrow(message)
  })
})

describe('a file that is not JSON', () => {
  const texts: readonly (readonly [string, number, number])[] = [
    ['', 1, 1],
    ['{\n  "a": hunter2\n}', 2, 8],
    ['{\n  "a": "hunter2",\n}', 3, 1],
    ['{"a": "hunter2" "b": 1}', 1, 17],
    ['{"a": "hunter2\n"}', 1, 7],
    ['{"hunter2" 1}', 1, 12],
    ['{"a": [1, {"b": 2}, ]}', 1, 21],
    ['{"a": 01}', 1, 7],
    ['{"a": "\\x hunter2"}', 1, 7],
    ['{"a": [1}', 1, 9],
    ['{} hunter2', 1, 4],
    ["{'hunter2': 1}", 1, 2],
    ['{"a": 1, hunter2: 1}', 1, 10],
    ['{"a": 1', 1, 8],
    ['truely', 1, 1],
    [']', 1, 1],
    [',', 1, 1],
  ]
  it.each(texts)('is told of by the place, and not quoted: %j', async (text, line, column) => {
    const failure: unknown = await load({ 'watchpost.config.json': text }).catch((error: unknown) => error)
    expect(String(failure)).toContain(`is not JSON; look at line ${line}, column ${column}, and just before`)
    expect((failure as Error).stack).not.toContain('hunter2')
  })

  it('has its fault where any JSON of the same kind was spoiled', () => {
    const good = JSON.stringify({ a: [1, -2.5e-3, true, null, { b: 'x\n"\u00e9' }], c: {}, d: [] }, null, 1)
    for (let i = 0; i < good.length; i++) {
      const bad = `${good.slice(0, i)}\u0001${good.slice(i)}`
      expect(() => JSON.parse(bad)).toThrow(SyntaxError)
      const { line, column } = jsonFault(bad)
      const offset =
        bad
          .split('\n')
          .slice(0, line - 1)
          .join('\n').length +
        (line > 1 ? 1 : 0) +
        column -
        1
      // At the control character, or at the start of the string or number that has it.
      expect([i, offset <= i && /^(?:"?[^\s"]*(?:\\.[^\s"]*)*)$/.test(bad.slice(offset, i))]).toEqual([i, true])
    }
  })
})
