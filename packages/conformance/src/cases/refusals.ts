/** What is refused, and that the refusal says no more than it should. */
import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import { RESERVED_TYPES } from '@watchpost/protocol'
import type { Case } from '../case.ts'
import { TRANSPORT_NAMES } from '../driver.ts'
import { page } from '../drivers/paging.ts'
import { nextOf, numbered } from '../reading.ts'
import { refuses } from '../refusing.ts'

export const refusalCases: readonly Case[] = [
  {
    name: 'a topic that is not there, or not to be seen, is unknown, to watch and to publish to [WP-6.3] [WP-9.2]',
    async run({ baseUrl, driver, run }) {
      for (const topic of [`nowhere/${run}`, `hidden/${run}`, `free/${run}`, '$presence/room', '$any']) {
        await refuses(driver.watch(baseUrl, { topics: [topic] }), 'unknown-topic', topic)
        await refuses(driver.publish(baseUrl, topic, { type: 'line' }), 'unknown-topic', topic)
      }
    },
  },
  {
    name: 'a topic that may be used only in the other way says so [WP-6.3] [WP-6.1]',
    async run({ baseUrl, driver, run }) {
      await refuses(driver.watch(baseUrl, { topics: [`publish-only/${run}`] }), 'unauthorized', 'to watch')
      await refuses(driver.publish(baseUrl, `watch-only/${run}`, { type: 'line' }), 'unauthorized', 'to publish')
    },
  },
  {
    name: 'a topic that does not offer the transport says which ones it offers [WP-3.5]',
    async run({ baseUrl, driver, run }) {
      const topics = [`without-${driver.transport}/${run}`]
      const { members } = await refuses(driver.watch(baseUrl, { topics }), 'transport-not-offered', 'the transport')
      const others = TRANSPORT_NAMES.filter((name) => name !== driver.transport)
      deepStrictEqual([...(members['transports'] as string[])].sort(), [...others].sort())
    },
  },
  {
    name: 'what is no topic, or more than one, can not be published to [WP-3.3]',
    async run({ baseUrl, driver, run }) {
      for (const topic of [`free/${run}/*`, `free/${run}/**`, `free//a`, 'free/a b/c', '{free}']) {
        await refuses(driver.publish(baseUrl, topic, { type: 'line' }), 'invalid-parameter', topic)
      }
    },
  },
  {
    name: "the protocol's own types, and types that the topic does not have, are no events [WP-1.2] [WP-6.2]",
    async run({ baseUrl, driver, publish, run }) {
      const topic = `free/${run}/a`
      for (const type of [...RESERVED_TYPES, 'unheard-of', '', ' line', 'with space']) {
        const { members } = await refuses(driver.publish(baseUrl, topic, { type }), 'invalid-event', type)
        strictEqual(Array.isArray(members['errors']), true)
      }
      const [published] = await publish(topic, numbered(1))
      const watching = await page.watch(baseUrl, { topics: [topic], after: 'earliest' })
      const first = await nextOf(watching)
      strictEqual(first.kind === 'event' && first.event.id, published?.id)
    },
  },
]
