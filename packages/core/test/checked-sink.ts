/** A sink that hands each chunk to a ledger, and sees that nothing comes when nothing may. */
import type { Subscription } from '../src/subscription.ts'
import type { Ledger } from './ledger.ts'
import { type Chunk, RecordingSink } from './support.ts'

export class CheckedSink extends RecordingSink {
  subscription: Subscription<Chunk> | undefined
  closed = false
  closesAtNextWrite = false
  /** How often the subscription was put back to the log though its client was fast. */
  dismissals = 0
  readonly #ledger: Ledger
  readonly #bufferedBytesMax: number
  readonly #onFault: (error: unknown) => void
  #chunkBytesMax = 0
  #wasLive = false

  constructor(ledger: Ledger, slow: boolean, bufferedBytesMax: number, onFault: (error: unknown) => void) {
    super(slow)
    this.#ledger = ledger
    this.#bufferedBytesMax = bufferedBytesMax
    this.#onFault = onFault
  }

  override write(chunk: Chunk): void {
    super.write(chunk)
    this.#chunkBytesMax = Math.max(this.#chunkBytesMax, chunk.bytes)
    const isLive = this.subscription?.state === 'live'
    if (isLive) this.#wasLive = true
    try {
      if (this.closed) throw new Error('a chunk was written after close')
      if (this.bufferedBytes > this.#bufferedBytesMax + this.#chunkBytesMax) {
        throw new Error(`${this.bufferedBytes} bytes wait, of chunks of at most ${this.#chunkBytesMax}`)
      }
      this.#ledger.take(chunk, isLive)
    } catch (error) {
      this.#onFault(error)
    }
    if (this.closesAtNextWrite && this.subscription !== undefined) this.close()
  }

  /**
   * Looks at where the subscription stands. If it is not live any more, the client was too slow, or the hub was overtaken
   * by trimming; `mayBeOvertaken` if it can have been.
   */
  observe(mayBeOvertaken: boolean): void {
    if (this.subscription === undefined || this.closed) return
    const { state, position } = this.subscription
    if (state === 'live') this.#ledger.caughtUp(position.offset)
    else if (this.#wasLive && this.bufferedBytes > this.#bufferedBytesMax) this.#ledger.fellBehind(!mayBeOvertaken)
    else if (this.#wasLive) this.dismissals++
    this.#wasLive = state === 'live'
  }

  override fail(error: unknown): void {
    this.#onFault(error)
  }

  close(): void {
    const wasClosed = this.closed
    this.closed = true
    this.subscription?.close()
    if (this.subscription !== undefined && !wasClosed) this.#checkEnd(this.subscription)
    // Whoever is gone keeps nobody waiting.
    this.take()
  }

  /** Where a subscription ended, its client may go on [WP-4.4]. */
  #checkEnd({ position }: Subscription<Chunk>): void {
    try {
      this.#ledger.reached(position.offset)
    } catch (error) {
      this.#onFault(error)
    }
  }
}
