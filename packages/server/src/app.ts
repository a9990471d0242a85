/** What routes and transports need of a running server: wired once in server.ts, passed to each of them. */
import type { Clock, Encoding, Hub, Log, Publisher, Registry, Watcher } from '@watchpost/core'
import type { Limits } from '@watchpost/protocol'
import type { Logger } from 'pino'
import type { WebSocketServer } from 'ws'
import type { CorsOptions } from './config/config.ts'
import type { Answers } from './http/answers.ts'
import type { Bodies } from './http/body.ts'
import type { Connections } from './http/connections.ts'
import type { Metrics } from './metrics.ts'
import type { GzipChunk } from './transports/gzip.ts'

export interface App {
  readonly log: Log
  readonly registry: Registry
  readonly publisher: Publisher
  readonly watcher: Watcher
  readonly hub: Hub
  readonly connections: Connections
  readonly bodies: Bodies
  readonly answers: Answers
  readonly metrics: Metrics
  readonly logger: Logger
  readonly clock: Clock
  readonly limits: Limits
  readonly heartbeatMs: number
  readonly cors: CorsOptions | undefined
  readonly sse: Encoding<Buffer>
  /** `undefined` if nothing is to be compressed. */
  readonly sseGzip: Encoding<GzipChunk> | undefined
  /** Shakes hands with WebSocket clients, and reads what they send. */
  readonly webSockets: WebSocketServer
}
