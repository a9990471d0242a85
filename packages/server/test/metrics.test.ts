/** Metrics are told also while the log can not be read: then they are needed most. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLmdbLog } from '@watchpost/log-lmdb'
import { expect, it, onTestFinished } from 'vitest'
import { Metrics } from '../src/metrics.ts'

it('tells the other metrics, and what it knew last, while the log can not be read [WP-3.14]', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'watchpost-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const log = await openLmdbLog({ dir, durability: 'os' })
  onTestFinished(() => log.close())
  const event = { type: 'presence', key: 'ana', data: '{}', timestamp: '2026-11-22T12:34:56.789Z' }
  await log.append({ topic: '$presence/room/1', keyed: true, transient: true, events: [event] })
  const metrics = new Metrics()
  const parts = {
    ...{ log, presence: { members: 5, eventsTold: 6 } },
    hub: { feeds: 7, position: 1, catchingUp: 0, eventsDispatched: 0, eventsPassedOver: 0, eventsMissed: 0 },
    connections: { bufferedBytes: 0, counts: () => new Map() },
  }
  metrics.observe(parts as unknown as Parameters<Metrics['observe']>[0])
  const told = async (): Promise<readonly string[]> =>
    (await metrics.registry.metrics()).match(/^watchpost_(?:presence_\w+|hub_feeds) \d+$/gm) ?? []
  const expected = [
    ...['watchpost_hub_feeds 7', 'watchpost_presence_members 5'],
    ...['watchpost_presence_topics 1', 'watchpost_presence_events_total 6'],
  ]
  expect(await told()).toEqual(expected)
  await log.close()
  expect(() => log.transientTopics).toThrow('The log can not be read now.')
  expect(await told()).toEqual(expected)
})
