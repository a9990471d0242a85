/**
 * Group commit: while one transaction is being made durable, what comes next gathers and shares the following one.
 *
 * When is a publish durable? The store is opened without lmdb's overlapping sync, so a commit first makes the data
 * pages durable, then writes the page that makes them visible through a descriptor that syncs, and only then moves the
 * number by which readers, in this process and in others, find the newest snapshot. So whatever can be read is durable,
 * a commit that failed was never visible, and the head needs no second, "flushed" value. With overlapping sync none of
 * this holds: a snapshot is visible before it is durable, a failed flush leaves it visible, the promise of `flushed` is
 * then never settled, and a process that opens the store takes what others have not yet flushed for flushed. It gains
 * nothing here either: one group is written at a time, because the next is still gathering.
 *
 * With `durability: 'os'` the second sync is left out: what a commit made visible survives the process, and a power
 * failure may undo the latest commits, but can't damage what was committed before them.
 */
import type { Append, Appended } from '@watchpost/core'
import { logUnavailable, storeError } from './errors.ts'
import type { PassingOptions } from './options.ts'
import { type Outcome, publishGroup } from './publish.ts'
import type { Store } from './store.ts'

/** Bounds of one transaction, so that who comes next waits some milliseconds at most. One publish may exceed them. */
const GROUP_EVENTS_MAX = 2_048
const GROUP_CHARACTERS_MAX = 4_194_304

interface Waiting<Result> {
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

type AppendJob = Waiting<Appended> & { readonly append: Append; readonly characters: number }
type LoneJob = Waiting<unknown> & { readonly run: (store: Store) => unknown }
type Job = AppendJob | LoneJob

/** A group that is being written: what to do once it is durable. */
type Settle = () => void

export class Writer {
  readonly #dir: string
  readonly #store: () => Store
  readonly #now: () => number
  readonly #passing: PassingOptions
  readonly #onCommitted: () => void
  readonly #onFailed: () => Promise<void>
  readonly #queue: Job[] = []
  #draining: Promise<void> | undefined
  #closed = false

  /**
   * `onCommitted` is called after each transaction, before its publishes are acknowledged; `onFailed` at once after one
   * that could not be committed, and the next waits for it.
   */
  constructor(options: {
    readonly dir: string
    readonly store: () => Store
    readonly now: () => number
    /** How much is held of what is not stored. */
    readonly passing: PassingOptions
    readonly onCommitted: () => void
    readonly onFailed: () => Promise<void>
  }) {
    this.#dir = options.dir
    this.#store = options.store
    this.#now = options.now
    this.#passing = options.passing
    this.#onCommitted = options.onCommitted
    this.#onFailed = options.onFailed
  }

  append(append: Append): Promise<Appended> {
    let characters = 0
    for (const event of append.events) characters += event.data.length
    return new Promise((resolve, reject) => this.#enqueue({ append, characters, resolve, reject }))
  }

  /** Runs `run` in a transaction of its own, after what is queued already and before what comes later. */
  alone<Result>(run: (store: Store) => Result): Promise<Result> {
    return new Promise((resolve, reject) =>
      this.#enqueue({ run, resolve: resolve as (result: unknown) => void, reject }),
    )
  }

  /** Waits for what is queued; what comes later is refused. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#draining
  }

  #enqueue(job: Job): void {
    if (this.#closed) return job.reject(logUnavailable(new Error('the log is closed')))
    this.#queue.push(job)
    this.#draining ??= this.#drain()
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) await this.#commit()
    // In the same turn as the last look at the queue, or what comes in between would wait for ever.
    this.#draining = undefined
  }

  async #commit(): Promise<void> {
    let jobs: readonly Job[] = []
    let settle: Settle = () => {}
    try {
      const store = this.#store()
      // A child transaction is one that a throw inside undoes; lmdb would commit half of a plain one.
      await store.root.childTransaction(() => {
        // Only now, with the write lock held, is it decided who comes along: all who came while waiting for it.
        jobs = this.#take()
        settle = this.#write(store, jobs)
      })
    } catch (error) {
      // What can't be mended now is tried again with the next publish.
      const recovered = this.#onFailed().catch(() => {})
      const cause = storeError(this.#dir, await causeOf(error))
      await recovered
      // If the transaction never began, those who wait first are refused, or the queue would turn for ever.
      if (jobs.length === 0) jobs = this.#take()
      for (const job of jobs) job.reject(logUnavailable(cause))
      return
    }
    this.#onCommitted()
    settle()
  }

  #take(): Job[] {
    const queue = this.#queue
    let taken = 0
    let events = 0
    let characters = 0
    for (const job of queue) {
      if ('run' in job) {
        if (taken === 0) taken = 1
        break
      }
      events += job.append.events.length
      characters += job.characters
      if (taken > 0 && (events > GROUP_EVENTS_MAX || characters > GROUP_CHARACTERS_MAX)) break
      taken++
    }
    return queue.splice(0, taken)
  }

  #write(store: Store, jobs: readonly Job[]): Settle {
    const [job] = jobs
    if (job !== undefined && 'run' in job) {
      const result = job.run(store)
      return () => job.resolve(result)
    }
    const appends = jobs as readonly AppendJob[]
    const outcomes = publishGroup(
      store,
      appends.map(({ append }) => append),
      this.#now(),
      this.#passing,
    )
    return () => {
      for (const [i, { resolve, reject }] of appends.entries()) {
        const outcome = outcomes[i] as Outcome
        if ('appended' in outcome) resolve(outcome.appended)
        else reject(outcome.refused)
      }
    }
  }
}

/** lmdb tells why a commit failed in a second promise, which must be handled even where nobody asks. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<never> }
  if (commitError === undefined) return error
  return commitError.catch((cause: unknown) => cause)
}
