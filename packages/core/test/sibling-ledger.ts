/**
 * What a client with several subscriptions was told, held against all that was ever published: for each of them every
 * matching event once since it was made, by whichever sent it, and what it is told of its place is true [WP-4.5].
 */
import { filtersOverlap, type Gap, type Position, parseCursor } from '@watchpost/protocol'
import type { LoggedEvent } from '../src/log.ts'
import type { Message } from './known-data.ts'
import type { MemoryLog } from './memory-log.ts'
import { canonical } from './merge-patch-reference.ts'
import type { Chunk } from './support.ts'
import { covers, type History, isLatest, offsetsOf, type Published, type Wish, wants } from './wish.ts'

/** One subscription, as its client knows it. */
export interface Account {
  readonly filter: string
  readonly wish: Wish
  readonly start: Position
  /** What counts for it of all that the client was sent since it was made. */
  readonly delivered: Set<number>
  /** All up to here was delivered, lost and announced, or passed over. */
  position: Position
  /** The gap that it is to be told of first. */
  firstGap: Gap | undefined
  /** The last event that it sent itself. */
  sent: number
  /** Where its client knows it to stand. */
  known: number
  /** It sent something, on which a bookmark must follow. */
  isDue: boolean
}

export class SiblingLedger {
  readonly accounts: Account[] = []
  /** The client was too slow at least once, and need not be told what a newer event takes the place of [WP-8.2]. */
  wasSlow = false
  /** Deliveries that counted for more than one subscription. */
  shared = 0
  /** Deliveries of what the client had been sent before, for a subscription that was made later. */
  again = 0
  readonly #log: MemoryLog
  readonly #history: History
  readonly #everSent = new Set<number>()

  constructor(log: MemoryLog, history: History) {
    this.#log = log
    this.#history = history
  }

  open(wish: Wish, start: Position, gap: Gap | undefined): Account {
    const [filter = ''] = wish.filters
    const begun = { delivered: new Set<number>(), position: start, firstGap: gap, sent: 0, known: 0, isDue: false }
    const account = { filter, wish, start, ...begun }
    this.accounts.push(account)
    return account
  }

  /** The subscription ended at `offset`. */
  close(account: Account, offset: number): void {
    this.reached(account, offset)
    this.accounts.splice(this.accounts.indexOf(account), 1)
  }

  /** Takes what a subscription wrote. */
  take(account: Account, chunk: Chunk): void {
    if (chunk.filters !== undefined && chunk.filters.join(' ') !== account.filter)
      fault(account, 'names another filter')
    if (chunk.gap !== undefined) this.#gap(account, chunk.gap)
    for (const event of chunk.events) this.#event(account, event)
    if (chunk.bookmark !== undefined) this.#bookmark(account, chunk.bookmark)
  }

  /** Everything up to `offset` that is wanted was delivered, or its loss announced. */
  reached(account: Account, offset: number): void {
    for (let at = account.position.offset + 1; at <= offset; at++) {
      const event = this.#history[at] ?? fault(account, `${at} is beyond the end of the log`)
      if (!wants(account.wish, event) || account.delivered.has(at)) continue
      if (this.#isGone(at) && this.#log.trimOf(at) <= account.position.trims) continue
      if (this.wasSlow && isLatest(event.topic) && this.#hasNewer(account, at, event)) continue
      fault(account, `event ${at} was neither delivered nor announced as lost`)
    }
    account.position = { ...account.position, offset: Math.max(offset, account.position.offset) }
  }

  /** A step is over: whoever shares events has said where it stands. */
  checkStep(): void {
    for (const account of this.accounts) if (account.isDue) fault(account, 'a bookmark is due')
  }

  /** The client was sent everything, and knows where each subscription stands. */
  checkEnd(head: number): void {
    for (const account of this.accounts) {
      this.reached(account, head)
      const last = Math.max(0, ...account.delivered)
      if (account.known < last) fault(account, `is known to stand at ${account.known}, not at ${last}`)
    }
  }

  #event(account: Account, { offset, json }: LoggedEvent): void {
    const event = this.#history[offset] ?? fault(account, `event ${offset} was never published`)
    if (offset > this.#log.head) fault(account, `event ${offset} is not durable`)
    if (!wants(account.wish, event)) fault(account, `event ${offset} is not for it`)
    if (offset <= account.start.offset) fault(account, `event ${offset} was before its start`)
    if (offset <= account.sent) fault(account, `event ${offset} out of order`)
    if (account.delivered.has(offset)) fault(account, `event ${offset} was sent for it already`)
    checkMessage(event, JSON.parse(json) as Message)
    account.sent = offset
    this.#count(event, offset)
    if (this.accounts.some((other) => other !== account && filtersOverlap(other.filter, account.filter))) {
      account.isDue = true
    } else {
      account.known = offset
    }
  }

  #count(event: Published, offset: number): void {
    const counted = this.accounts.filter(
      ({ wish, start, delivered }) => offset > start.offset && wants(wish, event) && !delivered.has(offset),
    )
    for (const { delivered } of counted) delivered.add(offset)
    if (counted.length > 1) this.shared++
    if (this.#everSent.has(offset)) this.again++
    this.#everSent.add(offset)
  }

  #bookmark(account: Account, cursor: string): void {
    const { offset, trims } = parse(account, cursor)
    if (offset < account.position.offset) fault(account, `bookmark ${cursor} goes back`)
    if (trims !== 0 && trims !== account.position.trims) fault(account, `bookmark ${cursor} knows another's losses`)
    this.reached(account, offset)
    account.known = offset
    account.isDue = false
  }

  #gap(account: Account, gap: Gap): void {
    if (account.firstGap !== undefined) {
      if (gap !== account.firstGap) fault(account, 'another gap than the one of the start')
      account.firstGap = undefined
      return
    }
    const [after, earliest] = [parse(account, gap.after), parse(account, gap.earliest)]
    if (gap.reason !== 'trimmed' || earliest.offset !== after.offset) fault(account, `gap ${JSON.stringify(gap)}`)
    this.reached(account, after.offset)
    const isLost = (event: Published | undefined, offset: number): boolean =>
      event !== undefined &&
      offset > account.position.offset &&
      this.#log.trimOf(offset) > account.position.trims &&
      this.#log.trimOf(offset) <= earliest.trims &&
      covers(account.wish, event.topic)
    if (!this.#history.some(isLost)) fault(account, `a gap without a new loss: ${JSON.stringify(gap)}`)
    account.position = { ...account.position, trims: earliest.trims }
  }

  #hasNewer({ wish }: Account, at: number, event: Published): boolean {
    return offsetsOf(this.#history, event, this.#log.head).some(
      (offset) => offset > at && wants(wish, this.#history[offset] as Published),
    )
  }

  #isGone(offset: number): boolean {
    return offset <= this.#log.head && !this.#log.keeps(offset)
  }
}

function checkMessage({ topic, type, key, data }: Published, message: Message): void {
  const isSame = message.topic === topic && message.type === type && message.key === key
  if (isSame && message.data !== undefined && canonical(message.data) === canonical(data)) return
  throw new Error(`not as it was published: ${JSON.stringify(message)}`)
}

const parse = (account: Account, cursor: string): Position =>
  parseCursor(cursor) ?? fault(account, `${cursor} is no cursor`)

function fault({ filter, wish, start, position }: Account, what: string): never {
  const { keys, types } = wish
  throw new Error(`${filter}: ${what}; ${JSON.stringify({ keys, types, start, position })}`)
}
