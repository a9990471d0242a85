/** What waits for a slow iteration, bounded in count and characters. */

export interface Bounds {
  readonly bufferEventsMax: number
  readonly bufferCharactersMax: number
}

/** `value` is absent of a bookmark, which only moves the cursor on. */
export interface Item<Value> {
  readonly value?: Value
  /** Where to go on once it is handled. */
  readonly cursor: string
  readonly characters: number
}

export class Inbox<Value> {
  readonly #bounds: Bounds
  #items: Item<Value>[] = []
  /** Of `#items`, those before it are taken. */
  #start = 0
  #characters = 0

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  get size(): number {
    return this.#items.length - this.#start
  }

  /** Whether the client should stop reading. */
  get isFull(): boolean {
    return this.#fullness >= 1
  }

  /** Whether so much was taken that it should read again. */
  get isLow(): boolean {
    return !(this.#fullness > 1 / 4)
  }

  /** By the bound that it is nearer to. */
  get #fullness(): number {
    const { bufferEventsMax, bufferCharactersMax } = this.#bounds
    return Math.max(this.size / bufferEventsMax, this.#characters / bufferCharactersMax)
  }

  put(item: Item<Value>): void {
    // Of several bookmarks in a row only the last one counts.
    if (item.value === undefined && this.size > 0 && this.#items.at(-1)?.value === undefined) this.#items.pop()
    this.#items.push(item)
    this.#characters += item.characters
  }

  take(): Item<Value> | undefined {
    const item = this.#items[this.#start]
    if (item === undefined) return undefined
    this.#start++
    this.#characters -= item.characters
    // Shifting each would cost the length of the rest.
    if (this.#start * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#start)
      this.#start = 0
    }
    return item
  }
}
