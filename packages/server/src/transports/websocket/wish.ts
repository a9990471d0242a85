/** What a client asks to subscribe to, be it by the URL of a handshake or by a message [WP-4.4]. */
import { ANONYMOUS, type Located, type SnapshotReader, type ViewOptions, type Watch } from '@watchpost/core'
import { ProblemError } from '@watchpost/protocol'
import type { App } from '../../app.ts'

export interface Wish {
  readonly filter: string
  readonly view: ViewOptions
  readonly after: string | undefined
  readonly last: number | undefined
  /** Whether the state comes first [WP-4.6]. */
  readonly state: boolean
}

/** A wish that can be fulfilled. */
export interface Prepared {
  readonly filter: string
  readonly watch: Watch
  readonly located: Located
  readonly snapshot: SnapshotReader | undefined
}

/** @throws ProblemError what {@link Watcher.watch}, {@link Watcher.locate} and {@link Watcher.snapshot} throw */
export async function prepare(app: App, wish: Wish): Promise<Prepared> {
  const { filter, after, last } = wish
  const watch = app.watcher.watch([filter], wish.view, { identity: ANONYMOUS, transport: 'websocket' })
  if (!wish.state) {
    const located = await app.watcher.locate(watch, { after, last, otherwise: 'latest' })
    return { filter, watch, located, snapshot: undefined }
  }
  if (after !== undefined || last !== undefined) {
    throw new ProblemError('invalid-parameter', 'state begins with the state of now; leave after and last out.')
  }
  const snapshot = app.watcher.snapshot(watch)
  return { filter, watch, located: { position: snapshot.position }, snapshot }
}
