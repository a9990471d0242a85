/** What a client is made with, and what of it everything inside goes by. */
import { type Backoff, TIMER_MS_MAX } from './backoff.ts'
import { Credentials, type TokenSource } from './credentials.ts'
import { type ClientStorage, Keeper, memoryStorage } from './storage.ts'
import { longPoll } from './transports/long-poll.ts'
import { sse } from './transports/sse.ts'
import type { Transport } from './transports/transport.ts'
import { webSocket } from './transports/websocket.ts'

/** The transports that every client has, the best first. */
export type TransportName = 'websocket' | 'sse' | 'long-poll'

const TRANSPORTS: Readonly<Record<TransportName, Transport>> = { websocket: webSocket, sse, 'long-poll': longPoll }

/** As much of a WebSocket as the client uses. */
export interface SocketLike {
  send(text: string): void
  close(): void
  addEventListener(
    type: 'message' | 'close' | 'error',
    listener: (event: { readonly type: string; readonly data?: unknown; readonly code?: number }) => void,
  ): void
}

export interface ClientOptions {
  /** Where the server is, such as `https://api.example.com`, or below which path; in a page it may be relative. */
  readonly url: string
  readonly token?: TokenSource
  /** Which transports may be used, the best first. Default: WebSocket if there is one, SSE, long poll. */
  readonly transports?: readonly (TransportName | Transport)[]
  /** Default: forgets with the page or process. */
  readonly storage?: ClientStorage
  /** Whether the browser sends cookies to other origins: as `credentials` of fetch. Default `same-origin`. */
  readonly credentials?: 'include' | 'omit' | 'same-origin'
  /** A transport that has not brought the server's first word by then is passed over. Default 5,000. */
  readonly probeMs?: number
  /** How long after a transport was passed over it is tried again; each time twice as long. Default 60,000. */
  readonly upgradeMs?: number
  /** The first wait before another attempt is drawn from 0 to this, each further one from twice as much. Default 500. */
  readonly backoffBaseMs?: number
  /** No wait is longer, unless the server asks for it. Default 10,000. */
  readonly backoffMsMax?: number
  /** How long a long poll asks to wait: from 1 to 60. Default 20. */
  readonly waitSeconds?: number
  /** What may wait for one slow iteration, before the client stops reading. Defaults 1,000 events and 1,048,576 characters. */
  readonly bufferEventsMax?: number
  readonly bufferCharactersMax?: number
  /** In the place of the runtime's own. */
  readonly fetch?: typeof globalThis.fetch
  readonly WebSocket?: new (url: string, protocols?: string[]) => SocketLike
}

/** The options with their defaults, and what is shared by all parts of a client. */
export interface Settings extends Backoff {
  /** Without a slash at the end. */
  readonly base: string
  readonly credentials: Credentials
  readonly keeper: Keeper
  /** Of the client. */
  readonly closing: AbortController
  readonly transports: readonly Transport[]
  readonly cookies: NonNullable<ClientOptions['credentials']>
  readonly probeMs: number
  readonly upgradeMs: number
  readonly waitSeconds: number
  readonly bufferEventsMax: number
  readonly bufferCharactersMax: number
  readonly fetch: typeof globalThis.fetch
  readonly WebSocket: ClientOptions['WebSocket']
}

/** The runtime's own, as far as it has them; Node.js has a `WebSocket` from 22 on. */
interface Runtime {
  readonly WebSocket?: ClientOptions['WebSocket']
  readonly location?: { readonly href: string }
}

/** @throws TypeError that says which option is wrong, and how to mend it */
export function settingsOf(options: ClientOptions): Settings {
  const runtime = globalThis as Runtime
  const url = parsed(options.url, runtime.location?.href)
  const { WebSocket = runtime.WebSocket } = options
  const settings = {
    base: url.origin + url.pathname.replace(/\/+$/, ''),
    credentials: new Credentials(options.token),
    keeper: new Keeper(options.storage ?? memoryStorage()),
    closing: new AbortController(),
    transports: [] as readonly Transport[],
    cookies: options.credentials ?? 'same-origin',
    probeMs: Math.min(TIMER_MS_MAX, options.probeMs ?? 5_000),
    upgradeMs: Math.min(TIMER_MS_MAX, options.upgradeMs ?? 60_000),
    backoffBaseMs: options.backoffBaseMs ?? 500,
    backoffMsMax: options.backoffMsMax ?? 10_000,
    waitSeconds: Math.max(1, Math.min(60, options.waitSeconds ?? 20)),
    bufferEventsMax: options.bufferEventsMax ?? 1_000,
    bufferCharactersMax: options.bufferCharactersMax ?? 1_048_576,
    // Called by its name, as browsers demand.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    WebSocket,
  }
  settings.transports = transportsOf(options.transports, settings)
  return settings
}

/** Those that can be used here. @throws TypeError if none can, or one has the name of none */
export function transportsOf(wanted: ClientOptions['transports'], settings: Settings): readonly Transport[] {
  const transports: readonly (Transport | undefined)[] = (wanted ?? (Object.keys(TRANSPORTS) as TransportName[]))
    .map((transport) => (typeof transport === 'string' ? TRANSPORTS[transport] : transport))
    .filter((transport) => transport?.isAvailable?.(settings) ?? true)
  if (transports.length > 0 && !transports.includes(undefined)) return transports as readonly Transport[]
  throw new TypeError('transports: unknown or unusable here; hand in a WebSocket, or add "sse"')
}

function parsed(url: string, page: string | undefined): URL {
  try {
    const parsedUrl = new URL(url, page)
    if (/^https?:$/.test(parsedUrl.protocol)) return parsedUrl
  } catch {
    // Told below.
  }
  throw new TypeError(`url: ${JSON.stringify(url)} is no URL such as https://api.example.com`)
}
