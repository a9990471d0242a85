/** Who is here [WP-9.4]. */
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case, Context } from '../case.ts'
import type { Driver } from '../driver.ts'
import { sse } from '../drivers/sse.ts'
import { readEvents } from '../reading.ts'
import { refuses } from '../refusing.ts'

interface Member {
  readonly key: string
  readonly data: { readonly since: string; readonly connections: number; readonly info?: unknown }
}

/** Longer than it takes to be told that somebody came or left. */
const DEADLINE_MS = 20_000

const isMember = ({ transport }: Driver): boolean => transport === 'sse' || transport === 'websocket'

/** Who is here, once that fits. */
async function membersOnce(baseUrl: string, topic: string, fits: (members: readonly Member[]) => boolean) {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const response = await fetch(`${baseUrl}/v1/state/$presence/${topic}`)
    strictEqual(response.status, 200)
    const { events } = (await response.json()) as { readonly events: readonly Member[] }
    if (fits(events)) return events
    ok(performance.now() < deadline, `here are ${JSON.stringify(events)}`)
    await sleep(50)
  }
}

/** In an order of their own, whatever they are. */
const sorted = (values: readonly unknown[]): readonly string[] =>
  values.map((value) => JSON.stringify(value)).sort((a, b) => (a < b ? -1 : 1))

const infos = (members: readonly Member[]): readonly string[] => sorted(members.map(({ data }) => data.info))

export const presenceCases: readonly Case[] = [
  {
    name: 'who watches by stream or WebSocket is a member until they leave, unless they ask not to be [WP-9.4] [WP-3.6]',
    async run({ baseUrl, driver, run }: Context) {
      const topic = `room/${run}/a`
      const [hidden, watching] = [
        await driver.watch(baseUrl, { topics: [topic], present: false, info: 'hidden' }),
        await driver.watch(baseUrl, { topics: [topic], info: { n: [1] } }),
      ]
      // Comes last, so that the others were told of if they are.
      const last = await sse.watch(baseUrl, { topics: [topic], present: true, info: 'last' })
      const isThere = (info: unknown) => (members: readonly Member[]) =>
        members.some(({ data }) => JSON.stringify(data.info) === JSON.stringify(info))
      const members = await membersOnce(baseUrl, topic, isThere('last'))
      deepStrictEqual(infos(members), sorted(isMember(driver) ? [{ n: [1] }, 'last'] : ['last']))
      for (const { key, data } of members) {
        match(key, /./)
        strictEqual(data.connections, 1)
        ok(!Number.isNaN(Date.parse(data.since)))
      }
      strictEqual(new Set(members.map(({ key }) => key)).size, members.length)
      await Promise.all([hidden.leave(), watching.leave()])
      deepStrictEqual(infos(await membersOnce(baseUrl, topic, ({ length }) => length === 1)), sorted(['last']))
      await last.leave()
    },
  },
  {
    name: 'the topic of who is here is watched like any other, each event by itself or several together [WP-9.4] [WP-9.5]',
    async run({ baseUrl, driver, run }: Context) {
      const topic = `room/${run}/a`
      const name = `$presence/${topic}`
      const watching = await driver.watch(baseUrl, { topics: [name], after: 'earliest' })
      const members = await Promise.all([1, 2, 3].map((n) => sse.watch(baseUrl, { topics: [topic], info: n })))
      const came = await readEvents(watching, 3)
      for (const { event } of came.events) deepStrictEqual([event.type, event.topic], ['presence', name])
      deepStrictEqual(infos(came.events.map(({ event }) => event as unknown as Member)), sorted([1, 2, 3]))
      await Promise.all(members.map((member) => member.leave()))
      const left = await readEvents(watching, 3)
      deepStrictEqual(
        sorted(left.events.map(({ event }) => [event.key, event.data])),
        sorted(came.events.map(({ event }) => [event.key, null])),
      )
      await watching.leave()
      // What was told together is no other than what is told one by one.
      const page = await fetch(`${baseUrl}/v1/topics/${name}?after=earliest`)
      const { events } = (await page.json()) as { readonly events: readonly unknown[] }
      deepStrictEqual(
        [...came.events, ...left.events].map(({ event }) => event),
        events,
      )
    },
  },
  {
    name: 'nobody publishes to the topic of who is here, and there is none where the topic has no presence [WP-9.2] [WP-9.4]',
    async run({ baseUrl, driver, run }: Context) {
      const event = { type: 'presence', key: 'k', data: null }
      await refuses(driver.publish(baseUrl, `$presence/room/${run}/a`, event), 'unauthorized', 'publishing to it')
      await refuses(driver.watch(baseUrl, { topics: [`$presence/free/${run}/a`] }), 'unknown-topic', 'watching it')
    },
  },
]
