/** Watchpost's embedded durable log. `openLmdbLog` is where to start. */
export { StoreError, type StoreErrorCode } from './errors.ts'
export { LmdbLog, openLmdbLog } from './lmdb-log.ts'
export type { Durability, LmdbLogOptions } from './options.ts'
