/** Which topics a filter covers. */
import { deepStrictEqual } from 'node:assert/strict'
import type { Case } from '../case.ts'
import { TRANSPORT_NAMES } from '../driver.ts'
import { dataOf, idsOf, numbered, readEvents, readThrough, watchThrough } from '../reading.ts'

export const topicCases: readonly Case[] = [
  {
    name: 'a filter matches whole segments: * any one, ** any number, none included [WP-3.3]',
    async run(context) {
      const { run, publish } = context
      const [start] = await publish(`free/${run}/start`, numbered(1))
      const topics = ['free/{}/a', 'free/{}/b', 'free/{}/a/x', 'free/{}/b/x', 'short/{}/a', 'keyed/{}/a', 'free/{}/x']
      for (const topic of topics) {
        const event = topic.startsWith('keyed') ? { type: 'price', data: { symbol: topic } } : { type: 'line' }
        await publish(topic.replace('{}', run), [event])
      }
      for (const [filter, expected] of [
        ['free/{}/*', ['free/{}/a', 'free/{}/b', 'free/{}/x']],
        ['free/{}/**', ['free/{}/a', 'free/{}/b', 'free/{}/a/x', 'free/{}/b/x', 'free/{}/x']],
        ['free/{}/a/**', ['free/{}/a', 'free/{}/a/x']],
        ['*/{}/a', ['free/{}/a', 'short/{}/a', 'keyed/{}/a']],
        ['**/{}/*/x', ['free/{}/a/x', 'free/{}/b/x']],
        ['**/{}/**/x', ['free/{}/a/x', 'free/{}/b/x', 'free/{}/x']],
        ['free/*/a', ['free/{}/a']],
      ] as const) {
        const request = { topics: [filter.replace('{}', run)], after: start?.id, pageEvents: 3 }
        const watching = await context.driver.watch(context.baseUrl, request)
        const seen: string[] = []
        // Filters that name no run see those of other cases too.
        while (seen.length < expected.length) {
          const { event } = (await readEvents(watching, 1)).events[0] ?? {}
          if (event?.topic.includes(run)) seen.push(event.topic.replace(run, '{}'))
        }
        await watching.leave()
        deepStrictEqual(seen, expected, filter)
      }
    },
  },
  {
    name: 'a filter covers topics that come into being later [WP-6.3] [WP-3.3]',
    async run({ baseUrl, driver, publish, run }) {
      const watching = await driver.watch(baseUrl, { topics: [`free/${run}/**`], after: 'latest' })
      for (const [n, name] of ['first', 'second', 'second/part'].entries()) {
        const [published] = await publish(`free/${run}/${name}`, numbered(1, n))
        deepStrictEqual(dataOf(await readThrough(watching, published?.id)), [n])
      }
      await watching.leave()
    },
  },
  {
    name: 'an event that several filters match is sent once [WP-3.5] [WP-4.5]',
    async run({ baseUrl, driver, publish, run }) {
      const topics = [`free/${run}/**`, `free/${run}/a`, `free/${run}/*`, `*/${run}/a`]
      const watching = await driver.watch(baseUrl, { topics, after: 'latest' })
      const ids: string[] = []
      for (let n = 0; n < 12; n++) {
        const name = ['a', 'b', 'b/part'][n % 3] as string
        ids.push(...(await publish(`free/${run}/${name}`, numbered(4, n))).map(({ id }) => id))
      }
      const read = await readEvents(watching, ids.length)
      // Whatever were sent twice would come before these, or between them.
      const ends = await publish(`free/${run}/a`, numbered(2))
      const rest = await readEvents(watching, ends.length)
      await watching.leave()
      // Subscriptions of a WebSocket are not ordered among each other [WP-4.4].
      const order = (seen: readonly string[]) => (driver.transport === 'websocket' ? seen.toSorted() : seen)
      deepStrictEqual(order(idsOf(read)), order(ids))
      deepStrictEqual(order(idsOf(rest)), order(ends.map(({ id }) => id)))
    },
  },
  {
    name: 'a wildcard passes over topics that do not offer the transport, or may not be watched [WP-3.5] [WP-6.3]',
    async run(context) {
      const { run, publish, driver } = context
      const [start] = await publish(`publish-only/${run}`, numbered(2))
      const ids: Record<string, string> = {}
      for (const name of TRANSPORT_NAMES) {
        const [published] = await publish(`without-${name}/${run}`, numbered(1))
        ids[name] = published?.id ?? ''
      }
      await publish(`publish-only/${run}`, numbered(2))
      const expected = TRANSPORT_NAMES.filter((name) => name !== driver.transport).map((name) => ids[name])
      const read = await watchThrough(context, { topics: [`*/${run}`], after: start?.id }, expected.at(-1))
      deepStrictEqual(idsOf(read), expected)
    },
  },
]
