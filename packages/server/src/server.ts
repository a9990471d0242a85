/**
 * A Watchpost: the log, what is built on it, and its HTTP face, wired together. `createWatchpost` is the library's door,
 * and the CLI's too.
 *
 * Next on the way down: transports/sse.ts.
 */
import type { IncomingMessage, Server } from 'node:http'
import {
  Hub,
  iterate,
  type Located,
  type Log,
  Publisher,
  presentAt,
  Registry,
  SERVER,
  type Sweeping,
  sweepRegularly,
  type Watch,
  Watcher,
} from '@watchpost/core'
import { openLmdbLog } from '@watchpost/log-lmdb'
import { type LimitName, type Limits, limitsWith, ProblemError } from '@watchpost/protocol'
import { type Logger, pino } from 'pino'
import type { App } from './app.ts'
import { Audit } from './audit.ts'
import { type Authenticator, createAuthenticator } from './auth/authenticator.ts'
import { systemClock } from './clock.ts'
import { checkConfig } from './config/check.ts'
import type { Config, LogLevel, Topics } from './config/config.ts'
import { warningsOf } from './config/warnings.ts'
import { Drain } from './drain.ts'
import { Addresses, addressKey } from './http/address.ts'
import { Answers } from './http/answers.ts'
import { attachTo } from './http/attach.ts'
import { Bodies } from './http/body.ts'
import { Connections } from './http/connections.ts'
import { corsOf } from './http/cors.ts'
import { createHandler } from './http/handler.ts'
import { type Listening, listen } from './http/listen.ts'
import { countAuthentications, Metrics } from './metrics.ts'
import { createPresence } from './presence.ts'
import { idsOf } from './publishing.ts'
import { Quotas } from './quotas/quotas.ts'
import { type Replacing, reload } from './reload.ts'
import { logRuleFailures } from './rule-failures.ts'
import { createTracing } from './tracing.ts'
import { sseEncoding, sseGzipEncoding } from './transports/sse-encodings.ts'
import { createWebSocketServer } from './transports/websocket/handshake.ts'
import type { GapMessage, IdOf, NewEvent, TopicOf, WatchedEvent } from './types.ts'
import type { AttachOptions, Published, WatchOptions, Watchpost } from './watchpost.ts'

/** How long `close()` waits for answers that are being sent. */
const CLOSE_GRACE_MS = 5_000

const DEFAULTS = {
  dataDir: '.watchpost',
  durability: 'disk',
  heartbeatMs: 15_000,
  coalesceMs: 5,
  compression: true,
  expiringMs: 60_000,
  drainMs: 25_000,
  logLevel: 'info',
  audit: true,
} as const

/**
 * Opens the log in `dataDir` and builds a server on it.
 * @throws ConfigError that lists what is wrong with the configuration; StoreError when the log can't be opened
 */
export async function createWatchpost<T extends Topics>(
  config: Config<T>,
  options: { readonly logger?: Logger } = {},
): Promise<Watchpost<T>> {
  const checked = { ...DEFAULTS, ...checkConfig(config, 'config') }
  const logger = options.logger ?? pino({ level: checked.logLevel })
  const limits = limitsWith(checked.limits)
  const registry = new Registry(checked.topics, {
    retention: checked.retention,
    limits,
    onRuleFailure: logRuleFailures(logger, systemClock),
  })
  const metrics = new Metrics()
  const onRefused = (limit: LimitName): void => metrics.refused.inc({ limit })
  const addresses = new Addresses(checked.trustProxy, (peer) => {
    const fix = 'if that is a proxy, name it in trustProxy, or all of its clients share the limits of one address'
    logger.warn({ address: peer }, `a request from an address that is not trusted tells of another client: ${fix}`)
  })
  const authenticatorOf = (from: Config, before?: Authenticator): Authenticator | undefined => {
    const parts = {
      ...{ clock: systemClock, logger, limits },
      addressOf: (request: IncomingMessage) => addresses.of(request),
      isProxied: (request: IncomingMessage) => addresses.isProxied(request),
      onRefused,
    }
    const authenticator = createAuthenticator(from, parts, before)
    return authenticator && countAuthentications(authenticator, metrics)
  }
  const authenticator = authenticatorOf(checked)
  const log = await openLmdbLog({
    dir: checked.dataDir,
    durability: checked.durability,
    passing: { eventsMax: limits.ephemeralEventsMax, bytesMax: limits.ephemeralBytesMax, ageMs: limits.ephemeralMs },
    onWarning: (message) => logger.warn(message),
  })
  const app = wire(checked, { ...{ log, registry, limits, logger, metrics, onRefused }, addresses, authenticator })
  warn(app, checked)
  // A logger that was given has a level of its own.
  const setLevel = (level: LogLevel): void => {
    if (options.logger === undefined) logger.level = level
  }
  return new RunningWatchpost(app, checked, { authenticatorOf, setLevel })
}

