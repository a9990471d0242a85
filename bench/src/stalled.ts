/** What one client that never reads costs all the others in latency, and the server in memory. */
import { Bench, type Delivery } from './delivery.ts'
import type { Usage } from './roles.ts'
import { type Server, WEBSOCKET } from './servers.ts'
import { percent, row } from './table.ts'

const SERVERS = [WEBSOCKET.watchpost, WEBSOCKET.ws, WEBSOCKET.socketIo] as const

/**
 * Prices of an order book make events of 10 KB, so that 500 KB a second are due to the client that takes none: within the
 * first ten seconds more than the kernel holds for it.
 */
const LOAD = { clients: 1_000, perSecond: 50, levels: 770 } as const

interface Seen extends Delivery {
  /** What the server had used before. */
  readonly before: Usage
}

export async function stalled(seconds = 20): Promise<void> {
  const { clients, perSecond } = LOAD
  console.log(`\nOne stalled WebSocket beside ${clients} clients x ${perSecond} events/s of 10 KB, ${seconds} s`)
  row('server', 'p50 ms', 'p99 ms', 'delivered', 'of one core', 'MB before', 'MB after')
  const seen = new Map<string, Seen>()
  for (const server of SERVERS) {
    await measure(server, server.name, 0, seconds)
    seen.set(server.name, await measure(server, `${server.name}, stalled`, 1, seconds))
  }
  console.log('\nMemory of the server with the stalled WebSocket, MB')
  row('server', 'resident', 'heap', 'external', 'array buffers')
  for (const [name, { before, parts }] of seen) {
    for (const { seconds: at, usage } of [{ seconds: 0, usage: before }, ...parts]) {
      const { rssBytes, heapBytes, externalBytes, arrayBuffersBytes } = usage
      row(`${name}, ${at} s`, ...[rssBytes, heapBytes, externalBytes, arrayBuffersBytes].map(megabytes))
    }
  }
}

function measure(server: Server, name: string, stalling: number, seconds: number): Promise<Seen> {
  return Bench.run(server, LOAD, async (bench) => {
    await bench.connect()
    await bench.clients.ask('stall', stalling)
    const before = await collected(bench)
    const delivery = await bench.deliver(seconds)
    const after = await collected(bench)
    row(
      name,
      delivery.p50Ms.toFixed(1),
      delivery.p99Ms.toFixed(1),
      percent(delivery.delivered, 1),
      percent(delivery.ofCore),
      megabytes(before.rssBytes),
      megabytes(after.rssBytes),
    )
    return { ...delivery, before }
  })
}

/** What the server has used, after a collection: so before and after a load, but not in the midst of it. */
async function collected(bench: Bench): Promise<Usage> {
  await bench.server.ask('collect')
  return bench.server.ask<Usage>('usage')
}

const megabytes = (bytes: number): string => (bytes / 1_048_576).toFixed(1)
