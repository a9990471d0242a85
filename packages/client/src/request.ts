/** HTTP requests: with credentials, and with problems as errors. */
import { backoffMs } from './backoff.ts'
import { errorOfResponse, remedyOf, unreachable, WatchpostError } from './error.ts'
import type { Settings } from './options.ts'

/** Parameters; those with several values are repeated, absent ones left out. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface Asked {
  readonly query?: Query
  /** Makes it a POST. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  readonly token?: string | undefined
  /** Is called when a part of the answer came. */
  readonly heard?: (() => void) | undefined
}

/** Where a request goes. */
export function urlOf(base: string, path: string, query: Query = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const each of [value ?? []].flat()) parameters.append(name, String(each))
  }
  const text = parameters.toString()
  return `${base}${path}${text === '' ? '' : `?${text}`}`
}

/** Topics need no escapes; what is no topic must not change where the request goes, and is told so by the server. */
export const pathOf = (route: 'topics' | 'state', topic: string): string =>
  `/v1/${route}/${encodeURI(topic).replace(/[?#]/g, encodeURIComponent)}`

/** Sends one request as it is. @throws WatchpostError for whatever is no success */
export async function send(settings: Settings, path: string, asked: Asked): Promise<Response> {
  const { query, body, headers = {}, signal, token } = asked
  let response: Response
  try {
    response = await settings.fetch(urlOf(settings.base, path, query), {
      ...(body !== undefined && { method: 'POST', body }),
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      credentials: settings.cookies,
      cache: 'no-store',
      signal: signal ?? null,
    })
  } catch (cause) {
    throw unreachable(`${settings.base} can't be reached, or forbids this page its answers`, cause)
  }
  if (!response.ok) throw await errorOfResponse(response)
  return response
}

/** A body as it comes. */
export async function* texts(body: Response['body']): AsyncGenerator<string, void> {
  const reader = body?.getReader()
  const decoder = new TextDecoder()
  for (;;) {
    const { value, done = true } = (await reader?.read()) ?? {}
    if (done) return
    yield decoder.decode(value, { stream: true })
  }
}

/** Sends one request; the JSON of its answer. @throws WatchpostError */
export async function json<Body>(settings: Settings, path: string, asked: Asked): Promise<Body> {
  const { body } = await send(settings, path, asked)
  try {
    let text = ''
    for await (const part of texts(body)) {
      asked.heard?.()
      text += part
    }
    return JSON.parse(text) as Body
  } catch (cause) {
    throw unreachable('no whole JSON', cause)
  }
}

/** How often a request is sent at most. */
const ATTEMPTS_MAX = 6

/**
 * Sends a request until it succeeds, or can't: again after a while where that can help, and with another token if the
 * first one was refused. The request must be safe to repeat. Once the client is closed, what fails is not sent again.
 * @throws WatchpostError; what `signal` was aborted with
 */
export async function ask<Body>(settings: Settings, path: string, asked: Asked): Promise<Body> {
  const { credentials, closing } = settings
  const { signal } = asked
  let mayRenew = credentials.canRenew
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted()
    try {
      return await json<Body>(settings, path, { ...asked, token: await credentials.current() })
    } catch (error) {
      signal?.throwIfAborted()
      const remedy = error instanceof WatchpostError && !closing.signal.aborted ? remedyOf(error) : 'none'
      if (remedy === 'credentials' && mayRenew) {
        mayRenew = false
        await credentials.fresh()
      } else if (remedy === 'time' && failures + 1 < ATTEMPTS_MAX) {
        await pause(backoffMs(settings, error as WatchpostError, failures), [closing.signal, signal])
        if (closing.signal.aborted) throw error
      } else throw error
    }
  }
}

/** Resolves after a while, or when one of the signals aborts. */
export const pause = (waitMs: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      for (const signal of signals) signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, waitMs)
    for (const signal of signals) signal?.addEventListener('abort', done)
  })