function warn({ registry, logger, clock }: App, config: Config): void {
  for (const { about, message } of warningsOf(config, registry, clock.now())) logger.warn(about, message)
}

type CheckedConfig = Config & Required<Pick<Config, keyof typeof DEFAULTS>>

function wire(
  config: CheckedConfig,
  parts: {
    readonly log: Log
    readonly registry: Registry
    readonly limits: Limits
    readonly logger: Logger
    readonly metrics: Metrics
    readonly onRefused: (limit: LimitName) => void
    readonly addresses: Addresses
    readonly authenticator: Authenticator | undefined
  },
): App {
  const { log, registry, limits, logger, metrics, onRefused, addresses, authenticator } = parts
  const { heartbeatMs, coalesceMs } = config
  const clock = systemClock
  const onFailure = (error: unknown): void => logger.error({ err: error }, 'the log could not be read')
  const tracing = createTracing(registry)
  const { onDelivered } = tracing
  const hub = new Hub(log, { clock, heartbeatMs, coalesceMs, onFailure, onDelivered })
  const connections = new Connections(limits, clock, onRefused)
  const presence = createPresence({ log, registry, clock, limits, heartbeatMs }, { logger, metrics })
  metrics.observe({ log, hub, connections, presence })
  return {
    ...{
      log,
      registry,
      hub,
      connections,
      metrics,
      logger,
      clock,
      limits,
      info: config.info ?? {},
      heartbeatMs,
      expiringMs: config.expiringMs,
      drain: new Drain({ connections, clock, logger, drainMs: config.drainMs }),
      cors: corsOf(config),
      authenticator,
      audit: new Audit(config.audit ? logger : undefined, clock),
      tracing,
    },
    addresses,
    quotas: new Quotas(limits, clock, onRefused),
    bodies: new Bodies(limits),
    answers: new Answers(limits, (request) => addressKey(addresses.of(request))),
    publisher: new Publisher(log, limits, clock),
    watcher: new Watcher({ log, registry, hub, clock, limits }),
    presence,
    sse: sseEncoding(log.epoch),
    webSockets: createWebSocketServer(limits, config.compression),
    sseGzip: config.compression ? sseGzipEncoding(log.epoch) : undefined,
  }
}

class RunningWatchpost<T extends Topics> implements Watchpost<T> {
  readonly #app: App
  readonly #replacing: Replacing
  #config: CheckedConfig
  readonly #sweeping: Sweeping
  readonly #detach: (() => void)[] = []
  readonly #ending = new AbortController()
  #listening: Listening | undefined
  #closed: Promise<void> | undefined

  constructor(app: App, config: CheckedConfig, replacing: Replacing) {
    this.#app = app
    this.#config = config
    this.#replacing = replacing
    const { log, registry, clock, logger, drain, presence } = app
    drain.whenBegun(() => presence.awaitReturns())
    const onFailure = (error: unknown): void => logger.error({ err: error }, 'old events could not be trimmed')
    this.#sweeping = sweepRegularly(log, registry, clock, onFailure)
  }

