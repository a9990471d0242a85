/**
 * Cursors [WP-2.1]: "all up to here has been seen". Opaque to clients; inside, `<epoch>.<offset>` or
 * `<epoch>.<offset>-<floor>`, where `floor` says that losses up to that offset have been announced already, so that
 * whoever goes on from the cursor of a gap is not told of the same gap again, and yet is sent what is left below it.
 */

/** A position in one log. `offset` 0 is before the first event; `floor` is 0 unless a gap was announced. */
export interface Position {
  readonly offset: number
  readonly floor: number
}

export interface Cursor extends Position {
  readonly epoch: string
}

/** Where a watcher may start without knowing a cursor [WP-2.2]. */
export type Sentinel = 'earliest' | 'latest'

const SHAPE = /^([a-z0-9]{1,16})\.(0|[1-9]\d{0,15})(?:-([1-9]\d{0,15}))?$/

export function formatCursor(epoch: string, position: Position): string {
  const { offset, floor } = position
  return floor > offset ? `${epoch}.${offset}-${floor}` : `${epoch}.${offset}`
}

/** Parses a cursor in the one form that {@link formatCursor} gives it; anything else is `undefined`. */
export function parseCursor(text: string): Cursor | undefined {
  const match = SHAPE.exec(text)
  if (match === null) return undefined
  const [, epoch = '', offsetText, floorText] = match
  const offset = Number(offsetText)
  const floor = floorText === undefined ? 0 : Number(floorText)
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(floor)) return undefined
  if (floorText !== undefined && floor <= offset) return undefined
  return { epoch, offset, floor }
}
