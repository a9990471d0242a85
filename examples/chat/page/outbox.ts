/** What was said and is not in the log yet: sent until it is, in its order, and never twice. */
import { type Client, WatchpostError } from '@watchpost/client'
import type { Server } from '../src/config.ts'

const PAUSE_MS = 1_000

export interface Unsent {
  readonly topic: `chat/${string}/${string}`
  readonly text: string
}

export class Outbox {
  readonly #client: Client<Server>
  readonly #onRefused: (unsent: Unsent, message: string) => void
  readonly #ending = new AbortController()
  #unsent: readonly Unsent[] = []
  #waiting = 0
  #sent = Promise.resolve()

  /** @param onRefused is told of what will never be sent, and why */
  constructor(client: Client<Server>, onRefused: (unsent: Unsent, message: string) => void) {
    this.#client = client
    this.#onRefused = onRefused
  }

  of(topic: string): readonly Unsent[] {
    return this.#unsent.filter((each) => each.topic === topic)
  }

  /** How many the server has not taken yet. */
  get waiting(): number {
    return this.#waiting
  }

  add(unsent: Unsent): void {
    this.#waiting += 1
    this.#unsent = [...this.#unsent, unsent]
    this.#sent = this.#sent.then(() => this.#send(unsent))
  }

  /** It has come back by the watch, so everybody has it. */
  arrived(topic: string, text: string): void {
    const found = this.#unsent.find((each) => each.topic === topic && each.text === text)
    this.#unsent = this.#unsent.filter((each) => each !== found)
  }

  close(): void {
    this.#ending.abort()
  }

  async #send(unsent: Unsent): Promise<void> {
    const { signal } = this.#ending
    const { topic, text } = unsent
    // One key for all attempts: if only the answer was lost, the next attempt publishes nothing.
    const idempotencyKey = crypto.randomUUID()
    while (!signal.aborted) {
      try {
        await this.#client.publish(topic, { type: 'message', data: { text } }, { idempotencyKey, signal })
        this.#waiting -= 1
        return
      } catch (error) {
        if (error instanceof WatchpostError && error.status >= 400 && error.status < 500) {
          this.#waiting -= 1
          this.arrived(topic, text)
          return this.#onRefused(unsent, error.message)
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
      }
    }
  }
}
