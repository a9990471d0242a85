import { describe, expect, it } from 'vitest'
import { ConfigError, checkConfig } from '../src/config/check.ts'

const topics = { stocks: { events: { priceUpdate: { type: 'object' } } } }

function faultsOf(config: unknown): readonly string[] {
  try {
    checkConfig(config, 'c.ts')
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

const inTopic = (members: object): object => ({ topics: { stocks: { ...topics.stocks, ...members } } })

describe('checkConfig accepts', () => {
  const standard = (): undefined => undefined
  Object.assign(standard, {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value: unknown) => ({ value }),
      jsonSchema: { input: () => ({}), output: () => ({}) },
    },
  })
  const accepted: readonly (readonly [string, object])[] = [
    ['the least there is', { topics }],
    ['listen', { topics, listen: { host: '::1', port: 0, tls: { cert: 'a.pem', key: 'b.pem' } } }],
    ['cors for some', { topics, cors: { origins: ['https://app.example.com', 'http://localhost:3000'] } }],
    ['cors for any', { topics, cors: { origins: '*', maxAgeSeconds: 0 } }],
    ['limits', { topics, limits: { topicBytesMax: 255, stalledMs: 1 } }],
    [
      'all the rest',
      {
        topics,
        dataDir: 'd',
        durability: 'os',
        retention: { events: 1 },
        heartbeatMs: 1,
        coalesceMs: 0,
        compression: false,
      },
    ],
    ['a proxy in front', { topics, trustProxy: true }],
    ['proxies on this machine', { topics, trustProxy: 'loopback' }],
    [
      'proxies by address and network',
      { topics, trustProxy: ['192.0.2.1', '10.0.0.0/8', 'fd00::/8', '::1', '0.0.0.0/1', '8000::/1'] },
    ],
    ['rules', inTopic({ watch: 'anyone', publish: () => true, key: '/a~1b/c' })],
    ['a topic that is to end', inTopic({ version: '1', deprecated: { since: '2026-01-01T00:00:00Z' } })],
    [
      'a successor of its family',
      {
        topics: {
          'rooms/{room}': topics.stocks,
          'chat/{room}': { ...topics.stocks, deprecated: { since: '2026-01-01T00:00:00Z', use: 'rooms/{room}' } },
        },
      },
    ],
    ['a transport', inTopic({ transports: ['page'] })],
    ['a schema that can be called', inTopic({ events: { a: standard } })],
  ]
  it.each(accepted)('%s', (_name, config) => {
    expect(checkConfig(config, 'c.ts')).toEqual(config)
  })

  it('undefined as absent, so that defaults stay', () => {
    const config = { topics, heartbeatMs: undefined, listen: { port: undefined } }
    expect(Object.keys(checkConfig(config, 'c.ts'))).toEqual(['topics', 'listen'])
  })
})

