import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareTemplates,
  filterFault,
  isExact,
  limitsWith,
  literalPrefix,
  matchesFilter,
  matchTemplate,
  templateFault,
  topicFault,
} from '../src/index.ts'

const bounds = limitsWith()

/** The definition of matching, as plainly as it can be said, at an exponential cost. */
function matchesReference(filter: readonly string[], topic: readonly string[]): boolean {
  const [head, ...rest] = filter
  if (head === undefined) return topic.length === 0
  if (head === '**') return topic.some((_, i) => matchesReference(rest, topic.slice(i))) || matchesReference(rest, [])
  return topic.length > 0 && (head === '*' || head === topic[0]) && matchesReference(rest, topic.slice(1))
}

const path = (segments: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> =>
  fc.array(segments, { minLength: 1, maxLength }).map((all) => all.join('/'))
// Two letters only, so that filters and topics often meet.
const smallTopic = path(fc.constantFrom('a', 'b'), 7)
const smallFilter = path(fc.constantFrom('a', 'b', '*', '**'), 6)

describe('topic filters [WP-3.3]', () => {
  it('match what the definition says', () => {
    fc.assert(
      fc.property(smallFilter, smallTopic, (filter, topic) => {
        expect(matchesFilter(filter, topic)).toBe(matchesReference(filter.split('/'), topic.split('/')))
      }),
      { numRuns: 5_000 },
    )
  })

  it('match only topics that begin with their literal prefix', () => {
    fc.assert(
      fc.property(smallFilter, smallTopic, (filter, topic) => {
        fc.pre(matchesFilter(filter, topic))
        expect(topic.startsWith(literalPrefix(filter))).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['stocks', 'stocks'],
    ['chat/*', 'chat/'],
    ['chat/**', 'chat'],
    ['chat/**/x', 'chat'],
    ['**', ''],
    ['*/x', ''],
  ])('%s begins with %j', (filter, prefix) => {
    expect(literalPrefix(filter)).toBe(prefix)
  })

  it.each<[string, string, boolean]>([
    ['chat/**', 'chat', true],
    ['chat/**', 'chatter', false],
    ['chat/*', 'chat', false],
    ['chat/*', 'chat/a/b', false],
    ['**/b', 'b', true],
    ['a/**/b/**/c', 'a/b/b/x/c', true],
    ['**', '$presence/chat', false],
    ['*/chat', '$presence/chat', false],
    ['$presence/**', '$presence/chat', true],
    ['$presence/chat', '$presence/chat', true],
  ])('%s on %s: %j', (filter, topic, matches) => {
    expect(matchesFilter(filter, topic)).toBe(matches)
  })

  it('cost no more than filter times topic, whatever the number of double stars', () => {
    const filter = `${'**/a/'.repeat(500)}b`
    const topic = Array.from({ length: 5_000 }, () => 'a').join('/')
    const startMs = performance.now()
    expect(matchesFilter(filter, topic)).toBe(false)
    // A match that tries every way for every double star would not end in the age of the universe.
    expect(performance.now() - startMs).toBeLessThan(2_000)
  })

  it('are exact without a wildcard, and then match only themselves', () => {
    fc.assert(
      fc.property(smallTopic, smallTopic, (a, b) => {
        expect(isExact(a)).toBe(true)
        expect(matchesFilter(a, b)).toBe(a === b)
      }),
    )
    expect(isExact('a/*')).toBe(false)
  })
})

describe('topic names [WP-3.3]', () => {
  it.each(['a', 'chat/lobby', 'A.b_c~d$e@f:g+h=i,j!k-l/0', '...', '.a', '$presence/chat'])('%j is one', (topic) => {
    expect(topicFault(topic, bounds)).toBeUndefined()
    expect(filterFault(topic, bounds)).toBeUndefined()
  })

  it.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    '.',
    '..',
    'a/../b',
    'a b',
    'a%2Fb',
    'ä',
    'a?b',
    'a#b',
    'a"b',
    'a\\b',
    'a\n',
    'a\0',
    '{a}',
  ])('%j is none, and neither a filter', (topic) => {
    expect(topicFault(topic, bounds)).toBeTypeOf('string')
    expect(filterFault(topic, bounds)).toBeTypeOf('string')
  })

  it('take wildcards in filters alone, and as whole segments', () => {
    expect(topicFault('a/*', bounds)).toBeTypeOf('string')
    expect(templateFault('a/*', bounds)).toBeTypeOf('string')
    expect(filterFault('*/a/**', bounds)).toBeUndefined()
    expect(filterFault('a*', bounds)).toBeTypeOf('string')
    expect(filterFault('***', bounds)).toBeTypeOf('string')
  })

  it('are bounded in bytes and in segments, and the fault names the bound [WP-8.1]', () => {
    expect(topicFault('x'.repeat(255), bounds)).toBeUndefined()
    expect(topicFault('x'.repeat(256), bounds)).toContain('255')
    expect(topicFault(Array(16).fill('x').join('/'), bounds)).toBeUndefined()
    expect(topicFault(Array(17).fill('x').join('/'), bounds)).toContain('16')
  })

  it('need no escape in JSON, in an SSE line or in a path', () => {
    const characters = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code))
    const allowed = characters.filter((character) => topicFault(`a${character}b`, bounds) === undefined)
    const topic = allowed.join('')
    expect(topic).toBe('!$+,-./0123456789:=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~')
    expect(JSON.stringify(topic)).toBe(`"${topic}"`)
    expect(new URL(`/v1/topics/${topic}`, 'http://a').pathname).toBe(`/v1/topics/${topic}`)
  })
})

