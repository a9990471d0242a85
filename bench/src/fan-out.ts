/** Fan-out: what a delivery costs the server in CPU, and how old events are when they arrive. */
import { Bench, type Load } from './delivery.ts'
import { nchan, type Server, SSE, WEBSOCKET, WEBSOCKET_DEFLATED } from './servers.ts'
import { percent, row } from './table.ts'

const LOADS = [
  { clients: 500, perSecond: 1_000 },
  { clients: 1_000, perSecond: 50 },
] as const

/** Prices of an order book that make an event of 2 KB. */
const LEVELS_OF_2_KB = 140

/** Clients that take more than this much of a core can be what is measured. */
const CLIENTS_OF_CORE_MAX = 0.9

export async function fanOutSse(seconds = 8): Promise<void> {
  for (const load of LOADS) await table('SSE fan-out', Object.values(SSE), load, seconds)
}

export async function fanOutWebSocket(seconds = 8): Promise<void> {
  const servers = [...Object.values(WEBSOCKET), ...nchan()]
  for (const load of LOADS) await table('WebSocket fan-out', servers, load, seconds)
}

/** What permessage-deflate costs when every client agreed to it. */
export async function compression(seconds = 8): Promise<void> {
  const { watchpost, ws } = WEBSOCKET
  const servers = [watchpost, ws, ...Object.values(WEBSOCKET_DEFLATED)]
  const load = { clients: 200, perSecond: 50, levels: LEVELS_OF_2_KB }
  await table('WebSocket fan-out of 2 KB events, compressed', servers, load, seconds)
}

async function table(title: string, servers: readonly Server[], load: Load, seconds: number): Promise<void> {
  console.log(`\n${title}: ${load.clients} clients x ${load.perSecond} events/s, ${seconds} s`)
  const heads = ['us CPU/delivery', 'less publishing', 'of one core', 'p50 ms', 'p99 ms', 'delivered', 'bytes/delivery']
  row('server', ...heads)
  for (const server of servers)
    await Bench.run(server, load, (bench) => measure(bench, server.name, load.clients, seconds))
}

/**
 * `less publishing` leaves out what the same publishes cost without any client: for Watchpost, a durable log. It can be
 * below 0, since publishes that wait while clients are written to share transactions.
 */
async function measure(bench: Bench, name: string, clients: number, seconds: number): Promise<void> {
  const publishingMicros = await bench.publishAlone(seconds)
  await bench.connect()
  const seen = await bench.deliver(seconds)
  row(
    name,
    seen.cpuMicros.toFixed(2),
    (seen.cpuMicros - publishingMicros / clients).toFixed(2),
    percent(seen.ofCore),
    seen.p50Ms.toFixed(1),
    seen.p99Ms.toFixed(1),
    percent(seen.delivered, 1),
    Math.round(seen.bytes),
  )
  if (seen.clientsOfCore > CLIENTS_OF_CORE_MAX) {
    console.log(`    its clients took ${percent(seen.clientsOfCore)} of a core, so their pace may be what is seen here`)
  }
}
