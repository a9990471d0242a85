/** How a request to a server fails: with a problem that answers it, or without an answer. */
import { type EventFault, PROBLEMS, type ProblemName, problemType } from '@watchpost/protocol'
import { CliFailure } from './failure.ts'

/** A problem that a server answered with [WP-5.2]. */
export class RemoteProblem extends CliFailure {
  readonly status: number
  readonly type: string
  readonly detail: string
  readonly errors: readonly EventFault[]
  /** A cursor to go on from, where some expired. */
  readonly earliest: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(status: number, document: ProblemBody) {
    super(problemText(status, document))
    this.status = status
    this.type = document.type ?? ''
    this.detail = document.detail ?? `HTTP ${status}`
    this.errors = document.errors ?? []
    this.earliest = document.earliest
    this.retryAfterMs = document.retryAfter === undefined ? undefined : document.retryAfter * 1_000
  }

  /** What an answer's body says; one that is no problem document is told of by its status. */
  static of(status: number, body: string): RemoteProblem {
    return new RemoteProblem(status, parseProblem(body))
  }

  is(name: ProblemName): boolean {
    return this.type === problemType(name)
  }

  /** Whether other credentials can help. */
  get isRefusal(): boolean {
    return this.status === 401 || this.is('unauthorized') || this.is('token-expired')
  }

  /** Whether the same request can succeed later. A type of another version counts by its status [WP-5.1]. */
  get passes(): boolean {
    const name = (Object.keys(PROBLEMS) as ProblemName[]).find((known) => this.is(known))
    if (name === undefined) return this.status >= 500 || this.status === 408 || this.status === 429
    return PROBLEMS[name].retry === 'later' || PROBLEMS[name].retry === 'elsewhere'
  }
}

interface ProblemBody {
  readonly type?: string
  readonly detail?: string
  readonly errors?: readonly EventFault[]
  readonly earliest?: string
  readonly retryAfter?: number
}

function problemText(status: number, { type, detail }: ProblemBody): string {
  const name = (Object.keys(PROBLEMS) as ProblemName[]).find((known) => problemType(known) === type)
  const first = `${detail ?? `HTTP ${status}`} (${type ?? `HTTP ${status}`})`
  const fixes =
    name === undefined ? [CREDENTIALS_FIXES_BY_STATUS[status]] : [PROBLEMS[name].fix, CREDENTIALS_FIXES[name]]
  return [first, ...fixes.filter((fix) => fix !== undefined)].join('\n')
}

const SEND_TOKEN =
  'A token or API key is sent if it is in the environment variable WATCHPOST_TOKEN or in --token-file FILE.'

/** What of a problem can be mended here, beside what its row says to every client. */
const CREDENTIALS_FIXES: Partial<Readonly<Record<ProblemName, string>>> = {
  unauthorized: SEND_TOKEN,
  'token-expired': SEND_TOKEN,
  forbidden: SEND_TOKEN,
  'unknown-topic': `${SEND_TOKEN} A topic that asks for one is not to be seen without.`,
}

/** Of answers that are not a Watchpost's own, such as those of a proxy before it. */
const CREDENTIALS_FIXES_BY_STATUS: Readonly<Record<number, string>> = { 401: SEND_TOKEN, 403: SEND_TOKEN }

/** No answer came: nobody listens there, or the connection broke. */
export class Unreachable extends CliFailure {
  /** Whether the request certainly never arrived. */
  readonly refused: boolean

  constructor(url: string, cause: unknown) {
    const code = codeOf(cause)
    super(unreachableText(url, code))
    this.refused = code === 'ECONNREFUSED' || code === 'ENOTFOUND'
  }
}

/** The code of the innermost error that has one, else what the innermost says. */
function codeOf(error: unknown): string {
  const { code, message, cause } = error as NodeJS.ErrnoException
  return typeof code === 'string' || cause === undefined ? (code ?? message) : codeOf(cause)
}

function unreachableText(url: string, code: string): string {
  if (code === 'ECONNREFUSED') return `no server answers at ${url}; start one with \`watchpost serve\`, or pass --url`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the host of ${url} is not known; check --url`
  if (code === 'bad port') return `browsers and this program refuse the port of ${url}; serve on another one`
  if (/CERT|SELF_SIGNED|SSL|TLS/.test(code)) {
    return `the certificate of ${url} is not trusted (${code}); name its authority with NODE_EXTRA_CA_CERTS=FILE`
  }
  return `no answer from ${url} (${code}); check --url and that the server runs`
}

function parseProblem(text: string): ProblemBody {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

/** Whether trying again can help. */
export const isPassing = (error: unknown): boolean =>
  error instanceof Unreachable || (error instanceof RemoteProblem && error.passes)
