/** Durable publishes by HTTP, beside the two things they can't be faster than: the log alone, and HTTP alone. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLmdbLog } from '@watchpost/log-lmdb'
import { Role, type Usage } from './roles.ts'
import { row } from './table.ts'

interface Shape {
  readonly name: string
  readonly batch: number
  readonly inFlight: number
  readonly requests: number
}

const SHAPES: readonly Shape[] = [
  { name: 'batches of 500, 4 in flight', batch: 500, inFlight: 4, requests: 800 },
  { name: 'one event each, 64 in flight', batch: 1, inFlight: 64, requests: 60_000 },
]

export async function publish(): Promise<void> {
  for (const shape of SHAPES) {
    console.log(`\nDurable publishes: ${shape.name}`)
    row('', 'events/s', 'us CPU/event')
    await logAlone(shape)
    await overHttp('HTTP alone, the body only read', 'sink-server.js', '/', shape)
    await overHttp('Watchpost', 'watchpost-server.js', '/v1/topics/stocks', shape)
  }
}

async function inFlight(shape: Shape, send: () => Promise<unknown>): Promise<number> {
  let left = shape.requests
  const startMs = performance.now()
  const one = async (): Promise<void> => {
    while (left-- > 0) await send()
  }
  await Promise.all(Array.from({ length: shape.inFlight }, one))
  return (performance.now() - startMs) / 1_000
}

async function logAlone(shape: Shape): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'watchpost-bench-'))
  const log = await openLmdbLog({ dir })
  const data = JSON.stringify({ symbol: 'MSFT', price: 39.81, text: 'x'.repeat(60) })
  const event = { type: 'priceUpdate', key: 'MSFT', data, timestamp: new Date().toISOString() }
  const events = Array.from({ length: shape.batch }, () => event)
  const before = process.cpuUsage()
  const seconds = await inFlight(shape, () => log.append({ topic: 'stocks', keyed: false, events }))
  const { user, system } = process.cpuUsage(before)
  await log.close()
  await rm(dir, { recursive: true, force: true })
  const count = shape.batch * shape.requests
  row('the log alone', Math.round(count / seconds), ((user + system) / count).toFixed(2))
}

async function overHttp(name: string, file: string, path: string, shape: Shape): Promise<void> {
  const { role, ready: url } = await Role.start(file)
  const { role: publishers } = await Role.start('publishers.js', [`${url}${path}`])
  try {
    await publishers.ask('publish', shape.batch, shape.inFlight, Math.ceil(shape.requests / 10))
    const before = await role.ask<Usage>('usage')
    const seconds = await publishers.ask<number>('publish', shape.batch, shape.inFlight, shape.requests)
    const cpuMicros = (await role.ask<Usage>('usage')).cpuMicros - before.cpuMicros
    const count = shape.batch * shape.requests
    row(name, Math.round(count / seconds), (cpuMicros / count).toFixed(2))
  } finally {
    await publishers.stop()
    await role.stop()
  }
}
