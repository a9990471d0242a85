/** What a request asks to watch, to be looked at again whenever its identity's rights may have changed. */
import type { Identity, Start, Watch } from '@watchpost/core'
import type { Appearance } from '../presence.ts'

/** @throws ProblemError what {@link Watcher.watch} throws, for what the identity may not watch */
export type Wanted = (identity: Identity) => Watch

/** What else a request asks for that waits for what comes: where to start, and how it is seen itself. */
export interface Joining {
  readonly start: Start
  readonly appearance: Appearance
}
