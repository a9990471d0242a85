/** The configuration of a server, as TypeScript sees it. `check.ts` sees it as it comes, from whatever file. */
import type { Retention, TopicDefinition } from '@watchpost/core'
import type { Limits } from '@watchpost/protocol'
import type { AuthOptions } from '../auth/options.ts'
import type { TrustProxy } from '../http/address.ts'

/** Definitions by topic or template, such as `stocks` or `chat/{room}`. */
export interface Topics {
  readonly [template: string]: TopicDefinition
}

/** Paths of PEM files. They are read again when they change, and then used for new connections. */
export interface TlsFiles {
  /** The server's certificate, followed by those that lead from it to a root. */
  readonly cert: string
  /** Its private key, without a passphrase. */
  readonly key: string
  /** Who issues certificates of clients: one is asked for, and gives an identity if it is valid, but none is needed. */
  readonly ca?: string
}

export interface ListenOptions {
  /** Default `127.0.0.1`: only this machine. */
  readonly host?: string
  /** Default 8080; 0 takes any free port. */
  readonly port?: number
  /** With it the server speaks HTTPS, HTTP/2 as well as 1.1. */
  readonly tls?: TlsFiles
  /**
   * Whether other machines may talk to the server without TLS. Default false: beyond loopback it listens only with `tls`,
   * or with a `trustProxy` of other machines, which are trusted to end TLS before it.
   */
  readonly plaintext?: boolean
}

export interface CorsOptions {
  /** Origins such as `https://app.example.com`, or `'*'` for any. */
  readonly origins: '*' | readonly string[]
  /** How long a browser may remember a preflight, in seconds. Default 600. */
  readonly maxAgeSeconds?: number
}

/** What the documents say of the API as a whole. */
export interface InfoOptions {
  /** The name of the API. Default `Watchpost`. */
  readonly title?: string
  /** Of the API, such as `2.1.0`. Default: that of Watchpost. */
  readonly version?: string
  /** What the API is for, as CommonMark. Default: how Watchpost works. */
  readonly description?: string
  /** Whom to ask. */
  readonly contact?: { readonly name?: string; readonly url?: string; readonly email?: string }
  /** On what terms the API may be used: by the `identifier` of a licence, as SPDX lists them, or by the `url` of one. */
  readonly license?: { readonly name: string } & (
    | { readonly identifier?: string; readonly url?: never }
    | { readonly url?: string; readonly identifier?: never }
  )
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

export interface Config<T extends Topics = Topics> {
  readonly topics: T
  /** Of the API, for `/openapi.json`, `/asyncapi.json` and `/docs`. Absent: they speak of Watchpost. */
  readonly info?: InfoOptions
  readonly listen?: ListenOptions
  /** Where the log is kept. Default `.watchpost`, below the working directory. */
  readonly dataDir?: string
  /** When a publish is acknowledged: once the disk has it (default), or already once the operating system has it, which a power failure can undo. */
  readonly durability?: 'disk' | 'os'
  /** For topics that define none of their own. Default: everything is kept. */
  readonly retention?: Retention
  /** Absent: credentials are not looked at, and everyone is anonymous. */
  readonly auth?: AuthOptions
  /** Absent: pages of other origins can't read answers. */
  readonly cors?: CorsOptions
  /** A stream that was silent so long gets a bookmark. Default 15,000. */
  readonly heartbeatMs?: number
  /** The longest time that events wait to share a write when the process is busy. Default 5. */
  readonly coalesceMs?: number
  /**
   * The longest time that a drain spreads the ends of connections over, at most 600,000. Default 25,000; fewer than 1,000
   * connections take 25 ms for each.
   */
  readonly drainMs?: number
  /** How long before its credentials end a connection's client is told. Default 60,000. */
  readonly expiringMs?: number
  /**
   * Whether what is streamed is compressed for clients that accept it. Default true. Whoever can publish to what a client
   * watches, and see how long its encrypted answers are, can guess at other events in them: turn it off if that matters.
   */
  readonly compression?: boolean
  readonly limits?: Partial<Limits>
  /**
   * The proxies in front of the server, by address or network; `'loopback'` for any on this machine; or `true` for the one
   * that connects, if nothing else can reach the port. They must write `Forwarded` or `X-Forwarded-For`. Absent: whoever
   * connects is the client.
   */
  readonly trustProxy?: TrustProxy
  /** Default `info`. */
  readonly logLevel?: LogLevel
  /**
   * Whether the log tells who connected, watched, published and was refused, at the level `info`: with a `logLevel` above
   * that it does not. Default true.
   */
  readonly audit?: boolean
}

/** Gives a configuration its types, and is otherwise the identity. */
export function defineConfig<const T extends Topics>(config: Config<T>): Config<T> {
  return config
}
