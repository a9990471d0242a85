/** Control messages that every stream sends, whatever its framing [WP-1.3]. */
import type { Identity, Transport } from '@watchpost/core'
import {
  encodeControl,
  encodeError,
  formatTimestamp,
  ProblemError,
  problemType,
  type Welcome,
} from '@watchpost/protocol'
import type { App } from '../app.ts'
import { endingsAmong } from '../documents/lifecycle.ts'
import { version } from '../version.ts'

/** On the way out, clients are told to come back at moments spread over this time, so that they don't come all at once. */
const RETURN_SPREAD_MS = 5_000
const RETURN_AFTER_MS = 500

/** The longest time that a client is told to wait before it comes back. */
export const RETURN_MS_MAX: number = RETURN_AFTER_MS + RETURN_SPREAD_MS

/**
 * The first message of a stream; `connection` names it in logs, `cursor` is where it starts, and `filters` are what
 * `identity` watches with it from the start.
 */
export function welcome(
  app: App,
  connection: string,
  cursor: string,
  filters: readonly string[],
  identity: Identity,
): string {
  const data: Welcome = { connection, cursor, heartbeatMs: app.heartbeatMs, limits: app.limits, server: version }
  const told = { ...data, ...endingsAmong(app.registry, filters, identity) }
  return encodeControl('welcome', told, formatTimestamp(app.clock.now()))
}

/** The last message of a stream whose server goes away, and when its client is asked to come back. */
export function goodbye(app: App): { readonly json: string; readonly retryMs: number } {
  const retryMs = RETURN_AFTER_MS + Math.floor(Math.random() * RETURN_SPREAD_MS)
  const json = encodeControl('goodbye', { retryAfter: retryMs / 1_000 }, formatTimestamp(app.clock.now()))
  return { json, retryMs }
}

/** Says that the credentials of a stream end soon [WP-6.7]; `expiresMs` since the Unix epoch. */
export const expiring = (app: App, expiresMs: number): string =>
  encodeControl('expiring', { expires: formatTimestamp(expiresMs) }, formatTimestamp(app.clock.now()))

/** Why a stream ends whose credentials did. */
export const expired = (): ProblemError =>
  new ProblemError('token-expired', 'The credentials of this connection have ended.')

/** Logs and counts a problem, and gives the message that tells of it; `re` is the id of the request that met it. */
export function problemMessage(app: App, connection: string, problem: ProblemError, re?: string): string {
  app.metrics.problems.inc({ problem: problem.problem })
  const level = problem.status >= 500 ? 'error' : 'debug'
  app.logger[level]({ err: problem.cause ?? problem, connection, problem: problem.problem }, problem.message)
  const { allow: _sentAsHeader, ...members } = problem.members
  const body = { type: problemType(problem.problem), message: problem.message, ...members }
  return encodeError(body, formatTimestamp(app.clock.now()), re)
}

/** Logs and counts the end of a connection for what its client did, or did not. */
export function countCut(app: App, transport: Transport, connection: string, reason: string): void {
  app.metrics.cut.inc({ transport, reason })
  app.logger.info({ connection, reason }, 'a connection was cut')
}

/** Logs why the log could not be read, and gives the message that ends the stream. */
export function readFailure(app: App, error: unknown): string {
  app.logger.error({ err: error }, 'a stream ended because the log could not be read')
  const problem = { type: problemType('internal'), message: 'The log could not be read; connect again to go on.' }
  return encodeError(problem, formatTimestamp(app.clock.now()))
}
