/** The HTTP client of the commands: requests, the problems that answer them, and trying again where that can help. */
import { type EventFault, PROBLEMS, type ProblemName, problemType } from '@watchpost/protocol'
import { CliFailure, Interrupted, usageFailure } from './failure.ts'
import { backoffMs, sleep } from './retry.ts'
import { note, printable } from './terminal.ts'

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
  return name === undefined ? first : `${first}\n${PROBLEMS[name].fix}`
}

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

/** Members with several values are repeated; absent ones are left out. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>

export interface RequestOptions {
  readonly query?: Query
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
}

export class Client {
  readonly base: string

  /** @throws CliFailure (usage) if `base` is no URL of a server */
  constructor(base: string) {
    if (!URL.canParse(base) || !/^https?:$/.test(new URL(base).protocol)) {
      throw usageFailure(`--url ${base}: must be the URL of a server, such as http://127.0.0.1:8080`)
    }
    this.base = base.replace(/\/+$/, '')
  }

  /**
   * Sends one request; POST if it has a body.
   * @throws RemoteProblem for an error status; Unreachable without an answer; Interrupted once `signal` aborts
   */
  async request(path: string, options: RequestOptions = {}): Promise<Response> {
    const { query = {}, headers = {}, body, signal } = options
    const init = { headers, ...(body !== undefined && { method: 'POST', body }), ...(signal && { signal }) }
    const response = await this.#answer(fetch(this.url(path, query), init), signal)
    if (response.ok) return response
    const text = await this.#answer(response.text(), signal)
    throw RemoteProblem.of(response.status, text)
  }

  /** As {@link request}, with the answer's JSON. */
  async json<Body>(path: string, options: RequestOptions = {}): Promise<Body> {
    const response = await this.request(path, options)
    const text = await this.#answer(response.text(), options.signal)
    try {
      return JSON.parse(text) as Body
    } catch {
      throw new CliFailure(`${this.base} does not answer as a Watchpost server does; check --url`)
    }
  }

  async #answer<T>(pending: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      return await pending
    } catch (error) {
      throw signal?.aborted === true ? new Interrupted() : new Unreachable(this.base, error)
    }
  }

  /** Where a request goes. */
  url(path: string, query: Query): string {
    const parameters = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined) continue
      for (const each of Array.isArray(value) ? (value as readonly string[]) : [String(value)])
        parameters.append(name, each)
    }
    return `${this.base}${path}${parameters.size === 0 ? '' : `?${parameters.toString()}`}`
  }
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

/** How often and how patiently something is tried. */
export interface Patience {
  readonly signal: AbortSignal
  /** Gives up after so many failures in a row. */
  readonly failuresMax: number
  /** Whether a server answered before; else one that refuses the connection is given up at once. */
  readonly answered: boolean
}

const BASE_MS = 500

/** Repeats what fails in a way that may pass. The work must be safe to repeat. */
export async function retrying<T>(work: () => Promise<T>, { signal, failuresMax, answered }: Patience): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work()
    } catch (error) {
      const hopeless = error instanceof Unreachable && error.refused && !answered
      if (!isPassing(error) || hopeless || failures >= failuresMax) throw error
      const inMs = (error instanceof RemoteProblem ? error.retryAfterMs : undefined) ?? backoffMs(failures, BASE_MS)
      note(
        `${printable((error as Error).message.split('\n')[0] ?? '')}; trying again in ${(inMs / 1_000).toFixed(1)} s`,
      )
      await sleep(inMs, signal)
    }
  }
}
