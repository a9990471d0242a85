/** What a client asks to subscribe to, be it by the URL of a handshake or by a message [WP-4.4]. */
import { type Identity, type Located, type SnapshotReader, type ViewOptions, type Watch } from '@watchpost/core'
import { ProblemError } from '@watchpost/protocol'
import type { App } from '../../app.ts'
import type { Appearance } from '../../presence.ts'

export interface Wish {
  readonly filter: string
  readonly view: ViewOptions
  readonly after: string | undefined
  readonly last: number | undefined
  /** Whether the state comes first [WP-4.6]. */
  readonly state: boolean
  /** How the client is seen by those who watch presence. */
  readonly appearance: Appearance
}

/** A wish that can be fulfilled. */
export interface Prepared {
  readonly wish: Wish
  readonly watch: Watch
  readonly located: Located
  readonly snapshot: SnapshotReader | undefined
}

/** What the identity may see of what is wished for, or why it may not. */
export function watchOf(app: App, wish: Wish, identity: Identity): Watch | ProblemError {
  try {
    return app.watcher.watch([wish.filter], wish.view, { identity, transport: 'websocket' })
  } catch (error) {
    if (error instanceof ProblemError) return error
    throw error
  }
}

/**
 * The same with what the identity may see by now.
 * @throws ProblemError what {@link Watcher.watch} throws
 */
export function preparedAnew(app: App, prepared: Prepared, identity: Identity): Prepared {
  const watch = watchOf(app, prepared.wish, identity)
  if (watch instanceof ProblemError) throw watch
  if (watch.selection.name === prepared.watch.selection.name) return prepared
  prepared.snapshot?.goOnWith(watch.selection)
  return { ...prepared, watch }
}

/** @throws ProblemError what {@link Watcher.watch}, {@link Watcher.locate} and {@link Watcher.snapshot} throw */
export async function prepare(app: App, wish: Wish, identity: Identity): Promise<Prepared> {
  const { after, last } = wish
  const watch = watchOf(app, wish, identity)
  if (watch instanceof ProblemError) throw watch
  if (!wish.state) {
    const located = await app.watcher.locate(watch, { after, last, otherwise: 'latest' })
    return { wish, watch, located, snapshot: undefined }
  }
  if (after !== undefined || last !== undefined) {
    throw new ProblemError('invalid-parameter', 'state begins with the state of now; leave after and last out.')
  }
  const snapshot = app.watcher.snapshot(watch)
  return { wish, watch, located: { position: snapshot.position }, snapshot }
}
