/** The configuration of a server, as TypeScript sees it. `check.ts` sees it as it comes, from whatever file. */
import type { Retention, TopicDefinition } from '@watchpost/core'
import type { Limits } from '@watchpost/protocol'

/** Definitions by topic or template, such as `stocks` or `chat/{room}`. */
export interface Topics {
  readonly [template: string]: TopicDefinition
}

export interface ListenOptions {
  /** Default `127.0.0.1`: only this machine. */
  readonly host?: string
  /** Default 8080; 0 takes any free port. */
  readonly port?: number
  /** Paths of PEM files. With them the server speaks HTTPS, HTTP/2 as well as 1.1. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

export interface CorsOptions {
  /** Origins such as `https://app.example.com`, or `'*'` for any. */
  readonly origins: '*' | readonly string[]
  /** How long a browser may remember a preflight, in seconds. Default 600. */
  readonly maxAgeSeconds?: number
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

export interface Config<T extends Topics = Topics> {
  readonly topics: T
  readonly listen?: ListenOptions
  /** Where the log is kept. Default `.watchpost`, below the working directory. */
  readonly dataDir?: string
  /** When a publish is acknowledged: once the disk has it (default), or already once the operating system has it, which a power failure can undo. */
  readonly durability?: 'disk' | 'os'
  /** For topics that define none of their own. Default: everything is kept. */
  readonly retention?: Retention
  /** Absent: pages of other origins can't read answers. */
  readonly cors?: CorsOptions
  /** A stream that was silent so long gets a bookmark. Default 15,000. */
  readonly heartbeatMs?: number
  /** The longest time that events wait to share a write when the process is busy. Default 5. */
  readonly coalesceMs?: number
  /**
   * Whether what is streamed is compressed for clients that accept it. Default true. Whoever can publish to what a client
   * watches, and see how long its encrypted answers are, can guess at other events in them: turn it off if that matters.
   */
  readonly compression?: boolean
  readonly limits?: Partial<Limits>
  /** Default `info`. */
  readonly logLevel?: LogLevel
}

/** Gives a configuration its types, and is otherwise the identity. */
export function defineConfig<const T extends Topics>(config: Config<T>): Config<T> {
  return config
}
