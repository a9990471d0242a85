/** Time as core sees it, handed in, so that a test can be its own clock. All in milliseconds. */
export interface Clock {
  /** Since the Unix epoch. */
  now(): number
  /** Never goes back; with fractions. For measuring durations. */
  monotonic(): number
  /** Calls back every `everyMs` without keeping the process alive; returns how to stop. */
  every(everyMs: number, callback: () => void): () => void
  /** Calls back once after `afterMs`; returns how to stop. */
  after(afterMs: number, callback: () => void): () => void
  /** Resolves once other work that waits in the event loop had its turn. */
  turn(): Promise<void>
}
