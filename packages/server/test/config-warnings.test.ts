/** Configurations that work, but hardly as they were meant. */
import { Registry } from '@watchpost/core'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Config, createWatchpost, type JsonSchema, type TopicDefinition } from 'watchpost'
import { newApiKey } from '../src/auth/api-keys.ts'
import { warningsOf } from '../src/config/warnings.ts'
import { SECRET } from './fixtures/auth.ts'
import { temporaryDir } from './harness.ts'

const NOW_MS = Date.parse('2026-11-22T00:00:00Z')
const events = { n: {} }
const open = { events, watch: 'anyone', publish: 'anyone' } as const
const topics = { open }
const jwt = { secret: SECRET }

const messagesOf = (config: Config): readonly string[] =>
  warningsOf(config, new Registry(config.topics), NOW_MS).map(
    ({ about, message }) => `${JSON.stringify(about)} ${message}`,
  )

describe('a warning is given of', () => {
  it('topics whose rules ask for credentials, where there are none [WP-6.1]', () => {
    const all: Config['topics'] = {
      open,
      a: { ...open, watch: 'authenticated' },
      b: { ...open, publish: 'granted' },
      c: { ...open, publish: { scope: 'x' } },
      'd/{x}': { events, publish: 'anyone' },
      ruled: { ...open, watch: () => true },
      // Nobody but the server itself publishes to it.
      own: { events, watch: 'anyone' },
    }
    expect(messagesOf({ topics: all })).toEqual([
      expect.stringMatching(/^\{"watch":\["a","d\/\{x\}"\],"publish":\["b","c"\]\} .*set `auth`, or .*"anyone"/),
    ])
    const tls = { cert: 'c', key: 'k' }
    expect(messagesOf({ topics: all, listen: { tls } })).toHaveLength(1)
    expect(messagesOf({ topics: all, listen: { tls: { ...tls, ca: 'ca' } } })).toEqual([])
    expect(messagesOf({ topics: all, auth: { jwt } })).toEqual([])
  })

  const properties = { ip: {}, price: {} }
  const masking = (mask: TopicDefinition['mask'], ...schemas: readonly JsonSchema[]): Config => ({
    topics: {
      a: {
        ...open,
        events: Object.fromEntries(schemas.map((schema, i) => [`e${i}`, schema])),
        ...(mask && { mask }),
      },
    },
  })

  it('masks of what no event has [WP-6.5]', () => {
    expect(messagesOf(masking(['/ip', '/data/ip'], { properties }, { properties: {} }))).toEqual([
      '{"topic":"a","mask":"/data/ip"} no schema of the topic\'s events has what this mask hides, so it hides nothing; masks begin below data, so write "/ip"',
    ])
    expect(messagesOf(masking(['/pi'], { properties }))).toEqual([
      expect.stringMatching(/^\{"topic":"a","mask":"\/pi"\} .*; name a member of data$/),
    ])
  })

  it.each([
    ['has it', { properties: { pi: {} } }],
    ['has it, escaped', { properties: { 'p~i/': {} } }],
    ['says nothing', {}],
    ['may say it elsewhere', { properties, allOf: [{ properties: { pi: {} } }] }],
    ['may say it by a pattern', { properties, patternProperties: { '^pi': {} } }],
  ])('no mask of a topic of which one event %s [WP-6.5]', (_what, schema) => {
    const name = Object.hasOwn(schema, 'properties') && 'p~i/' in (schema as { properties: object }).properties
    expect(messagesOf(masking([name ? '/p~0i~1/x' : '/pi'], { properties }, schema))).toEqual([])
  })

  it('no mask that is a rule, and none at all [WP-6.5]', () => {
    expect(messagesOf(masking(() => ['/pi'], { properties }))).toEqual([])
    expect(messagesOf(masking(undefined, { properties }))).toEqual([])
  })

  it('API keys that are over [WP-6.6]', () => {
    const key = (id: string, notAfter: string) => ({ ...newApiKey('x', { grants: {} }).entry, id, notAfter })
    const apiKeys = [key('past', '2026-11-21T00:00:00Z'), key('next', '2026-11-23T00:00:00Z')]
    expect(messagesOf({ topics, auth: { apiKeys } })).toEqual([
      '{"apiKeys":["past"]} these API keys are past their notAfter, so nobody gets in with them; remove them',
    ])
  })

  it('limits that are never reached [WP-8.1]', () => {
    expect(messagesOf({ topics, limits: { connections: 30_000 } })).toEqual([
      '{} limits.sockets (25000) is below limits.connections (30000), which so is never reached; raise limits.sockets above it',
    ])
    expect(messagesOf({ topics, limits: { publishBytesMax: 1_000 } })).toEqual([
      '{} limits.publishBytesMax (1000) is below limits.eventBytesMax (65536), which so is never reached; raise limits.publishBytesMax above it',
    ])
    expect(messagesOf({ topics })).toEqual([])
  })
})

describe('warnings', () => {
  it('are logged at the start, and when another configuration is taken', async () => {
    const lines: string[] = []
    const logger = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
    const config: Config = { topics: { a: { ...open, watch: 'granted' } }, dataDir: await temporaryDir() }
    const watchpost = await createWatchpost(config, { logger })
    onTestFinished(() => watchpost.close())
    expect(lines).toEqual([expect.stringContaining('set `auth`')])
    watchpost.reload({ ...config, topics: { a: open, b: { ...open, watch: 'granted' } } })
    expect(lines.slice(1)).toEqual([expect.stringContaining('"watch":["b"]')])
  })
})
