/** Answers: of problems, one for each status that an operation can answer, and the headers of all. */
import type { Limits } from '@watchpost/protocol'
import { PROBLEMS, type ProblemName, problemType } from '@watchpost/protocol'
import { problemSchemaName } from '../problems.ts'
import { refTo } from '../schemas.ts'
import type { Node } from './building.ts'
import { type OperationName, problemsOf } from './operations.ts'

export type HeaderName =
  | ('ETag' | 'TextETag' | 'NextLink' | 'PreferenceApplied' | 'CacheControl' | 'Vary' | 'XAccelBuffering')
  | ('ContentEncoding' | 'ProblemLink' | 'RetryAfter' | 'WwwAuthenticate' | 'RateLimit' | 'RateLimitPolicy')
  | ('IdempotentReplayed' | 'Upgrade' | 'Connection' | 'SecWebSocketAccept' | 'SecWebSocketProtocol')
  | ('SecWebSocketExtensions' | 'SecWebSocketVersion' | 'Deprecation' | 'Sunset' | 'LifecycleLink')
  | ('ContentSecurityPolicy' | 'ContentTypeOptions' | 'ReferrerPolicy')

/** The headers of an answer, by their names on the wire. Any that tells caches of itself can tell what it depends on. */
export const headersNamed = (...names: readonly HeaderName[]): Node =>
  Object.fromEntries(
    [...names, ...(names.includes('CacheControl') ? (['Vary'] as const) : [])].map((name) => [
      HEADERS[name][0],
      { $ref: `#/components/headers/${name}` },
    ]),
  )

const LIFECYCLE_RELATIONS = '`rel="successor-version"` and `rel="deprecation"` [WP-6.8]'

const HEADERS: Readonly<Record<HeaderName, readonly [wireName: string, description: string, schema?: Node]>> = {
  ETag: ['ETag', 'The cursor to go on from, in quotes.'],
  TextETag: ['ETag', 'Names the text as it is now, for `If-None-Match`.'],
  NextLink: [
    'Link',
    `With \`rel="next"\`: the next page, if there may be more already. Of a deprecated topic also ${LIFECYCLE_RELATIONS}.`,
  ],
  PreferenceApplied: ['Preference-Applied', 'How long a long poll was ready to wait.'],
  CacheControl: ['Cache-Control', 'That nothing keeps the answer without asking.'],
  Vary: ['Vary', 'What headers of the request the answer depends on: `Origin`, if pages of others may read it.'],
  XAccelBuffering: ['X-Accel-Buffering', 'Of a stream: that proxies pass it on as it comes.'],
  ContentEncoding: ['Content-Encoding', 'Of a stream: `gzip`, if the request accepts that.'],
  ProblemLink: [
    'Link',
    `With \`rel="type"\`: a page about the problem. Of a deprecated topic also ${LIFECYCLE_RELATIONS}.`,
  ],
  RetryAfter: ['Retry-After', 'Seconds after which the same request can succeed.', { type: 'integer', minimum: 0 }],
  WwwAuthenticate: ['WWW-Authenticate', '`Bearer`, and why credentials that were sent were refused.'],
  RateLimit: [
    'RateLimit',
    'Of a publish, and of what is over a rate: what is left of the rate (draft-ietf-httpapi-ratelimit-headers-10).',
  ],
  RateLimitPolicy: [
    'RateLimit-Policy',
    'Of a publish, and of what is over a rate: the rate (draft-ietf-httpapi-ratelimit-headers-10).',
  ],
  IdempotentReplayed: ['Idempotent-Replayed', 'That the events were published before.', { const: 'true' }],
  Upgrade: ['Upgrade', 'The protocol that follows.', { const: 'websocket' }],
  Connection: ['Connection', 'That the connection is upgraded.'],
  SecWebSocketAccept: ['Sec-WebSocket-Accept', 'Made of the key of the handshake (RFC 6455, section 4.2.2).'],
  SecWebSocketProtocol: ['Sec-WebSocket-Protocol', 'The subprotocol that is spoken; absent if none was offered.'],
  SecWebSocketExtensions: ['Sec-WebSocket-Extensions', 'Whether messages may be compressed (RFC 7692).'],
  SecWebSocketVersion: ['Sec-WebSocket-Version', 'The version of the protocol that is spoken.', { const: '13' }],
  Deprecation: ['Deprecation', 'Of a deprecated topic: since when it is (RFC 9745).', { pattern: '^@-?\\d+$' }],
  Sunset: ['Sunset', 'Of a deprecated topic: when it may be gone (RFC 8594).'],
  LifecycleLink: ['Link', `Of a deprecated topic: ${LIFECYCLE_RELATIONS}.`],
  ContentSecurityPolicy: ['Content-Security-Policy', 'That the page loads nothing from elsewhere.'],
  ContentTypeOptions: ['X-Content-Type-Options', 'That it is what it says it is.', { const: 'nosniff' }],
  ReferrerPolicy: ['Referrer-Policy', 'That its links tell nobody of it.'],
}

