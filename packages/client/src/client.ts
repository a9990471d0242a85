/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The client: watches, publishes, and reads states and pages.
 *
 * Next on the way down: links.ts.
 */
import { Connections } from './links.ts'
import { type ClientOptions, settingsOf } from './options.ts'
import { type Presence, type PresenceOptions, present } from './presence.ts'
import { ask, pathOf, type Query } from './request.ts'
import { loadState, type State } from './state.ts'
import { Subscription } from './subscription.ts'
import type {
  Described,
  FilterOf,
  IdOf,
  NewEvent,
  NoOptions,
  PresenceOf,
  Stored,
  TopicOf,
  TypeOf,
  Undescribed,
  WatchedEvent,
} from './topics.ts'
import type { View, Watch, WatchOptions } from './watch.ts'
import { watching } from './watching.ts'

export interface PublishOptions {
  /** Names this publish, so that it can be repeated without publishing twice. The client makes one if absent. */
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
}

/** What was published, in the order of the events. Each `id` is the cursor just after its event; what is not stored has none. */
export interface Published<Id extends string | undefined = string> {
  readonly events: readonly { readonly id: Id; readonly timestamp: string }[]
}

export interface StateOptions {
  readonly key?: string | readonly string[]
  readonly select?: string | readonly string[]
  readonly signal?: AbortSignal
}

export interface PageOptions<Type extends string = string> extends View<Type> {
  /** A cursor, `'earliest'`, which is the default, or `'latest'`. */
  readonly after?: string
  readonly last?: number
  /** The most events. Default 100. */
  readonly limit?: number
  readonly signal?: AbortSignal
}

/** Events in order; `cursor` is where to go on, and `more` says that there may be more already. */
export interface Page<E> {
  readonly events: readonly E[]
  readonly cursor: string
  readonly more: boolean
}

/** A client of a server that is described by a type: that of its configuration, or an interface. */
export interface Client<S extends Described = Undescribed> extends AsyncDisposable {
  /** Watches a topic, or all that a filter such as `chat/*` matches. It begins once the caller has added its listeners. */
  watch<Filter extends FilterOf<S>, const Options extends WatchOptions<TypeOf<S, Filter>> = NoOptions>(
    filter: Filter,
    options?: Options,
  ): Watch<WatchedEvent<S, Filter, Options>>
  /**
   * Publishes one event or several, all or none; resolves once they are durable. It is sent again where that can help, and
   * never published twice.
   * @throws WatchpostError such as `forbidden` or `invalid-event`
   */
  publish<Topic extends TopicOf<S>>(
    topic: Topic,
    events: NewEvent<S, Topic> | readonly NewEvent<S, Topic>[],
    options?: PublishOptions,
  ): Promise<Published<IdOf<S, Topic>>>
  /** The state of a keyed topic, whole. @throws WatchpostError such as `not-keyed` */
  state<Topic extends TopicOf<S> | PresenceOf<S>, const Options extends StateOptions = NoOptions>(
    topic: Topic,
    options?: Options,
  ): Promise<State<Stored<WatchedEvent<S, Topic, Options>>>>
  /** One page of what is kept. @throws WatchpostError such as `cursor-expired`, whose `members.earliest` is where to go on */
  page<Filter extends FilterOf<S>, const Options extends PageOptions<TypeOf<S, Filter>> = NoOptions>(
    filter: Filter,
    options?: Options,
  ): Promise<Page<Stored<WatchedEvent<S, Filter, Options>>>>
  /**
   * Joins a topic that is defined with presence, until it is closed, and tells who is here. Others are told `info`, whose
   * type is taken for theirs too.
   */
  presence<Info = unknown>(topic: TopicOf<S>, options?: PresenceOptions<Info>): Presence<Info>
  /** Ends all watches, and what is yet to be sent again is given up; resolves when the cursors are kept. */
  close(): Promise<void>
}

/**
 * Makes a client. It connects when there is something to watch.
 * @throws TypeError that says which option is wrong
 */
export function createClient<S extends Described = Undescribed>(options: ClientOptions): Client<S> {
  const settings = settingsOf(options)
  const connections = new Connections(settings)
  const close = async (): Promise<void> => {
    connections.close()
    await settings.keeper.settled()
  }
  const watch = (filter: string, watchOptions: WatchOptions = {}): Watch<unknown> =>
    watching(new Subscription(filter, watchOptions, settings, connections), settings)
  const client = {
    watch,
    presence: (topic: string, presenceOptions: PresenceOptions = {}) => present(watch, topic, presenceOptions),
    async publish(topic: string, events: unknown, { idempotencyKey = randomKey(), signal }: PublishOptions = {}) {
      const headers = { 'content-type': 'application/json', 'idempotency-key': idempotencyKey }
      // One body for all attempts, since it has to be the same byte for byte [WP-3.10].
      return ask<Published>(settings, pathOf('topics', topic), { body: JSON.stringify(events) ?? '', headers, signal })
    },
    state: (topic: string, { key, select, signal }: StateOptions = {}) =>
      loadState(settings, topic, { query: { key, select }, signal }),
    page: async (filter: string, { signal, ...query }: PageOptions = {}) =>
      ask(settings, pathOf('topics', filter), { query: query as Query, signal }),
    close,
    ...(Symbol.asyncDispose !== undefined && { [Symbol.asyncDispose]: close }),
  }
  return client as unknown as Client<S>
}

/** Not `randomUUID`, which browsers have on secure pages only. */
const randomKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-')
