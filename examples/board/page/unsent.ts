/** What was edited here and the server does not have yet. This tab keeps it, in case the page is reloaded. */
import * as Y from 'yjs'
import { fromBase64, toBase64 } from './base64.ts'

const KEPT = 'board:unsent'
/** It takes the longer the more there is, so not with each letter that is typed. */
const KEEP_EVERY_MS = 500

export class Unsent {
  /** The first may be on its way to the server. */
  #updates: Uint8Array[]
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor() {
    const kept = sessionStorage.getItem(KEPT)
    this.#updates = kept === null ? [] : [fromBase64(kept)]
    addEventListener('pagehide', () => this.#keep())
  }

  get isEmpty(): boolean {
    return this.#updates.length === 0
  }

  /** Whether there is more than {@link next} returned. */
  get hasMore(): boolean {
    return this.#updates.length > 1
  }

  add(update: Uint8Array): void {
    this.#updates.push(update)
    this.#keepSoon()
  }

  /** All that there is, as one update to send. */
  next(): Uint8Array {
    const all = Y.mergeUpdates(this.#updates)
    this.#updates = [all]
    return all
  }

  /** Takes this for all that there is. */
  replace(all: Uint8Array | undefined): void {
    this.#updates = all === undefined ? [] : [all]
    this.#keepSoon()
  }

  /** The server has what {@link next} returned. */
  sent(): void {
    this.#updates.shift()
    this.#keepSoon()
  }

  #keepSoon(): void {
    this.#timer ??= setTimeout(() => this.#keep(), KEEP_EVERY_MS)
  }

  #keep(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const [first, ...others] = this.#updates
    if (first === undefined) return sessionStorage.removeItem(KEPT)
    if (others.length > 1) this.#updates = [first, Y.mergeUpdates(others)]
    try {
      sessionStorage.setItem(KEPT, toBase64(Y.mergeUpdates(this.#updates)))
    } catch (error) {
      // It is full. The page goes on, and sends what it has.
      console.warn('a reload would lose what was edited here last:', error)
    }
  }
}
