/** What a log is opened with. Apart from the code, so that who uses these types does not need those of lmdb. */

/** `disk`: a power failure loses nothing that was acknowledged. `os`: only a failure of the process doesn't. */
export type Durability = 'disk' | 'os'

/** How many events that are not stored are held for other processes, how large together, and for how long. */
export interface PassingOptions {
  readonly eventsMax: number
  /** Of the events as JSON, UTF-8. */
  readonly bytesMax: number
  readonly ageMs: number
}

export interface LmdbLogOptions {
  /** Where the store is; made if missing. A local disk: LMDB needs locks and shared memory that work. */
  readonly dir: string
  /** What an acknowledged publish survives: `disk`, a power failure; `os`, the end of the process. Default `disk`. */
  readonly durability?: Durability
  /** Absent: as the table of limits has it. */
  readonly passing?: PassingOptions
  /** Milliseconds since 1970, for retention by age and for how long idempotency keys are kept. */
  readonly now?: () => number
  /** Called with what an operator should know although the log goes on. */
  readonly onWarning?: (message: string) => void
}