export const headers = (): Node =>
  Object.fromEntries(
    Object.entries(HEADERS).map(([name, [, description, schema]]) => [
      name,
      { description, schema: { type: 'string', ...schema } },
    ]),
  )

const OF_STATUS: Readonly<Record<number, readonly HeaderName[]>> = {
  401: ['WwwAuthenticate'],
  426: ['Upgrade', 'Connection', 'SecWebSocketVersion'],
  429: ['RetryAfter', 'RateLimit', 'RateLimitPolicy'],
  503: ['RetryAfter'],
}

/** Adds headers to answers, but for problems: those about topics have all that can be. */
export const withHeaders = (names: readonly HeaderName[], responses: Node): Node =>
  Object.fromEntries(
    (Object.entries(responses) as [status: string, response: Node][]).map(([status, response]) => {
      const own = response['headers'] as Node | undefined
      return [status, '$ref' in response ? response : { ...response, headers: { ...headersNamed(...names), ...own } }]
    }),
  )

/** What is about topics, of which each can be deprecated, and publishes to each are counted. */
const OF_TOPICS: ReadonlySet<OperationName> = new Set(['watchTopic', 'watchEvents', 'publishTopic', 'readState'])

const TOPIC_HEADERS = ['Deprecation', 'Sunset', 'RateLimit', 'RateLimitPolicy'] as const

/** The problem answers of a document; operations that can answer the same share them. */
export class ProblemResponses {
  readonly #limits: Limits
  readonly #responses = new Map<string, Node>()
  readonly #ofOperations = new Map<OperationName, Readonly<Record<string, Node>>>()

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** References by status. */
  of(operation: OperationName): Readonly<Record<string, Node>> {
    // Each topic has the same operations.
    const references = this.#ofOperations.get(operation) ?? this.#make(operation)
    this.#ofOperations.set(operation, references)
    return references
  }

  #make(operation: OperationName): Readonly<Record<string, Node>> {
    const byStatus = new Map<number, ProblemName[]>()
    for (const name of problemsOf(operation)) {
      const { status } = PROBLEMS[name]
      byStatus.set(status, [...(byStatus.get(status) ?? []), name])
    }
    const entries = [...byStatus].sort(([a], [b]) => a - b)
    return Object.fromEntries(
      entries.map(([status, names]) => [String(status), this.#referTo(status, names, OF_TOPICS.has(operation))]),
    )
  }

  /** All that were referred to, by the names of references. */
  get components(): Node {
    return Object.fromEntries([...this.#responses].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  #referTo(status: number, names: readonly ProblemName[], isOfTopic: boolean): Node {
    const sorted = [...names].sort()
    const name =
      sorted.map((each) => problemSchemaName(each).replace(/Problem$/, '')).join('Or') + (isOfTopic ? 'OfTopic' : '')
    if (!this.#responses.has(name)) this.#responses.set(name, this.#response(status, sorted, isOfTopic))
    return { $ref: `#/components/responses/${name}` }
  }

  #response(status: number, names: readonly ProblemName[], isOfTopic: boolean): Node {
    const more = isOfTopic ? TOPIC_HEADERS : []
    const [first, ...others] = names.map((name) => refTo(problemSchemaName(name)))
    return {
      description: names.map((name) => `\`${name}\`: ${PROBLEMS[name].when}`).join('\n\n'),
      headers: headersNamed('ProblemLink', 'CacheControl', ...(OF_STATUS[status] ?? []), ...more),
      content: {
        'application/problem+json': {
          schema: others.length === 0 ? first : { oneOf: [first, ...others] },
          examples: Object.fromEntries(names.map((name) => [name, { value: this.#example(name) }])),
        },
      },
    }
  }

  #example(name: ProblemName): Node {
    const { status, title, when } = PROBLEMS[name]
    const members: Partial<Record<ProblemName, Node>> = {
      'invalid-event': { errors: [{ event: 0, path: '/data/price', message: 'must be number' }] },
      'cursor-expired': { earliest: 'k7f2x.0-998' },
      'transport-not-offered': { transports: ['page', 'sse'] },
      'unsupported-version': { versions: ['v1'] },
      'rate-limited': { retryAfter: Math.ceil(1 / this.#limits.publishesPerSecond) },
    }
    const instance = 'urn:uuid:3f2b8c1e-9a4d-4e6f-8b7a-5c0d1e2f3a4b'
    return { type: problemType(name), title, status, detail: when, instance, ...members[name] }
  }
}
