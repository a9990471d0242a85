/**
 * Cursors [WP-2.1]: "all up to here has been seen". Opaque to clients; inside, `<epoch>.<offset>` or
 * `<epoch>.<offset>-<trims>`, where `trims` says that the losses of the log's first so many trims have been announced
 * already, so that whoever goes on from the cursor of a gap is not told of the same losses again, is told of later ones,
 * and is sent all that is left.
 */

/** A position in one log. `offset` 0 is before the first event; `trims` counts those whose losses are known, 0 if none. */
export interface Position {
  readonly offset: number
  readonly trims: number
}

export interface Cursor extends Position {
  readonly epoch: string
}

/** Where a watcher may start without knowing a cursor [WP-2.2]. */
export type Sentinel = 'earliest' | 'latest'

const SHAPE = /^([a-z0-9]{1,16})\.(0|[1-9]\d{0,15})(?:-([1-9]\d{0,15}))?$/

export function formatCursor(epoch: string, position: Position): string {
  const { offset, trims } = position
  return trims > 0 ? `${epoch}.${offset}-${trims}` : `${epoch}.${offset}`
}

/** Parses a cursor in the one form that {@link formatCursor} gives it; anything else is `undefined`. */
export function parseCursor(text: string): Cursor | undefined {
  const match = SHAPE.exec(text)
  if (match === null) return undefined
  const [, epoch = '', offsetText, trimsText = '0'] = match
  const offset = Number(offsetText)
  const trims = Number(trimsText)
  return Number.isSafeInteger(offset) && Number.isSafeInteger(trims) ? { epoch, offset, trims } : undefined
}
