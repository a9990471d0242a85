/**
 * Which nodes are believed to live: those whose rows are written anew. How long one has stood as it is, is measured by this
 * process's own monotonic clock, since the clock of days may be set, and would then bury nodes that live. So a node that
 * may live has a whole lease from when this process begins, however long its row has stood by then.
 */
import type { Clock } from '../clock.ts'
import type { NodeRow } from './rows.ts'

export class LifeSigns {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  readonly #isGone: (node: string) => boolean
  /** The rows as they stand, and since when by the monotonic clock. */
  #seen: ReadonlyMap<string, { readonly row: NodeRow; readonly sinceMs: number }> | undefined

  /** `isGone` says whether a node is known to have ended. */
  constructor(clock: Pick<Clock, 'now' | 'monotonic'>, isGone: (node: string) => boolean) {
    this.#clock = clock
    this.#isGone = isGone
  }

  /** Looks at all rows that there are, and answers the names of the nodes that are believed no more. */
  silent(rows: ReadonlyMap<string, NodeRow>): ReadonlySet<string> {
    const monotonicMs = this.#clock.monotonic()
    const before = this.#seen
    const seen = new Map<string, { readonly row: NodeRow; readonly sinceMs: number }>()
    const silent = new Set<string>()
    for (const [node, row] of rows) {
      const known = before?.get(node)
      const isSame = known !== undefined && isSameRow(known.row, row)
      const restMs = before === undefined ? this.#restMs(node, row) : row.forMs
      const sinceMs = isSame ? known.sinceMs : monotonicMs - (row.forMs - restMs)
      seen.set(node, { row, sinceMs })
      if (monotonicMs - sinceMs >= row.forMs) silent.add(node)
    }
    this.#seen = seen
    return silent
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
