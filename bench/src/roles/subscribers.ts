/**
 * Many streaming clients in one process, on raw sockets, spread over loopback addresses. Most only count bytes; every
 * fiftieth reads its events and notes how old they are.
 */
import { createConnection, type Socket } from 'node:net'
import { SseParser } from '@watchpost/protocol'
import { serveRole } from '../roles.ts'

const { port, pathname, search } = new URL(process.argv[2] ?? '')
const SAMPLED_EVERY = 50
const CONNECTING_MAX = 200

const bytes: number[] = []
let agesMs: number[] = []
let sampledEvents = 0
const sockets: Socket[] = []

function connect(n: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const localAddress = `127.0.0.${2 + (n % 200)}`
    const socket = createConnection({ port: Number(port), host: '127.0.0.1', localAddress })
    sockets.push(socket)
    bytes[n] = 0
    const parser = new SseParser(({ event, data }) => {
      if (event !== 'priceUpdate') return
      sampledEvents++
      agesMs.push(performance.timeOrigin + performance.now() - (JSON.parse(data) as { data: { t: number } }).data.t)
    })
    const sampled = n % SAMPLED_EVERY === 0
    socket.once('data', () => resolve())
    socket.on('data', (chunk: Buffer) => {
      bytes[n] = (bytes[n] ?? 0) + chunk.length
      if (sampled) parser.push(chunk.toString('latin1').replace(/^HTTP[^]*?\r\n\r\n/, ''))
    })
    socket.once('error', reject)
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n`)
  })
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.floor((sorted.length - 1) * q)] ?? Number.NaN

serveRole('ready', {
  connect: async (count = 0) => {
    for (let n = sockets.length, end = n + count; n < end; n += CONNECTING_MAX) {
      await Promise.all(Array.from({ length: Math.min(CONNECTING_MAX, end - n) }, (_, i) => connect(n + i)))
    }
  },
  /** Waits until every sampled client has `events` events, and reports. `even` says whether all clients got equally many bytes. */
  report: async (events = 0) => {
    const sampledClients = Math.ceil(sockets.length / SAMPLED_EVERY)
    const deadlineMs = performance.now() + 20_000
    const isMissing = (): boolean => sampledEvents < events * sampledClients
    while (isMissing() && performance.now() < deadlineMs) await pause(20)
    // Those who only count bytes may be a little behind those who read.
    await pause(300)
    const sorted = agesMs.sort((a, b) => a - b)
    const delivered = sampledEvents / sampledClients
    const spread = Math.max(...bytes) - Math.min(...bytes)
    agesMs = []
    sampledEvents = 0
    return { delivered, spreadBytes: spread, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) }
  },
})
