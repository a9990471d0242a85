/// <reference lib="esnext.disposable" preserve="true" />
/** A watch, as the caller has it. */
import type { WatchpostError } from './error.ts'
import type { Status } from './machine.ts'
import type { GapReason } from './protocol.ts'
import type { Stored } from './topics.ts'

/** Events between `after` and `earliest` can no longer be delivered [WP-2.4]. By long poll, `reason` is not known. */
export interface Gap {
  readonly reason?: GapReason
  readonly after: string
  readonly earliest: string
}

/** A gap in its place among events. No event has this type. */
export interface GapMessage {
  readonly type: 'gap'
  readonly data: Gap
  readonly id?: never
  readonly topic?: never
  readonly key?: never
  readonly timestamp?: never
}

/** What of the events is wanted [WP-3.6]. */
export interface View<Type extends string = string> {
  readonly key?: string | readonly string[]
  readonly type?: Type | readonly Type[]
  /** JSON Pointers below `data`. */
  readonly select?: string | readonly string[]
}

export interface WatchOptions<Type extends string = string> extends View<Type> {
  /** A cursor, `'earliest'` or `'latest'`, which is the default. */
  readonly after?: string
  /** Starts with the last so many events instead. */
  readonly last?: number
  /** Of one keyed topic: its state comes first, the latest event of each key, then what changes. Not with `after` or `last`. */
  readonly state?: boolean
  /** Of a keyed topic, by WebSocket: what changes is sent as patches. Events are whole all the same. Default false. */
  readonly delta?: boolean
  /** A name under which the storage keeps how far the watch came: then it starts there. Not with `state`. */
  readonly remember?: string
  /** What one tells of oneself to those who watch presence of the topic: any JSON of up to 1 KiB [WP-9.4]. */
  readonly info?: unknown
  /** `false` watches without being a member, where the topic has presence [WP-9.4]: as a tool of the server's own may. */
  readonly present?: false
  /** Ends the watch. */
  readonly signal?: AbortSignal | undefined
}

/** What listeners are told, by name. */
export interface WatchListeners<E> {
  event(event: E): void
  gap(gap: Gap): void
  /** The latest event of each key, of a watch with `state`: whole when it is there, and after it changed. It is not a copy. */
  state(state: ReadonlyMap<string, Stored<E>>): void
  /** `cause` is why it is no longer open, if it was not wanted. */
  status(status: Status, cause?: WatchpostError): void
  /** The watch is over, since the same would happen again. */
  error(error: WatchpostError): void
}

/**
 * Events as they come: to whoever iterates, at their pace, or else to listeners, at once. To leave the loop ends the
 * watch; a problem that only the caller can mend ends it with a throw, and calls listeners of `error`.
 */
export interface Watch<E> extends AsyncIterable<E | GapMessage, undefined>, AsyncDisposable {
  /** Adds a listener; returns what removes it. */
  on<Name extends keyof WatchListeners<E>>(name: Name, listener: WatchListeners<E>[Name]): () => void
  /** Where to go on: just after what was handled last. Absent until that is known. */
  readonly cursor: string | undefined
  readonly status: Status
  /** Ends it; resolves when its cursor is kept. */
  close(): Promise<void>
}
