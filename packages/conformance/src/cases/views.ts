/** What of the events is sent: key, type and select. */
import { deepStrictEqual } from 'node:assert/strict'
import type { Case } from '../case.ts'
import type { Published, WatchRequest } from '../driver.ts'
import { dataOf, watchThrough } from '../reading.ts'
import { refuses } from '../refusing.ts'

const PRICE = {
  symbol: 'MSFT',
  deep: {
    list: [
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ],
    none: null,
  },
  'a/b': 1,
  'm~n': 2,
}

/** Pointers, and what they leave of {@link PRICE}. */
const SELECTIONS: readonly (readonly [readonly string[], unknown])[] = [
  [['/symbol'], { symbol: 'MSFT' }],
  [['/deep/none'], { deep: { none: null } }],
  [['/deep/list/1/x'], { deep: { list: [{ x: 3 }] } }],
  [['/deep/list/1', '/deep/list/0/y'], { deep: { list: [{ y: 2 }, { x: 3, y: 4 }] } }],
  [['/a~1b', '/m~0n'], { 'a/b': 1, 'm~n': 2 }],
  [['/deep', '/deep/none'], { deep: PRICE.deep }],
  [['/nothing', '/deep/nothing'], { deep: {} }],
  [[''], PRICE],
]

/** One event of each type with each key, and one without key; `data` says which it is. */
const GRID = [
  ...['line', 'note', 'word'].flatMap((type) =>
    ['a', 'b', 'ключ "c"'].map((key) => ({ type, key, data: `${type} ${key}` })),
  ),
  { type: 'line', data: 'line without key' },
]

/** Views, and what they let through of {@link GRID}. */
const VIEWS: readonly (readonly [Pick<WatchRequest, 'key' | 'type'>, readonly string[]])[] = [
  [{ key: ['a'] }, ['line a', 'note a', 'word a']],
  [{ key: ['b', 'ключ "c"'], type: ['note'] }, ['note b', 'note ключ "c"']],
  [{ key: ['a'], type: ['word', 'line'] }, ['line a', 'word a']],
  [{ key: ['ключ "c"'] }, ['line ключ "c"', 'note ключ "c"', 'word ключ "c"']],
  [{ type: ['line'] }, ['line a', 'line b', 'line ключ "c"', 'line without key']],
]

export const viewCases: readonly Case[] = [
  {
    name: 'key and type let through events with one of each, and nothing else [WP-3.6]',
    async run(context) {
      for (const [n, [view, expected]] of VIEWS.entries()) {
        const topic = `free/${context.run}/grid-${n}`
        const end = { type: view.type?.[0] ?? 'word', key: view.key?.[0] ?? 'a', data: 'end' }
        const published = await context.publish(topic, [...GRID, end])
        const request = { topics: [topic], after: 'earliest', pageEvents: 2, ...view }
        const read = await watchThrough(context, request, published.at(-1)?.id)
        deepStrictEqual(dataOf(read), [...expected, 'end'])
      }
    },
  },
  {
    name: 'select keeps the selected members in their place, and leaves out what is not there [WP-3.6]',
    async run(context) {
      const topic = `free/${context.run}/a`
      const published = await context.publish(topic, [
        { type: 'line', data: PRICE },
        { type: 'line', data: [1, [2], 3] },
        { type: 'line', data: 7 },
        { type: 'line', data: { symbol: 'end' } },
      ])
      const end = published.at(-1)?.id
      const after = 'earliest'
      for (const [select, expected] of SELECTIONS) {
        const [first] = dataOf(await watchThrough(context, { topics: [topic], after, select }, end))
        deepStrictEqual(first, expected, select.join(' '))
      }
      const read = await watchThrough(context, { topics: [topic], after, select: ['/1/0', '/2'] }, end)
      deepStrictEqual(dataOf(read), [{}, [[2], 3], null, {}])
    },
  },
  {
    name: 'select, key and type go together, and change nothing but data [WP-3.6] [WP-1.1]',
    async run(context) {
      const topic = `keyed/${context.run}/prices`
      const prices = ['A', 'B', 'A', 'B'].map((symbol, n) => ({ type: 'price', data: { symbol, n, more: [n] } }))
      const published = await context.publish(topic, prices)
      const view = { key: ['B'], type: ['price'], select: ['/n'] }
      const read = await watchThrough(context, { topics: [topic], last: 2, ...view }, published[3]?.id)
      const expected = [1, 3].map((n) => {
        const { id, timestamp } = published[n] as Published
        return { type: 'price', topic, id, key: 'B', data: { n }, timestamp }
      })
      deepStrictEqual(
        read.events.map(({ event }) => event),
        expected,
      )
    },
  },
  {
    name: 'a parameter that is malformed or out of its bounds is refused [WP-3.6] [WP-3.3]',
    async run({ baseUrl, driver, run }) {
      const topic = `free/${run}/a`
      for (const request of [
        { topics: [topic], select: ['no-pointer'] },
        { topics: [topic], select: ['/bad~escape'] },
        { topics: [topic], last: -1 },
        { topics: [topic], last: 1.5 },
        { topics: [topic], last: 1_000_000_000 },
        { topics: ['a//b'] },
        { topics: ['a b'] },
        { topics: ['a/b*'] },
        { topics: ['é'] },
        { topics: ['x'.repeat(256)] },
      ]) {
        await refuses(driver.watch(baseUrl, request), 'invalid-parameter', JSON.stringify(request))
      }
    },
  },
]
