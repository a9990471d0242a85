/** Events that are not stored [WP-9.3]. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case, Context } from '../case.ts'
import type { Delivery, Watching } from '../driver.ts'
import { readThrough, readThroughEphemeral, watchThrough } from '../reading.ts'
import { refuses } from '../refusing.ts'

const typing = (who: unknown) => ({ type: 'typing', data: { who } })
const line = (data: unknown) => ({ type: 'line', data })

/** What a delivery tells of an event, in the order in which it came. */
const told = (deliveries: readonly Delivery[]): unknown[] =>
  deliveries.flatMap((each) => (each.kind === 'event' || each.kind === 'ephemeral' ? [each.event.data] : []))

const isLive = ({ driver }: Context): boolean => driver.transport === 'sse' || driver.transport === 'websocket'

/** Who has just begun to watch may miss what is told then; so it is told until it comes. */
async function untilLive({ baseUrl, driver }: Context, watching: Watching, topic: string): Promise<void> {
  const live = new AbortController()
  const telling = (async () => {
    while (!live.signal.aborted) {
      await driver.publishEphemeral(baseUrl, topic, typing('anybody'))
      await sleep(50)
    }
    await driver.publishEphemeral(baseUrl, topic, typing('enough'))
  })()
  await readThroughEphemeral(watching, { who: 'anybody' })
  live.abort()
  await telling
  await readThroughEphemeral(watching, { who: 'enough' })
}

export const ephemeralCases: readonly Case[] = [
  {
    name: 'events that are not stored come to who is live, in their place, and move no cursor [WP-9.3]',
    async run(context) {
      const { baseUrl, driver, publish, run } = context
      const topic = `room/${run}/a`
      const watching = await driver.watch(baseUrl, { topics: [topic], after: 'latest' })
      if (isLive(context)) await untilLive(context, watching, topic)
      const published = await publish(topic, [typing(1), line(2), typing(3), line(4), typing(5)])
      deepStrictEqual(
        published.map((each) => 'id' in each),
        [false, true, false, true, false],
      )
      const [last] = await publish(topic, [line(6)])
      const { deliveries } = await readThrough(watching, last?.id)
      const who = (n: number) => ({ who: n })
      deepStrictEqual(told(deliveries), isLive(context) ? [who(1), 2, who(3), 4, who(5), 6] : [2, 4, 6])
      let cursor: string | undefined
      for (const each of deliveries) {
        if (each.kind === 'ephemeral') {
          ok(!('id' in each.event))
          deepStrictEqual([each.event.type, each.event.topic], ['typing', topic])
          // A frame without `id:` leaves the one before it; another transport has none to tell.
          if (cursor !== undefined) ok(each.cursor === undefined || each.cursor === cursor, each.cursor)
        } else cursor = each.cursor
      }
      strictEqual(watching.cursor, last?.id)
      await watching.leave()
      // Nothing of them is left for who comes later.
      const again = await watchThrough({ baseUrl, driver }, { topics: [topic], after: 'earliest' }, last?.id)
      deepStrictEqual(told(again.deliveries), [2, 4, 6])
    },
  },
  {
    name: 'events that are not stored are filtered and selected as others are [WP-9.3] [WP-3.6]',
    async run(context) {
      const { baseUrl, driver, publish, run } = context
      if (!isLive(context)) return
      const topic = `room/${run}/a`
      const request = { topics: [topic], after: 'latest', type: ['typing'], key: ['k'], select: ['/who'] }
      const watching = await driver.watch(baseUrl, request)
      const keyed = (who: unknown) => ({ type: 'typing', key: 'k', data: { who, more: 1 } })
      const telling = { ...context, driver: { ...driver, publishEphemeral: withKey(driver) } }
      await untilLive(telling, watching, topic)
      await publish(topic, [typing(1), { ...line(2), key: 'k' }, keyed(3), typing(4), keyed(5)])
      const { deliveries } = await readThroughEphemeral(watching, { who: 5 })
      deepStrictEqual(told(deliveries), [{ who: 3 }, { who: 5 }])
      await watching.leave()
    },
  },
  {
    name: 'events that are not stored are checked as others are, all or none of a publish [WP-9.3] [WP-3.9]',
    async run(context) {
      const { baseUrl, driver, publish, run } = context
      const topic = `room/${run}/a`
      const answer = await driver.publishEphemeral(baseUrl, topic, typing('ana'))
      ok(!('id' in answer) && 'timestamp' in answer, JSON.stringify(answer))
      await refuses(driver.publishEphemeral(baseUrl, topic, { type: 'typing', data: 1 }), 'invalid-event', 'typing 1')
      await refuses(publish(topic, [line(1), { type: 'typing', data: {} }]), 'invalid-event', 'one of two')
      const [only] = await publish(topic, [line(2)])
      const read = await watchThrough({ baseUrl, driver }, { topics: [topic], after: 'earliest' }, only?.id)
      deepStrictEqual(told(read.deliveries), [2])
    },
  },
]

/** The same way to publish, with a key. */
const withKey =
  (driver: Context['driver']): Context['driver']['publishEphemeral'] =>
  (baseUrl, topic, event) =>
    driver.publishEphemeral(baseUrl, topic, { ...event, key: 'k' })
