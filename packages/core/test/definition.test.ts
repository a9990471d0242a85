import { limitsWith } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { compileTopic, type TopicDefinition, topic } from '../src/definition.ts'
import { DefinitionError } from '../src/definition-error.ts'

const NEW_YEAR = '2026-01-01T00:00:00Z'
const ANY = { events: { tick: {} } } satisfies TopicDefinition

/** What a definition is refused with. */
function refusal(template: string, definition: TopicDefinition): string {
  try {
    compileTopic(template, definition)
  } catch (error) {
    if (error instanceof DefinitionError) return error.message
    throw error
  }
  throw new Error('the definition was taken')
}

describe('a topic definition [WP-6.2]', () => {
  it('denies, offers everything and keeps all unless it says otherwise', () => {
    const { access, transports, retention, keyOf, schemas, onSlow } = compileTopic('a', ANY)
    expect(access).toEqual({ watch: 'granted', publish: 'granted' })
    expect([...transports]).toEqual(['page', 'long-poll', 'sse', 'websocket'])
    expect([retention, keyOf, [...schemas.keys()], onSlow]).toEqual([{}, undefined, ['tick'], 'all'])
  })

  it('is taken as it is written', () => {
    const definition = topic({
      ...ANY,
      description: 'Words',
      transports: ['sse'],
      retention: { bytes: 7 },
      watch: 'anyone',
    })
    const { access, transports, retention, description } = compileTopic('a', definition)
    expect([access.watch, [...transports], retention, description]).toEqual(['anyone', ['sse'], { bytes: 7 }, 'Words'])
  })

  it('brings the times of a deprecation to the form of the wire [WP-1.5]', () => {
    const deprecated = { since: '2026-01-01T01:00:00+01:00', sunset: '2026-07-01T00:00:00Z', use: 'b/{x}' }
    expect(compileTopic('a/{x}', { ...ANY, deprecated, version: '2.1.0' })).toMatchObject({
      version: '2.1.0',
      deprecated: { since: '2026-01-01T00:00:00.000Z', sunset: '2026-07-01T00:00:00.000Z', use: 'b/{x}' },
    })
    expect(compileTopic('a', { ...ANY, deprecated: { since: NEW_YEAR } }).deprecated).toEqual({
      since: '2026-01-01T00:00:00.000Z',
    })
    expect(compileTopic('a', ANY).deprecated).toBeUndefined()
  })

  it.each<[string, TopicDefinition, string]>([
    ['$mine', ANY, "the server's own"],
    ['$presence/{x}', ANY, "the server's own"],
    ['a//b', ANY, 'a segment is empty'],
    ['a/{b}/{b}', ANY, 'a name of its own'],
    ['a/{b-c}', ANY, '"{b-c}"'],
    ['a/*', ANY, '"*"'],
    ['a', { events: {} }, 'at least one event type'],
    ['a', { events: { welcome: {} } }, 'event type "welcome": the type is reserved'],
    ['a', { events: { bookmark: {} } }, 'is reserved'],
    ['a', { events: { 'price update': {} } }, 'event type "price update"'],
    ['a', { events: { '.hidden': {} } }, 'begins with a letter or digit'],
    ['a', { events: { ['x'.repeat(129)]: {} } }, 'event type'],
    ['a', { events: { tick: { typo: 'string' } } }, 'event type "tick": strict mode: unknown keyword: "typo"'],
    ['a', { ...ANY, onSlow: 'latest' }, "`onSlow: 'latest'` needs a `key`"],
    ['a', { ...ANY, deprecated: { since: 'soon' } }, '`deprecated.since` must be an RFC 3339 time'],
    [
      'a',
      { ...ANY, deprecated: { since: NEW_YEAR, sunset: '2026-02-30T00:00:00Z' } },
      '`deprecated.sunset` must be an',
    ],
    ['a', { ...ANY, deprecated: { since: NEW_YEAR, sunset: NEW_YEAR } }, '`deprecated.sunset` must be after `since`'],
    // The same moment, told in another zone.
    ['a', { ...ANY, deprecated: { since: NEW_YEAR, sunset: '2026-01-01T01:00:00+01:00' } }, 'must be after `since`'],
    ['a', { ...ANY, deprecated: { since: NEW_YEAR, use: 'a' } }, '`deprecated.use` names the topic itself'],
    ['a', { ...ANY, deprecated: { since: NEW_YEAR, use: 'b//c' } }, '`deprecated.use`: a segment is empty'],
    [
      'a/{b}',
      { ...ANY, deprecated: { since: NEW_YEAR, use: 'c/{d}' } },
      '`deprecated.use` has {d}, which is no parameter',
    ],
    ['a', { ...ANY, key: 'symbol' }, '`key` must be a JSON Pointer'],
    ['a', { ...ANY, key: '' }, '`key` must be a JSON Pointer'],
    ['a', { ...ANY, key: '/a~2' }, '`key` must be a JSON Pointer'],
  ])('%s is refused, and the message names the place: %j', (template, definition, expected) => {
    const message = refusal(template, definition)
    expect(message).toContain(`topic "${template}"`)
    expect(message).toContain(expected)
  })

  it('keeps to the bounds of topics', () => {
    expect(() => compileTopic('a/b/c', ANY, { bounds: limitsWith({ topicSegmentsMax: 2 }) })).toThrow('more than 2')
  })
})

describe('the key that a definition makes of data [WP-9.1]', () => {
  it.each<[TopicDefinition['key'], unknown, string | undefined]>([
    ['/symbol', { symbol: 'MSFT' }, 'MSFT'],
    ['/id', { id: 7 }, '7'],
    ['/id', { id: 0 }, '0'],
    ['/a/0/b', { a: [{ b: 'x' }] }, 'x'],
    ['/__proto__', {}, undefined],
    ['/symbol', { symbol: null }, undefined],
    ['/symbol', { symbol: true }, undefined],
    ['/symbol', { symbol: { toString: 1 } }, undefined],
    ['/symbol', {}, undefined],
    ['/symbol', 'text', undefined],
    [({ type, data }: { type: string; data: { n: number } }) => `${type}:${data.n}`, { n: 1 }, 'tick:1'],
    [(() => 7) as unknown as () => string, {}, '7'],
    [(() => undefined) as unknown as () => string, {}, undefined],
  ])('%s of %j is %j', (key, data, expected) => {
    const { keyOf } = compileTopic('a', { ...ANY, ...(key !== undefined && { key: key as string }) })
    expect(keyOf?.('tick', data as never)).toBe(expected)
  })
})
