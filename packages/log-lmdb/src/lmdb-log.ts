/** The embedded log: the SPI of `@watchpost/core` on one LMDB store, which several processes may have open at once. */
import { resolve } from 'node:path'
import type {
  Append,
  Appended,
  Log,
  NameRange,
  PassingEvent,
  Refused,
  Retention,
  Scan,
  Scanned,
  StateScan,
  StateScanned,
  Table,
  TopicFacts,
} from '@watchpost/core'
import { LIMITS } from '@watchpost/protocol'
import { Advance } from './advance.ts'
import { Writer } from './append.ts'
import { logUnreadable, StoreError, storeError } from './errors.ts'
import { forget, forgottenOf, isForgettable } from './forget.ts'
import { openStore } from './open.ts'
import type { Durability, LmdbLogOptions, PassingOptions } from './options.ts'
import { isStale, letGo, readPassing } from './passing.ts'
import { publishGroup } from './publish.ts'
import { hasExcess, OldestEvents, trimEach } from './retention.ts'
import { scanBackward, scanForward } from './scan.ts'
import { readState } from './state.ts'
import { metaNumber, STATE_KEY_BYTES_MAX, type Store } from './store.ts'
import { tableOf } from './table.ts'
import { factsOf, readTopics } from './topics.ts'

/**
 * Opens the log in `options.dir`, and makes it if there is none. Any number of processes may open it, each of them once.
 * @throws StoreError telling what is wrong there and how to mend it
 */
export function openLmdbLog(options: LmdbLogOptions): Promise<LmdbLog> {
  return LmdbLog.open(options)
}

const PASSING: PassingOptions = {
  eventsMax: LIMITS.ephemeralEventsMax.default,
  bytesMax: LIMITS.ephemeralBytesMax.default,
  ageMs: LIMITS.ephemeralMs.default,
}

/** See {@link openLmdbLog}. */
export class LmdbLog implements Log {
  readonly epoch: string
  readonly #dir: string
  readonly #durability: Durability
  readonly #now: () => number
  readonly #writer: Writer
  readonly #advance: Advance
  readonly #listeners = new Set<() => void>()
  readonly #oldest = new OldestEvents()
  /** Absent after {@link close}, and while a store that failed can't be opened again. */
  #store: Store | undefined
  #head: number
  #passed: number
  readonly #passing: PassingOptions
  readonly #sweeping: NodeJS.Timeout
  readonly #warn: (message: string) => void
  /** Whether what can not be let go was warned of, and has not been let go since. */
  #isPassingStuck = false
  #closing: Promise<void> | undefined

  static async open(options: LmdbLogOptions): Promise<LmdbLog> {
    const { durability = 'disk' } = options
    // Opening again after a failure must find it also if the working directory has changed.
    const dir = resolve(options.dir)
    const store = await openStore(dir, durability)
    try {
      return new LmdbLog(options, store, durability)
    } catch (error) {
      await store.root.close()
      throw storeError(dir, error)
    }
  }

