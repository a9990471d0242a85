/** How the topics are listed: a page at a time. */
import { describe, expect, it } from 'vitest'
import type { LmdbLog } from '../src/index.ts'
import { append, countTo, event, openLog } from './support.ts'

const name = (n: number): string => `t/${String(n).padStart(4, '0')}`

async function publishTo(log: LmdbLog, topics: readonly string[]): Promise<void> {
  await Promise.all(topics.map((topic) => log.append(append(topic, event(1)))))
}

const namesOf = (log: LmdbLog, prefix?: string): string[] => Array.from(log.topics(prefix), ({ topic }) => topic)

describe('topics', () => {
  // Around the ends of pages.
  it.each([0, 1, 255, 256, 257, 512, 600])('lists all of %d, each once and in name order', async (count) => {
    const log = await openLog({ durability: 'os' })
    const expected = countTo(count).map(name)
    await publishTo(log, ['a', 'z', ...expected.toReversed()])
    expect(namesOf(log, 't/')).toEqual(expected)
    expect(namesOf(log)).toEqual(['a', ...expected, 'z'])
    expect(namesOf(log, 'u')).toEqual([])
  })

  it('lists a range of names, and those of it that begin alike', async () => {
    const log = await openLog({ durability: 'os' })
    const rooms = countTo(600).map((n) => `$presence/${name(n)}`)
    await publishTo(log, ['!', '$', '$a', '%', 'a', ...rooms])
    const listed = (...asked: Parameters<LmdbLog['topics']>): string[] =>
      Array.from(log.topics(...asked), ({ topic }) => topic)
    expect(listed('', { before: '$' })).toEqual(['!'])
    expect(listed('', { from: '%' })).toEqual(['%', 'a'])
    expect(listed('', { from: '$', before: '%' })).toEqual(['$', '$a', ...rooms])
    expect(listed('$presence/', { from: rooms[2] ?? '', before: rooms[300] ?? '' })).toEqual(rooms.slice(2, 300))
    expect([listed('$', { from: 'b' }), listed('a', { before: '$' }), listed('a', { from: '$' })]).toEqual([
      ...[[], [], ['a']],
    ])
  })

  it('reads on only as far as it is asked to', async () => {
    const log = await openLog({ durability: 'os' })
    await publishTo(log, countTo(600).map(name))
    const listing = log.topics('t/')
    expect(listing.next().value?.topic).toBe(name(1))
    await publishTo(log, [name(601)])
    expect(Array.from(listing, ({ topic }) => topic)).toEqual(countTo(601).map(name).slice(1))
  })

  it('refuses to go on in a log that can not be read, and does not pass for ended', async () => {
    const log = await openLog({ durability: 'os' })
    await publishTo(log, countTo(600).map(name))
    const listing = log.topics()
    listing.next()
    await log.close()
    expect(() => [...listing]).toThrow('The log can not be read now.')
  })
})
