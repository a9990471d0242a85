/**
 * Tickets [WP-3.15]: what stands for a session once, for clients that can put nothing but an address together. They are
 * held in memory, so a ticket is good only in the process that gave it out.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '@watchpost/core'
import { ProblemError } from '@watchpost/protocol'
import { Refused } from './refusal.ts'
import type { Session } from './session.ts'

const VALID_MS = 30_000

/** Tickets that wait, of all holders of credentials and of one. */
const TICKETS_MAX = 50_000
const TICKETS_OF_ONE_MAX = 500

export interface Ticket {
  readonly ticket: string
  /** Milliseconds since the Unix epoch. */
  readonly expiresMs: number
}

interface Waiting {
  readonly session: Session
  readonly holder: string
  readonly untilMs: number
}

export class Tickets {
  readonly #clock: Clock
  /**
   * The oldest first. By their hashes: looking a text up takes a time that depends on what it has in common with those
   * that are there, and with hashes that tells nothing of the tickets.
   */
  readonly #waiting = new Map<string, Waiting>()
  readonly #counts = new Map<string, number>()
  readonly #redeemed = new WeakSet<Session>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @throws ProblemError `unauthorized` for a session that is anonymous or of a ticket itself; `rate-limited` */
  issue(session: Session): Ticket {
    // Else whoever found one ticket could go on for ever.
    const { holder } = session.identity
    if (holder === undefined || this.#redeemed.has(session)) {
      throw new ProblemError('unauthorized', 'A ticket is given for a token, an API key or a client certificate.')
    }
    this.#dropOld()
    const count = this.#counts.get(holder) ?? 0
    if (count >= TICKETS_OF_ONE_MAX || this.#waiting.size >= TICKETS_MAX) {
      const detail = 'Too many tickets wait to be used; ask for one when it is needed.'
      throw new ProblemError('rate-limited', detail, { retryAfter: VALID_MS / 1_000 })
    }
    const ticket = randomBytes(32).toString('base64url')
    this.#waiting.set(hashOf(ticket), { session, holder, untilMs: this.#clock.monotonic() + VALID_MS })
    this.#counts.set(holder, count + 1)
    return { ticket, expiresMs: this.#clock.now() + VALID_MS }
  }

  /**
   * @param current what a session is worth now; `undefined` if what vouched for it was withdrawn
   * @throws Refused
   */
  redeem(ticket: string, current: (session: Session) => Session | undefined): Session {
    const hash = hashOf(ticket)
    const waiting = this.#waiting.get(hash)
    if (waiting === undefined) throw new Refused('there is no such ticket')
    this.#drop(hash, waiting)
    if (waiting.untilMs <= this.#clock.monotonic()) throw new Refused('the ticket was not used in time')
    const now = current(waiting.session)
    if (now === undefined) throw new Refused('what the ticket was given for was withdrawn')
    const { expiresMs } = now
    if (expiresMs !== undefined && expiresMs <= this.#clock.now()) {
      throw new Refused('what the ticket was given for has expired', true)
    }
    const session = { ...now }
    this.#redeemed.add(session)
    return session
  }

  #dropOld(): void {
    const nowMs = this.#clock.monotonic()
    for (const [hash, waiting] of this.#waiting) {
      if (waiting.untilMs > nowMs) return
      this.#drop(hash, waiting)
    }
  }

  #drop(hash: string, { holder }: Waiting): void {
    this.#waiting.delete(hash)
    const count = (this.#counts.get(holder) ?? 0) - 1
    if (count > 0) this.#counts.set(holder, count)
    else this.#counts.delete(holder)
  }
}

const hashOf = (ticket: string): string => createHash('sha256').update(ticket).digest('base64url')