describe('topic templates [WP-3.3]', () => {
  it('give the parameters of their topics', () => {
    expect({ ...matchTemplate('chat/{room}', 'chat/lobby') }).toEqual({ room: 'lobby' })
    expect({ ...matchTemplate('{a}/x/{b}', '1/x/2') }).toEqual({ a: '1', b: '2' })
    expect({ ...matchTemplate('stocks', 'stocks') }).toEqual({})
  })

  it.each([
    ['chat/{room}', 'chat'],
    ['chat/{room}', 'chat/a/b'],
    ['chat/{room}', 'chats/a'],
    ['stocks', 'stock'],
    // No topics at all, and what would happen to JSON with the last is clear.
    ['chat/{room}', 'chat/'],
    ['chat/{room}', 'chat/*'],
    ['chat/{room}', 'chat/..'],
    ['chat/{room}', 'chat/a","id":"b'],
  ])('%s has no topic %s', (template, topic) => {
    expect(matchTemplate(template, topic)).toBeUndefined()
  })

  it('find in a topic just the values that it was made of', () => {
    const name = fc.stringMatching(/^[a-z]{1,3}$/)
    const part = fc.oneof(
      name.map((text) => ({ text, value: undefined })),
      fc.record({ text: name, value: name }),
    )
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
        const named = parts.map(({ text, value }, i) => ({ text: `${text}${i}`, value }))
        const template = named.map(({ text, value }) => (value === undefined ? text : `{${text}}`)).join('/')
        const topic = named.map(({ text, value }) => value ?? text).join('/')
        const params = named.flatMap(({ text, value }) => (value === undefined ? [] : [[text, value]]))
        expect(templateFault(template, bounds)).toBeUndefined()
        expect({ ...matchTemplate(template, topic) }).toEqual(Object.fromEntries(params))
      }),
    )
  })

  it('give parameters without a prototype, so that no name is there by accident', () => {
    expect(matchTemplate('{a}', 'x')?.['constructor']).toBeUndefined()
  })

  it.each(['{a}/{a}', '{}', '{1}', 'a{b}', '{a}b', '$mine', '$presence/{topic}', 'a//b'])('%s is none', (template) => {
    expect(templateFault(template, bounds)).toBeTypeOf('string')
  })

  it("never reach into the server's own topics [WP-9.2]", () => {
    expect(matchTemplate('{a}', '$presence')).toBeUndefined()
    expect(matchTemplate('{a}/{b}', '$presence/chat')).toBeUndefined()
    expect(matchTemplate('{a}/{b}', 'chat/$price')).toBeDefined()
  })
})

describe('the order of templates [WP-3.3]', () => {
  const template = path(fc.constantFrom('a', 'b', 'z', '~', '{a}', '{b}', '{z}', '{zz}'), 4)

  it('puts the most literal one first', () => {
    const sorted = ['{a}/{b}', 'chat/{room}', '{a}/lobby', 'chat/lobby'].sort(compareTemplates)
    expect(sorted).toEqual(['chat/lobby', 'chat/{room}', '{a}/lobby', '{a}/{b}'])
  })

  it('is an order: antisymmetric, transitive, and equal only for the same text', () => {
    fc.assert(
      fc.property(template, template, template, (a, b, c) => {
        expect(Math.sign(compareTemplates(a, b))).toBe(0 - Math.sign(compareTemplates(b, a)))
        expect(compareTemplates(a, b) === 0).toBe(a === b)
        if (compareTemplates(a, b) < 0 && compareTemplates(b, c) < 0) expect(compareTemplates(a, c)).toBeLessThan(0)
      }),
      { numRuns: 5_000 },
    )
  })

  it('is the same whatever the order of the definitions', () => {
    const all = ['{a}/{b}', '{z}', '{zz}/c']
    expect([...all].sort(compareTemplates)).toEqual([...all].reverse().sort(compareTemplates))
    expect([...all].sort(compareTemplates).indexOf('{zz}/c')).toBeLessThan(
      all.sort(compareTemplates).indexOf('{a}/{b}'),
    )
  })
})
