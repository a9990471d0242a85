/** The server that the page is of, and the credentials that its reader gave. */

/** What a page or long poll answers [WP-3.7], or a state [WP-3.11]. */
export interface EventsPage {
  readonly events: readonly unknown[]
  readonly cursor: string
  readonly more?: boolean
  readonly next?: string
}

/** What went wrong, as far as it was told [WP-5.2]. */
export interface Failure {
  /** A path such as `/problems/forbidden`. */
  readonly type?: string
  /** Of HTTP. */
  readonly status?: number
  /** For people. */
  readonly words: string
  /** Which the topic offers, of a transport that it does not. */
  readonly transports?: readonly string[]
}

/** Where the routes are mounted. */
export const basePath: string = document.body.dataset['basePath'] ?? ''

/** How long a poll may wait. */
export const waitSeconds: string = document.getElementById('watch')?.dataset['waitSeconds'] ?? '0'

let token = ''

/** From now on sends these; an empty text sends none. */
export function useToken(given: string): void {
  token = given.trim()
}

export const hasToken = (): boolean => token !== ''

/** The whole address of a path such as `/v1/topics`. */
export const addressOf = (path: string): string => `${location.origin}${basePath}${path}`

/** `fetch` with the reader's credentials. */
export function ask(
  address: string,
  init: Omit<RequestInit, 'headers'> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(address, { ...init, headers: { ...(hasToken() && { authorization: `Bearer ${token}` }), ...headers } })
}

/** Opens a WebSocket with them. */
export const openSocket = (address: string): WebSocket =>
  new WebSocket(address.replace(/^http/, 'ws'), ['watchpost.v1.json', ...(hasToken() ? [`bearer.${token}`] : [])])

/** What an answer that is no success says. */
export async function failureOf(response: Response): Promise<Failure> {
  const problem = (await response.json().catch(() => ({}))) as {
    readonly type?: string
    readonly detail?: string
    readonly transports?: readonly string[]
  }
  const { type, detail = response.statusText, transports } = problem
  return { status: response.status, words: detail, ...(type && { type }), ...(transports && { transports }) }
}

/** What was thrown. */
export const thrown = (error: unknown): Failure => ({
  words: error instanceof TypeError ? 'The server can not be reached.' : String(error),
})

/** What ends a promise that shows a {@link Failure}. */
export class Refused extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.words)
    this.failure = failure
  }
}

/** What a path such as `/v1/topics` answers as JSON. @throws Refused */
export async function askJson(path: string): Promise<unknown> {
  const response = await ask(addressOf(path))
  if (!response.ok) throw new Refused(await failureOf(response))
  return response.json()
}
