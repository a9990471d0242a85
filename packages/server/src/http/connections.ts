/** The connections of this process that stay open: streams and waiting long polls. Counted, bounded, and ended together. */
import { randomUUID } from 'node:crypto'
import type { Transport } from '@watchpost/core'
import { type Limits, ProblemError } from '@watchpost/protocol'

/** A connection as the rest of the server sees it. */
export interface Connection {
  readonly transport: Transport
  /** The server is going away: say so in the transport's way, and end. */
  goAway(): void
  /** What was sent and not yet taken by the client. */
  readonly bufferedBytes: number
}

export class Connections {
  readonly #open = new Map<string, Connection>()
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

  /** What waits in memory for all clients together. */
  get bufferedBytes(): number {
    let bytes = 0
    for (const connection of this.#open.values()) bytes += connection.bufferedBytes
    return bytes
  }

  /**
   * @param excess how often the limit may be filled by connections that are there only to be told that it is reached
   * @throws ProblemError `going-away` or `reach-maximum-connections` [WP-8.1]
   */
  demandRoom(excess = 1): void {
    if (this.#closing) throw new ProblemError('going-away', 'This server is shutting down.', { retryAfter: 1 })
    if (this.#open.size >= this.#limits.connections * excess) throw tooMany()
  }

  /** Why there is no room for one more, if there is none. */
  get refusal(): ProblemError | undefined {
    return this.#open.size >= this.#limits.connections ? tooMany() : undefined
  }

  /** Counts a connection until {@link remove}. Answers the id that names it in `welcome` and in logs. */
  add(connection: Connection): string {
    const id = randomUUID()
    this.#open.set(id, connection)
    return id
  }

  remove(id: string): void {
    this.#open.delete(id)
  }

  /** Ends all connections and refuses new ones. */
  goAway(): void {
    this.#closing = true
    for (const connection of [...this.#open.values()]) connection.goAway()
  }
}

const tooMany = (): ProblemError =>
  new ProblemError('reach-maximum-connections', 'Maximum number of connections reached', { retryAfter: 5 })
