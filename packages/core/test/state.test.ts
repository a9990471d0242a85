import { formatCursor, type Position } from '@watchpost/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatNext, parseNext, readState, type StatePage, type StateRequest } from '../src/state.ts'
import { OPEN, problemOf, type World, world } from './support.ts'

const TOPICS = { stocks: { ...OPEN, key: '/key' }, plain: OPEN }

const cursorOf = (position: Position): string => formatCursor('m3m', position)

const read = (here: World, request: Partial<StateRequest> = {}): StatePage =>
  readState(here.log, here.topic('stocks'), { limit: 100, masked: [], ...request }, here.limits)

const keysOf = ({ events }: Pick<StatePage, 'events'>): string[] =>
  events.map(({ json }) => (JSON.parse(json) as { key: string }).key)

/** Every page of a state, as a client loads it; `onPage` is called between two of them. */
async function load(here: World, limit: number, onPage: () => Promise<void> = async () => {}): Promise<StatePage[]> {
  const pages = [read(here, { limit })]
  for (let next = pages[0]?.next; next !== undefined; next = pages.at(-1)?.next) {
    await onPage()
    pages.push(read(here, { limit, next: parseNext(formatNext(next, cursorOf), 'm3m') }))
  }
  return pages
}

/** Keys that a URL, a cursor or the separator could be confused by. */
const hostileKey = fc.oneof(
  fc.constantFrom(
    '~',
    '~~',
    'm3m.5~a',
    '%',
    '%7E',
    '%00',
    '\0',
    ' ',
    '&next=',
    '#',
    '../',
    '\u{10ffff}',
    '\uffff',
    'é',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).filter((key) => Buffer.from(key).toString() === key),
)

describe('the state of a keyed topic [WP-3.11] [WP-9.1]', () => {
  it('is the latest event of each key, without the keys that were removed', async () => {
    const here = world({ topics: TOPICS })
    await here.publish(
      'stocks',
      { data: { key: 'b', n: 1 } },
      { data: { key: 'a', n: 2 } },
      { data: { key: 'b', n: 3 } },
    )
    await here.publish('stocks', { key: 'a', data: null }, { data: { key: 'c', n: 5 } })
    expect(read(here).events.map(({ offset }) => offset)).toEqual([3, 5])
    await here.log.trim('stocks', { events: 0 }, 100)
    expect(keysOf(read(here))).toEqual(['b', 'c'])
  })

  it('has just the keys and members that are asked for', async () => {
    const here = world({ topics: TOPICS })
    await here.publish('stocks', ...['a', 'b', 'c'].map((key) => ({ data: { key, price: 7 } })))
    const page = read(here, { keys: ['c', 'none', 'a'], select: ['/price'] })
    expect([keysOf(page), page.next]).toEqual([['a', 'c'], undefined])
    expect(page.events[0]?.json).toContain('"data":{"price":7}')
    expect(keysOf(read(here, { keys: [] }))).toEqual(['a', 'b', 'c'])
  })

  it('is loaded page by page, every key once, in the order of its bytes, whatever the keys are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(hostileKey, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (keys, limit) => {
          const here = world({ topics: TOPICS })
          await here.publish('stocks', ...keys.map((key) => ({ data: { key } })))
          const pages = await load(here, limit)
          const byBytes = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
          expect(pages.flatMap(keysOf)).toEqual(byBytes)
          expect(pages.length).toBe(Math.ceil(keys.length / limit))
        },
      ),
    )
  })

  it('has the cursor of its first page on all of them, from which nothing is missed', async () => {
    const here = world({ topics: TOPICS })
    await here.publish('stocks', ...['a', 'b', 'c'].map((key) => ({ data: { key, n: 0 } })))
    const pages = await load(here, 1, () => here.publish('stocks', { data: { key: 'a', n: 1 } }))
    expect(pages.map(({ position }) => position)).toEqual(pages.map(() => ({ offset: 3, trims: 0 })))
  })

  it('is not there for a topic without key', async () => {
    const here = world({ topics: TOPICS })
    const problem = await problemOf(() =>
      readState(here.log, here.topic('plain'), { limit: 1, masked: [] }, here.limits),
    )
    expect(problem.problem).toBe('not-keyed')
  })

  it('refuses a select that is no pointer', async () => {
    const here = world({ topics: TOPICS })
    expect((await problemOf(() => read(here, { select: ['price'] }))).problem).toBe('invalid-parameter')
  })
})

describe('where the next page of a state begins [WP-3.11]', () => {
  it('comes back from its text, which needs no escapes in a URL', () => {
    const position = fc.record({ offset: fc.nat(), trims: fc.constant(0) })
    fc.assert(
      fc.property(position, hostileKey, (at, afterKey) => {
        const text = formatNext({ position: at, afterKey }, cursorOf)
        expect(text).toMatch(/^[A-Za-z0-9._~!*'()%-]+$/)
        expect(parseNext(text, 'm3m')).toEqual({ position: at, afterKey })
      }),
    )
  })

  it.each(['', '~', 'm3m.5', 'gone.5~a', '~a', 'm3m.05~a', 'm3m.5~%', 'm3m.5~%ff', 'm3m.5%7Ea'])(
    '%j is none',
    async (text) => {
      expect((await problemOf(() => parseNext(text, 'm3m'))).problem).toBe('invalid-parameter')
    },
  )
})