describe('checkConfig refuses', () => {
  const refused: readonly (readonly [string, unknown, string])[] = [
    ['no object', null, 'c.ts: must be an object, not null'],
    ['no topics', {}, 'c.ts: needs "topics"'],
    ['empty topics', { topics: {} }, 'at least one topic'],
    ['an unknown key', { topics, lissten: {} }, 'c.ts: unknown key "lissten"; did you mean "listen"?'],
    [
      'an unknown key below',
      inTopic({ retension: {} }),
      'c.ts: unknown key "retension" in topics.stocks; did you mean "retention"?',
    ],
    ['a key like no other', { topics, xyzzy: 1 }, 'c.ts: unknown key "xyzzy"; known are topics, listen'],
    ['an inherited name', { topics, toString: 1 }, 'unknown key "toString"'],
    ['an unknown limit', { topics, limits: { evenBytesMax: 1 } }, 'did you mean "eventBytesMax"?'],
    [
      'a limit over its bound',
      { topics, limits: { cursorBytesMax: 65 } },
      'limits.cursorBytesMax must be a whole number from 1 to 64, not 65',
    ],
    ['a limit of zero', { topics, limits: { connections: 0 } }, 'limits.connections must be a whole number from 1 on'],
    [
      'more than a timer holds',
      { topics, limits: { stalledMs: 2 ** 31 } },
      'limits.stalledMs must be a whole number from 1 to 2147483647',
    ],
    [
      'a port as text',
      { topics, listen: { port: '80' } },
      'listen.port must be a whole number from 0 to 65535, not "80"',
    ],
    ['half of tls', { topics, listen: { tls: { cert: 'a' } } }, 'listen.tls needs "key"'],
    ['an origin with a path', { topics, cors: { origins: ['https://a.example/'] } }, 'write "https://a.example"'],
    ['a word that is no origin', { topics, cors: { origins: ['a.example'] } }, 'cors.origins[0] must be an origin'],
    ['an empty list', { topics, cors: { origins: [] } }, 'cors.origins must be a list with at least one element'],
    [
      'a durability',
      { topics, durability: 'dsk' },
      'durability must be one of "disk", "os", not "dsk"; did you mean "disk"?',
    ],
    [
      'an unknown rule',
      inTopic({ watch: 'everyone' }),
      'topics.stocks.watch must be "anyone", "authenticated", "granted", { scope: "..." } or a function',
    ],
    ['a bad pointer', inTopic({ key: 'symbol' }), 'topics.stocks.key must be a JSON Pointer below data'],
    ['a word for a flag', { topics, compression: 'off' }, 'compression must be true or false, not "off"'],
    ['a proxy by name', { topics, trustProxy: ['nginx'] }, 'trustProxy[0] must be an address or a network'],
    ['too many bits', { topics, trustProxy: ['10.0.0.0/33'] }, 'trustProxy[0] must have from 1 to 32 bits'],
    ['bits that are none', { topics, trustProxy: ['fd00::/x'] }, 'trustProxy[0] must have from 1 to 128 bits'],
    ['a zone', { topics, trustProxy: ['fe80::1%eth0'] }, 'trustProxy[0] must be an address or a network'],
    [
      'trust in nobody',
      { topics, trustProxy: false },
      'c.ts: trustProxy is false; remove it, since nobody is trusted without it',
    ],
    ...['0.0.0.0/0', '10.1.2.3/0', '::/0', '::/80', '::ffff:0:0/96'].map(
      (network): readonly [string, unknown, string] => [
        `trust in everybody, ${network}`,
        { topics, trustProxy: ['10.0.0.0/8', network] },
        'c.ts: trustProxy[1] must not be all addresses, or clients could claim any; write true if only one proxy can reach the port, not',
      ],
    ),
    [
      'tls in the wrong place',
      { topics, tls: { cert: 'a', key: 'b' } },
      'c.ts: unknown key "tls"; write it in listen, as listen.tls',
    ],
    ['a port in the wrong place', { topics, port: 1 }, 'c.ts: unknown key "port"; write it in listen, as listen.port'],
    [
      'a scope that is two',
      inTopic({ watch: { scope: 'a b' } }),
      'topics.stocks.watch.scope must be one scope without spaces in it, such as "prices"',
    ],
    ['an unknown way', inTopic({ onSlow: 'drop' }), 'topics.stocks.onSlow must be one of'],
    ['the latest of no key', inTopic({ onSlow: 'latest' }), "`onSlow: 'latest'` needs a `key`"],
    [
      'a repeated transport',
      inTopic({ transports: ['sse', 'sse'] }),
      'transports[1] repeats topics.stocks.transports[0]',
    ],
    ['a long drain', { topics, drainMs: 600_001 }, 'drainMs must be a whole number from 0 to 600000, not 600001'],
    ['a fraction', { topics, expiringMs: 0.5 }, 'expiringMs must be a whole number from 0 to 3600000, not 0.5'],
    ['a key of no scope', inTopic({ publish: { scope: '' } }), 'topics.stocks.publish.scope must be one scope'],
    ['a mask of words', inTopic({ mask: ['ip'] }), '"ip" is no JSON Pointer'],
    ['no event types', inTopic({ events: {} }), 'a schema for each event type'],
    ['a schema that is none', inTopic({ events: { a: 'object' } }), 'topics.stocks.events.a must be a JSON Schema'],
    ['a typo in a schema', inTopic({ events: { a: { typ: 'object' } } }), 'unknown keyword: "typ"'],
    ['a reserved type', inTopic({ events: { welcome: {} } }), 'the type is reserved for control messages'],
    [
      'an end without a beginning',
      inTopic({ deprecated: { sunset: '2026-01-01T00:00:00Z' } }),
      'topics.stocks.deprecated needs "since"',
    ],
    [
      'a typo in a deprecation',
      inTopic({ deprecated: { since: '2026-01-01T00:00:00Z', sunst: '2027-01-01T00:00:00Z' } }),
      'unknown key "sunst" in topics.stocks.deprecated; did you mean "sunset"?',
    ],
    ['a time that is none', inTopic({ deprecated: { since: 'soon' } }), '`deprecated.since` must be an RFC 3339 time'],
    [
      'a successor that is nowhere',
      inTopic({ deprecated: { since: '2026-01-01T00:00:00Z', use: 'prices' } }),
      'topic "stocks": `deprecated.use`: no other topic definition matches "prices"',
    ],
    [
      'a mark of a topic that is one of an event type',
      inTopic({ ephemeral: true }),
      'topics.stocks.ephemeral belongs to an',
    ],
    [
      'presence that is not true or false',
      inTopic({ presence: 'yes' }),
      'topics.stocks.presence must be true or false',
    ],
    [
      'an event type that is said not to be ephemeral',
      inTopic({ events: { typing: { ephemeral: false, schema: {} } } }),
      'topics.stocks.events.typing.ephemeral must be true; for events that are stored, write the schema alone',
    ],
    [
      'an ephemeral event type without a schema',
      inTopic({ events: { typing: { ephemeral: true } } }),
      'topics.stocks.events.typing needs "schema"',
    ],
    [
      'a mark among the keywords of a schema',
      inTopic({ events: { typing: { ephemeral: true, schema: {}, type: 'object' } } }),
      'unknown key "type" in topics.stocks.events.typing',
    ],
    ['a version that is a number', inTopic({ version: 2 }), 'topics.stocks.version must be a version, such as "2.1.0"'],
    ['a bad template', { topics: { 'a//b': topics.stocks } }, 'topic "a//b": a segment is empty'],
  ]
  it.each(refused)('%s', (_name, config, message) => {
    expect(faultsOf(config)).toEqual([expect.stringContaining(message)])
  })

  const later: readonly (readonly [string, unknown])[] = [['webhooks', { topics, webhooks: {} }]]
  it.each(later)('what closes something only in later versions: %s', (_name, config) => {
    expect(faultsOf(config)).toEqual([expect.stringContaining('is not available in this version')])
  })

  const hidden = 'hunter2-hunter2'
  const pem = `-----BEGIN PRIVATE KEY-----\n${hidden}\n-----END PRIVATE KEY-----`
  const tls = { cert: 'cert.pem', key: 'key.pem' }
  const secrets: readonly (readonly [string, unknown, string])[] = [
    ['a key in the place of its path', { listen: { tls: { ...tls, key: pem } } }, 'listen.tls.key must be the path of'],
    [
      'its bytes',
      { listen: { tls: { ...tls, key: Buffer.from(pem) } } },
      'listen.tls.key must be the path of a PEM file',
    ],
    ['a key in the place of tls', { listen: { tls: pem } }, 'listen.tls must be an object'],
    [
      'a secret where a text is asked for',
      { auth: { jwt: { secret: hidden.repeat(3), issuer: { hidden } } } },
      '.issuer',
    ],
    [
      'in a list',
      { auth: { jwt: { secret: hidden.repeat(3), algorithms: [hidden] } } },
      'jwt.algorithms[0] must be one',
    ],
    ['for a number', { auth: { jwt: { secret: hidden.repeat(3), clockToleranceSeconds: hidden } } }, 'from 0 to 300'],
    ['for a list', { auth: { jwt: { secret: hidden.repeat(3), algorithms: hidden } } }, 'must be a list'],
  ]
  it.each(secrets)(
    'a secret, or what stands where one could, without showing it: %s [WP-6.6]',
    (_name, config, message) => {
      const faults = faultsOf({ topics, ...(config as object) })
      expect(faults).toEqual([expect.stringContaining(message)])
      for (const part of ['hunter2', String(Buffer.from(hidden)[0])]) expect(faults.join().includes(part)).toBe(false)
    },
  )

  it('all faults at once', () => {
    const faults = faultsOf({ topics: { a: { events: { x: {} }, wach: 1 }, b: {} }, durability: 1 })
    expect(faults).toHaveLength(3)
  })
})
