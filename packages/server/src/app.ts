/** What routes and transports need of a running server: wired once in server.ts, passed to each of them. */
import type { Clock, Encoding, Hub, Log, Presence, Publisher, Registry, Watcher } from '@watchpost/core'
import type { Limits } from '@watchpost/protocol'
import type { Logger } from 'pino'
import type { WebSocketServer } from 'ws'
import type { Audit } from './audit.ts'
import type { Authenticator } from './auth/authenticator.ts'
import type { InfoOptions } from './config/config.ts'
import type { Drain } from './drain.ts'
import type { Addresses } from './http/address.ts'
import type { Answers } from './http/answers.ts'
import type { Bodies } from './http/body.ts'
import type { Connections } from './http/connections.ts'
import type { Cors } from './http/cors.ts'
import type { Metrics } from './metrics.ts'
import type { Quotas } from './quotas/quotas.ts'
import type { Tracing } from './tracing.ts'
import type { GzipChunk } from './transports/gzip.ts'

export interface App {
  readonly log: Log
  readonly registry: Registry
  readonly publisher: Publisher
  readonly watcher: Watcher
  readonly presence: Presence
  readonly hub: Hub
  readonly connections: Connections
  readonly addresses: Addresses
  readonly quotas: Quotas
  readonly bodies: Bodies
  readonly answers: Answers
  readonly metrics: Metrics
  readonly logger: Logger
  readonly audit: Audit
  readonly tracing: Tracing
  readonly clock: Clock
  readonly limits: Limits
  /** What the documents say of the API. */
  readonly info: InfoOptions
  /** `undefined` if the configuration names no credentials: then nobody's are looked at. */
  authenticator: Authenticator | undefined
  /** How long before its end a connection's client is told that its credentials end. */
  readonly expiringMs: number
  readonly drain: Drain
  readonly heartbeatMs: number
  cors: Cors | undefined
  readonly sse: Encoding<Buffer>
  /** `undefined` if nothing is to be compressed. */
  readonly sseGzip: Encoding<GzipChunk> | undefined
  /** Shakes hands with WebSocket clients, and reads what they send. */
  readonly webSockets: WebSocketServer
}
