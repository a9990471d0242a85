/**
 * `watch()`: what every transport is a thin encoder of. A watch is a selection of topics, a view and a starting point;
 * it can be read as pages or subscribed to, and both go by the same positions, so a client may mix them [WP-2.5].
 *
 * Next on the way down: {@link Log} in log.ts.
 */
import {
  filterFault,
  type Gap,
  isExact,
  type Limits,
  type Position,
  ProblemError,
  parseCursor,
} from '@watchpost/protocol'
import type { Clock } from './clock.ts'
import type { Transport } from './definition.ts'
import type { Encoding } from './feed.ts'
import type { Hub } from './hub.ts'
import type { Log, LoggedEvent } from './log.ts'
import { cursorOf } from './positions.ts'
import { presentAt } from './presence/companion.ts'
import { Reader, SLICES_MAX } from './reader.ts'
import type { Registry, Resolved } from './registry.ts'
import { Selection, type Viewer } from './selection.ts'
import { SnapshotReader } from './snapshot.ts'
import { type Sink, type Snapshot, Subscription, type Surroundings } from './subscription.ts'
import { utf8Bytes } from './utf8.ts'
import { View, type ViewOptions } from './view.ts'

/** Where to start: a cursor or sentinel in `after`, else the `last` N events, else the transport's own default. */
export interface Start {
  readonly after?: string | undefined
  readonly last?: number | undefined
  readonly otherwise: 'earliest' | 'latest'
}

export interface Watch {
  readonly selection: Selection
  readonly view: View
}

/** A starting point, and the gap to announce if the cursor's own place is gone. */
export interface Located {
  readonly position: Position
  readonly gap?: Gap
}

export interface Page {
  readonly events: readonly LoggedEvent[]
  readonly position: Position
  readonly more: boolean
}

export interface WatcherOptions {
  readonly log: Log
  readonly registry: Registry
  readonly hub: Hub
  readonly clock: Clock
  readonly limits: Limits
}

export class Watcher {
  readonly #options: WatcherOptions
  readonly #surroundings: Surroundings

  constructor(options: WatcherOptions) {
    const { log, hub, clock, limits } = options
    this.#options = options
    this.#surroundings = { log, hub, clock, bufferedBytesMax: limits.bufferedBytesMax }
  }

  /**
   * What someone asks to watch, after checking that they may. Wildcards pass over what they may not [WP-6.3].
   * @throws ProblemError `invalid-parameter`; for a topic without wildcard also `transport-not-offered` and what
   *   {@link Registry.demand} throws; for one that deltas are asked of, `not-keyed`
   */
  watch(filters: readonly string[], view: ViewOptions, viewer: Viewer): Watch {
    const { registry, limits } = this.#options
    if (filters.length === 0) throw new ProblemError('invalid-parameter', 'Name at least one topic.')
    for (const filter of filters) {
      const fault = filterFault(presentAt(filter) ?? filter, limits)
      if (fault !== undefined) throw new ProblemError('invalid-parameter', `Topic ${JSON.stringify(filter)}: ${fault}.`)
      if (isExact(filter)) demandOffered(registry.demand('watch', filter, viewer.identity), viewer.transport)
    }
    const selection = new Selection(filters, registry, viewer)
    if (view.delta === true) for (const topic of selection.exact ?? []) demandKeyed(selection, topic)
    return { selection, view: viewOf(view, limits) }
  }

