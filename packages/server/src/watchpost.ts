/** What the library gives to whoever embeds it. */
import type { Server } from 'node:http'
import type { Config, Topics } from './config/config.ts'
import type { GapMessage, IdOf, NewEvent, TopicOf, WatchedEvent } from './types.ts'

export interface WatchOptions {
  /** A cursor, `'earliest'`, or `'latest'`, which is the default. */
  readonly after?: string
  /** Starts with the last so many events instead. */
  readonly last?: number
  readonly key?: string | readonly string[]
  readonly type?: string | readonly string[]
  /** JSON Pointers below `data`. */
  readonly select?: string | readonly string[]
  /** Ends the iteration. */
  readonly signal?: AbortSignal
}

export interface Published<Id = string> {
  /** In the order of the events. Each `id` is the cursor just after its event; an event that is not stored has none. */
  readonly events: readonly { readonly id: Id; readonly timestamp: string }[]
}

export interface AttachOptions {
  /** Where to mount the routes, such as `/live`; default is the root. */
  readonly basePath?: string
  /** Whether to serve `/healthz`, `/readyz` and `/metrics` too. Default `false`: the host application may have its own. */
  readonly probes?: boolean
  /**
   * Whether to serve `/openapi.json`, `/asyncapi.json` (both also as `.yaml`) and `/docs`. Default `true`; `false` leaves
   * them to the host application, which may have its own where the routes are.
   */
  readonly documents?: boolean
}

export interface Watchpost<T extends Topics = Topics> {
  /** Listens on a port of its own, as `listen` of the configuration says. */
  listen(): Promise<{ readonly url: string }>
  /** Serves the watch routes on another server, which keeps all other requests. Call it after the server has its own listeners. */
  attach(server: Server, options?: AttachOptions): void
  /**
   * Publishes one event or several, all or none, and resolves once they are durable.
   * @throws ProblemError `unknown-topic`, `invalid-event`, `message-too-large`, `log-unavailable`
   */
  publish<Topic extends TopicOf<T>>(
    topic: Topic,
    events: NewEvent<T, Topic> | readonly NewEvent<T, Topic>[],
  ): Promise<Published<IdOf<T, Topic>>>
  /**
   * All events of a topic or topic filter from a starting point on, as they come. A consumer that is slow costs nobody
   * anything: it reads the log at its own pace. Events that are gone are announced by a `gap` message.
   * @throws ProblemError `unknown-topic`, `invalid-parameter`, `invalid-cursor`
   */
  watch<Filter extends TopicOf<T> | (string & {})>(
    filter: Filter | readonly Filter[],
    options?: WatchOptions,
  ): AsyncIterableIterator<WatchedEvent<T, Filter> | GapMessage>
  /**
   * Takes another configuration while the server runs, and keeps its connections: `topics`, `retention`, `auth` and
   * `logLevel` are replaced, and what else differs is named in a warning, since it needs a new start. Keys are read again
   * from their files. Whoever watches sees what the new definitions allow, or is told that there is nothing left to see.
   * The events of a topic that is defined no more stay in the log.
   * @throws ConfigError that lists what is wrong; then nothing has changed
   */
  reload(config: Config): void
  /**
   * Makes the server ready to be closed without a stampede: it says that it is not ready, takes no new streams and
   * WebSockets, and ends those that it has one after the other, within `drainMs`. Resolves when all are gone. All else is
   * answered as before, until {@link close}.
   */
  drain(): Promise<void>
  /** Ends all streams, telling clients to go on elsewhere, finishes what is being published, and closes the log. */
  close(): Promise<void>
}
