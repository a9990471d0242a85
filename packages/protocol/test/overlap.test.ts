import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filtersOverlap, matchesFilter } from '../src/index.ts'

/** All paths of up to `lengthMax` segments; the first of `first`, the others of `others`. */
function paths(first: readonly string[], others: readonly string[], lengthMax: number): string[] {
  const all = [...first]
  let longest = all
  for (let length = 2; length <= lengthMax; length++) {
    longest = longest.flatMap((path) => others.map((segment) => `${path}/${segment}`))
    all.push(...longest)
  }
  return all
}

/** Which of the topics each filter matches, as bits, so that two filters have one in common if their bits do. */
function matchesOf(filters: readonly string[], topics: readonly string[]): ReadonlyMap<string, bigint> {
  const bits = (filter: string): bigint =>
    BigInt(`0b${topics.map((topic) => (matchesFilter(filter, topic) ? '1' : '0')).join('')}`)
  return new Map(filters.map((filter) => [filter, bits(filter)]))
}

describe('whether two filters can match the same topic [WP-3.3] [WP-4.5]', () => {
  // Two filters of up to three segments that match anything in common match a topic of at most four: without a `**` in
  // one of them the topic is as long as that one, and with one in each there are two other segments in each.
  const topics = paths(['a', 'b', '$a', '$b'], ['a', 'b', '$a'], 4)
  const filters = paths(['a', 'b', '$a', '$b', '*', '**'], ['a', 'b', '$a', '*', '**'], 3)

  it('is what all topics of up to four segments say, for all filters of up to three, either way round', () => {
    const matches = matchesOf(filters, topics)
    const wrong: string[] = []
    let overlapping = 0
    for (const [a, ofA] of matches) {
      for (const [b, ofB] of matches) {
        const expected = (ofA & ofB) !== 0n
        if (expected) overlapping++
        if (filtersOverlap(a, b) !== expected) wrong.push(`${a} and ${b}: ${expected}`)
      }
    }
    expect(wrong).toEqual([])
    expect(overlapping).toBeGreaterThan(matches.size)
    expect(overlapping).toBeLessThan(matches.size ** 2)
  })

  it('is what all topics of up to six segments say, for longer filters, and symmetric', () => {
    const longTopics = paths(['a', 'b', '$a'], ['a', 'b'], 6)
    const segment = fc.constantFrom('a', 'b', '*', '**', '**')
    const filter = fc
      .tuple(fc.oneof({ weight: 5, arbitrary: segment }, fc.constant('$a')), fc.array(segment, { maxLength: 3 }))
      .map(([first, others]) => [first, ...others].join('/'))
    fc.assert(
      fc.property(filter, filter, (a, b) => {
        const expected = longTopics.some((topic) => matchesFilter(a, topic) && matchesFilter(b, topic))
        expect([filtersOverlap(a, b), filtersOverlap(b, a)]).toEqual([expected, expected])
      }),
      { numRuns: 5_000 },
    )
  })

  it('is true of a filter and each topic that it matches, and of every filter and itself', () => {
    for (const filter of filters) {
      expect(filtersOverlap(filter, filter)).toBe(true)
      for (const topic of topics) expect(filtersOverlap(filter, topic)).toBe(matchesFilter(filter, topic))
    }
  })

  it.each<[string, string, boolean]>([
    ['chat/**', 'chat', true],
    ['chat/**', '**/lobby', true],
    ['chat/*', '*/lobby', true],
    ['chat/*', '*/*/lobby', false],
    ['chat/*', 'chats/**', false],
    ['**/a', '**/b', false],
    ['a/**/b', 'a/b', true],
    ['*', '**/x/**', true],
    ['$presence/**', '**', false],
    ['$presence/chat', '*/chat', false],
    ['$presence/**', '$presence/*', true],
  ])('%s and %s: %j', (a, b, expected) => {
    expect([filtersOverlap(a, b), filtersOverlap(b, a)]).toEqual([expected, expected])
  })

  it('costs no more than one filter times the other, whatever the number of double stars', () => {
    const many = (segment: string): string => `${`**/${segment}/`.repeat(200)}${segment}`
    const startMs = performance.now()
    expect(filtersOverlap(many('a'), many('b'))).toBe(false)
    expect(filtersOverlap(many('a'), many('a'))).toBe(true)
    expect(performance.now() - startMs).toBeLessThan(5_000)
  })
})
