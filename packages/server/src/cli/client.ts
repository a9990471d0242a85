/** The HTTP client of the commands: requests, and trying again where that can help. */
import type { Credentials } from './credentials.ts'
import { CliFailure, Interrupted, usageFailure } from './failure.ts'
import { isPassing, RemoteProblem, Unreachable } from './remote-failure.ts'
import { backoffMs, sleep } from './retry.ts'
import { note, printable } from './terminal.ts'

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
  readonly credentials: Credentials

  /** @throws CliFailure (usage) if `base` is no URL of a server */
  constructor(base: string, credentials: Credentials) {
    const url = URL.canParse(base) ? new URL(base) : undefined
    if (url === undefined || !/^https?:$/.test(url.protocol)) {
      throw usageFailure(`--url ${base}: must be the URL of a server, such as http://127.0.0.1:8080`)
    }
    if (url.username !== '' || url.password !== '') {
      throw usageFailure(
        '--url must not hold a user and password; send a token by WATCHPOST_TOKEN or --token-file FILE',
      )
    }
    this.base = base.replace(/\/+$/, '')
    this.credentials = credentials
  }

  /**
   * Sends one request; POST if it has a body. One whose token is refused is sent once more if the token's file has another
   * one by then: nothing came of the first.
   * @throws RemoteProblem for an error status; Unreachable without an answer; Interrupted once `signal` aborts
   */
  async request(path: string, options: RequestOptions = {}): Promise<Response> {
    try {
      return await this.#request(path, options)
    } catch (error) {
      if (!(error instanceof RemoteProblem) || !error.isRefusal || !this.credentials.hasNew) throw error
      return this.#request(path, options)
    }
  }

  async #request(path: string, options: RequestOptions): Promise<Response> {
    const { query = {}, body, signal } = options
    // A redirect to another origin is followed without `authorization`.
    const headers = { ...options.headers, ...this.credentials.headers() }
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
