/** A cold reader catching up from the log, beside reading the log without encoding or sending. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLmdbLog } from '@watchpost/log-lmdb'
import { payload } from './roles/pace.ts'
import { Role, type Usage } from './roles.ts'
import { row } from './table.ts'

const EVENTS = 500_000

export async function catchUp(): Promise<void> {
  console.log(`\nCatching up with ${EVENTS.toLocaleString('en')} events from a cold start`)
  row('', 'events/s', 'us CPU/event')
  const dir = await mkdtemp(join(tmpdir(), 'watchpost-bench-'))
  try {
    await logAlone(dir)
    await measured('one SSE client', 'sse', dir)
    await measured('one WebSocket, JSON', 'websocket', dir)
    await measured('one WebSocket, MessagePack', 'msgpack', dir)
    await measured('pages of 1,000', 'pages', dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Fills a log and reads it without encoding or sending anything. */
async function logAlone(dir: string): Promise<void> {
  const log = await openLmdbLog({ dir })
  const event = {
    type: 'priceUpdate',
    key: 'MSFT',
    data: JSON.stringify(payload()),
    timestamp: new Date().toISOString(),
  }
  const events = Array.from({ length: 500 }, () => event)
  for (let n = 0; n < EVENTS; n += events.length) await log.append({ topic: 'stocks', keyed: false, events })
  const before = process.cpuUsage()
  const startMs = performance.now()
  for (let after = 0; after < log.head; ) {
    const bounds = { upTo: log.head, eventsMax: 1_000, charactersMax: 1_000_000 }
    after = log.scan({ topics: ['stocks'], after, ...bounds }).through
  }
  const seconds = (performance.now() - startMs) / 1_000
  const { user, system } = process.cpuUsage(before)
  row('the log alone', Math.round(EVENTS / seconds), ((user + system) / EVENTS).toFixed(2))
  await log.close()
}

async function measured(name: string, way: 'sse' | 'websocket' | 'msgpack' | 'pages', dir: string): Promise<void> {
  const { role, ready: url } = await Role.start('watchpost-server.js', [dir])
  const { role: reader } = await Role.start('cold-reader.js', [`${url}/v1/topics/stocks`])
  try {
    const before = await role.ask<Usage>('usage')
    const seconds = await reader.ask<number>(way, EVENTS)
    const cpuMicros = (await role.ask<Usage>('usage')).cpuMicros - before.cpuMicros
    row(name, Math.round(EVENTS / seconds), (cpuMicros / EVENTS).toFixed(2))
  } finally {
    await reader.stop()
    await role.stop()
  }
}
