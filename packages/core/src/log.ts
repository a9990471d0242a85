/**
 * What a log must do (the SPI). The embedded log implements it on one machine; a log that a broker orders follows the
 * broker into a local store and serves these reads from there, which is why reads are synchronous and never block.
 */
import type { GapReason } from '@watchpost/protocol'

/** An event of the log. `json` is the message as every transport sends it (`encodeEvent` of the protocol). */
export interface LoggedEvent {
  readonly offset: number
  readonly json: string
  /** Of an event that is not stored [WP-9.3], its number among those. `offset` is of the stored event that it comes after. */
  readonly passing?: number
}

/** An event that is not stored. */
export type PassingEvent = LoggedEvent & { readonly passing: number }

/** An event that passed every check and waits for its offset. `data` is JSON text; `timestamp` is in wire form. */
export interface PreparedEvent {
  readonly type: string
  readonly key?: string
  readonly data: string
  readonly timestamp: string
  /** Whether it is not stored, but told to those who watch right now. */
  readonly ephemeral?: boolean
}

/** The events of one publish, which become one transaction. */
export interface Append {
  readonly topic: string
  /** Whether the topic has a state; then an event whose `data` is `null` removes its key from it [WP-9.1]. */
  readonly keyed: boolean
  readonly events: readonly PreparedEvent[]
  /**
   * If the log has so many topics that may be forgotten, or so many others, whichever this one is, and this one is not
   * among them, the append is refused. Absent: it never is.
   */
  readonly topicsMax?: number
  /** Whether the topic may be forgotten, see {@link Log.forget}. Such topics are counted apart from the others. */
  readonly transient?: boolean
  readonly idempotency?: {
    /** Unique per publisher and topic; opaque to the log. */
    readonly key: string
    /** Tells bodies apart; a different one under the same key is refused. */
    readonly fingerprint: string
    readonly keepMs: number
  }
}

/** `first` is the offset of the first event that is stored; the others follow densely. {@link offsetsOf} gives them all. */
export interface Appended {
  readonly first: number
  readonly timestamps: readonly string[]
  /** Which of the events are not stored, by their places; absent if all are. */
  readonly ephemeral?: readonly number[]
  /** Whether an earlier publish with the same idempotency key was answered again, and nothing appended. */
  readonly replayed: boolean
}

/**
 * A small table beside the events, of what the server itself must remember together with what it appends. Keys have at most
 * 1,900 bytes of UTF-8 and stand in the order of these; values are texts.
 */
export interface Table {
  get(key: string): string | undefined
  put(key: string, value: string): void
  remove(key: string): void
  /** The first `countMax` entries whose keys begin with `prefix`. */
  entries(prefix: string, countMax: number): readonly (readonly [key: string, value: string])[]
  /** The latest event of a key of a keyed topic, as JSON. */
  latest(topic: string, key: string): string | undefined
}

/** An append of several that the log did not take. */
export interface Refused {
  readonly topic: string
  readonly problem: unknown
}

/** Which events to read: those of `topics` (all, if absent) with `after < offset <= upTo`, in order. */
export interface Scan {
  readonly topics?: readonly string[]
  readonly after: number
  readonly upTo: number
  /** Stop after looking at so many events, or at so many UTF-16 units of them; at least one event is read. */
  readonly eventsMax: number
  readonly charactersMax: number
}

/** Every event of the scan's topics with `after < offset <= through` is in `events`. */
export interface Scanned {
  readonly events: readonly LoggedEvent[]
  readonly through: number
}

/** One page of a topic's state, in key order: keys after `afterKey`, or just `keys`. */
export interface StateScan {
  readonly topic: string
  readonly keys?: readonly string[]
  readonly afterKey?: string
  readonly eventsMax: number
  readonly charactersMax: number
}

export interface StateScanned {
  readonly events: readonly LoggedEvent[]
  /** The last key of the page, if there are more. */
  readonly nextAfterKey?: string
}

/** What to keep of each topic; what is absent sets no bound. Age counts from when an event was appended. */
export interface Retention {
  readonly events?: number
  readonly ageMs?: number
  /** Of the events as JSON, UTF-8. */
  readonly bytes?: number
}

/**
 * What is kept of one topic. `trimmed` is the offset of the last event that was trimmed from it, and `trims` what the
 * log's own count of {@link Log.trims} was by that trim; both are 0 if none was. Of two watchers of the topic that stand
 * below `trimmed`, the one who knows fewer trims than `trims` has a loss to be told of.
 */
