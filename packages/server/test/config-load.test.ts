import { afterAll, describe, expect, it } from 'vitest'
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
    ['broken JSON', { 'watchpost.config.json': '{' }, {}, 'watchpost.config.json: is not JSON'],
    ['no export', { 'watchpost.config.ts': 'export const a = []' }, {}, 'watchpost.config.ts: needs "topics"'],
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
