/** Watchpost's embedded durable log. `openLmdbLog` is where to start. */
export { StoreError, type StoreErrorCode } from './errors.ts'
export { LmdbLog, type LmdbLogOptions, openLmdbLog } from './lmdb-log.ts'
export type { Durability } from './open.ts'
