/** What a request asks to watch, to be looked at again whenever its identity's rights may have changed. */
import type { Identity, Watch } from '@watchpost/core'

/** @throws ProblemError what {@link Watcher.watch} throws, for what the identity may not watch */
export type Wanted = (identity: Identity) => Watch
