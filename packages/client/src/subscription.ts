/**
 * One watch, whatever carries it: where it stands, what it was sent, and who it hands that over to. It is carried by one
 * connection at a time, goes on from its cursor on the next one, and so gets every event once.
 *
 * Next on the way down: link.ts.
 */
import type { WatchpostError } from './error.ts'
import { Inbox, type Item } from './inbox.ts'
import { Listeners } from './listeners.ts'
import type { Status } from './machine.ts'
import type { Settings } from './options.ts'
import type { Event } from './protocol.ts'
import { Deltas, type Patched } from './state.ts'
import type { Transport } from './transports/transport.ts'
import type { Gap, GapMessage, WatchListeners, WatchOptions } from './watch.ts'

/** What carries subscriptions from here to there, as they see it. */
export interface Home {
  /** It wants to be carried, from where it stands. */
  attach(subscription: Subscription): void
  /** It is over. */
  detach(subscription: Subscription): void
}

/** The connection that carries it. */
export interface Carrier {
  readonly status: Status
  /** It has no room for more: stop reading for it, and nothing else. */
  full(subscription: Subscription): void
  /** It has to begin with the state again. */
  restart(subscription: Subscription): void
}

/** Where a subscription starts; nothing is the newest event. */
export interface Start {
  readonly after?: string
  readonly last?: number
  readonly state?: true
}

type Message = Event<string, unknown> | GapMessage

const listOf = (value: string | readonly string[] | undefined): readonly string[] | undefined =>
  typeof value === 'string' ? [value] : value

export class Subscription {
  readonly filter: string
  readonly view: { readonly [name in 'key' | 'type' | 'select']?: readonly string[] | undefined } & {
    readonly present?: false | undefined
  }
  readonly delta: boolean
  readonly info: unknown
  readonly #options: WatchOptions
  /** Of a state, what is shown of it: all has to come, since events of other types end what was the latest of a key. */
  readonly #types: readonly string[] | undefined
  readonly #settings: Settings
  readonly #home: Home
  readonly #listeners = new Listeners<WatchListeners<unknown>>()
  #inbox: Inbox<Message>
  #deltas: Deltas | undefined
  /** What carries it now; nothing of what another one says counts. */
  carrier: Carrier | undefined
  /** Transports that the topic does not offer. */
  readonly excluded: Set<Transport> = new Set()
  /** Attempts that failed since it was last carried for a while. */
  failures = 0
  /** Whether it has to have a stream of its own, since what concerns one of several can't be told from what concerns all. */
  isAlone = false
  /** Where it stands: everything up to there has come. */
  #received: string | undefined
  /** Where its caller stands. */
  #handled: string | undefined
  /** Of what the iteration was handed last, and may be busy with. */
  #pending = ''
  #status: Status = 'idle'
  #state: Map<string, Event<string, unknown>> | undefined
  /** Of a snapshot that is not complete. */
  #parts: Event<string, unknown>[] = []
  #needsState: boolean
  #isIterated = false
  #isPaused = false
  #isTelling = false
  #isOver = false
  #failure: WatchpostError | undefined
  #waiters: (() => void)[] = []

