/** What `watchpost docs diff` says of credentials and limits, for both kinds of documents. */
import { Registry, SERVER, type TopicDefinition } from '@watchpost/core'
import { limitsWith } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { asyncapiOf } from '../src/documents/asyncapi/index.ts'
import { changesBetween } from '../src/documents/diff/compare.ts'
import { contractOf } from '../src/documents/diff/contract.ts'
import { type Documented, topicsFor } from '../src/documents/documented.ts'
import { openapiOf } from '../src/documents/openapi/index.ts'

type Credentials = NonNullable<Documented['credentials']>
type Limits = Parameters<typeof limitsWith>[0]

/** What a server is configured with, but for its topics' events. */
interface Setting {
  readonly topic?: Partial<TopicDefinition>
  readonly credentials?: Credentials
  readonly limits?: Limits
  /** How many topics there are. */
  readonly topics?: number
}

const TOKENS: Credentials = { jwt: true, apiKeys: false, queryToken: false, cookie: undefined, certificates: false }

const MAKERS = {
  OpenAPI: (documented: Documented): object => openapiOf(documented),
  AsyncAPI: (documented: Documented): object => asyncapiOf(documented),
}
type Kind = keyof typeof MAKERS

function contract(kind: Kind, { topic, credentials = TOKENS, limits: given, topics = 1 }: Setting) {
  const limits = limitsWith(given)
  const definition: TopicDefinition = { events: { m: {} }, watch: 'anyone', publish: 'anyone', ...topic }
  const names = Array.from({ length: topics }, (_, i) => `t${i}`)
  const registry = new Registry(Object.fromEntries(names.map((name) => [name, definition])), { limits })
  const baseUrl = 'http://127.0.0.1:8080'
  const told = { topics: topicsFor(registry, SERVER), limits, credentials, baseUrl, probes: false, version: '0.0.0' }
  // Through JSON, as files have it.
  return contractOf(JSON.parse(JSON.stringify(MAKERS[kind](told))))
}

const told = (kind: Kind, before: Setting, after: Setting): readonly string[] =>
  changesBetween(contract(kind, before), contract(kind, after)).map(
    ({ breaks, text }) => `${breaks ?? 'nobody'}: ${text}`,
  )

const authenticated: Setting = { topic: { watch: 'authenticated', publish: 'authenticated' } }
const scoped = (scope: string): Setting => ({ topic: { publish: { scope } } })

/** What changes, before and after, and what is said of it by the documents of each kind. */
const RULES: readonly (readonly [what: string, before: Setting, after: Setting, Record<Kind, readonly string[]>])[] = [
  [
    'credentials are needed to watch',
    {},
    { topic: { watch: 'authenticated' } },
    {
      OpenAPI: ['watchers: Topic "t0" can no longer be watched without credentials.'],
      AsyncAPI: ['watchers: Topic "t0" can no longer be watched without credentials.'],
    },
  ],
  ['credentials are needed no longer', authenticated, {}, { OpenAPI: [], AsyncAPI: [] }],
  [
    'another scope is needed, which AsyncAPI has no place for',
    scoped('a'),
    scoped('b'),
    {
      OpenAPI: [
        'publishers: Topic "t0" can no longer be published to with jwt and the scope "a".',
        'publishers: Topic "t0" can no longer be published to with ticket and the scope "a".',
      ],
      AsyncAPI: [],
    },
  ],
  ['a scope is needed no longer', scoped('a'), { topic: { publish: 'authenticated' } }, { OpenAPI: [], AsyncAPI: [] }],
  [
    'tokens of another kind are taken',
    authenticated,
    { ...authenticated, credentials: { ...TOKENS, jwt: false, apiKeys: true } },
    {
      OpenAPI: [
        'watchers: Topic "t0" can no longer be watched with jwt.',
        'publishers: Topic "t0" can no longer be published to with jwt.',
      ],
      AsyncAPI: [
        'watchers: Topic "t0" can no longer be watched with bearer.',
        'watchers: Topic "t0" can no longer be watched with subprotocol.',
        'publishers: Topic "t0" can no longer be published to with bearer.',
      ],
    },
  ],
  [
    'tokens of another kind are taken too',
    authenticated,
    { ...authenticated, credentials: { ...TOKENS, apiKeys: true } },
    { OpenAPI: [], AsyncAPI: [] },
  ],
  [
    'tokens are no longer read from the address',
    { ...authenticated, credentials: { ...TOKENS, queryToken: true } },
    authenticated,
    {
      OpenAPI: [
        'watchers: Topic "t0" can no longer be watched with queryToken.',
        'publishers: Topic "t0" can no longer be published to with queryToken.',
      ],
      AsyncAPI: [
        'watchers: Topic "t0" can no longer be watched with queryToken.',
        'publishers: Topic "t0" can no longer be published to with queryToken.',
      ],
    },
  ],
  [
    'pages get smaller, of which AsyncAPI does not tell',
    {},
    { limits: { pageEventsMax: 10 } },
    {
      OpenAPI: [
        'watchers: Topic "t0": /query/limit of requests to watch must have `maximum` 10 now, and had `maximum` 1000.',
      ],
      AsyncAPI: [],
    },
  ],
  [
    'fewer events are taken at once',
    {},
    { limits: { publishEventsMax: 7 } },
    {
      OpenAPI: [
        'publishers: Topic "t0": /body of requests to publish must have `maxItems` 7 now, and had `maxItems` 10000.',
      ],
      AsyncAPI: [
        'publishers: Topic "t0": /body of requests to publish must have `maxItems` 7 now, and had `maxItems` 10000.',
      ],
    },
  ],
  ['limits are raised', { limits: { pageEventsMax: 10, keyBytesMax: 8 } }, {}, { OpenAPI: [], AsyncAPI: [] }],
]

describe.each(['OpenAPI', 'AsyncAPI'] as const)('%s', (kind) => {
  it.each(RULES)('tells of operations: %s', (_what, before, after, expected) => {
    expect(told(kind, before, after)).toEqual(expected[kind])
  })

  it('tells a limit that concerns several topics once', () => {
    const [first, ...more] = told(kind, { topics: 3 }, { topics: 3, limits: { publishEventsMax: 7 } })
    expect(first).toContain('publishers: 3 topics, such as "t0": /body of requests to publish')
    expect(more).toEqual([])
  })

  it('tells watchers and publishers of shorter keys', () => {
    const changes = told(kind, {}, { limits: { keyBytesMax: 1 } })
    expect(new Set(changes.map((change) => change.split(':')[0]))).toEqual(new Set(['watchers', 'publishers']))
    expect(changes.join('\n')).toContain('/body/*/key of requests to publish must have `maxLength` 1 now')
  })
})