  private constructor(options: LmdbLogOptions, store: Store, durability: Durability) {
    const { now = Date.now, onWarning = (message): void => process.emitWarning(message) } = options
    this.epoch = store.epoch
    this.#dir = store.dir
    this.#durability = durability
    this.#now = now
    this.#warn = onWarning
    this.#store = store
    this.#head = metaNumber(store, 'head')
    this.#passed = metaNumber(store, 'passed')
    this.#passing = options.passing ?? PASSING
    this.#writer = new Writer({
      dir: store.dir,
      store: () => this.#opened(),
      now,
      passing: this.#passing,
      onCommitted: () => {
        this.#look()
        // Always: an earlier touch may have made this process look just after the commit, and then nothing is new to it.
        this.#advance.touch()
      },
      onFailed: () => this.#recover(),
    })
    this.#advance = new Advance(store.dir, () => this.#look(), onWarning)
    this.#sweeping = setInterval(() => this.#sweepPassing(), this.#passing.ageMs).unref()
  }

  get head(): number {
    return this.#head
  }

  refresh(): void {
    this.#look()
  }

  get passed(): number {
    return this.#passed
  }

  passing(after: number, eventsMax: number): readonly PassingEvent[] {
    return this.#read((store) => readPassing(store, after, eventsMax))
  }

  get trimmed(): number {
    return this.#read((store) => metaNumber(store, 'trimmed'))
  }

  get trims(): number {
    return this.#read((store) => metaNumber(store, 'trims'))
  }

  async append(append: Append): Promise<Appended> {
    demandWritable(append)
    return this.#writer.append(append)
  }

  async change(change: (table: Table) => readonly Append[]): Promise<readonly Refused[]> {
    return this.#writer.alone((store) => {
      const appends = change(tableOf(store))
      for (const append of appends) demandWritable(append)
      const outcomes = publishGroup(store, appends, this.#now(), this.#passing)
      return outcomes.flatMap((outcome, i): Refused[] => {
        const { topic } = appends[i] as Append
        return 'refused' in outcome ? [{ topic, problem: outcome.refused }] : []
      })
    })
  }

  scan(scan: Scan): Scanned {
    return this.#read((store) => scanForward(store, scan))
  }

  scanBack(scan: Omit<Scan, 'after'>): Scanned {
    return this.#read((store) => scanBackward(store, scan))
  }

  state(scan: StateScan): StateScanned {
    return this.#read((store) => readState(store, scan))
  }

  topic(topic: string): TopicFacts | undefined {
    const row = this.#read((store) => store.topics.get(topic))
    return row && factsOf(topic, row)
  }

  *topics(prefix = '', range: NameRange = {}): Generator<TopicFacts, undefined, undefined> {
    let after: string | undefined
    do {
      // Each page whole: a range that stays open while the caller does other things would keep old pages alive.
      const { facts, nextAfter } = this.#read((store) => readTopics(store, { ...range, prefix, after }))
      yield* facts
      after = nextAfter
    } while (after !== undefined)
  }

  trim(topic: string, retention: Retention, eventsMax: number): Promise<{ readonly more: boolean }> {
    return this.trimEach([topic], retention, eventsMax)
  }

  async trimEach(
    topics: readonly string[],
    retention: Retention,
    eventsMax: number,
  ): Promise<{ readonly more: boolean }> {
    const [nowMs, oldest] = [this.#now(), this.#oldest]
    const hasMore = (store: Store, topic: string): boolean => hasExcess(store, topic, retention, nowMs, oldest)
    // Mostly there is nothing to trim, and then no write lock is taken.
    const going = this.#read((store) => topics.filter((topic) => hasMore(store, topic)))
    if (going.length === 0) return { more: false }
    return this.#writer.alone((store) => trimEach(store, going, { retention, nowMs, eventsMax, oldest }))
  }

  get transientTopics(): number {
    return this.#read((store) => metaNumber(store, 'transient'))
  }

  get forgotten(): Pick<TopicFacts, 'trimmed' | 'trims'> {
    return this.#read(forgottenOf)
  }

  async forget(topics: readonly string[]): Promise<void> {
    // Most can't be, and then no write lock is taken.
    const going = this.#read((store) => topics.filter((topic) => isForgettable(store, topic)))
    if (going.length > 0) await this.#writer.alone((store) => forget(store, going))
  }

  onAdvance(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#sweeping)
    await this.#writer.close()
    this.#advance.close()
    const store = this.#store
    this.#store = undefined
    await store?.root.close()
  }

  #opened(): Store {
    if (this.#store !== undefined) return this.#store
    throw new StoreError(
      'failed',
      this.#closing === undefined
        ? `The log in ${this.#dir} failed and could not be opened again yet; the next publish tries once more.`
        : `The log in ${this.#dir} was closed. Open it again.`,
    )
  }

  /** Every read goes through here: what could not be read for certain must not pass for nothing being there. */
  #read<Result>(read: (store: Store) => Result): Result {
    try {
      const store = this.#opened()
      const result = read(store)
      // In an environment that LMDB has given up (see `#recover`) a range is empty, and only a get fails.
      store.meta.get('epoch')
      return result
    } catch (error) {
      throw logUnreadable(storeError(this.#dir, error))
    }
  }

  /** Takes up what was appended, by whichever process. */
  #look(): void {
    const { head, passed } = this.#store === undefined ? NOTHING : newestOf(this.#store)
    if (head <= this.#head && passed <= this.#passed) return
    this.#head = Math.max(head, this.#head)
    this.#passed = Math.max(passed, this.#passed)
    for (const listener of this.#listeners) queueMicrotask(listener)
  }

  /** Lets go of events that are not stored, and that nobody followed by others that would have pushed them out. */
  #sweepPassing(): void {
    const store = this.#store
    if (store === undefined) return
    try {
      if (!isStale(store, this.#passing, this.#now())) return
    } catch {
      // The store can't be read now; whoever needs it is told.
      return
    }
    void this.#letPassingGo()
  }

  async #letPassingGo(): Promise<void> {
    try {
      await this.#writer.alone((store) => letGo(store, this.#passing, this.#now()))
      this.#isPassingStuck = false
    } catch (error) {
      this.#warnOfPassing(error)
    }
  }

  #warnOfPassing(error: unknown): void {
    if (this.#isPassingStuck) return
    this.#isPassingStuck = true
    const { cause } = error as { readonly cause?: unknown }
    this.#warn(
      `Events that are not to be stored stay on disk longer than ${this.#passing.ageMs} ms, until the log in ${this.#dir} can be written again. (${String(cause)})`,
    )
  }

  /**
   * After a commit that failed. If LMDB could not write the page that makes a commit visible, it gives up its whole
   * environment: reads find nothing, and the next write never returns. Only opening the store again ends that, which
   * has to happen before anything else runs; hence no `await` before the store is put away.
   */
  async #recover(): Promise<void> {
    const failed = this.#store
    if (failed !== undefined) {
      if (isUsable(failed)) return
      this.#store = undefined
      await failed.root.close()
    }
    this.#store = await openStore(this.#dir, this.#durability)
    this.#look()
  }
}

const NOTHING = { head: 0, passed: 0 }

/** How far the store has come, or nothing if it can't be read now. Both are of one snapshot. */
function newestOf(store: Store): typeof NOTHING {
  try {
    // The snapshot that reads share may be older than what made us look.
    store.root.resetReadTxn()
    return { head: metaNumber(store, 'head'), passed: metaNumber(store, 'passed') }
  } catch {
    return NOTHING
  }
}

/** @throws RangeError */
function demandWritable({ events }: Append): void {
  if (events.length === 0) throw new RangeError('an append needs at least one event')
  for (const { key } of events) {
    if (key !== undefined && Buffer.byteLength(key) > STATE_KEY_BYTES_MAX) {
      throw new RangeError(`an event key may have ${STATE_KEY_BYTES_MAX} bytes at most`)
    }
  }
}

function isUsable(store: Store): boolean {
  try {
    store.root.resetReadTxn()
    return store.meta.get('epoch') === store.epoch
  } catch {
    return false
  }
}
