/**
 * What a log must do (the SPI). The embedded log implements it on one machine; a log that a broker orders follows the
 * broker into a local store and serves these reads from there, which is why reads are synchronous and never block.
 */
import type { GapReason } from '@watchpost/protocol'

/** An event of the log. `json` is the message as every transport sends it (`encodeEvent` of the protocol). */
export interface LoggedEvent {
  readonly offset: number
  readonly json: string
}

/** An event that passed every check and waits for its offset. `data` is JSON text; `timestamp` is in wire form. */
export interface PreparedEvent {
  readonly type: string
  readonly key?: string
  readonly data: string
  readonly timestamp: string
}

/** The events of one publish, which become one transaction. */
export interface Append {
  readonly topic: string
  /** Whether the topic has a state; then an event whose `data` is `null` removes its key from it [WP-9.1]. */
  readonly keyed: boolean
  readonly events: readonly PreparedEvent[]
  /** If the log has so many topics, of any name, and this one is not among them, the append is refused. Absent: it never is. */
  readonly topicsMax?: number
  readonly idempotency?: {
    /** Unique per publisher and topic; opaque to the log. */
    readonly key: string
    /** Tells bodies apart; a different one under the same key is refused. */
    readonly fingerprint: string
    readonly keepMs: number
  }
}

/** `first` is the offset of the first event; the others follow densely. */
export interface Appended {
  readonly first: number
  readonly timestamps: readonly string[]
  /** Whether an earlier publish with the same idempotency key was answered again, and nothing appended. */
  readonly replayed: boolean
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

/** What a gap needs to be announced, without the cursor that met it. */
export interface GapFound {
  readonly reason: GapReason
  /** The losses of the log's first so many trims are announced by this gap. */
  readonly trims: number
}

export interface Log {
  /** The log's identity. A cursor of another epoch names no position here. */
  readonly epoch: string

  /**
   * The offset of the newest event that is durable, 0 if there is none. Reads must stop here: an event above it could
   * still vanish in a power failure, and its offset be given to another event that watchers would then never see.
   */
  readonly head: number

  /**
   * Appends all events of one publish, or none. Resolves once they are as durable as the log was asked to make them.
   * How many topics there are is decided by what all processes appended before.
   * @throws ProblemError `idempotency-conflict`, `reach-maximum-topics`, or `log-unavailable` with the cause when the store can't take them
   */
  append(append: Append): Promise<Appended>

  scan(scan: Scan): Scanned

  /** The newest `eventsMax` events of `topics` (all, if absent) at or below `upTo`, newest first; `through` is the offset below which nothing was looked at. */
  scanBack(scan: Omit<Scan, 'after'>): Scanned

  state(scan: StateScan): StateScanned

  /** What is kept of a topic; `undefined` if nothing was ever published to it. */
  topic(topic: string): TopicFacts | undefined

  /** All topics that begin with `prefix`, in name order. No read stays open between two of them, so there is time to do something with each. */
  topics(prefix?: string): Iterable<TopicFacts>

  /** No topic has had an event above this offset trimmed: a cheap first look before asking topic by topic. */
  readonly trimmed: number

  /** How many trims of any topic took something away. Grows by one with each; never goes back. */
  readonly trims: number

  /** Trims at most `eventsMax` events that `retention` no longer keeps from a topic's start; tells whether more remain. State is kept. */
  trim(topic: string, retention: Retention, eventsMax: number): Promise<{ readonly more: boolean }>

  /**
   * Looks at once whether other processes appended, and raises {@link head} accordingly. Cheap enough to be asked for each
   * cursor above the head: such a one may come from another process, whose news has not arrived here yet.
   */
  refresh(): void

  /** Calls back whenever {@link head} grew, by whichever process. Returns how to stop. */
  onAdvance(listener: () => void): () => void

  /** Finishes what is being appended, then closes. Later calls of `append` are refused. */
  close(): Promise<void>
}
