/** What goes wrong, and what can be done about it [WP-5.1]. */
import type { ProblemName } from './protocol.ts'

/** What the server tells beside the problem, by its type [WP-5.2]; also what it does not know yet. */
export interface ProblemMembers {
  readonly earliest?: string
  readonly errors?: readonly { readonly event: number; readonly path: string; readonly message: string }[]
  readonly instance?: string
  readonly transports?: readonly string[]
  readonly [member: string]: unknown
}

/** A problem that the server answered with, or `unreachable` where none answered. `message` is for people. */
export class WatchpostError extends Error {
  override readonly name = 'WatchpostError'
  /** A name of PROTOCOL.md, section 5, such as `forbidden`; `unreachable` without an answer that makes sense. */
  readonly problem: ProblemName | 'unreachable' | (string & {})
  /** Of HTTP; 0 without an answer. */
  readonly status: number
  /** When the server asks to be tried again, in milliseconds from then. */
  readonly retryAfterMs: number | undefined
  readonly members: ProblemMembers

  constructor(
    problem: string,
    message: string,
    options: {
      status?: number | undefined
      retryAfterMs?: number | undefined
      members?: ProblemMembers
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: options.cause })
    this.problem = problem
    this.status = options.status ?? STATUS[problem] ?? 400
    this.retryAfterMs = options.retryAfterMs
    this.members = options.members ?? {}
  }
}

/** Of the problems that are not the request's fault, since a WebSocket tells no status; a test compares it with the table. */
const STATUS: Readonly<Record<string, number>> = {
  unreachable: 0,
  unauthorized: 401,
  'token-expired': 401,
  'request-timeout': 408,
  'reach-maximum-connections': 429,
  'rate-limited': 429,
  internal: 500,
  'going-away': 503,
  'log-unavailable': 503,
  overloaded: 503,
}

/** What can help: nothing, other credentials, time, going on from `earliest`, or another transport. */
export type Remedy = 'none' | 'credentials' | 'time' | 'earliest' | 'transport'

/** A problem that is not known counts by its status [WP-5.1]. */
export function remedyOf({ problem, status }: WatchpostError): Remedy {
  if (problem === 'cursor-expired') return 'earliest'
  if (problem === 'transport-not-offered') return 'transport'
  if (/^reach-maximum-[st]/.test(problem)) return 'none'
  if (status === 401) return 'credentials'
  return status < 400 || status >= 500 || [408, 425, 429].includes(status) ? 'time' : 'none'
}

/** @param cause what the runtime says, which is often little */
export const unreachable = (message: string, cause?: unknown, retryAfterMs?: number): WatchpostError =>
  new WatchpostError('unreachable', message, { cause, retryAfterMs })

/** What was thrown, as an error of ours. */
export const asError = (thrown: unknown, message: string): WatchpostError =>
  thrown instanceof WatchpostError ? thrown : unreachable(message, thrown)

/** The error of an error message [WP-1.4], or of what stands in an answer. */
export function errorOf(
  { type, message, detail = message, ...members }: Readonly<Record<string, unknown>>,
  status?: number,
  retryAfter?: unknown,
): WatchpostError {
  const name = /\/problems\/(.+)/.exec(String(type))?.[1] ?? 'unreachable'
  // Some proxies say 0, which asks for nothing.
  const retryAfterMs = Math.max(0, Number(members['retryAfter'] ?? retryAfter) * 1_000) || undefined
  return new WatchpostError(name, String(detail), { status, retryAfterMs, members })
}

/** The error of an answer, be it the server's [WP-5.2] or that of something before it. */
export async function errorOfResponse(response: Response): Promise<WatchpostError> {
  let { status } = response
  // A page of a proxy is none.
  const problem = Object(
    await response.json().catch((cause: unknown) => {
      // What was cut off could have said that time helps.
      if (!(cause instanceof SyntaxError)) status = 0
    }),
  ) as Readonly<Record<string, unknown>>
  return errorOf({ detail: `answered ${status}`, ...problem }, status, response.headers.get('retry-after'))
}