  constructor(filter: string, options: WatchOptions, settings: Settings, home: Home) {
    this.filter = filter
    const { key, select, present } = options
    const type = listOf(options.type)
    this.#needsState = options.state === true
    this.#types = this.#needsState ? type : undefined
    this.view = { key: listOf(key), type: this.#needsState ? undefined : type, select: listOf(select), present }
    this.delta = options.delta === true
    this.info = options.info
    this.#options = options
    this.#settings = settings
    this.#home = home
    this.#inbox = new Inbox(settings)
    if (this.#needsState && (options.remember ?? options.after ?? options.last) !== undefined) {
      throw new TypeError('state: leave after, last and remember out')
    }
    // Throws for what is no JSON now, rather than on each attempt.
    JSON.stringify(options.info)
    options.signal?.addEventListener('abort', this.#onAbort)
    if (options.signal?.aborted === true) this.end()
    // Whoever made it adds listeners first.
    else queueMicrotask(() => void this.#begin())
  }

  async #begin(): Promise<void> {
    const { remember } = this.#options
    if (remember !== undefined) this.#received = this.#handled = await this.#settings.keeper.get(`cursor:${remember}`)
    if (!this.#isOver) this.#home.attach(this)
  }

  // As whoever carries it sees it.

  get start(): Start {
    const { last } = this.#options
    const after = this.#received ?? this.#options.after
    if (this.#needsState) return { state: true }
    return after !== undefined ? { after } : last !== undefined ? { last } : {}
  }

  /** Whether there is no room for more. Part of a state is of no use, so it is taken whole. */
  get isFull(): boolean {
    return !this.#isFlowing && this.#inbox.isFull && this.#parts.length === 0
  }

  /** Of one that is full: resolves when there is room for more, or nothing is wanted any more. */
  async room(): Promise<void> {
    while (!this.#inbox.isLow && !this.#isOver) await this.#changed()
  }

  /** It is carried no longer, since it has no room; it is attached again when it has. */
  pause(): void {
    this.carrier = undefined
    this.#isPaused = true
  }

  /** A carrier takes it, unless it is over. One that is open has yet to begin with it. */
  carriedBy(carrier: Carrier): void {
    if (this.#isOver) return
    this.carrier = carrier
    this.#parts = []
    if (carrier.status !== 'idle' && carrier.status !== 'open') this.tellStatus(carrier.status)
    else if (this.#status === 'idle') this.tellStatus('connecting')
  }

  /** What comes from now on begins at its start: patches are made against that, and a state is sent whole. */
  begun(): void {
    this.#parts = []
    this.#deltas = this.delta ? new Deltas() : undefined
    this.tellStatus('open')
  }

  event(sent: Patched, characters: number = JSON.stringify(sent).length): void {
    if (this.carrier === undefined) return
    const event = (this.#deltas?.whole(sent) ?? sent) as Event<string, unknown>
    // One that is not stored has none, and leaves all as it is [WP-9.3].
    const { id = '' } = event as { readonly id?: string }
    // A state that is read by pages can be newer than its cursor [WP-3.11]: then this one came with it.
    const isNew = this.#state?.get(event.key as string)?.id !== id
    if (id !== '') {
      this.#received = id
      this.#keep(event)
    }
    if (isNew && this.#isWanted(event)) this.#hand({ value: event, cursor: id, characters })
    else if (id !== '') this.bookmark(id)
  }

  bookmark(cursor: string): void {
    if (this.carrier === undefined) return
    this.#received = cursor
    this.#hand({ cursor, characters: 0 })
  }

  gap(gap: Gap): void {
    if (this.carrier === undefined) return
    this.#received = gap.earliest
    this.#hand({ value: { type: 'gap', data: gap }, cursor: gap.earliest, characters: 0 })
    if (this.#options.state !== true) return
    // What was lost may have changed the state.
    this.#needsState = true
    this.carrier?.restart(this)
  }

  /** A part of the state; the last one makes it whole. Of what is known already nothing is handed over again. */
  snapshot(events: readonly Patched[], cursor: string, more: boolean): void {
    if (this.carrier === undefined) return
    for (const event of events) this.#parts.push((this.#deltas?.whole(event) ?? event) as Event<string, unknown>)
    if (more) return
    const parts = this.#parts.filter((event) => this.#isWanted(event))
    const before = this.#state
    this.#parts = []
    this.#needsState = false
    // Before anything is handed over, since that may end, or pause, what carries it.
    this.#received = cursor
    this.#state = new Map(parts.map((event) => [event.key as string, event]))
    for (const event of parts) {
      if (before?.get(event.key as string)?.id === event.id) continue
      this.#hand({ value: event, cursor: '', characters: JSON.stringify(event.data).length })
    }
    this.#hand({ cursor, characters: 0 })
    this.#tellState()
  }

  tellStatus(status: Status, cause?: WatchpostError): void {
    if (status === this.#status || this.#isOver) return
    this.#status = status
    this.#listeners.tell('status', status, cause)
  }

  /** Ends it, for good. */
  end(error?: WatchpostError): void {
    if (this.#isOver) return
    this.tellStatus('closed', error)
    this.#isOver = true
    this.carrier = undefined
    this.#home.detach(this)
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#failure = error
    // Of one that failed, what came before is still to be had.
    if (error === undefined) this.#inbox = new Inbox(this.#settings)
    this.#wake()
    if (error !== undefined) this.#listeners.tell('error', error)
  }

  // As its caller sees it.

  get cursor(): string | undefined {
    return this.#pending || this.#handled
  }

  get status(): Status {
    return this.#status
  }

  on<Name extends keyof WatchListeners<unknown>>(name: Name, listener: WatchListeners<unknown>[Name]): () => void {
    const remove = this.#listeners.add(name, listener)
    if (this.#isFlowing) queueMicrotask(() => this.#flush())
    // It may be there already.
    if (name === 'state') this.#tellState()
    return remove
  }

  /** The next message, once it is there; `undefined` at the end. @throws WatchpostError that ended it, once */
  async next(): Promise<Message | undefined> {
    this.#isIterated = true
    this.settle()
    for (;;) {
      const item = this.#inbox.take()
      if (item !== undefined) {
        this.#makeRoom()
        if (item.value === undefined) {
          this.#handle(item.cursor)
          continue
        }
        this.#tell(item.value)
        this.#pending = item.cursor
        return item.value
      }
      const failure = this.#failure
      this.#failure = undefined
      if (failure !== undefined) throw failure
      if (this.#isOver) return undefined
      await this.#changed()
    }
  }

  /** What the iteration was handed counts as handled once it asks for more, or leaves. */
  settle(): void {
    this.#handle(this.#pending)
    this.#pending = ''
  }

  // Inside.

  readonly #onAbort = (): void => this.end()

  /** Whether what comes goes to listeners at once. */
  get #isFlowing(): boolean {
    return !this.#isIterated && (this.#listeners.has('event') || this.#listeners.has('state'))
  }

  #tell(value: Message): void {
    if (value.type === 'gap') this.#listeners.tell('gap', (value as GapMessage).data)
    else this.#listeners.tell('event', value)
  }

  #handOver({ value, cursor }: Item<Message>): void {
    if (value !== undefined) this.#tell(value)
    this.#handle(cursor)
  }

  #handle(cursor: string): void {
    // Of a state only all of it together is a place to go on from, and what is not stored is none.
    if (cursor === '' || cursor === this.#handled) return
    this.#handled = cursor
    const { remember } = this.#options
    if (remember !== undefined) this.#settings.keeper.set(`cursor:${remember}`, cursor)
  }

  #hand(item: Item<Message>): void {
    // A listener may have ended it in the midst of a state.
    if (this.#isOver) return
    if (this.#isFlowing && this.#inbox.size === 0) return this.#handOver(item)
    this.#inbox.put(item)
    this.#wake()
    // A bookmark fills nothing: to begin again brings another one.
    if (item.value !== undefined && this.isFull) this.carrier?.full(this)
  }

  #flush(): void {
    while (this.#isFlowing) {
      const item = this.#inbox.take()
      if (item === undefined) break
      this.#handOver(item)
    }
    this.#makeRoom()
  }

  /** Resolves when something comes, was taken, or it is over. */
  #changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake()
  }

  /** What was taken may have made room. */
  #makeRoom(): void {
    this.#wake()
    if (!this.#isPaused || !this.#inbox.isLow || this.#isOver) return
    this.#isPaused = false
    this.#home.attach(this)
  }

  #isWanted({ type }: Event<string, unknown>): boolean {
    return this.#types?.includes(type) ?? true
  }

  #keep(event: Event<string, unknown>): void {
    if (this.#state === undefined || event.key === undefined) return
    if (event.data === null || !this.#isWanted(event)) this.#state.delete(event.key)
    else this.#state.set(event.key, event)
    this.#tellState()
  }

  /** Once for all that comes at once. */
  #tellState(): void {
    if (this.#isTelling || !this.#listeners.has('state')) return
    this.#isTelling = true
    queueMicrotask(() => {
      this.#isTelling = false
      if (this.#state !== undefined && !this.#isOver) this.#listeners.tell('state', this.#state)
    })
  }
}
