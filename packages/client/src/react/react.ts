'use client'
/** Hooks for React 18 and 19. */
import { useCallback, useSyncExternalStore } from 'react'
import type { Client } from '../client.ts'
import type { WatchpostError } from '../error.ts'
import type { Status } from '../machine.ts'
import type { Described, FilterOf, NoOptions, PresenceOf, Stored, TopicOf, TypeOf, WatchedEvent } from '../topics.ts'
import type { Gap, View, WatchOptions } from '../watch.ts'
import { join, NOTHING, type Snapshot, snapshotOf, type Wanted } from './store.ts'

/** How many events a component has, unless it asks for another number. */
const EVENTS_MAX = 100

/** Of a watch; equal ones, also as objects of their own, share one watch. */
export interface UseWatchOptions<Type extends string = string>
  extends Omit<WatchOptions<Type>, 'state' | 'delta' | 'signal'> {
  /** The most events that are kept for the component. Default 100. */
  readonly eventsMax?: number
}

/** Of a state; `key`, `type` and `select` narrow it. */
export interface UseTopicStateOptions<Type extends string = string> extends View<Type> {
  /** By WebSocket, changes travel as patches. */
  readonly delta?: boolean
  readonly info?: unknown
}

/** How the watch of a component fares. */
export interface Watched {
  readonly status: Status
  /** Why it is not open, if that was not wanted; with the status `closed` it is over. */
  readonly error: WatchpostError | undefined
}

/** What `useWatch` gives. What did not change is the same object as before. */
export interface WatchedEvents<E> extends Watched {
  /** The last events, the oldest first. */
  readonly events: readonly E[]
  /** The latest gap, if there was one: not all events came. */
  readonly gap: Gap | undefined
}

/** What `useTopicState` gives. */
export interface WatchedState<E> extends Watched {
  /** The latest event of each key; absent until it is known. A key that did not change has the same event as before. */
  readonly state: ReadonlyMap<string, E> | undefined
}

/**
 * The last events of a topic, or of all that a filter matches, for as long as the component is shown. On a server there
 * are none.
 * @throws TypeError for options that can't be
 */
export function useWatch<
  S extends Described,
  Filter extends FilterOf<S>,
  const Options extends UseWatchOptions<TypeOf<S, Filter>> = NoOptions,
>(client: Client<S>, filter: Filter, options?: Options): WatchedEvents<WatchedEvent<S, Filter, Options>> {
  const { eventsMax = EVENTS_MAX, ...others } = options ?? ({} as Options)
  return useStore(client, { filter, options: others as WatchOptions, eventsMax }) as unknown as WatchedEvents<
    WatchedEvent<S, Filter, Options>
  >
}

/** The state of a keyed topic, kept up to date for as long as the component is shown. On a server it is not known. */
export function useTopicState<
  S extends Described,
  Topic extends TopicOf<S> | PresenceOf<S>,
  const Options extends UseTopicStateOptions<TypeOf<S, Topic>> = NoOptions,
>(client: Client<S>, topic: Topic, options?: Options): WatchedState<Stored<WatchedEvent<S, Topic, Options>>> {
  const wanted = { filter: topic, options: { ...options, state: true }, eventsMax: 0 }
  return useStore(client, wanted) as unknown as WatchedState<Stored<WatchedEvent<S, Topic, Options>>>
}

function useStore<S extends Described>(client: Client<S>, wanted: Wanted): Snapshot {
  const untyped = client as unknown as Client
  const name = nameOf(wanted)
  const subscribe = useCallback((changed: () => void) => join(untyped, name, changed), [untyped, name])
  return useSyncExternalStore(
    subscribe,
    () => snapshotOf(untyped, name),
    () => NOTHING,
  )
}

/** The same for what means the same, in whatever order its options were written. */
function nameOf({ filter, options, eventsMax }: Wanted): string {
  const inOrder = Object.fromEntries(Object.entries(options).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return JSON.stringify({ filter, options: inOrder, eventsMax } satisfies Wanted)
}
