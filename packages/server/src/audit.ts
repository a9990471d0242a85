/**
 * The audit log: who did what from where, as one JSON line for each act. Lines have the member `audit`, which names the
 * act, so that they can be routed apart from the rest of the log. They tell of topics and cursors, never of credentials
 * or what events hold.
 */
import type { Clock, Transport } from '@watchpost/core'
import { ProblemError } from '@watchpost/protocol'
import type { Logger } from 'pino'
import type { App } from './app.ts'
import { Refused } from './auth/refusal.ts'
import type { Session } from './auth/session.ts'
import { addressKey } from './http/address.ts'
import type { Exchange } from './http/exchange.ts'
import { Quota } from './quotas/quota.ts'
import { Rate } from './quotas/rate.ts'

/** Who acts: an open connection is one, and {@link actorOf} makes one of a request. */
export interface Actor {
  readonly session: Session
  /** As {@link Addresses.of} gives it. */
  readonly address: string
  readonly transport: Transport | 'http'
}

/** What a line tells of its act, beside who acted. `connection` is the id that is in `welcome` too. */
interface Acts {
  /** A connection was opened. */
  readonly connect: { readonly connection: string }
  /** It watches these topic filters from now on. */
  readonly subscribe: { readonly connection: string; readonly topics: readonly string[] }
  /** It no longer does, by its own wish or for a problem. */
  readonly unsubscribe: {
    readonly connection: string
    readonly topics: readonly string[]
    readonly problem?: ProblemError
  }
  /** Events are durable, `first` and `last` being their ids. */
  readonly publish: {
    readonly connection?: string
    readonly topic: string
    readonly events: number
    readonly first?: string | undefined
    readonly last?: string | undefined
    /** Whether they were already, from a publish with the same idempotency key. */
    readonly replayed: boolean
  }
  /** A connection goes on with other credentials, which end then, in milliseconds since the Unix epoch. */
  readonly authenticate: { readonly connection: string; readonly expiresMs: number | undefined }
  /** A request was refused. */
  readonly refuse: {
    readonly connection?: string
    readonly problem: ProblemError
    /** What was asked for: a method and route, such as `POST /v1/topics/*`, or the type of a message. */
    readonly request: string
    readonly topics?: readonly string[]
    /** How many more were refused since the last line, of whom too many lines would have told. */
    readonly others?: number
  }
  /** An admin ended so many connections: the one that is named, or all of a subject. */
  readonly cut: { readonly connection?: string; readonly of?: string; readonly connections: number }
  /** The server began to end its connections, over so long. */
  readonly drain: { readonly connections: number; readonly drainMs: number }
  /** A connection has ended. */
  readonly disconnect: { readonly connection: string; readonly reason: string }
}

/** What an audit line can be of. */
export type Act = keyof Acts

/** Characters of a text that a client chose: more than any topic or subject has that is of use. */
const TEXT_CHARACTERS_MAX = 255

/** Whoever tries and tries could fill the disk with lines. */
const REFUSALS_PER_SECOND = 10
const REFUSALS_BURST = 100

/** Of a request that names many topics, a line has so many. */
const TOPICS_MAX = 16

/** Refused for these, a client wanted what it may not have, or more than its share; for others, it made a mistake. */
const REFUSED_STATUSES: readonly number[] = [401, 403, 429]

export class Audit {
  readonly #logger: Logger | undefined
  readonly #refusals: Quota
  #untold = 0
  /** One for each act, which has written what is the same in all of its lines once and for all. */
  readonly #lines: Partial<Record<Act, Logger>> = {}

  /** @param logger where lines go, at the level `info`; `undefined` if there are to be none */
  constructor(logger: Logger | undefined, clock: Pick<Clock, 'monotonic'>) {
    this.#logger = logger
    this.#refusals = new Quota(new Rate(REFUSALS_PER_SECOND, REFUSALS_BURST), clock)
  }

  /**
   * Writes a line.
   * @param actor `undefined` for the server's own process
   */
  note<Name extends Act>(act: Name, actor: Actor | undefined, details: Acts[Name]): void {
    if (this.#logger?.isLevelEnabled('info') !== true) return
    const line = (this.#lines[act] ??= this.#logger.child({ audit: act }))
    const told: Told = {}
    if (actor !== undefined) tellWho(told, actor)
    tellWhat(told, details)
    line.info(told)
  }

  /** Writes a line if a request was refused for credentials, rights or limits; of one address, not more than a few a second. */
  refusal(actor: Actor, refused: Acts['refuse']): void {
    const { problem, status } = refused.problem
    if (!REFUSED_STATUSES.includes(status) && problem !== 'unknown-topic') return
    if (this.#refusals.take(addressKey(actor.address)).waitMs > 0) {
      this.#untold++
      return
    }
    this.note('refuse', actor, { ...refused, ...(this.#untold > 0 && { others: this.#untold }) })
    this.#untold = 0
  }
}

/** Who sent a request. */
export const actorOf = ({ addresses }: App, { request, session, head }: Exchange): Actor => ({
  session,
  address: addresses.of(request),
  transport: head === undefined ? 'http' : 'websocket',
})

/** The members of a line. Each is set by itself, since putting objects together costs more than writing the line. */
type Told = Record<string, unknown>

function tellWho(told: Told, { session, address, transport }: Actor): void {
  const { subject, claims } = session.identity
  const issuer: unknown = claims['iss']
  if (subject !== undefined) told['subject'] = shown(subject)
  if (typeof issuer === 'string') told['issuer'] = shown(issuer)
  told['address'] = address
  told['transport'] = transport
}

function tellWhat(told: Told, details: Acts[Act]): void {
  for (const [name, value] of Object.entries(details) as [string, unknown][]) {
    if (value instanceof ProblemError) {
      told['problem'] = value.problem
      // Credentials are refused to clients in always the same words.
      told['detail'] = shown(value.cause instanceof Refused ? value.cause.message : value.message)
    } else if (Array.isArray(value)) told[name] = (value as readonly string[]).slice(0, TOPICS_MAX).map(shown)
    else told[name] = typeof value === 'string' ? shown(value) : value
  }
}

/** Nearly all texts are so, and are told apart from the others much faster than these are made plain. */
const PLAIN = /^[ -~]*$/

/** What terminals and viewers may obey, or not show: control and format characters, separators, halves of pairs. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu

/** A text that may be a client's choice, so short and plain that it can't pass for anything but a text. */
function shown(text: string): string {
  const short = text.length > TEXT_CHARACTERS_MAX ? `${text.slice(0, TEXT_CHARACTERS_MAX)}…` : text
  if (PLAIN.test(short)) return short
  return short.replace(UNSEEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}
