/** The events of one flush of a feed, encoded when the first member asks, and once for all that may have the same bytes. */
import type { Delta } from './delta.ts'
import type { LoggedEvent } from './log.ts'

export interface BatchedEvent {
  readonly event: LoggedEvent
  readonly delta?: Delta | undefined
}

export class Batch<Chunk> {
  readonly events: readonly LoggedEvent[]
  /** The number of the last event that is not stored, 0 if all are. */
  readonly passed: number
  /** Whether one of the events is stored, so that its id says how far all is seen. */
  readonly hasStored: boolean
  readonly #batched: readonly BatchedEvent[]
  readonly #encode: (events: readonly LoggedEvent[]) => Chunk
  /** The oldest event that one of the patches builds on. */
  readonly #base: number
  #whole: Chunk | undefined
  #patched: Chunk | undefined

  constructor(batched: readonly BatchedEvent[], encode: (events: readonly LoggedEvent[]) => Chunk) {
    this.events = batched.map(({ event }) => event)
    this.passed = this.events.findLast(({ passing }) => passing !== undefined)?.passing ?? 0
    this.hasStored = this.events.some(({ passing }) => passing === undefined)
    this.#batched = batched
    this.#encode = encode
    this.#base = batched.reduce((base, { delta }) => Math.min(base, delta?.base ?? base), Number.POSITIVE_INFINITY)
  }

  /** The chunk for a member that knows every event that its feed showed after `knownAfter`; with patches if it knows what they build on. */
  chunkFor(knownAfter: number): Chunk {
    if (this.#base === Number.POSITIVE_INFINITY || this.#base <= knownAfter) {
      return (this.#whole ??= this.#encode(this.events))
    }
    return (this.#patched ??= this.#encode(this.#batched.map(({ event, delta }) => delta?.event ?? event)))
  }
}
