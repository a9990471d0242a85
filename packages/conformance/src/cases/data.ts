/** That events arrive as they were published, the same on every transport. */
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import type { Event } from '@watchpost/protocol'
import type { Case } from '../case.ts'
import { page } from '../drivers/paging.ts'
import { dataOf, numbered, readThrough, watchThrough } from '../reading.ts'

const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/
const CURSOR = /^[A-Za-z0-9._-]{1,64}$/

const nested = (depth: number): unknown =>
  depth === 0 ? 'deep' : depth % 2 === 0 ? [nested(depth - 1)] : { in: nested(depth - 1) }

/** Values that encoders, frames and decoders are known to trip over. */
const VALUES: readonly unknown[] = [
  ...[null, true, false, '', [], {}, [[]], [{}], [null], { '': null }],
  ...[0, 1, -1, 0.5, -0.1, 1e21, 5e-324, Number.MAX_VALUE, 0.1 + 0.2, 127, 128, 255, 256, -32, -33, -128, -129],
  ...[2 ** 15, 2 ** 16, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 63, -(2 ** 63), 2 ** 64],
  ...['naïve', 'Ω≈ç√', '日本語', '👩‍👩‍👧‍👦', '\u0000', '\u2028\u2029', '\uFEFF', '"\\/\b\f\n\r\t', '</script>'],
  ...[
    'data: x\n\nid: 7\nevent: gap\n\n',
    'a\r\nb\rc\nd',
    'null',
    '1',
    '{"type":"gap"}',
    'x'.repeat(31),
    'x'.repeat(300),
  ],
  { ключ: 'значение', 'with "quotes"': 1, 1: 'number', constructor: 1, toString: null, length: 0 },
  JSON.parse('{"__proto__":{"a":1},"b":2}') as unknown,
  { type: 'gap', topic: 'other', id: 'other', data: { cursor: 'other' }, re: '1', error: {}, timestamp: '' },
  Array.from({ length: 70_000 / 20 }, (_, i) => [i, `${i}`]),
  Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`member ${i}`, i / 7])),
  nested(90),
  'é'.repeat(30_000),
]

export const dataCases: readonly Case[] = [
  {
    name: 'data of every kind, keys and unicode arrive unchanged [WP-1.1] [WP-6.2]',
    async run(context) {
      const topic = `free/${context.run}/a`
      const events = VALUES.map((data, i) => ({ type: 'line', key: `ключ "${i}"\n👋`, data }))
      const published = await context.publish(topic, events)
      const read = await watchThrough(context, { topics: [topic], after: 'earliest' }, published.at(-1)?.id)
      deepStrictEqual(
        read.events.map(({ event: { type, key, data } }) => ({ type, key, data })),
        events,
      )
    },
  },
  {
    name: 'much of it arrives whole [WP-2.5] [WP-3.7] [WP-8.2]',
    async run(context) {
      const topic = `free/${context.run}/a`
      const text = 'x'.repeat(60_000)
      const ids: string[] = []
      for (let batch = 0; batch < 3; batch++) {
        const events = Array.from({ length: 25 }, (_, i) => ({ type: 'line', data: { n: batch * 25 + i, text } }))
        ids.push(...(await context.publish(topic, events)).map(({ id }) => id))
      }
      const read = await watchThrough(context, { topics: [topic], after: 'earliest' }, ids.at(-1))
      deepStrictEqual(
        dataOf(read),
        ids.map((_, n) => ({ n, text })),
      )
    },
  },
  {
    name: 'an event has exactly its members, and its id is the cursor behind it [WP-1.1] [WP-1.5] [WP-2.1]',
    async run(context) {
      const topic = `free/${context.run}/a`
      const published = await context.publish(topic, [
        { type: 'line' },
        { type: 'note', data: { a: 1 }, key: 'k', timestamp: '2001-02-03T04:05:06.7899+02:00' },
      ])
      const read = await watchThrough(context, { topics: [topic], after: 'earliest' }, published.at(-1)?.id)
      const [first, second] = read.events
      const expected: Record<string, unknown>[] = [
        { type: 'line', topic, id: published[0]?.id, data: null, timestamp: published[0]?.timestamp },
        {
          ...{ type: 'note', topic, id: published[1]?.id, key: 'k', data: { a: 1 } },
          timestamp: '2001-02-03T02:05:06.789Z',
        },
      ]
      deepStrictEqual([first?.event, second?.event], expected)
      for (const delivery of read.events) {
        match(delivery.event.timestamp, TIMESTAMP)
        match(delivery.event.id, CURSOR)
        strictEqual(delivery.cursor, delivery.event.id)
      }
    },
  },
  {
    name: 'an event is the same on every transport: byte for byte where it is JSON [WP-1.1] [WP-4.4]',
    async run(context) {
      const topic = `free/${context.run}/a`
      const events = VALUES.slice(0, -1).map((data, i) => ({ type: 'line', key: String(i), data }))
      const published = await context.publish(topic, events)
      const request = { topics: [topic], after: 'earliest', pageEvents: 10 }
      const end = published.at(-1)?.id
      const asPage = await watchThrough({ ...context, driver: page }, request, end)
      const read = await watchThrough(context, request, end)
      deepStrictEqual(
        read.events.map(({ event }) => event),
        asPage.events.map(({ event }) => event),
      )
      for (const [i, { text, event }] of read.events.entries()) {
        if (text === undefined) continue
        strictEqual(text, asPage.events[i]?.text)
        deepStrictEqual(JSON.parse(text), event)
      }
    },
  },
  {
    name: 'what it publishes itself is told its id and time, and is watched like any other event [WP-3.9] [WP-4.3]',
    async run({ baseUrl, driver, run }) {
      const topic = `free/${run}/a`
      const watching = await driver.watch(baseUrl, { topics: [topic], after: 'latest' })
      const given = { key: 'ключ', data: { a: [1, 'ü', null] }, timestamp: '2026-01-02T03:04:05Z' }
      const published = await driver.publish(baseUrl, topic, { type: 'note', ...given })
      strictEqual(published.timestamp, '2026-01-02T03:04:05.000Z')
      const { events } = await readThrough(watching, published.id)
      const event: Event = { type: 'note', topic, id: published.id, ...given, timestamp: published.timestamp }
      deepStrictEqual(
        events.map((each) => each.event),
        [event],
      )
      const beforeMs = Date.now()
      const timed = await driver.publish(baseUrl, topic, { type: 'line' })
      match(timed.timestamp, TIMESTAMP)
      ok(Math.abs(Date.parse(timed.timestamp) - beforeMs) < 3_600_000, 'the time of the server')
      const [, later] = numbered(2)
      const last = await driver.publish(baseUrl, topic, { ...later, type: 'line' })
      deepStrictEqual(dataOf(await readThrough(watching, last.id)), [null, 1])
      await watching.leave()
    },
  },
]
