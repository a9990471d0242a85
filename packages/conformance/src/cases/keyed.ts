/** Keyed topics: their keys, and what removes one. */
import { deepStrictEqual } from 'node:assert/strict'
import type { Case } from '../case.ts'
import { readThrough } from '../reading.ts'
import { refuses } from '../refusing.ts'

export const keyedCases: readonly Case[] = [
  {
    name: 'events of a keyed topic carry the key of their data, and removals their key and null [WP-9.1] [WP-3.6]',
    async run({ baseUrl, driver, publish, run }) {
      const topic = `keyed/${run}/prices`
      const all = await driver.watch(baseUrl, { topics: [topic], after: 'latest' })
      const one = await driver.watch(baseUrl, { topics: [topic], after: 'latest', key: ['7'] })
      const ids: string[] = []
      for (const event of [
        { type: 'price', data: { symbol: 'A', n: 1 } },
        { type: 'price', data: { symbol: 7, n: 2 } },
        { type: 'price', key: 'A', data: null },
        { type: 'price', key: '7', data: { symbol: 7, n: 3 } },
        { type: 'price', key: '7', data: null },
      ]) {
        ids.push(...(await publish(topic, [event])).map(({ id }) => id))
      }
      const keysAndData = async (watching: typeof all) =>
        (await readThrough(watching, ids.at(-1))).events.map(({ event: { key, data } }) => [key, data])
      deepStrictEqual(await keysAndData(all), [
        ['A', { symbol: 'A', n: 1 }],
        ['7', { symbol: 7, n: 2 }],
        ['A', null],
        ['7', { symbol: 7, n: 3 }],
        ['7', null],
      ])
      deepStrictEqual(await keysAndData(one), [
        ['7', { symbol: 7, n: 2 }],
        ['7', { symbol: 7, n: 3 }],
        ['7', null],
      ])
      await Promise.all([all.leave(), one.leave()])
      const state = await fetch(`${baseUrl}/v1/state/${topic}`)
      deepStrictEqual(((await state.json()) as { events: unknown[] }).events, [])
    },
  },
  {
    name: 'another key than that of the data, and a removal without key, are refused [WP-9.1]',
    async run({ baseUrl, driver, run }) {
      const topic = `keyed/${run}/prices`
      for (const event of [
        { type: 'price', key: 'B', data: { symbol: 'A' } },
        { type: 'price', data: null },
        { type: 'price', data: { symbol: '' } },
        { type: 'price', data: {} },
      ]) {
        await refuses(driver.publish(baseUrl, topic, event), 'invalid-event', JSON.stringify(event))
      }
    },
  },
]
