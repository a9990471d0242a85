/**
 * The sub-databases of a store and the keys in them. Numbers stand in keys in big-endian order, so that a range of keys
 * is a range of offsets.
 *
 * | sub-database  | key                     | value                                                              |
 * | ------------- | ----------------------- | ------------------------------------------------------------------ |
 * | `watchpost`   | name                    | `format`, `epoch`, `head`, `trimmed`, `trims`, `topics` (how many), `passed`, `transient`, `forgotten…` |
 * | `topics`      | topic                   | its number and what is kept of it                                  |
 * | `events`      | topic number, offset    | the encoded event                                                  |
 * | `runs`        | first offset            | topic number, count and append time of events that follow densely  |
 * | `state`       | topic number, event key | a copy of the key's latest event, which trimming does not touch    |
 * | `idempotency` | hash of the key         | the answer that was given                                          |
 * | `expiries`    | time, hash of the key   | nothing                                                            |
 * | `passing`     | number                  | an event that is not stored, for the moment that it takes to tell it |
 * | `table`       | text                    | what the server itself remembers                                   |
 */
import type { Database, DatabaseOptions, RootDatabase } from 'lmdb'

/** `[topic number, offset]` */
export type EventKey = [topic: number, offset: number]
/** `[topic number, event key]` */
export type StateKey = [topic: number, key: string]

/** One row of `topics`. `transient`: it was counted among those that may be forgotten; absent if it was not. */
export type TopicRow = [
  number: number,
  events: number,
  bytes: number,
  trimmed: number,
  last: number,
  trims: number,
  transient?: true,
]

/** One row of `idempotency`; timestamps as milliseconds since 1970, each but the first as the difference to the one before. */
export type IdempotencyRow = [
  expiresMs: number,
  fingerprint: string,
  first: number,
  count: number,
  times: number[],
  ephemeral?: number[],
]

export interface Store {
  readonly dir: string
  readonly epoch: string
  readonly root: RootDatabase
  readonly meta: Database<number | string, string>
  readonly topics: Database<TopicRow, string>
  readonly events: Database<string, EventKey>
  readonly runs: Database<Buffer, number>
  readonly state: Database<string, StateKey>
  readonly idempotency: Database<IdempotencyRow, Buffer>
  readonly expiries: Database<Buffer, Buffer>
  readonly passing: Database<Buffer, number>
  readonly table: Database<string, string>
}

/** The largest offset and time that a key can hold. */
export const OFFSET_MAX: number = 2 ** 48 - 1
/** The largest number of a topic of which a range of keys can be named, which ends at the next one. */
export const TOPIC_NUMBER_MAX: number = 2 ** 32 - 2
/** LMDB's bound on a key, less the topic number. */
export const STATE_KEY_BYTES_MAX = 1_974

const TWO_32 = 2 ** 32

export function write48(target: Buffer, at: number, value: number): number {
  target.writeUInt16BE(Math.floor(value / TWO_32), at)
  return target.writeUInt32BE(value >>> 0, at + 2)
}

export const read48 = (source: Buffer, at: number): number =>
  source.readUInt16BE(at) * TWO_32 + source.readUInt32BE(at + 2)

// Within a range the topic is known, so reading gives only the offset back, and nothing is allocated for it.
const eventKeys = {
  writeKey: ([topic, offset]: EventKey, target: Buffer, at: number): number =>
    write48(target, target.writeUInt32BE(topic, at), offset),
  readKey: (source: Buffer, at: number): number => read48(source, at + 4),
}

const offsetKeys = {
  writeKey: (offset: number, target: Buffer, at: number): number => write48(target, at, offset),
  readKey: (source: Buffer, at: number): number => read48(source, at),
}

// The event holds its key; nobody needs it from here.
const stateKeys = {
  writeKey: ([topic, key]: StateKey, target: Buffer, at: number): number => {
    const start = target.writeUInt32BE(topic, at)
    return start + target.write(key, start, 'utf8')
  },
  readKey: (): number => 0,
}

const textKeys = {
  writeKey: (key: string, target: Buffer, at: number): number => at + target.write(key, at, 'utf8'),
  readKey: (source: Buffer, at: number, end: number): string => source.toString('utf8', at, end),
}

/** Opens, and makes where they are missing, the sub-databases other than `watchpost`. */
export function openTables(root: RootDatabase): Omit<Store, 'dir' | 'epoch' | 'root' | 'meta'> {
  return {
    topics: root.openDB<TopicRow, string>('topics', {}),
    events: root.openDB<string, EventKey>('events', withKeys('string', eventKeys)),
    runs: root.openDB<Buffer, number>('runs', withKeys('binary', offsetKeys)),
    state: root.openDB<string, StateKey>('state', withKeys('string', stateKeys)),
    idempotency: root.openDB<IdempotencyRow, Buffer>('idempotency', { keyEncoding: 'binary' }),
    expiries: root.openDB<Buffer, Buffer>('expiries', { encoding: 'binary', keyEncoding: 'binary' }),
    passing: root.openDB<Buffer, number>('passing', withKeys('binary', offsetKeys)),
    table: root.openDB<string, string>('table', withKeys('string', textKeys)),
  }
}

// lmdb's types know `keyEncoder` for the root database only.
const withKeys = (encoding: 'string' | 'binary', keyEncoder: object): DatabaseOptions & { keyEncoder: object } => ({
  encoding,
  keyEncoder,
})

/** The offset in a key of `events` that a range gave; see `eventKeys`. */
export const offsetOf = (key: EventKey): number => key as unknown as number

/** lmdb takes the UTF-8 bytes of a string in its place, which saves encoding the same text twice; its types don't say so. */
export const asText = (bytes: Buffer): string => bytes as unknown as string

/** A key of `expiries`: the first to expire comes first. */
export function expiryKey(expiresMs: number, hash: Buffer): Buffer {
  const key = Buffer.allocUnsafe(6 + hash.length)
  write48(key, 0, expiresMs)
  hash.copy(key, 6)
  return key
}

/**
 * `topics` is how many were ever made; of these `transient` are there and may be forgotten, and `forgotten` are; the
 * last two say what was trimmed from those.
 */
type MetaNumber =
  | ('head' | 'trimmed' | 'trims' | 'topics' | 'passed')
  | ('transient' | 'forgotten' | 'forgottenTrimmed' | 'forgottenTrims')

/** A number of `watchpost`, 0 if it was never written. */
export const metaNumber = (store: Store, name: MetaNumber): number => (store.meta.get(name) as number | undefined) ?? 0

/** Events of one topic that were appended together, with dense offsets. Trimming removes a run with its last event. */
export interface Run {
  readonly first: number
  readonly count: number
  readonly topic: number
  readonly appendedMs: number
}

export function encodeRun(run: Run): Buffer {
  const value = Buffer.allocUnsafe(14)
  value.writeUInt32BE(run.topic, 0)
  value.writeUInt32BE(run.count, 4)
  write48(value, 8, run.appendedMs)
  return value
}

export const decodeRun = (first: number, value: Buffer): Run => ({
  first,
  count: value.readUInt32BE(4),
  topic: value.readUInt32BE(0),
  appendedMs: read48(value, 8),
})

/** The run that holds `offset`, if it is still kept, or else the nearest one below. */
export function runAt(store: Store, offset: number): Run | undefined {
  for (const { key, value } of store.runs.getRange({ start: offset, end: 0, reverse: true, limit: 1 })) {
    return decodeRun(key, value)
  }
  return undefined
}
