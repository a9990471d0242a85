/** Resident memory of the server per idle client that is subscribed to a topic. */
import { Bench } from './delivery.ts'
import type { Usage } from './roles.ts'
import { nchan, type Server, SSE, WEBSOCKET } from './servers.ts'
import { row } from './table.ts'

const CLIENTS = 10_000

/** Connected and measured first, so that what a server makes once is not counted. */
const FIRST_CLIENTS = 100

/** What connecting leaves behind has gone by then. */
const SETTLING_MS = 2_000

export const memorySse = (): Promise<void> => table('SSE client', [SSE.floor, SSE.watchpost])

export async function memoryWebSocket(): Promise<void> {
  const { floor, watchpost, ws, socketIo } = WEBSOCKET
  await table('WebSocket', [floor, watchpost, ws, socketIo, ...nchan()])
}

async function table(what: string, servers: readonly Server[]): Promise<void> {
  console.log(`\nMemory per idle ${what}, ${CLIENTS.toLocaleString('en')} of them`)
  row('server', 'KB resident')
  for (const server of servers) {
    const bytes = await Bench.run(server, { clients: CLIENTS, perSecond: 0 }, measure)
    row(server.name, (bytes / CLIENTS / 1_024).toFixed(1))
  }
}

async function measure({ server, clients }: Bench): Promise<number> {
  const residentAfter = async (count: number): Promise<number> => {
    await clients.ask('connect', count)
    await new Promise((resolve) => setTimeout(resolve, SETTLING_MS))
    await server.ask('collect')
    return (await server.ask<Usage>('usage')).rssBytes
  }
  const before = await residentAfter(FIRST_CLIENTS)
  return (await residentAfter(CLIENTS)) - before
}
