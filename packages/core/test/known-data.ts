/** What a client of deltas makes of its messages: the data that it has of each topic and key, by event or by patch [WP-4.7]. */
import type { Json } from '@watchpost/protocol'
import { applyMergePatch } from './merge-patch-reference.ts'

/** An event as a client gets it. */
export interface Message {
  readonly type: string
  readonly topic: string
  readonly id: string
  readonly key?: string
  readonly data?: Json
  readonly patch?: Json
}

export class KnownData {
  /** How many events came as patches. */
  patches = 0
  readonly #known = new Map<string, Json>()

  /** The event's data. Throws if it is a patch of something that was not sent. */
  take(message: Message): Json {
    const data = this.#dataOf(message)
    this.#known.set(nameOf(message), data)
    return data
  }

  #dataOf(message: Message): Json {
    const { data, patch } = message
    if (patch === undefined && data !== undefined) return data
    if (patch === undefined || data !== undefined)
      throw new Error(`neither data nor patch, or both: ${nameOf(message)}`)
    const before = this.#known.get(nameOf(message))
    if (before === undefined) throw new Error(`a patch without a predecessor: ${JSON.stringify(message)}`)
    this.patches++
    return applyMergePatch(before, patch)
  }
}

const nameOf = ({ topic, key }: Message): string => JSON.stringify([topic, key])