export interface TopicFacts {
  readonly topic: string
  readonly events: number
  readonly bytes: number
  readonly trimmed: number
  readonly trims: number
  readonly last: number
}

/** Topic names, in the order of their bytes: `from` and what comes after it, up to what comes before `before`. */
export interface NameRange {
  readonly from?: string
  readonly before?: string
}

/** What a gap needs to be announced, without the cursor that met it. */
export interface GapFound {
  readonly reason: GapReason
  /** The losses of the log's first so many trims are announced by this gap. */
  readonly trims: number
}

export interface Log {
  /** How many topics there are that may be forgotten. */
  readonly transientTopics: number

  /** What is lost of transient topics that were forgotten: as of a topic of which all of that was trimmed. */
  readonly forgotten: Pick<TopicFacts, 'trimmed' | 'trims'>

  /**
   * Forgets those of these topics that were made as transient ones, and of which nothing is kept any more, neither events
   * nor state. One that is appended to again as such begins as if all that {@link forgotten} tells of had been trimmed.
   * @throws ProblemError `log-unavailable`
   */
  forget(topics: readonly string[]): Promise<void>

  /** The log's identity. A cursor of another epoch names no position here. */
  readonly epoch: string

  /**
   * The offset of the newest event that is durable, 0 if there is none. Reads must stop here: an event above it could
   * still vanish in a power failure, and its offset be given to another event that watchers would then never see.
   */
  readonly head: number

  /**
   * Appends all events of one publish, or none; those that are ephemeral pass in their place among the others. Resolves once they are as durable as the log was asked to make them.
   * How many topics there are is decided by what all processes appended before.
   * @throws ProblemError `idempotency-conflict`, `reach-maximum-topics`, or `log-unavailable` with the cause when the store can't take them
   */
  append(append: Append): Promise<Appended>

  /**
   * Changes the table and appends what `change` gives, in one transaction that no other process comes between. `change`
   * may only use the table, and must not throw. Resolves with the appends that were refused, and why.
   * @throws ProblemError `log-unavailable`, and then nothing has changed
   */
  change(change: (table: Table) => readonly Append[]): Promise<readonly Refused[]>

  /**
   * The number of the newest event that was not stored, 0 if there is none. Counted densely, apart from offsets. Never
   * ahead of {@link head}: what such an event comes after is there.
   */
  readonly passed: number

  /** The first `eventsMax` events that were not stored with numbers above `after`, as far as they are still held. */
  passing(after: number, eventsMax: number): readonly PassingEvent[]

  scan(scan: Scan): Scanned

  /** The newest `eventsMax` events of `topics` (all, if absent) at or below `upTo`, newest first; `through` is the offset below which nothing was looked at. */
  scanBack(scan: Omit<Scan, 'after'>): Scanned

  state(scan: StateScan): StateScanned

  /** What is kept of a topic; `undefined` if nothing was ever published to it. */
  topic(topic: string): TopicFacts | undefined

  /**
   * All topics that begin with `prefix`, of a range of names if one is given, in name order; what lies outside is not read.
   * No read stays open between two of them, so there is time to do something with each.
   */
  topics(prefix?: string, range?: NameRange): Iterable<TopicFacts>

  /** No topic has had an event above this offset trimmed: a cheap first look before asking topic by topic. */
  readonly trimmed: number

  /** How many trims of any topic took something away. Grows by one with each; never goes back. */
  readonly trims: number

  /** Trims at most `eventsMax` events that `retention` no longer keeps from a topic's start; tells whether more remain. State is kept. */
  trim(topic: string, retention: Retention, eventsMax: number): Promise<{ readonly more: boolean }>

  /**
   * As if {@link trim} were called for one of these topics after the other, in one transaction that trims at most
   * `eventsMax` events of them all; tells whether more may remain. Each topic that loses something counts as a trim.
   */
  trimEach(topics: readonly string[], retention: Retention, eventsMax: number): Promise<{ readonly more: boolean }>

  /**
   * Looks at once whether other processes appended, and raises {@link head} accordingly. Cheap enough to be asked for each
   * cursor above the head: such a one may come from another process, whose news has not arrived here yet.
   */
  refresh(): void

  /** Calls back whenever {@link head} or {@link passed} grew, by whichever process. Returns how to stop. */
  onAdvance(listener: () => void): () => void

  /** Finishes what is being appended, then closes. Later calls of `append` are refused. */
  close(): Promise<void>
}
