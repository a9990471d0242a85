/** What `watchpost docs diff` says of what only configurations do, which a server tells no caller. */
import { type JsonSchema, Registry, SERVER, type TopicDefinition } from '@watchpost/core'
import { type Limits, limitsWith } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { asyncapiMembers } from '../src/documents/asyncapi/index.ts'
import { CONFIGURED, withConfigured } from '../src/documents/configured.ts'
import { changesBetween } from '../src/documents/diff/compare.ts'
import { contractOf } from '../src/documents/diff/contract.ts'
import { type Documented, topicsFor } from '../src/documents/documented.ts'
import { whole } from '../src/documents/members.ts'
import { openapiMembers } from '../src/documents/openapi/index.ts'

const KINDS = [
  ['OpenAPI', openapiMembers],
  ['AsyncAPI', asyncapiMembers],
] as const
type Make = (documented: Documented, version: '3.1') => ReturnType<typeof openapiMembers>

/** A definition, and limits beside it. */
type Setting = Partial<TopicDefinition> & { readonly limits?: Partial<Limits> }

const members = (names: readonly string[], more: JsonSchema = {}): JsonSchema => ({
  ...{ type: 'object', properties: Object.fromEntries(names.map((name) => [name, {}])) },
  ...more,
})

/** Through JSON, as files have it. */
function documentOf(make: Make, { limits: given, ...definition }: Setting): Readonly<Record<string, unknown>> {
  const limits = limitsWith(given)
  const topics = { t: { events: { m: members(['a', 'b', 'id']) }, publish: 'anyone', ...definition } } as const
  const documented: Documented = {
    topics: topicsFor(new Registry(topics, { limits }), SERVER),
    ...{ limits, credentials: undefined, baseUrl: 'http://127.0.0.1:8080', probes: false, version: '0.0.0' },
  }
  const document = whole(withConfigured(make(documented, '3.1'), topics, limits))
  return JSON.parse(JSON.stringify(document)) as Readonly<Record<string, unknown>>
}

const changes = (before: unknown, after: unknown): readonly string[] =>
  changesBetween(contractOf(before), contractOf(after)).map(({ breaks, text }) => `${breaks ?? 'nobody'}: ${text}`)

const rule = (): boolean => true
const mask = (): readonly string[] => []
const UNSURE = 'which may be others: what a function answers is in no document'
const only = (after: string, before: string): string =>
  `Topic "t" can be watched only by ${after} now, and could be by ${before}`

