/** One cursor for all transports. */
import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import type { Case } from '../case.ts'
import type { Driver, Watching } from '../driver.ts'
import { drivers } from '../drivers/index.ts'
import { page } from '../drivers/paging.ts'
import { dataOf, idsOf, nextOf, numbered, readEvents, readThrough } from '../reading.ts'
import { refuses } from '../refusing.ts'

const EVENTS = 9

/** How many events are handled before the change, and whether the one that handles them is cut off or leaves. */
const CHANGES = [
  [0, 'cut'],
  [1, 'cut'],
  [4, 'leave'],
  [EVENTS, 'leave'],
] as const

const MALFORMED = ['', 'nonsense', 'Earliest', 'latest ', 'x'.repeat(65), 'a b', '../1', '1', 'é', '"', '*']

const resumingOn = (other: Driver): Case => ({
  name: `its cursor, whether it was cut off or left, goes on exactly on ${other.name} [WP-2.1] [WP-2.5]`,
  async run({ baseUrl, driver, publish, run }) {
    const [first, second] = [`free/${run}/a`, `free/${run}/b`]
    for (const [handled, ending] of CHANGES) {
      const ids: string[] = []
      const put = async (topic: string, count: number): Promise<void> => {
        ids.push(...(await publish(topic, numbered(count))).map(({ id }) => id))
      }
      const request = { topics: [`free/${run}/*`], after: 'latest', pageEvents: 4 }
      const before = await driver.watch(baseUrl, request)
      await untilKnown(before)
      await put(first, 3)
      await put(second, EVENTS - 3)
      const seen = idsOf(await readEvents(before, handled))
      const after = before.cursor
      if (ending === 'cut') before.cut()
      else await before.leave()
      strictEqual(await before.next(), undefined)
      await put(second, 2)
      const next = await other.watch(baseUrl, { ...request, after })
      const rest = await readThrough(next, ids.at(-1))
      await next.leave()
      deepStrictEqual([...seen, ...idsOf(rest)], ids)
      deepStrictEqual(rest.gaps, [])
    }
  },
})

/** Handles what a transport says of its start, until a cursor is known. */
async function untilKnown(watching: Watching): Promise<void> {
  while (watching.cursor === undefined) await nextOf(watching)
}

export const cursorCases: readonly Case[] = [
  ...drivers.map(resumingOn),
  {
    name: 'a cursor goes on for another topic and another view [WP-2.1]',
    async run({ baseUrl, driver, publish, run }) {
      const topic = `free/${run}/a`
      const before = await driver.watch(baseUrl, { topics: [topic], type: ['note'], after: 'earliest' })
      const [note] = await publish(topic, [...numbered(1, 0, 'note'), ...numbered(2, 1)])
      await readThrough(before, note?.id)
      await before.leave()
      const [other] = await publish(`free/${run}/b`, numbered(1, 3))
      const next = await driver.watch(baseUrl, { topics: [`free/${run}/*`], type: ['line'], after: before.cursor })
      deepStrictEqual(dataOf(await readThrough(next, other?.id)), [1, 2, 3])
      await next.leave()
    },
  },
  {
    name: 'a text that is no cursor is refused [WP-2.3]',
    async run({ baseUrl, driver, run }) {
      for (const after of MALFORMED) {
        const attempt = driver.watch(baseUrl, { topics: [`free/${run}/a`], after })
        await refuses(attempt, 'invalid-cursor', JSON.stringify(after))
      }
    },
  },
  {
    name: 'its cursor goes on though nothing matches [WP-1.3] [WP-3.7] [WP-3.8] [WP-4.10]',
    async run({ baseUrl, driver, publish, run }) {
      const topic = `free/${run}/a`
      const request = { topics: [topic], type: ['note'], after: 'earliest', waitSeconds: 1 }
      const watching = await driver.watch(baseUrl, request)
      await publish(topic, numbered(15))
      for (let isBehind = true; isBehind; ) {
        strictEqual((await nextOf(watching)).kind, 'bookmark')
        const rest = await page.watch(baseUrl, { topics: [topic], after: watching.cursor })
        isBehind = (await nextOf(rest)).kind === 'event'
        await rest.leave()
      }
      const [last] = await publish(topic, numbered(1, 7, 'note'))
      deepStrictEqual(dataOf(await readThrough(watching, last?.id)), [7])
      await watching.leave()
    },
  },
]
