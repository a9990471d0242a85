/** What came and was not handled yet, in order, between a socket that pushes and a client that pulls. */
export class Inbox<Item> {
  #arrived: Item[] = []
  /** Reversed, so that the oldest is taken from the end. */
  #leaving: Item[] = []
  #end: { readonly error?: unknown } | undefined
  #wake: (() => void) | undefined

  get size(): number {
    return this.#arrived.length + this.#leaving.length
  }

  /** What comes after the end is dropped. */
  put(item: Item): void {
    if (this.#end !== undefined) return
    this.#arrived.push(item)
    this.#wake?.()
  }

  /** Nothing comes any more; with `error`, whoever waits for more is told so. Only the first end counts. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error }
    this.#wake?.()
  }

  /** Forgets what was not taken. */
  clear(): void {
    this.#arrived = []
    this.#leaving = []
  }

  /** The oldest item, once there is one; `undefined` after the end. One caller at a time may wait. */
  async take(): Promise<Item | undefined> {
    while (this.size === 0 && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#leaving.length === 0) {
      this.#leaving = this.#arrived.reverse()
      this.#arrived = []
    }
    if (this.#leaving.length > 0) return this.#leaving.pop()
    if (this.#end !== undefined && 'error' in this.#end) throw this.#end.error
    return undefined
  }
}
