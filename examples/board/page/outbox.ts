/** Sends what is edited here until the server has it, or refuses it. */
import { WatchpostError } from '@watchpost/client'
import { Unsent } from './unsent.ts'

const RETRY_MS = 1_000
/** Edits within so long travel together. */
const TOGETHER_MS = 40
/** An attempt that takes longer than this is spoken of. */
const LATE_MS = 1_500

export interface Line {
  isOpen(): boolean
  /** Resolves when the server has the update. */
  publish(update: Uint8Array): Promise<void>
  /** What the server lacks, as one update without what was edited and deleted again; absent if that is nothing. */
  lacking(): Uint8Array | undefined
  /** What the outbox says of itself is another now. */
  changed(): void
}

export class Outbox {
  readonly #line: Line
  readonly #unsent = new Unsent()
  #isSending = false
  /** Whether the server refused what was sent last. */
  #isRefused = false
  #trouble = ''

  constructor(line: Line) {
    this.#line = line
  }

  /** What the page was left with when it was reloaded, if anything. */
  get kept(): Uint8Array | undefined {
    return this.#unsent.isEmpty ? undefined : this.#unsent.next()
  }

  get isEmpty(): boolean {
    return this.#unsent.isEmpty
  }

  /** What is to be said if it takes long, or the server refuses it; or else empty. */
  get trouble(): string {
    return this.#trouble
  }

  add(update: Uint8Array): void {
    this.#unsent.add(update)
    this.#line.changed()
    void this.send()
  }

  /** Sends what there is; for when the line is open again. */
  async send(): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    while (!this.#unsent.isEmpty && this.#line.isOpen()) {
      await pause(TOGETHER_MS)
      const wasRefused = this.#isRefused
      // It may have been too large: by what has been deleted since, or by each place that a note was dragged through.
      if (wasRefused) this.#unsent.replace(this.#line.lacking())
      try {
        await this.#attempt()
        this.#isRefused = false
        this.#say('')
      } catch (error) {
        const isRefused = isRefusal(error)
        this.#isRefused = isRefused
        this.#say(isRefused ? `not saved: ${error.message}` : 'saving')
        await pause(RETRY_MS)
        // The same would be refused again. The next edit brings another attempt, and so does the next connection.
        if (isRefused && wasRefused && !this.#unsent.hasMore) break
      }
    }
    this.#isSending = false
  }

  async #attempt(): Promise<void> {
    if (this.#unsent.isEmpty) return
    const late = setTimeout(() => this.#say('saving'), LATE_MS)
    try {
      await this.#line.publish(this.#unsent.next())
      this.#unsent.sent()
    } finally {
      clearTimeout(late)
    }
  }

  #say(trouble: string): void {
    this.#trouble = trouble
    this.#line.changed()
  }
}

/** Whether the server will not have it, however often it is sent. */
const isRefusal = (error: unknown): error is WatchpostError =>
  error instanceof WatchpostError &&
  error.status >= 400 &&
  error.status < 500 &&
  ![401, 408, 429].includes(error.status)

const pause = (waitMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, waitMs))