  async listen(): Promise<{ readonly url: string }> {
    if (this.#listening !== undefined) throw new Error('this Watchpost listens already')
    const handler = createHandler(this.#app, { basePath: '', probes: true, documents: true }, true)
    this.#listening = await listen(this.#config, this.#app, handler)
    this.#app.drain.whenBegun(() => this.#listening?.drain())
    const { url } = this.#listening
    this.#app.logger.info({ url, docs: `${url}/docs` }, 'listening')
    return { url }
  }

  attach(server: Server, options: AttachOptions = {}): void {
    const { basePath = '', probes = false, documents = true } = options
    if (basePath !== '' && !/^(?:\/[^/?#]+)+$/.test(basePath)) {
      throw new TypeError(`basePath ${JSON.stringify(basePath)}: must look like "/live", without a slash at its end`)
    }
    this.#detach.push(attachTo(server, createHandler(this.#app, { basePath, probes, documents }, false)))
  }

  async publish<Topic extends TopicOf<T>>(
    topic: Topic,
    events: NewEvent<T, Topic> | readonly NewEvent<T, Topic>[],
  ): Promise<Published<IdOf<T, Topic>>> {
    const { registry, publisher, metrics, tracing } = this.#app
    const resolved = registry.resolve(topic)
    if (resolved === undefined || presentAt(topic) !== undefined) {
      throw new ProblemError('unknown-topic', `No topic definition matches ${JSON.stringify(topic)}.`)
    }
    const list: readonly unknown[] = Array.isArray(events) ? events : [events]
    const publishing = { resolved, events: list.length }
    const appended = await tracing.publish(publishing, () => publisher.publish(resolved, list))
    metrics.countPublish(resolved.topic.template, appended)
    const ids = idsOf(this.#app, appended) as readonly IdOf<T, Topic>[]
    return { events: ids.map((id, index) => ({ id, timestamp: appended.timestamps[index] as string })) }
  }

  watch<Filter extends TopicOf<T> | (string & {})>(
    filter: Filter | readonly Filter[],
    options: WatchOptions = {},
  ): AsyncIterableIterator<WatchedEvent<T, Filter> | GapMessage> {
    const leaving = new AbortController()
    const signals = [this.#ending.signal, leaving.signal, ...(options.signal ? [options.signal] : [])]
    // Located now, so that "latest" is when watch() was called, and not when the first message is asked for.
    const located = this.#locate(listOf(filter), options)
    // Whoever never asks for a message is not to be told of a failure by the end of the process.
    located.catch(() => undefined)
    const messages = this.#messages<WatchedEvent<T, Filter>>(located, AbortSignal.any(signals))
    return {
      next: () => messages.next(),
      return: () => {
        // A generator that waits for news can't be returned from; it has to be woken first.
        leaving.abort()
        return messages.return()
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  async #locate(filters: readonly string[], options: WatchOptions): Promise<readonly [Watch, Located]> {
    const { watcher } = this.#app
    const { after, last, key, type, select } = options
    const view = { keys: listOf(key), types: listOf(type), select: listOf(select) }
    const watch = watcher.watch(filters, view, { identity: SERVER })
    return [watch, await watcher.locate(watch, { after, last, otherwise: 'latest' })]
  }

  async *#messages<Message>(
    located: Promise<readonly [Watch, Located]>,
    signal: AbortSignal,
  ): AsyncGenerator<Message | GapMessage, void, undefined> {
    const [watch, from] = await located
    for await (const text of iterate(this.#app.watcher, watch, from, signal)) {
      yield JSON.parse(text) as Message | GapMessage
    }
  }

  reload(config: Config): void {
    if (this.#closed !== undefined) throw new Error('this Watchpost is closed')
    const checked = { ...DEFAULTS, ...checkConfig(config, 'config') }
    this.#config = reload(this.#app, { before: this.#config, after: checked }, this.#replacing)
    warn(this.#app, this.#config)
  }

  drain(): Promise<void> {
    const { drain, audit } = this.#app
    if (!drain.hasBegun) audit.note('drain', undefined, drain.begin())
    return drain.ended()
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { connections, hub, log, logger, presence } = this.#app
    connections.goAway()
    await presence.close()
    this.#ending.abort()
    this.#sweeping.stop()
    await this.#listening?.close(CLOSE_GRACE_MS)
    for (const detach of this.#detach) detach()
    hub.close()
    await log.close()
    logger.info('closed')
  }
}

const listOf = <Item>(items: Item | readonly Item[] | undefined): readonly Item[] =>
  items === undefined ? [] : Array.isArray(items) ? (items as readonly Item[]) : [items as Item]
