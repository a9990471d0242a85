/**
 * What a subscriber was told, held against all that was ever published: every matching event once and in order, nothing
 * before it is durable, and what is missing is gone from the log and was announced [WP-2.4] [WP-2.5].
 */
import { encodeEvent, type Gap, type Position, parseCursor } from '@watchpost/protocol'
import type { LoggedEvent } from '../src/log.ts'
import { KnownData, type Message } from './known-data.ts'
import type { MemoryLog } from './memory-log.ts'
import { canonical } from './merge-patch-reference.ts'
import { StateLedger } from './state-ledger.ts'
import type { Chunk } from './support.ts'
import {
  covers,
  type History,
  isKeyed,
  isLatest,
  offsetsOf,
  type Published,
  shownData,
  type Wish,
  wants,
} from './wish.ts'

export interface Beginning {
  readonly cursor: string
  readonly position: Position
  readonly gap?: Gap
  /** Whether the state comes first. */
  readonly withState?: boolean
}

export class Ledger {
  position: Position
  /** The last cursor that the subscriber was given; it may go on from there. */
  cursor: string
  /** Events that it was not told of because it was slow. */
  passedOver = 0
  readonly state: StateLedger | undefined
  readonly known = new KnownData()
  readonly #log: MemoryLog
  readonly #history: History
  readonly #wish: Wish
  #firstGap: Gap | undefined
  /** Whether it fell behind, and is told of just the newest event of each key where the topic says so [WP-8.2]. */
  #isSlow: 'no' | 'maybe' | 'yes' = 'no'

  constructor(log: MemoryLog, history: History, wish: Wish, from: Beginning) {
    this.#log = log
    this.#history = history
    this.#wish = wish
    this.position = from.position
    this.cursor = from.cursor
    this.#firstGap = from.gap
    this.state = from.withState === true ? new StateLedger(history, wish, from.position.offset) : undefined
  }

