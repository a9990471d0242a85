/** The state of a keyed topic, page by page [WP-3.11]. */
import { type Limits, type Position, ProblemError, parseCursor } from '@watchpost/protocol'
import type { Log, LoggedEvent } from './log.ts'
import { type Masked, withoutMasked } from './mask.ts'
import type { Resolved } from './registry.ts'
import type { ViewOptions } from './view.ts'
import { viewOf } from './watch.ts'

export interface StateRequest {
  readonly keys?: readonly string[]
  readonly select?: ViewOptions['select']
  readonly limit: number
  /** What the caller may not see of the data. */
  readonly masked: Masked
  /** Goes on after an earlier page. */
  readonly next?: StatePosition | undefined
}

/**
 * Where a snapshot goes on. All of its pages carry the cursor of the first: an event that comes between two pages may
 * show in a later one and is then watched again, which changes nothing; with a later cursor one could be missed.
 */
export interface StatePosition {
  readonly position: Position
  readonly afterKey: string
}

export interface StatePage {
  readonly events: readonly LoggedEvent[]
  readonly position: Position
  readonly next?: StatePosition
}

/** @throws ProblemError `not-keyed` or `invalid-parameter` */
export function readState(log: Log, resolved: Resolved, request: StateRequest, limits: Limits): StatePage {
  if (resolved.topic.keyOf === undefined) {
    throw new ProblemError('not-keyed', `Topic ${JSON.stringify(resolved.name)} has no key, so it has no state.`)
  }
  const { keys, next } = request
  const view = viewOf({ keys: request.keys, select: request.select }, limits)
  const position = next?.position ?? { offset: log.head, trims: 0 }
  const scanned = log.state({
    topic: resolved.name,
    ...(keys && keys.length > 0 && { keys }),
    ...(next && { afterKey: next.afterKey }),
    eventsMax: request.limit,
    // A character is at most three bytes of UTF-8.
    charactersMax: Math.floor(limits.pageBytesMax / 3),
  })
  const events = scanned.events.map((event) => view.render(withoutMasked(event, request.masked)))
  if (scanned.nextAfterKey === undefined) return { events, position }
  return { events, position, next: { position, afterKey: scanned.nextAfterKey } }
}

/** Where the next page of a snapshot begins, as one opaque word; keys may hold anything, so they are escaped. */
export const formatNext = (next: StatePosition, cursorOf: (position: Position) => string): string =>
  `${cursorOf(next.position)}~${encodeURIComponent(next.afterKey)}`

/** @throws ProblemError `invalid-parameter` */
export function parseNext(text: string, epoch: string): StatePosition {
  const [cursorText = '', ...rest] = text.split('~')
  const cursor = parseCursor(cursorText)
  const afterKey = decode(rest.join('~'))
  if (cursor === undefined || cursor.epoch !== epoch || afterKey === undefined || rest.length === 0) {
    throw new ProblemError('invalid-parameter', 'Parameter next: pass on `next` of the page before, or leave it out.')
  }
  return { position: { offset: cursor.offset, trims: cursor.trims }, afterKey }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
