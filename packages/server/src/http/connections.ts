/** The connections of this process that stay open: streams and waiting long polls. Counted, bounded, and ended together. */
import { randomUUID } from 'node:crypto'
import { type Limits, ProblemError } from '@watchpost/protocol'

/** A connection as the rest of the server sees it. */
export interface Connection {
  /** The server is going away: say so in the transport's way, and end. */
  goAway(): void
}

export class Connections {
  readonly #open = new Map<string, { readonly connection: Connection; readonly transport: string }>()
  readonly #limits: Limits
  #closing = false

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get closing(): boolean {
    return this.#closing
  }

  /** How many connections each transport has. */
  counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { transport } of this.#open.values()) counts.set(transport, (counts.get(transport) ?? 0) + 1)
    return counts
  }

  /** @throws ProblemError `going-away` or `reach-maximum-connections` [WP-8.1] */
  demandRoom(): void {
    if (this.#closing) throw new ProblemError('going-away', 'This server is shutting down.', { retryAfter: 1 })
    if (this.#open.size < this.#limits.connections) return
    throw new ProblemError('reach-maximum-connections', 'Maximum number of connections reached', { retryAfter: 5 })
  }

  /** Returns how to remove the connection. Its id names it in `welcome` and in logs. */
  add(transport: string, connection: Connection): { readonly id: string; readonly remove: () => void } {
    const id = randomUUID()
    this.#open.set(id, { connection, transport })
    return { id, remove: () => void this.#open.delete(id) }
  }

  /** Ends all connections and refuses new ones. */
  goAway(): void {
    this.#closing = true
    for (const { connection } of [...this.#open.values()]) connection.goAway()
  }
}
