/**
 * Many streaming clients in one process, on raw sockets, spread over loopback addresses. Most only count; every fiftieth
 * reads its events and notes how old they are.
 */
import { createConnection } from 'node:net'
import { serveRole, usageCommands } from '../roles.ts'
import { DIALECTS, type DialectName } from './dialects.ts'
import { afterHead } from './frames.ts'
import type { Payload } from './pace.ts'

const { port, pathname, search } = new URL(process.argv[2] ?? '')
const dialect = DIALECTS[process.argv[3] as DialectName]
const SAMPLED_EVERY = 50
const CONNECTING_MAX = 200

/** How long without an event before those that are missing count as lost. */
const SILENT_MS = 5_000

/** How long clients that are connected may still be sent what is no event. */
const SETTLING_MS = 500

/** One for all sockets: each chunk is done with when its callback returns. */
const chunk = Buffer.allocUnsafeSlow(262_144)

let connected = 0
let counting = 0
let events = 0
let bytes = 0
let lastEventMs = 0
let agesMs: number[] = []

function onEvent(data?: Payload): void {
  events++
  lastEventMs = performance.now()
  if (data !== undefined) agesMs.push(performance.timeOrigin + lastEventMs - data.t)
}

/** Connects the next client, and resolves once it is subscribed. One that `stalls` reads nothing after that. */
function connect(stalls: boolean): Promise<void> {
  const n = connected++
  const sampled = n % SAMPLED_EVERY === 0
  if (!stalls && (sampled || dialect.countsAll)) counting++
  return new Promise((resolve, reject) => {
    let reads = true
    const ready = (): void => {
      reads = !stalls
      resolve()
    }
    let read: (bytes: Buffer) => void = () => undefined
    const onHead = (head: string): void => {
      if (!dialect.accepted.test(head)) reject(new Error(`a server did not do as it was asked:\n${head}`))
      read = dialect.reader({ send: (frame) => socket.write(frame), ready, event: onEvent }, sampled)
    }
    const take = afterHead(onHead, (part) => read(part))
    const callback = (length: number): boolean => {
      bytes += length
      take(chunk.subarray(0, length))
      return reads
    }
    const localAddress = `127.0.0.${2 + (n % 200)}`
    const to = { port: Number(port), host: '127.0.0.1', localAddress, onread: { buffer: chunk, callback } }
    const socket = createConnection(to)
    socket.once('error', reject)
    socket.write(dialect.request(`${pathname}${search}`))
  })
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.floor((sorted.length - 1) * q)] ?? Number.NaN

async function connectAll(count: number, stalls: boolean): Promise<void> {
  for (let left = count; left > 0; left -= CONNECTING_MAX) {
    await Promise.all(Array.from({ length: Math.min(CONNECTING_MAX, left) }, () => connect(stalls)))
  }
  await pause(SETTLING_MS)
  events = bytes = 0
}

serveRole('ready', {
  ...usageCommands,
  connect: (count = 0) => connectAll(count, false),
  stall: (count = 0) => connectAll(count, true),
  /** Waits until every client that counts has `expected` events, or no more come, and tells of them all. */
  report: async (expected = 0) => {
    lastEventMs = performance.now()
    const isMissing = (): boolean => events < expected * counting && performance.now() - lastEventMs < SILENT_MS
    while (isMissing()) await pause(20)
    const sorted = agesMs.sort((a, b) => a - b)
    const told = { events: events / counting, bytes, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) }
    events = bytes = 0
    agesMs = []
    return told
  },
})
