/** What a log is opened with. Apart from the code, so that who uses these types does not need those of lmdb. */

/** `disk`: a power failure loses nothing that was acknowledged. `os`: only a failure of the process doesn't. */
export type Durability = 'disk' | 'os'

export interface LmdbLogOptions {
  /** Where the store is; made if missing. A local disk: LMDB needs locks and shared memory that work. */
  readonly dir: string
  /** What an acknowledged publish survives: `disk`, a power failure; `os`, the end of the process. Default `disk`. */
  readonly durability?: Durability
  /** Milliseconds since 1970, for retention by age and for how long idempotency keys are kept. */
  readonly now?: () => number
  /** Called with what an operator should know although the log goes on. */
  readonly onWarning?: (message: string) => void
}
