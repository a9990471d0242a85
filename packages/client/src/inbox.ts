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

/** In a list, since to shift an array costs the length of the rest. */
interface Linked<Value> extends Item<Value> {
  cursor: string
  next?: Linked<Value>
}

export class Inbox<Value> {
  readonly #bounds: Bounds
  /** What was taken last; what waits follows on it. */
  #taken: Linked<Value> = { cursor: '', characters: 0 }
  #newest: Linked<Value> = this.#taken
  /** How many wait. */
  size = 0
  #characters = 0

  constructor(bounds: Bounds) {
    this.#bounds = bounds
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
    const newest = this.#newest
    // Of several bookmarks in a row only the last one counts.
    if ((item.value ?? newest.value) === undefined && this.size > 0) newest.cursor = item.cursor
    else {
      this.#newest = newest.next = { ...item }
      this.size++
      this.#characters += item.characters
    }
  }

  take(): Item<Value> | undefined {
    const item = this.#taken.next
    if (item === undefined) return undefined
    this.#taken = item
    this.size--
    this.#characters -= item.characters
    return item
  }
}
