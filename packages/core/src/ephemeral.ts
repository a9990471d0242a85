/**
 * Events that are not stored [WP-9.3]: the log holds them for a moment, beside the events that it keeps, so that every
 * process on it can tell them to those who watch there, in their place among the others.
 */
import type { Log, LoggedEvent, PassingEvent } from './log.ts'

/** What is read at a time. */
const READ_EVENTS = 1_000

/** What passes, as the hub of one process goes through it. */
export class PassingReader {
  readonly #log: Log
  #through: number
  /** Those that were let go before they could be read, as a count that only grows. */
  missed = 0

  constructor(log: Log) {
    this.#log = log
    this.#through = log.passed
  }

  get isBehind(): boolean {
    return this.#through < this.#log.passed
  }

  /**
   * The next events that pass, and up to where stored ones can go out with them: what comes after an event that was not
   * read yet has to wait for it.
   */
  read(head: number): { readonly passing: readonly PassingEvent[]; readonly upTo: number } {
    if (!this.isBehind) return { passing: [], upTo: head }
    const passing = this.#log.passing(this.#through, READ_EVENTS)
    const last = passing.at(-1)
    // Those that were let go meanwhile are missed.
    const next = (passing[0]?.passing ?? this.#log.passed + 1) - 1
    this.missed += next - this.#through
    this.#through = next
    return { passing, upTo: last === undefined || passing.length < READ_EVENTS ? head : Math.min(head, last.offset) }
  }

  /** Those of the events that come before the stored one after `through`; the others are read again. */
  take(passing: readonly PassingEvent[], through: number): readonly PassingEvent[] {
    const taken = passing.filter(({ offset }) => offset <= through)
    this.#through = taken.at(-1)?.passing ?? this.#through
    return taken
  }

  /** Lets all that there is pass. */
  skip(): void {
    this.#through = this.#log.passed
  }
}

/** Both in one order. Each is in its own. */
export function inOrder(stored: readonly LoggedEvent[], passing: readonly PassingEvent[]): readonly LoggedEvent[] {
  const ordered: LoggedEvent[] = []
  let next = 0
  for (const event of stored) {
    for (; (passing[next]?.offset ?? event.offset) < event.offset; next++) ordered.push(passing[next] as PassingEvent)
    ordered.push(event)
  }
  return [...ordered, ...passing.slice(next)]
}
