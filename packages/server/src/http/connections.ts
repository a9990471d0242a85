/**
 * The connections of this process that stay open: streams, WebSockets and waiting long polls. Counted, bounded in all, for
 * each identity and for each address, and ended together.
 */
import { randomUUID } from 'node:crypto'
import type { Clock, Transport } from '@watchpost/core'
import { type LimitName, type Limits, ProblemError } from '@watchpost/protocol'
import type { Session } from '../auth/session.ts'
import { addressKey } from './address.ts'

/** A connection as the rest of the server sees it. */
export interface Connection {
  readonly transport: Transport
  /** Whom it speaks for, and until when; renewed as its credentials are. */
  readonly session: Session
  /** As {@link Addresses.of} gives it. */
  readonly address: string
  /** The topic filters that it watches. */
  readonly filters: readonly string[]
  /** What was sent and not yet taken by the client. */
  readonly bufferedBytes: number
  /** The server is going away: say so in the transport's way, and end. */
  goAway(): void
  /** Tells the client why it may not stay, and ends. */
  end(problem: ProblemError, reason: string): void
  /**
   * Goes on with other credentials of the same holder [WP-6.7].
   * @throws ProblemError `forbidden` for somebody else's
   */
  renew(session: Session): void
  /** Looks again at what the client may watch, since the topics were defined anew. */
  reassess(): void
}

/** Whom a connection or a request is counted for. */
export interface Client {
  /** As the identity names it; `undefined` for the anonymous. */
  readonly holder: string | undefined
  /** As {@link Addresses.of} gives it. */
  readonly address: string
}

/** A connection that is open, as {@link Connections.list} tells of it. */
export interface Open {
  readonly id: string
  readonly connection: Connection
  /** Counts connections in the order in which they were opened. */
  readonly serial: number
  /** When it was opened, in milliseconds since the Unix epoch. */
  readonly sinceMs: number
}

/** Whom it is counted for, also after its credentials have changed. */
type Counted = Open & { holder: string | undefined }

const holderOf = ({ session }: Connection): string | undefined => session.identity.holder

export class Connections {
  readonly #open = new Map<string, Counted>()
  readonly #byHolder = new Counts()
  readonly #byAddress = new Counts()
  readonly #limits: Limits
  readonly #clock: Pick<Clock, 'now'>
  readonly #onRefused: (limit: LimitName) => void
  readonly #onEmpty: (() => void)[] = []
  #serial = 0
  #draining = false
  #closing = false

  /** @param onRefused called with the limit that a connection was refused for */
  constructor(limits: Limits, clock: Pick<Clock, 'now'>, onRefused: (limit: LimitName) => void) {
    this.#limits = limits
    this.#clock = clock
    this.#onRefused = onRefused
  }

  /** Takes no new connections. */
  get draining(): boolean {
    return this.#draining
  }

  /** The server ends, and takes nothing any more. */
  get closing(): boolean {
    return this.#closing
  }

  get count(): number {
    return this.#open.size
  }

  /** How many connections each transport has. */
  counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { connection } of this.#open.values()) {
      counts.set(connection.transport, (counts.get(connection.transport) ?? 0) + 1)
    }
    return counts
  }

  /** What waits in memory for all clients together. */
  get bufferedBytes(): number {
    let bytes = 0
    for (const { connection } of this.#open.values()) bytes += connection.bufferedBytes
    return bytes
  }

  /** All that are open now, the oldest first. */
  list(): readonly Open[] {
    return [...this.#open.values()]
  }

  find(id: string): Connection | undefined {
    return this.#open.get(id)?.connection
  }

  /**
   * @param excess how often each limit may be filled by connections that are there only to be told that it is reached
   * @throws ProblemError `going-away` or `reach-maximum-connections` [WP-8.1]
   */
  demandRoom(client: Client, excess = 1): void {
    if (this.#draining) throw goingAway()
    const refusal = this.refusal(client, excess)
    if (refusal !== undefined) throw refusal
  }

  /** Why there is no room for one more, if there is none. */
  refusal(client: Client, excess = 1): ProblemError | undefined {
    const limit = this.#reached(client, excess)
    return limit && this.#refused(limit)
  }

  #refused(limit: LimitName): ProblemError {
    this.#onRefused(limit)
    return new ProblemError('reach-maximum-connections', 'Maximum number of connections reached', { retryAfter: 5 })
  }

  #reached({ holder, address }: Client, excess: number): LimitName | undefined {
    const { connections, connectionsPerAddress } = this.#limits
    if (this.#open.size >= connections * excess) return 'connections'
    if (this.#byAddress.of(addressKey(address)) >= connectionsPerAddress * excess) return 'connectionsPerAddress'
    return this.#isFull(holder, excess) ? 'connectionsPerIdentity' : undefined
  }

  #isFull(holder: string | undefined, excess: number): boolean {
    return holder !== undefined && this.#byHolder.of(holder) >= this.#limits.connectionsPerIdentity * excess
  }

  /** Counts a connection until {@link remove}. Answers the id that names it in `welcome` and in logs. */
  add(connection: Connection): string {
    const id = randomUUID()
    const holder = holderOf(connection)
    this.#open.set(id, { id, connection, serial: ++this.#serial, sinceMs: this.#clock.now(), holder })
    this.#byAddress.change(addressKey(connection.address), 1)
    this.#byHolder.change(holder, 1)
    return id
  }

  remove(id: string): void {
    const open = this.#open.get(id)
    if (open === undefined) return
    this.#open.delete(id)
    this.#byAddress.change(addressKey(open.connection.address), -1)
    this.#byHolder.change(open.holder, -1)
    if (this.#open.size === 0) for (const tell of this.#onEmpty.splice(0)) tell()
  }

  /**
   * Counts a connection of the anonymous for the one whose credentials it now has.
   * @throws ProblemError `reach-maximum-connections` if that one has enough of them
   */
  claim(id: string, holder: string | undefined): void {
    const open = this.#open.get(id)
    if (open === undefined || open.holder === holder) return
    if (this.#isFull(holder, 1)) throw this.#refused('connectionsPerIdentity')
    this.#byHolder.change(open.holder, -1)
    this.#byHolder.change(holder, 1)
    open.holder = holder
  }

  /** Looks again at what each client may watch. */
  reassess(): void {
    for (const { connection } of this.list()) connection.reassess()
  }

  /** Takes no new connections from now on; those that are open stay. */
  refuseNew(): void {
    this.#draining = true
  }

  /** Resolves when no connection is open. */
  emptied(): Promise<void> {
    return this.#open.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#onEmpty.push(resolve))
  }

  /** Ends all connections, and refuses everything new. */
  goAway(): void {
    this.refuseNew()
    this.#closing = true
    for (const { connection } of this.list()) connection.goAway()
  }
}

/** Long polls are answered all at once, and so would come back all at once, were they all told the same time. */
const RETURN_SPREAD_SECONDS = 5

const goingAway = (): ProblemError => {
  const retryAfter = 1 + Math.floor(Math.random() * RETURN_SPREAD_SECONDS)
  return new ProblemError('going-away', 'This server is shutting down.', { retryAfter })
}

/** How many connections there are of each key that has any; those without a key are not counted. */
class Counts {
  readonly #counts = new Map<string, number>()

  of(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  change(key: string | undefined, change: number): void {
    if (key === undefined) return
    const count = this.of(key) + change
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
  }
}
