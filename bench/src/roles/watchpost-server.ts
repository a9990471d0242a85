/** Ours: a Watchpost on the embedded log, publishing durably from its own process. */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWatchpost, defineConfig, topic } from 'watchpost'
import { serveRole, usageCommands } from '../roles.ts'
import { pace, payload } from './pace.ts'

/** A log that the parent filled and will remove, or a new one. */
const given = process.argv[2]
const dataDir = given ?? (await mkdtemp(join(tmpdir(), 'watchpost-bench-')))
const config = defineConfig({
  topics: { stocks: topic({ events: { priceUpdate: { type: 'object' } }, watch: 'anyone', publish: 'anyone' }) },
  listen: { port: 0 },
  logLevel: 'error',
  // All clients of a benchmark come from one address.
  limits: {
    connections: 100_000,
    connectionsPerAddress: 100_000,
    handshakesPerSecond: 1_000_000,
    publishesPerSecond: 1_000_000,
  },
  dataDir,
})
const watchpost = await createWatchpost(config)
const { url } = await watchpost.listen()

if (given === undefined) process.on('disconnect', () => rmSync(dataDir, { recursive: true, force: true }))
serveRole(url, {
  ...usageCommands,
  /** Publishes evenly; resolves when all events are acknowledged. */
  publish: async (perSecond = 0, count = 0, levels = 0) => {
    const acknowledged: Promise<unknown>[] = []
    await pace(perSecond, count, (_, dueMs) => {
      acknowledged.push(watchpost.publish('stocks', { type: 'priceUpdate', key: 'MSFT', data: payload(dueMs, levels) }))
    })
    await Promise.all(acknowledged)
  },
})
