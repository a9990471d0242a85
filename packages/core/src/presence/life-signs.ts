/**
 * Which nodes are believed to live: those whose rows are written anew. How long one has stood as it is, is measured by this
 * process's own monotonic clock, since the clock of days may be set, and would then bury nodes that live. So a node that
 * may live has a whole lease from when this process begins, however long its row has stood by then. Nor does it count for
 * how long this process itself stood still: the others may have stood still with it, on a machine that was paused.
 */
import type { Clock } from '../clock.ts'
import type { NodeRow } from './rows.ts'

/** A process that looks so much later than it was to stood still. Just late is also who is busy. */
const MISSED_LOOKS = 2

export class LifeSigns {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  readonly #isGone: (node: string) => boolean
  readonly #everyMs: number
  /** When this looked last, by the monotonic clock. */
  #lookedMs = Number.POSITIVE_INFINITY
  /** The rows as they stand, and since when by the monotonic clock. */
  #seen: ReadonlyMap<string, { readonly row: NodeRow; readonly sinceMs: number }> | undefined

  /** `isGone` says whether a node is known to have ended. The rows are looked at every `everyMs`, or more often. */
  constructor(clock: Pick<Clock, 'now' | 'monotonic'>, isGone: (node: string) => boolean, everyMs: number) {
    this.#clock = clock
    this.#isGone = isGone
    this.#everyMs = everyMs
  }

  /** Looks at all rows that there are, and answers the names of the nodes that are believed no more. */
  silent(rows: ReadonlyMap<string, NodeRow>): ReadonlySet<string> {
    const monotonicMs = this.#clock.monotonic()
    const stoodMs = this.#stoodMs(monotonicMs)
    this.#lookedMs = monotonicMs
    const before = this.#seen
    const seen = new Map<string, { readonly row: NodeRow; readonly sinceMs: number }>()
    const silent = new Set<string>()
    for (const [node, row] of rows) {
      const known = before?.get(node)
      const isSame = known !== undefined && isSameRow(known.row, row)
      const restMs = before === undefined ? this.#restMs(node, row) : row.forMs
      const sinceMs = isSame ? known.sinceMs + stoodMs : monotonicMs - (row.forMs - restMs)
      seen.set(node, { row, sinceMs })
      if (monotonicMs - sinceMs >= row.forMs) silent.add(node)
    }
    this.#seen = seen
    return silent
  }

  /** For how long this process seems to have stood still since it looked last. */
  #stoodMs(monotonicMs: number): number {
    const passedMs = monotonicMs - this.#lookedMs
    return passedMs > this.#everyMs * MISSED_LOOKS ? passedMs - this.#everyMs : 0
  }

  /** What is left to a node whose row may have stood for long before this process began. */
  #restMs(node: string, row: NodeRow): number {
    if (!(row.closed || this.#isGone(node))) return row.forMs
    // Only the clock of days can tell. If that is wrong, nobody is buried who lives.
    return Math.min(row.untilMs - this.#clock.now(), row.forMs)
  }
}

const isSameRow = (one: NodeRow, other: NodeRow): boolean =>
  one.untilMs === other.untilMs && one.closed === other.closed && one.buried === other.buried
