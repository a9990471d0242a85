/** Real servers, and clients of them, for black-box tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, type ClientOptions, createClient, type Watch } from '@watchpost/client'
import { onTestFinished } from 'vitest'
import { type Config, createWatchpost, topic, type Watchpost } from 'watchpost'
import { WebSocket } from 'ws'

export const TRANSPORTS = ['websocket', 'sse', 'long-poll'] as const

/** Open to anyone, so that what is tested is the client. */
const TOPICS = {
  log: topic({ events: { line: {}, note: {} }, watch: 'anyone', publish: 'anyone' }),
  other: topic({ events: { line: {} }, watch: 'anyone', publish: 'anyone' }),
  stocks: topic({ events: { price: {}, halted: {} }, key: '/symbol', watch: 'anyone', publish: 'anyone' }),
  'chat/{room}': topic({ events: { message: {} }, watch: 'anyone', publish: 'anyone' }),
}

export interface Running {
  readonly url: string
  readonly watchpost: Watchpost
  readonly dataDir: string
  /** Publishes numbered events, behind everybody's back. */
  publish(topic: string, from: number, count: number, pad?: string): Promise<void>
  close(): Promise<void>
}

/** A server that ends with the test. All that a test sends comes from one address, so limits by address are wide. */
export async function startServer(config: Partial<Config> = {}): Promise<Running> {
  const dataDir = config.dataDir ?? (await mkdtemp(join(tmpdir(), 'watchpost-client-')))
  const many = 1_000_000
  const watchpost: Watchpost = await createWatchpost({
    topics: TOPICS,
    logLevel: 'silent',
    ...config,
    limits: {
      ...{ connectionsPerAddress: many, handshakesPerSecond: many, publishesPerSecond: many, refusalsPerSecond: many },
      ...config.limits,
    },
    dataDir,
    listen: { host: '127.0.0.1', port: 0, ...config.listen },
  })
  onTestFinished(async () => {
    await watchpost.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  const { url } = await watchpost.listen()
  return {
    url,
    watchpost,
    dataDir,
    async publish(name, from, count, pad = '') {
      const events = Array.from({ length: count }, (_, i) => ({ type: 'line', data: { n: from + i, pad } }))
      await watchpost.publish(name, events)
    },
    close: () => watchpost.close(),
  }
}

/** A client that ends with the test. Node.js 20 has no `WebSocket` of its own. */
export function clientOf(url: string, options: Partial<ClientOptions> = {}): Client {
  const client = createClient({ url, WebSocket, ...options })
  onTestFinished(() => client.close())
  return client
}

/** What a watch was handed, as its listeners have it. */
export interface Heard {
  /** The numbers of {@link Running.publish}, in the order in which they came. */
  readonly numbers: number[]
  readonly ids: string[]
  readonly gaps: { readonly after: string; readonly earliest: string }[]
  readonly statuses: string[]
  readonly errors: Error[]
}

export function hear(watch: Watch<{ readonly id: string; readonly data: unknown }>): Heard {
  const heard: Heard = { numbers: [], ids: [], gaps: [], statuses: [], errors: [] }
  watch.on('event', ({ id, data }) => {
    heard.ids.push(id)
    heard.numbers.push((data as { n: number } | null)?.n as number)
  })
  watch.on('gap', (gap) => heard.gaps.push(gap))
  watch.on('status', (status) => heard.statuses.push(status))
  watch.on('error', (error) => heard.errors.push(error))
  return heard
}

/** From `from` on, in order. */
export const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)
