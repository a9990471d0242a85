/** Where a watch starts, and that it then gets everything once and in order. */
import { deepStrictEqual } from 'node:assert/strict'
import type { Case } from '../case.ts'
import { dataOf, numbered, readEvents, readThrough, watchThrough } from '../reading.ts'

const upTo = (count: number, first = 0): number[] => Array.from({ length: count }, (_, i) => first + i)

export const startCases: readonly Case[] = [
  {
    name: 'from earliest it gets everything once and in order, and then what is new [WP-2.2] [WP-2.5] [WP-3.5]',
    async run({ baseUrl, driver, publish, run }) {
      const topic = `free/${run}/a`
      const old = await publish(topic, numbered(25))
      const watching = await driver.watch(baseUrl, { topics: [topic], after: 'earliest', pageEvents: 7 })
      deepStrictEqual(dataOf(await readThrough(watching, old.at(-1)?.id)), upTo(25))
      for (const n of [25, 26, 27]) {
        const [published] = await publish(topic, numbered(1, n))
        deepStrictEqual(dataOf(await readThrough(watching, published?.id)), [n])
      }
      const many = await publish(topic, numbered(200, 28))
      deepStrictEqual(dataOf(await readThrough(watching, many.at(-1)?.id)), upTo(200, 28))
      await watching.leave()
    },
  },
  {
    name: 'from latest it gets only what is published from then on [WP-2.2] [WP-2.5]',
    async run({ baseUrl, driver, publish, run }) {
      const topic = `free/${run}/a`
      await publish(topic, numbered(5))
      const watching = await driver.watch(baseUrl, { topics: [topic], after: 'latest' })
      const fresh = await publish(topic, numbered(5, 5))
      deepStrictEqual(dataOf(await readThrough(watching, fresh.at(-1)?.id)), upTo(5, 5))
      await watching.leave()
    },
  },
  {
    name: 'without a start it gets what its transport starts with [WP-3.4] [WP-4.4]',
    async run({ baseUrl, driver, publish, run }) {
      const topic = `free/${run}/a`
      await publish(topic, numbered(3))
      const watching = await driver.watch(baseUrl, { topics: [topic] })
      const fresh = await publish(topic, numbered(2, 3))
      const expected = driver.startsAt === 'earliest' ? upTo(5) : upTo(2, 3)
      deepStrictEqual(dataOf(await readThrough(watching, fresh.at(-1)?.id)), expected)
      await watching.leave()
    },
  },
  {
    name: 'with last it starts with the last N events that match, and then goes on [WP-3.4]',
    async run({ baseUrl, driver, publish, run }) {
      for (const [last, notes] of [
        [0, []],
        [1, [5]],
        [4, upTo(4, 2)],
        [1_000, upTo(6)],
      ] as const) {
        const topic = `free/${run}/last-${last}`
        const mixed = upTo(6).flatMap((n) => ['line', 'note', 'word'].map((type) => ({ type, data: n })))
        await publish(topic, mixed)
        const watching = await driver.watch(baseUrl, { topics: [topic], type: ['note'], last, pageEvents: 3 })
        deepStrictEqual(dataOf(await readEvents(watching, notes.length)), notes)
        const fresh = await publish(topic, numbered(2, 100, 'note'))
        deepStrictEqual(dataOf(await readThrough(watching, fresh.at(-1)?.id)), [100, 101])
        await watching.leave()
      }
    },
  },
  {
    name: 'after the id of any event it gets exactly the later ones [WP-1.1] [WP-2.1] [WP-2.5]',
    async run(context) {
      const topic = `free/${context.run}/a`
      const ids = (await context.publish(topic, numbered(7))).map(({ id }) => id)
      for (const [at, after] of ids.slice(0, -1).entries()) {
        const read = await watchThrough(context, { topics: [topic], after, pageEvents: 2 }, ids.at(-1))
        deepStrictEqual(dataOf(read), upTo(6 - at, at + 1))
        deepStrictEqual(read.gaps, [])
      }
    },
  },
]
