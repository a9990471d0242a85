/**
 * What a subscriber was told, held against all that was ever published: every matching event once and in order, nothing
 * before it is durable, and what is missing is gone from the log and was announced [WP-2.4] [WP-2.5].
 */
import { type Gap, type Position, parseCursor } from '@watchpost/protocol'
import type { LoggedEvent } from '../src/log.ts'
import type { MemoryLog } from './memory-log.ts'
import type { Chunk } from './support.ts'

/** An event as its publisher knows it. */
export interface Published {
  readonly topic: string
  readonly type: string
  readonly key: string | undefined
  /** Unlike any other's, so that an event can't be taken for another one. */
  readonly data: number
}

export interface Wish {
  readonly filters: readonly string[]
  readonly keys: readonly string[]
  readonly types: readonly string[]
}

/** Everything published, by offset; the first is at 1. */
export type History = readonly (Published | undefined)[]

/** The topics that the subscribers of the simulation may not watch. */
const isHidden = (topic: string): boolean => topic.startsWith('secret/')

/** Whether a filter matches, by the words of [WP-3.3]: `*` is one segment, `**` any number of them. */
function matches(filter: readonly string[], topic: readonly string[]): boolean {
  const [first, ...rest] = filter
  if (first === undefined) return topic.length === 0
  if (first === '**') return matches(rest, topic) || (topic.length > 0 && matches(filter, topic.slice(1)))
  return topic.length > 0 && (first === '*' || first === topic[0]) && matches(rest, topic.slice(1))
}

function covers({ filters }: Wish, topic: string): boolean {
  return !isHidden(topic) && filters.some((filter) => matches(filter.split('/'), topic.split('/')))
}

export function wants(wish: Wish, event: Published): boolean {
  if (wish.types.length > 0 && !wish.types.includes(event.type)) return false
  if (wish.keys.length > 0 && (event.key === undefined || !wish.keys.includes(event.key))) return false
  return covers(wish, event.topic)
}

export class Ledger {
  position: Position
  /** The last cursor that the subscriber was given; it may go on from there. */
  cursor: string
  readonly #log: MemoryLog
  readonly #history: History
  readonly #wish: Wish
  #firstGap: Gap | undefined

  constructor(log: MemoryLog, history: History, wish: Wish, from: { cursor: string; position: Position; gap?: Gap }) {
    this.#log = log
    this.#history = history
    this.#wish = wish
    this.position = from.position
    this.cursor = from.cursor
    this.#firstGap = from.gap
  }

  take(chunk: Chunk): void {
    if (chunk.gap !== undefined) this.gap(chunk.gap)
    for (const event of chunk.events) this.event(event)
    if (chunk.bookmark !== undefined) this.bookmark(chunk.bookmark)
  }

  event({ offset, json }: LoggedEvent): void {
    const { topic, type, key, data } = this.#history[offset] ?? this.#fault(`event ${offset} was never published`)
    if (offset > this.#log.head) this.#fault(`event ${offset} is not durable`)
    if (offset <= this.position.offset) this.#fault(`event ${offset} again, or out of order`)
    if (!wants(this.#wish, { topic, type, key, data })) this.#fault(`event ${offset} is not for this subscriber`)
    this.reached(offset - 1)
    const message = JSON.parse(json) as { id: string } & Published
    if (message.topic !== topic || message.type !== type || message.key !== key || message.data !== data) {
      this.#fault(`event ${offset} is not as it was published: ${json}`)
    }
    this.position = { ...this.position, offset }
    this.cursor = message.id
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
  }

  /** The subscriber may believe that it has seen all up to here. */
  reached(offset: number): void {
    for (let at = this.position.offset + 1; at <= offset; at++) {
      const event = this.#history[at] ?? this.#fault(`${at} is beyond the end of the log`)
      if (!wants(this.#wish, event)) continue
      if (!this.#isGone(at)) this.#fault(`event ${at} was skipped, though it is kept`)
      if (this.#log.trimOf(at) > this.position.trims) this.#fault(`event ${at} was trimmed, and no gap announced it`)
    }
    this.position = { ...this.position, offset: Math.max(offset, this.position.offset) }
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