  /** Takes what was written; `isLive` if the subscription was live, and so leaves nothing out from this chunk on. */
  take(chunk: Chunk, isLive: boolean): void {
    if (chunk.gap !== undefined) this.gap(chunk.gap)
    if (chunk.snapshot !== undefined) {
      if (this.state === undefined) this.#fault('state that was not asked for')
      this.state.part(chunk.snapshot, this.#log.head)
      for (const { offset, json } of chunk.snapshot.events) this.#checkMessage(offset, json)
    }
    for (const event of chunk.events) {
      if (this.#isSlow === 'yes' && !isLive) this.#demandNewest(event.offset)
      this.event(event)
      if (isLive) this.#isSlow = 'no'
    }
    if (chunk.bookmark !== undefined) this.bookmark(chunk.bookmark)
    if (isLive) this.#isSlow = 'no'
  }

  event({ offset, json }: LoggedEvent): void {
    const event = this.#history[offset] ?? this.#fault(`event ${offset} was never published`)
    if (offset > this.#log.head) this.#fault(`event ${offset} is not durable`)
    if (offset <= this.position.offset) this.#fault(`event ${offset} again, or out of order`)
    if (!wants(this.#wish, event)) this.#fault(`event ${offset} is not for this subscriber`)
    this.reached(offset - 1)
    this.cursor = this.#checkMessage(offset, json).id
    this.position = { ...this.position, offset }
    this.state?.event(offset, event)
    this.state?.check(offset)
  }

  bookmark(cursor: string): void {
    const { offset, trims } = this.#parse(cursor)
    if (offset < this.position.offset) this.#fault(`bookmark ${cursor} goes back`)
    this.reached(offset)
    // A live bookmark may forget a loss that was announced; whoever goes on from it is told again, which is allowed.
    if (trims !== 0 && trims !== this.position.trims) this.#fault(`bookmark ${cursor} knows another's losses`)
    this.cursor = cursor
  }

  gap(gap: Gap): void {
    if (this.#firstGap !== undefined) {
      if (gap !== this.#firstGap) this.#fault(`another gap than the one of the start: ${JSON.stringify(gap)}`)
      this.#firstGap = undefined
      this.cursor = gap.earliest
      return
    }
    const after = this.#parse(gap.after)
    const earliest = this.#parse(gap.earliest)
    if (gap.reason !== 'trimmed' || earliest.offset !== after.offset) this.#fault(`gap ${JSON.stringify(gap)}`)
    this.reached(after.offset)
    this.lost(earliest.trims)
    this.cursor = gap.earliest
  }

  /** A page was refused because of a gap, and names where to go on. */
  expired(earliest: string): void {
    const { offset, trims } = this.#parse(earliest)
    this.reached(offset)
    this.lost(trims)
    this.cursor = earliest
  }

  /** The losses of the first `trims` trims are announced: there must be one that was not announced before. */
  lost(trims: number): void {
    const known = this.position
    const isLost = (event: Published | undefined, offset: number): boolean =>
      event !== undefined &&
      offset > known.offset &&
      this.#log.trimOf(offset) > known.trims &&
      this.#log.trimOf(offset) <= trims &&
      covers(this.#wish, event.topic) &&
      this.#isGone(offset)
    if (!this.#history.some(isLost))
      this.#fault(`a gap of ${trims} trims without a new loss after ${JSON.stringify(known)}`)
    this.position = { ...known, trims }
    this.state?.lost()
  }

  /** The subscriber may believe that it has seen all up to here. */
  reached(offset: number): void {
    for (let at = this.position.offset + 1; at <= offset; at++) {
      const event = this.#history[at] ?? this.#fault(`${at} is beyond the end of the log`)
      if (!wants(this.#wish, event)) continue
      const isGone = this.#isGone(at)
      if (isGone && this.#log.trimOf(at) <= this.position.trims) continue
      if (this.#isSlow !== 'no' && isLatest(event.topic) && this.#hasNewer(at, event)) {
        this.passedOver++
        this.state?.passedOver(event.key)
        continue
      }
      this.#fault(`event ${at} was ${isGone ? 'trimmed, and no gap announced it' : 'skipped, though it is kept'}`)
    }
    this.position = { ...this.position, offset: Math.max(offset, this.position.offset) }
    this.state?.check(this.position.offset)
  }

  /** The subscription is live, and stands at `offset`. */
  caughtUp(offset: number): void {
    this.reached(offset)
    this.#isSlow = 'no'
  }

  /** The subscription is live no more, surely or maybe because the client was too slow. */
  fellBehind(isSure: boolean): void {
    this.#isSlow = isSure ? 'yes' : 'maybe'
  }

  /** A message must be what was published, as the wish shows it; a patch must make it, and be smaller. */
  #checkMessage(offset: number, json: string): Message {
    const { topic, type, key, data } = this.#history[offset] ?? this.#fault(`event ${offset} was never published`)
    const message = JSON.parse(json) as Message & { readonly timestamp: string }
    const expected = shownData(this.#wish, data)
    const isOther = message.topic !== topic || message.type !== type || message.key !== key
    if (isOther || canonical(this.known.take(message)) !== canonical(expected)) {
      this.#fault(`event ${offset} is not as it was published: ${json}`)
    }
    if (message.patch === undefined) return message
    if (!this.#wish.delta || !isKeyed(topic)) this.#fault(`event ${offset} is a patch, which was not asked for`)
    const whole = encodeEvent({ ...message, data: JSON.stringify(expected) })
    if (Buffer.byteLength(json) >= Buffer.byteLength(whole)) this.#fault(`event ${offset} is no smaller as ${json}`)
    return message
  }

  /** Whether a newer event of the same key, which the subscriber is told of as well, takes the place of this one. */
  #hasNewer(at: number, event: Published): boolean {
    return offsetsOf(this.#history, event, this.#log.head).some(
      (offset) => offset > at && wants(this.#wish, this.#history[offset] as Published),
    )
  }

  /** Of what the client fell behind by, an event must be the newest of its key, as far as the state tells. */
  #demandNewest(offset: number): void {
    const event = this.#history[offset]
    if (event === undefined || !isLatest(event.topic)) return
    const newestOffset = offsetsOf(this.#history, event, this.#log.head).at(-1) ?? 0
    const newest = this.#history[newestOffset] as Published
    if (newestOffset === offset || !wants(this.#wish, newest)) return
    // Of a key that was removed, the state does not tell which event did so.
    if (newest.data === null && (event.data === null || this.#wish.types.length > 0)) return
    this.#fault(`event ${offset} was sent to a slow client, though ${newestOffset} is newer`)
  }

  #isGone(offset: number): boolean {
    return offset <= this.#log.head && !this.#log.keeps(offset)
  }

  #parse(cursor: string): Position {
    return parseCursor(cursor) ?? this.#fault(`${cursor} is no cursor`)
  }

  #fault(what: string): never {
    throw new Error(`${what}; wish ${JSON.stringify(this.#wish)}, position ${JSON.stringify(this.position)}`)
  }
}
