/** The embedded log: the SPI of `@watchpost/core` on one LMDB store, which several processes may have open at once. */
import { resolve } from 'node:path'
import type {
  Append,
  Appended,
  Log,
  Retention,
  Scan,
  Scanned,
  StateScan,
  StateScanned,
  TopicFacts,
} from '@watchpost/core'
import { Advance } from './advance.ts'
import { Writer } from './append.ts'
import { logUnreadable, StoreError, storeError } from './errors.ts'
import { openStore } from './open.ts'
import type { Durability, LmdbLogOptions } from './options.ts'
import { hasExcess, OldestEvents, trim } from './retention.ts'
import { scanBackward, scanForward } from './scan.ts'
import { readState } from './state.ts'
import { metaNumber, STATE_KEY_BYTES_MAX, type Store } from './store.ts'
import { factsOf, readTopics } from './topics.ts'

/**
 * Opens the log in `options.dir`, and makes it if there is none. Any number of processes may open it, each of them once.
 * @throws StoreError telling what is wrong there and how to mend it
 */
export function openLmdbLog(options: LmdbLogOptions): Promise<LmdbLog> {
  return LmdbLog.open(options)
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
    this.#store = store
    this.#head = metaNumber(store, 'head')
    this.#writer = new Writer({
      dir: store.dir,
      store: () => this.#opened(),
      now,
      onCommitted: () => {
        this.#look()
        // Always: an earlier touch may have made this process look just after the commit, and then nothing is new to it.
        this.#advance.touch()
      },
      onFailed: () => this.#recover(),
    })
    this.#advance = new Advance(store.dir, () => this.#look(), onWarning)
  }

  get head(): number {
    return this.#head
  }

  refresh(): void {
    this.#look()
  }

  get trimmed(): number {
    return this.#read((store) => metaNumber(store, 'trimmed'))
  }

  get trims(): number {
    return this.#read((store) => metaNumber(store, 'trims'))
  }

  async append(append: Append): Promise<Appended> {
    if (append.events.length === 0) throw new RangeError('an append needs at least one event')
    for (const { key } of append.events) {
      if (key !== undefined && Buffer.byteLength(key) > STATE_KEY_BYTES_MAX) {
        throw new RangeError(`an event key may have ${STATE_KEY_BYTES_MAX} bytes at most`)
      }
    }
    return this.#writer.append(append)
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

  *topics(prefix = ''): Generator<TopicFacts, undefined, undefined> {
    let after: string | undefined
    do {
      // Each page whole: a range that stays open while the caller does other things would keep old pages alive.
      const { facts, nextAfter } = this.#read((store) => readTopics(store, prefix, after))
      yield* facts
      after = nextAfter
    } while (after !== undefined)
  }

  async trim(topic: string, retention: Retention, eventsMax: number): Promise<{ readonly more: boolean }> {
    const now = this.#now()
    if (!this.#read((store) => hasExcess(store, topic, retention, now, this.#oldest))) return { more: false }
    return this.#writer.trim((store) => trim(store, topic, retention, now, eventsMax))
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
    const head = this.#store === undefined ? 0 : newestHead(this.#store)
    if (head <= this.#head) return
    this.#head = head
    for (const listener of this.#listeners) queueMicrotask(listener)
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

/** The head in the store, or 0 if the store can't be read now. */
function newestHead(store: Store): number {
  try {
    // The snapshot that reads share may be older than what made us look.
    store.root.resetReadTxn()
    return metaNumber(store, 'head')
  } catch {
    return 0
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
