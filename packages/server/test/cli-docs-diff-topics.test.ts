/** What `watchpost docs diff` says of the ways to watch a topic, and of schemas that contain themselves. */
import { type JsonSchema, Registry, SERVER, type TopicDefinition, TRANSPORTS } from '@watchpost/core'
import { limitsWith } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { asyncapiOf } from '../src/documents/asyncapi/index.ts'
import { changesBetween } from '../src/documents/diff/compare.ts'
import { contractOf } from '../src/documents/diff/contract.ts'
import { type Documented, topicsFor } from '../src/documents/documented.ts'
import { openapiOf } from '../src/documents/openapi/index.ts'

type Topic = Partial<TopicDefinition>

const documentedBy = (topic: Topic): Documented => ({
  topics: topicsFor(new Registry({ stocks: { events: { price: {} }, ...topic } }), SERVER),
  limits: limitsWith(),
  credentials: undefined,
  baseUrl: 'http://127.0.0.1:8080',
  probes: false,
  version: '0.0.0',
})

const KINDS = [
  ['OpenAPI', (topic: Topic): object => openapiOf(documentedBy(topic))],
  ['OpenAPI 3.2', (topic: Topic): object => openapiOf(documentedBy(topic), '3.2')],
  ['AsyncAPI', (topic: Topic): object => asyncapiOf(documentedBy(topic))],
] as const

/** All that a change is told as, each with whom it breaks before it. `edit` is made to the texts of both documents. */
function told(
  make: (topic: Topic) => object,
  before: Topic,
  after: Topic,
  edit = (text: string): string => text,
): readonly string[] {
  const contract = (topic: Topic) => contractOf(JSON.parse(edit(JSON.stringify(make(topic)))))
  return changesBetween(contract(before), contract(after)).map(({ breaks, text }) => `${breaks ?? 'nobody'}: ${text}`)
}

const lost = (name: string): string => `watchers: Topic "stocks" no longer offers the transport ${name}.`
const gained = (name: string): string => `nobody: Topic "stocks" offers the transport ${name} now.`

describe.each(KINDS)('%s', (_kind, make) => {
  it.each(TRANSPORTS)('tells that %s is taken from a topic, and given to one [WP-3.5]', (taken) => {
    const all = {}
    const others = { transports: TRANSPORTS.filter((name) => name !== taken) }
    expect(told(make, all, others)).toEqual([lost(taken)])
    expect(told(make, others, all)).toEqual([gained(taken)])
  })

  it('tells a page from a long poll, whatever else the topic has', () => {
    for (const more of [{}, { key: '/v' }, { publish: 'anyone' } as const]) {
      const [polled, paged] = [['long-poll'], ['page']] as const
      const changes = told(make, { ...more, transports: polled }, { ...more, transports: paged })
      expect(changes).toEqual([lost('long-poll'), gained('page')])
    }
  })

  it('tells of schemas that contain themselves in several ways, in whatever words they say so', {
    timeout: 60_000,
  }, () => {
    const tree = (v: object, reference: JsonSchema, more: object = {}): Topic => {
      const sides = ['left', 'right', 'up', 'down'].map((name) => [name, reference])
      const properties = { v, ...Object.fromEntries(sides) } as object
      return { events: { price: { type: 'object', properties, ...more } } }
    }
    const whole = tree({ type: 'integer' }, { $ref: '#' })
    expect(told(make, whole, tree({ type: 'integer' }, { $ref: '#t' }, { $anchor: 't' }))).toEqual([])
    expect(told(make, whole, tree({ type: 'integer' }, { $dynamicRef: '#t' }, { $dynamicAnchor: 't' }))).toEqual([])
    const wider = told(make, whole, tree({ type: 'number' }, { $ref: '#t' }, { $anchor: 't' }))
    expect(wider).toContain(
      'watchers: Topic "stocks", event type "price": /data/v can be a number now, and was a whole number.',
    )
  })
})

describe('an OpenAPI document of before, which names no transports', () => {
  it('is read by the answers that it has', () => {
    const silent = (text: string): string => {
      const edited = text.replaceAll(/,"transports":\["[^\]]*\]/g, '')
      expect(edited.length).toBeLessThan(text.length)
      return edited
    }
    expect(told(KINDS[0][1], {}, { transports: ['page', 'sse'] }, silent)).toEqual([
      lost('long-poll'),
      lost('websocket'),
    ])
  })
})
