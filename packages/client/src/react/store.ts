/**
 * Watches that components share: equal ones of one client are one. Nothing begins while a component is rendered, since
 * React may render it and throw that away; a watch begins with the first component that is shown, and ends with the last.
 */
import type { Client } from '../client.ts'
import type { WatchpostError } from '../error.ts'
import type { Status } from '../machine.ts'
import type { Event } from '../protocol.ts'
import type { Gap, Watch, WatchOptions } from '../watch.ts'

/** What components are shown. One that did not change is the same object. */
export interface Snapshot {
  readonly status: Status
  /** Why it is not open, if that was not wanted. */
  readonly error: WatchpostError | undefined
  /** The last events, the oldest first. */
  readonly events: readonly Event<string, unknown>[]
  /** The latest gap: not all events came. */
  readonly gap: Gap | undefined
  readonly state: ReadonlyMap<string, Event<string, unknown>> | undefined
}

/** Before a watch begins, and on a server, where none does. */
export const NOTHING: Snapshot = { status: 'idle', error: undefined, events: [], gap: undefined, state: undefined }

/** Components are told no more often than screens show something: not for each of a thousand events that come in a second. */
const TELL_EVERY_MS = 16

/** What is watched, and how much of it is kept. */
export interface Wanted {
  readonly filter: string
  readonly options: WatchOptions
  /** `null` is without end, which JSON does not know. */
  readonly eventsMax: number | null
}

class Store {
  snapshot = NOTHING
  readonly #watch: Watch<Event<string, unknown>>
  readonly #changed = new Set<() => void>()
  readonly #eventsMax: number
  readonly #ended: () => void
  #next: Snapshot = NOTHING
  /** Not in the snapshot yet. */
  #events: Event<string, unknown>[] = []
  #state: ReadonlyMap<string, Event<string, unknown>> | undefined
  #isTelling = false
  #toldMs = 0
  #ending: ReturnType<typeof setTimeout> | undefined

  /** @param ended is called when nobody wants it any more */
  constructor(client: Client, { filter, options, eventsMax }: Wanted, ended: () => void) {
    this.#ended = ended
    this.#eventsMax = eventsMax ?? Number.POSITIVE_INFINITY
    this.#watch = client.watch(filter, options) as Watch<Event<string, unknown>>
    this.#watch.on('event', (event) => {
      if (eventsMax === 0) return
      this.#events.push(event)
      if (this.#events.length > this.#eventsMax) this.#events.shift()
      this.#tell({})
    })
    // A state is loaded again after a gap, so nothing of it is missing.
    if (options.state !== true) this.#watch.on('gap', (gap) => this.#tell({ gap }))
    else {
      this.#watch.on('state', (state) => {
        this.#state = state
        this.#tell({})
      })
    }
    this.#watch.on('status', (status, cause) => {
      const error = status === 'open' ? undefined : (cause ?? this.#next.error)
      this.#tell({ status, error })
    })
  }

  /** Whether it is over, and nobody is shown that any more: whoever comes then wants to try again. */
  get isSpent(): boolean {
    return this.#watch.status === 'closed' && this.#changed.size === 0
  }

  join(changed: () => void): () => void {
    clearTimeout(this.#ending)
    this.#changed.add(changed)
    return () => {
      this.#changed.delete(changed)
      // In StrictMode, and when one component takes the place of another, somebody joins again at once.
      if (this.#changed.size === 0) this.#ending = setTimeout(() => this.#end(), 0)
    }
  }

  #end(): void {
    if (this.#changed.size > 0) return
    this.#ended()
    void this.#watch.close()
  }

  /** Once for all that comes at one time. */
  #tell(changes: Partial<Snapshot>): void {
    this.#next = { ...this.#next, ...changes }
    if (this.#isTelling) return
    this.#isTelling = true
    const waitMs = this.#toldMs + TELL_EVERY_MS - performance.now()
    if (waitMs > 0) setTimeout(() => this.#show(), waitMs)
    else queueMicrotask(() => this.#show())
  }

  #show(): void {
    this.#isTelling = false
    this.#toldMs = performance.now()
    const { events } = this.#next
    const state = this.#state && renewed(this.#next.state, this.#state)
    this.#next = {
      ...this.#next,
      events: this.#events.length === 0 ? events : [...events, ...this.#events].slice(-this.#eventsMax),
      state,
    }
    this.#events = []
    if (isSame(this.snapshot, this.#next)) return
    this.snapshot = this.#next
    for (const changed of this.#changed) changed()
  }
}

const isSame = (a: Snapshot, b: Snapshot): boolean =>
  (Object.keys(a) as (keyof Snapshot)[]).every((name) => a[name] === b[name])

/** A copy of what goes on changing; the one before if that says the same, with the same event for each key that did not change. */
function renewed(
  before: Snapshot['state'],
  now: ReadonlyMap<string, Event<string, unknown>>,
): ReadonlyMap<string, Event<string, unknown>> {
  const events = [...now].map(([key, event]): [string, Event<string, unknown>] => {
    const last = before?.get(key)
    return [key, last?.id === event.id ? last : event]
  })
  const isOld = before?.size === now.size && events.every(([key, event]) => before.get(key) === event)
  return isOld ? before : new Map(events)
}

const storesOf = new WeakMap<Client, Map<string, Store>>()

/** Joins the store under a name, which says all of what is wanted; it begins with the first. Returns what leaves it. */
export function join(client: Client, name: string, changed: () => void): () => void {
  const stores = storesOf.get(client) ?? new Map<string, Store>()
  storesOf.set(client, stores)
  const ended = (): void => {
    if (stores.get(name) === store) stores.delete(name)
  }
  const before = stores.get(name)
  const store = before === undefined || before.isSpent ? new Store(client, JSON.parse(name) as Wanted, ended) : before
  stores.set(name, store)
  return store.join(changed)
}

/** What is known under a name; the same object until it changes. */
export const snapshotOf = (client: Client, name: string): Snapshot =>
  storesOf.get(client)?.get(name)?.snapshot ?? NOTHING
