/** Resident memory of the server per idle SSE client, beside a bare HTTP server that holds the same streams. */
import { Role, type Usage } from './roles.ts'
import { row } from './table.ts'

const CLIENTS = 10_000

export async function memory(): Promise<void> {
  console.log(`\nMemory per idle SSE client, ${CLIENTS.toLocaleString('en')} clients`)
  row('server', 'KB resident')
  await measure('floor: bare node:http', 'floor-server.js', '/')
  await measure('Watchpost', 'watchpost-server.js', '/v1/topics/stocks')
}

async function measure(name: string, file: string, path: string): Promise<void> {
  const { role, ready: url } = await Role.start(file)
  const { role: clients } = await Role.start('subscribers.js', [`${url}${path}`])
  try {
    await clients.ask('connect', 100)
    const before = await role.ask<Usage>('usage')
    await clients.ask('connect', CLIENTS)
    const after = await role.ask<Usage>('usage')
    row(name, ((after.rssBytes - before.rssBytes) / CLIENTS / 1_024).toFixed(1))
  } finally {
    await clients.stop()
    await role.stop()
  }
}
