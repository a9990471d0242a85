/** A client that began with the state: what it was told, held against the true state at each cursor [WP-4.6]. */
import { keyOf } from '@watchpost/protocol'
import type { SnapshotPart } from '../src/snapshot.ts'
import { type History, offsetsOf, type Published, type Wish, wants } from './wish.ts'

const byUtf8 = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

export class StateLedger {
  /** All parts of the state came. */
  isWhole = false
  parts = 0
  readonly #history: History
  readonly #wish: Wish
  readonly #topic: string
  /** Where the events begin that follow on the state. */
  readonly #from: number
  /** The offset of the event of each key, as the client has it. */
  readonly #rows = new Map<string, number>()
  /** Keys that changed while the state was being sent, or were passed over; their events follow. */
  readonly #awaited = new Set<string>()
  #lastKey: string | undefined
  #hasLoss = false

  constructor(history: History, wish: Wish, from: number) {
    this.#history = history
    this.#wish = wish
    this.#topic = wish.filters[0] ?? ''
    this.#from = from
  }

  /** Takes a part of the state; `head` is the newest event that it could show. */
  part({ events, more }: SnapshotPart, head: number): void {
    if (this.isWhole) throw new Error('a part of the state after the last one')
    this.parts++
    for (const { offset, json } of events) {
      const key = keyOf(json)
      if (key === undefined) throw new Error(`event ${offset} of the state has no key`)
      if (this.#lastKey !== undefined && byUtf8(key, this.#lastKey) <= 0) {
        throw new Error(`key ${JSON.stringify(key)} of the state after ${JSON.stringify(this.#lastKey)}`)
      }
      this.#lastKey = key
      if (this.#shownAtStart(key) !== offset) throw new Error(`event ${offset} is not the state at ${this.#from}`)
      this.#rows.set(key, offset)
    }
    if (more) return
    this.isWhole = true
    for (const key of this.#keys()) {
      if (this.#shownAtStart(key) === undefined || this.#rows.has(key)) continue
      if (this.#offsetsOf(key, head).at(-1) === this.#latestAtStart(key)) {
        throw new Error(`key ${JSON.stringify(key)} is not in the state, and did not change`)
      }
      this.#awaited.add(key)
    }
  }

  event(offset: number, { key, data }: Published): void {
    if (!this.isWhole) throw new Error(`event ${offset} before the state was whole`)
    if (offset <= this.#from) throw new Error(`event ${offset} was in the state`)
    if (key === undefined) throw new Error(`event ${offset} has no key`)
    this.#awaited.delete(key)
    if (data === null) this.#rows.delete(key)
    else this.#rows.set(key, offset)
  }

  /** An event of the key was passed over, since a newer one follows [WP-8.2]. */
  passedOver(key: string | undefined): void {
    if (key !== undefined) this.#awaited.add(key)
  }

  /** From a gap on, the client does not know the state, and must ask for it again. */
  lost(): void {
    this.#hasLoss = true
  }

  /** The client stands at `offset`: it has what was shown there, but for keys whose events are still to come. */
  check(offset: number): void {
    if (!this.isWhole || this.#hasLoss) return
    for (const key of this.#keys()) {
      if (this.#awaited.has(key)) continue
      const expected = this.#shownAt(key, offset)
      if (this.#rows.get(key) === expected) continue
      throw new Error(`key ${JSON.stringify(key)} at ${offset}: ${this.#rows.get(key)} instead of ${expected}`)
    }
  }

  #keys(): Set<string> {
    const keys = this.#history.flatMap((event) => (event?.topic === this.#topic && event.key) || [])
    return new Set(keys)
  }

  #offsetsOf(key: string, head: number): number[] {
    return offsetsOf(this.#history, { topic: this.#topic, key }, head)
  }

  #latestAtStart(key: string): number | undefined {
    return this.#offsetsOf(key, this.#from).at(-1)
  }

  #shownAtStart(key: string): number | undefined {
    return this.#shown(this.#latestAtStart(key))
  }

  #shownAt(key: string, offset: number): number | undefined {
    const since = this.#offsetsOf(key, offset).filter((at) => at > this.#from && this.#isWanted(at))
    const newest = since.at(-1)
    return newest === undefined ? this.#shownAtStart(key) : this.#shown(newest)
  }

  #shown(offset: number | undefined): number | undefined {
    return offset !== undefined && this.#isWanted(offset) && this.#history[offset]?.data !== null ? offset : undefined
  }

  #isWanted(offset: number): boolean {
    const event = this.#history[offset]
    return event !== undefined && wants(this.#wish, event)
  }
}
