/** Fan-out by SSE: what a delivery costs the server in CPU, and how old events are when they arrive. */
import { Role, type Usage } from './roles.ts'
import { row } from './table.ts'

interface Report {
  readonly delivered: number
  readonly spreadBytes: number
  readonly p50Ms: number
  readonly p99Ms: number
}

interface Load {
  readonly clients: number
  readonly perSecond: number
  readonly seconds: number
}

const SERVERS = [
  { name: 'floor: shared socket.write', file: 'floor-server.js', args: ['0'], path: '/' },
  { name: 'floor, coalescing 5 ms', file: 'floor-server.js', args: ['5'], path: '/' },
  { name: 'Watchpost', file: 'watchpost-server.js', args: [], path: '/v1/topics/stocks' },
] as const

export async function fanOut(): Promise<void> {
  for (const load of [
    { clients: 500, perSecond: 1_000, seconds: 8 },
    { clients: 1_000, perSecond: 50, seconds: 8 },
  ]) {
    console.log(`\nSSE fan-out: ${load.clients} clients x ${load.perSecond} events/s, ${load.seconds} s`)
    row('server', 'us CPU/delivery', 'less publishing', 'of one core', 'p50 ms', 'p99 ms', 'delivered')
    for (const server of SERVERS) await measure(server, load)
  }
}

/** `less publishing` leaves out what the same publishes cost without any client: for Watchpost, a durable log. */
async function measure(server: (typeof SERVERS)[number], load: Load): Promise<void> {
  const { role, ready: url } = await Role.start(server.file, server.args)
  const { role: clients } = await Role.start('subscribers.js', [`${url}${server.path}`])
  const events = load.perSecond * load.seconds
  const publish = async (): Promise<number> => {
    const before = await role.ask<Usage>('usage')
    await role.ask('publish', load.perSecond, events)
    return (await role.ask<Usage>('usage')).cpuMicros - before.cpuMicros
  }
  try {
    // A second of the same load first, so that code is compiled and buffers have their size.
    await role.ask('publish', load.perSecond, load.perSecond)
    const publishingMicros = await publish()
    await clients.ask('connect', load.clients)
    await role.ask('publish', load.perSecond, load.perSecond)
    await clients.ask('report', load.perSecond)
    const startMs = performance.now()
    const cpuMicros = await publish()
    const elapsedMicros = (performance.now() - startMs) * 1_000
    const report = await clients.ask<Report>('report', events)
    const deliveries = events * load.clients
    row(
      server.name,
      (cpuMicros / deliveries).toFixed(2),
      ((cpuMicros - publishingMicros) / deliveries).toFixed(2),
      `${Math.round((100 * cpuMicros) / elapsedMicros)} %`,
      report.p50Ms.toFixed(1),
      report.p99Ms.toFixed(1),
      `${((100 * report.delivered) / events).toFixed(1)} %`,
    )
  } finally {
    await clients.stop()
    await role.stop()
  }
}
