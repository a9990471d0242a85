/** A watch as an async iterable, for whoever watches from the server's own process. */
import { encodeControl, type Gap } from '@watchpost/protocol'
import type { Encoding } from './feed.ts'
import type { LoggedEvent } from './log.ts'
import type { Sink } from './subscription.ts'
import type { Located, Watch, Watcher } from './watch.ts'

/** Messages as JSON text. There are no bookmarks: nobody in the process doubts that the stream lives. */
const texts: Encoding<readonly string[]> = {
  name: 'texts',
  events: (events: readonly LoggedEvent[]) => events.map((event) => event.json),
  bookmark: () => [],
  gap: (gap: Gap, timestamp: string) => [encodeControl('gap', gap, timestamp)],
}

/** Holds what the consumer has not pulled yet; the subscription reads the log instead when it grows. */
class Queue implements Sink<readonly string[]> {
  bufferedBytes = 0
  failure: { readonly error: unknown } | undefined
  #chunks: (readonly string[])[] = []
  #wake: (() => void) | undefined
  #drained: (() => void)[] = []

  write(chunk: readonly string[]): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    for (const text of chunk) this.bufferedBytes += text.length
    this.wake()
  }

  fail(error: unknown): void {
    this.failure = { error }
    this.wake()
  }

  drained(): Promise<void> {
    return this.bufferedBytes === 0 ? Promise.resolve() : new Promise((resolve) => this.#drained.push(resolve))
  }

  wake(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  /** All that waits, which counts as taken from now on; empty if nothing does. */
  take(): readonly string[] {
    const taken = this.#chunks.flat()
    this.#chunks = []
    this.bufferedBytes = 0
    for (const resolve of this.#drained.splice(0)) resolve()
    return taken
  }

  /** Resolves when there is something to take, or {@link wake} is called. */
  filled(): Promise<void> {
    return this.#chunks.length > 0 ? Promise.resolve() : new Promise((resolve) => (this.#wake = resolve))
  }
}

/** Ends when `signal` aborts; throws when the log can't be read. */
export async function* iterate(
  watcher: Watcher,
  watch: Watch,
  from: Located,
  signal: AbortSignalLike | undefined,
): AsyncGenerator<string, void, undefined> {
  const queue = new Queue()
  const subscription = watcher.subscribe(watch, from, texts, queue)
  const onAbort = (): void => queue.wake()
  const aborted = (): boolean => signal?.aborted ?? false
  signal?.addEventListener('abort', onAbort)
  try {
    while (!aborted()) {
      if (queue.failure !== undefined) throw queue.failure.error
      for (const text of queue.take()) {
        yield text
        if (aborted()) return
      }
      if (!aborted() && queue.failure === undefined) await queue.filled()
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    subscription.close()
  }
}

/** The part of `AbortSignal` that is needed here; core is compiled without the types of any runtime. */
export interface AbortSignalLike {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}