const RULES: readonly (readonly [what: string, before: Setting, after: Setting, told: readonly string[]])[] = [
  ['nothing', { mask: ['/a'], key: '/id' }, { mask: ['/a'], key: '/id' }, []],
  [
    'a right where credentials were enough',
    { watch: 'authenticated' },
    { watch: 'granted' },
    [`watchers: ${only('those to whom it is granted', 'whoever has credentials')}.`],
  ],
  [
    'a right to publish, where anyone could',
    {},
    { publish: 'granted' },
    ['publishers: Topic "t" can be published to only by those to whom it is granted now, and could be by anyone.'],
  ],
  [
    'another scope',
    { watch: { scope: 'x' } },
    { watch: { scope: 'y' } },
    [`watchers: ${only('those with the scope "y"', 'those with the scope "x"')}.`],
  ],
  ['credentials where a right was needed', { watch: 'granted' }, { watch: 'authenticated' }, []],
  ['nothing of who watches where a scope was needed', { watch: { scope: 'x' } }, { watch: 'anyone' }, []],
  [
    'a function where credentials were enough',
    { watch: 'authenticated' },
    { watch: rule },
    [`watchers: ${only('those whom a function of the configuration lets', 'whoever has credentials')}, ${UNSURE}.`],
  ],
  [
    'credentials where a function decided',
    { watch: rule },
    { watch: 'authenticated' },
    [`watchers: ${only('whoever has credentials', 'those whom a function of the configuration lets')}, ${UNSURE}.`],
  ],
  ['another function, which is in no document', { watch: rule, mask }, { watch: () => false, mask: () => ['/a'] }, []],
  ['a mask', {}, { mask: ['/a'] }, ['watchers: Topic "t": /data/a is masked now, so no watcher is sent it.']],
  ['a mask of a part of what was masked', { mask: ['/a'] }, { mask: ['/a/x', '/a'] }, []],
  [
    'a mask of more than was masked, and of something else no longer',
    { mask: ['/a/x', '/b'] },
    { mask: ['/a'] },
    [
      'watchers: Topic "t": /data/a is masked now, so no watcher is sent it.',
      'nobody: Topic "t": /data/b is no longer masked.',
    ],
  ],
  [
    'a mask of a new member',
    {},
    { mask: ['/c/d'], events: { m: members(['a', 'b', 'c', 'id']) } },
    ['nobody: Topic "t": /data/c/d is masked, and is new.'],
  ],
  [
    'a mask of data of which nothing is told',
    { events: { m: {} } },
    { events: { m: {} }, mask: ['/c'] },
    ['watchers: Topic "t": /data/c is masked now, so no watcher is sent it.'],
  ],
  [
    'a mask of a member of one of several event types',
    { events: { m: members(['a']), n: { anyOf: [members(['b']), members([], { patternProperties: { '^c': {} } })] } } },
    {
      events: {
        m: members(['a']),
        n: { anyOf: [members(['b']), members([], { patternProperties: { '^c': {} } })] },
      },
      mask: ['/c', '/d'],
    },
    [
      'watchers: Topic "t": /data/c is masked now, so no watcher is sent it.',
      'nobody: Topic "t": /data/d is masked, and is new.',
    ],
  ],
  [
    'a mask of an element, and of a member that depends on another',
    { events: { m: members(['a'], { dependentSchemas: { a: members(['c']) } }), n: { type: 'array' } } },
    {
      events: { m: members(['a'], { dependentSchemas: { a: members(['c']) } }), n: { type: 'array' } },
      mask: ['/0', '/c'],
    },
    [
      'watchers: Topic "t": /data/0 is masked now, so no watcher is sent it.',
      'watchers: Topic "t": /data/c is masked now, so no watcher is sent it.',
    ],
  ],
  [
    'a mask by a function',
    { mask: ['/a'] },
    { mask },
    ['watchers: Topic "t": a function decides now what is masked, so watchers may be sent less, which can\'t be told.'],
  ],
  [
    'a mask for all that a function decided',
    { mask },
    { mask: ['/a'] },
    ['watchers: Topic "t": /data/a is masked now, so no watcher is sent it, which a function decided before.'],
  ],
  ['no mask any more', { mask }, {}, ['nobody: Topic "t": nothing is masked any more.']],
  [
    'another key',
    { key: '/id' },
    { key: '/a' },
    [
      'watchers: Topic "t": keys are made of /data/a now, and were of /data/id.',
      'publishers: Topic "t": keys are made of /data/a now, and were of /data/id.',
    ],
  ],
  [
    'a key by a function',
    { key: '/id' },
    { key: () => 'x' },
    [
      'watchers: Topic "t": keys are made by a function now, and were of /data/id.',
      'publishers: Topic "t": keys are made by a function now, and were of /data/id.',
    ],
  ],
  [
    'only the latest for slow watchers',
    { key: '/id' },
    { key: '/id', onSlow: 'latest' },
    [
      'watchers: Topic "t": watchers that are too slow are sent only the newest event of each key now, and were sent all.',
    ],
  ],
  [
    'all for slow watchers',
    { key: '/id', onSlow: 'latest' },
    { key: '/id' },
    ['nobody: Topic "t": watchers that are too slow are sent all events now.'],
  ],
  [
    'fewer bytes',
    {},
    { limits: { eventBytesMax: 1_024, messageBytesMax: 2_048, presenceInfoBytesMax: 10 } },
    [
      'publishers: The limit `eventBytesMax` is 1024 now, and was 65536.',
      'watchers: The limit `messageBytesMax` is 2048 now, and was 1048576.',
      'publishers: The limit `messageBytesMax` is 2048 now, and was 1048576.',
      'watchers: The limit `presenceInfoBytesMax` is 10 now, and was 1024.',
    ],
  ],
  ['more bytes', { limits: { eventBytesMax: 1_024 } }, {}, []],
]

describe.each(KINDS)('%s', (_kind, make) => {
  it.each(RULES)('tells of configurations: %s', (_what, before, after, expected) => {
    expect(changes(documentOf(make, before), documentOf(make, after))).toEqual(expected)
  })

  it('says nothing of what one of the two does not tell, or not in a way that is known', () => {
    const [before, after] = [
      documentOf(make, {}),
      documentOf(make, { mask: ['/a'], watch: rule, limits: { eventBytesMax: 1 } }),
    ]
    expect(changes(before, after)).toHaveLength(3)
    const { [CONFIGURED]: _configured, ...served } = after
    expect(changes(before, served)).toEqual([])
    expect(changes(served, after)).toEqual([])
    for (const odd of [null, [], { limits: [], topics: 1 }, { limits: { eventBytesMax: '1' }, topics: { t: 'x' } }]) {
      expect(changes(before, { ...served, [CONFIGURED]: odd })).toEqual([])
    }
    for (const part of [{ watch: 'nobody' }, { publish: 1 }, { onSlow: 1 }, { key: 1 }, { mask: [1] }, { mask: 'x' }]) {
      const { topics } = after[CONFIGURED] as { readonly topics: { readonly t: object } }
      expect(changes(before, { ...served, [CONFIGURED]: { topics: { t: { ...topics.t, ...part } } } })).toEqual([])
    }
  })
})