  /**
   * Turns a starting point into a position [WP-2.2].
   * @throws ProblemError `invalid-cursor`
   */
  async locate(watch: Watch, start: Start): Promise<Located> {
    const { log } = this.#options
    const { after } = start
    if (after === undefined && start.last !== undefined) return { position: await this.#before(watch, start.last) }
    const from = after ?? start.otherwise
    if (from === 'earliest') return { position: this.#earliest() }
    if (from === 'latest') return { position: { offset: log.head, trims: 0 } }
    const cursor = parseCursor(from)
    if (cursor === undefined) {
      throw new ProblemError('invalid-cursor', `${JSON.stringify(from)} is no cursor; use one that you were given.`)
    }
    if (cursor.epoch === log.epoch && cursor.offset > log.head) log.refresh()
    if (cursor.epoch !== log.epoch || cursor.offset > log.head) return this.#restart(from)
    return { position: { offset: cursor.offset, trims: Math.min(cursor.trims, log.trims) } }
  }

  /**
   * A page of at most `limit` events.
   * @throws ProblemError `cursor-expired`
   */
  async page(watch: Watch, from: Located, limit: number): Promise<Page> {
    const { log, hub, limits } = this.#options
    if (from.gap !== undefined) throw expired(watch, from.gap)
    const reader = this.#reader(watch)
    const upTo = log.head
    const events: LoggedEvent[] = []
    let position = from.position
    let bytes = 0
    for (let slices = 0; position.offset < upTo && slices < SLICES_MAX; slices++) {
      // However many search the log, those who publish or are live have their turn.
      if (slices > 0) await hub.turns.next()
      const slice = reader.read(position, upTo)
      if (slice.gap !== undefined) {
        // What was read before the gap is sent; `earliest` lies behind it. The next page meets the gap.
        if (events.length > 0) return { events, position, more: true }
        throw expired(watch, this.#gap(position, slice.gap.trims))
      }
      for (const event of slice.events) {
        bytes += utf8Bytes(event.json)
        if (events.length === limit || (events.length > 0 && bytes > limits.pageBytesMax)) {
          return { events, position: { ...position, offset: lastOffset(events, position) }, more: true }
        }
        events.push(event)
      }
      position = slice.position
    }
    return { events, position, more: position.offset < upTo }
  }

  /** Sends everything from a position on to a sink, until {@link Subscription.close}; the state before that, if it is given. */
  subscribe<Chunk>(
    watch: Watch,
    from: Located,
    encoding: Encoding<Chunk>,
    sink: Sink<Chunk>,
    snapshot?: Snapshot<Chunk>,
  ): Subscription<Chunk> {
    const feed = this.#options.hub.acquire(watch.selection, watch.view, encoding)
    return new Subscription(this.#surroundings, feed, sink, { ...from, snapshot })
  }

  /**
   * Goes on where a subscription stands with what its client may see now, in its place: each event is still sent once,
   * and what is left of a state too.
   */
  replace<Chunk>(
    before: Subscription<Chunk>,
    watch: Watch,
    encoding: Encoding<Chunk>,
    sink: Sink<Chunk>,
  ): Subscription<Chunk> {
    const beginning = before.handOver()
    beginning.snapshot?.reader.goOnWith(watch.selection)
    const feed = this.#options.hub.acquire(watch.selection, watch.view, encoding)
    return new Subscription(this.#surroundings, feed, sink, beginning)
  }

  /**
   * The state of the topic that is watched, to start a subscription with, from the reader's own position on [WP-4.6].
   * @throws ProblemError `invalid-parameter` if it is not just one topic, `not-keyed` if it has no state
   */
  snapshot(watch: Watch): SnapshotReader {
    const { selection } = watch
    const [topic, ...others] = selection.exact ?? []
    if (topic === undefined || others.length > 0) {
      throw new ProblemError('invalid-parameter', 'A state is of one topic; name it without wildcards.')
    }
    demandKeyed(selection, topic)
    return new SnapshotReader(this.#options.log, topic, watch)
  }

  cursor(position: Position): string {
    return cursorOf(this.#options.log, position)
  }

  #reader(watch: Watch): Reader {
    return new Reader(this.#options.log, watch.selection, watch.view)
  }

  /** What is trimmed by now is no loss to whoever starts here. */
  #earliest(): Position {
    return { offset: 0, trims: this.#options.log.trims }
  }

  #restart(after: string): Located {
    const position = this.#earliest()
    return { position, gap: { reason: 'epoch', after, earliest: this.cursor(position) } }
  }

  #gap(position: Position, trims: number): Gap {
    const after = this.cursor(position)
    return { reason: 'trimmed', after, earliest: this.cursor({ offset: position.offset, trims }) }
  }

  async #before(watch: Watch, count: number): Promise<Position> {
    const { log, hub } = this.#options
    // Taken before the search, during which more may be trimmed.
    const { trims } = log
    const offset = await this.#reader(watch).before(count, log.head, () => hub.turns.next())
    return { offset, trims }
  }
}

/** @throws ProblemError `not-keyed` */
function demandKeyed(selection: Selection, topic: string): void {
  if (selection.isKeyed(topic)) return
  throw new ProblemError('not-keyed', `Topic ${JSON.stringify(topic)} has no key, so it has neither state nor deltas.`)
}

function demandOffered({ topic, name }: Resolved, transport: Transport | undefined): void {
  if (transport === undefined || topic.transports.has(transport)) return
  const detail = `Topic ${JSON.stringify(name)} is not offered by ${transport}.`
  throw new ProblemError('transport-not-offered', detail, { transports: [...topic.transports] })
}

/** @throws ProblemError `invalid-parameter` */
export function viewOf(options: ViewOptions, limits: Limits): View {
  demandBounds('key', options.keys, limits.keyBytesMax)
  demandBounds('type', options.types, limits.typeBytesMax)
  demandBounds('select', options.select, limits.selectBytesMax)
  const all = [options.keys, options.types, options.select].flatMap((values) => values ?? [])
  if (all.reduce((bytes, value) => bytes + utf8Bytes(value), 0) > limits.headerBytesMax) {
    throw new ProblemError('invalid-parameter', `A view must have at most ${limits.headerBytesMax} bytes in all.`)
  }
  try {
    return new View(options)
  } catch (error) {
    throw new ProblemError('invalid-parameter', `Parameter select: ${(error as Error).message}.`)
  }
}

/** What is remembered for as long as something is watched has a bound in bytes. */
function demandBounds(name: string, values: readonly string[] = [], bytesMax: number): void {
  if (values.every((value) => value.length <= bytesMax && utf8Bytes(value) <= bytesMax)) return
  throw new ProblemError('invalid-parameter', `Parameter ${name}: must have at most ${bytesMax} bytes.`)
}

const lastOffset = (events: readonly LoggedEvent[], before: Position): number => events.at(-1)?.offset ?? before.offset

function expired(watch: Watch, gap: Gap): ProblemError {
  const why =
    gap.reason === 'trimmed'
      ? `Events after ${gap.after} are no longer kept.`
      : `${gap.after} is no position of this log, which may have been replaced.`
  const { keyedTopic } = watch.selection
  return new ProblemError('cursor-expired', why, {
    earliest: gap.earliest,
    ...(keyedTopic !== undefined && { state: `/v1/state/${keyedTopic}` }),
  })
}
