/** Who is typing, as far as it was told not long ago. */
import { byId } from './elements.ts'

/** Typing is forgotten so long after it was told last. */
const TYPING_MS = 4_000

const SHOWN_MAX = 3

export class Typing {
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()

  /** Somebody goes on typing, or has stopped. */
  set(author: string, isTyping: boolean): void {
    clearTimeout(this.#timers.get(author))
    this.#timers.delete(author)
    if (isTyping) {
      const forget = setTimeout(() => this.set(author, false), TYPING_MS)
      this.#timers.set(author, forget)
    }
    this.#show()
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    this.#show()
  }

  #show(): void {
    const names = [...this.#timers.keys()]
    const who = names.length > SHOWN_MAX ? 'Several people' : names.join(', ')
    byId('typing').textContent = names.length === 0 ? '' : `${who} ${names.length === 1 ? 'is' : 'are'} typing…`
  }
}
