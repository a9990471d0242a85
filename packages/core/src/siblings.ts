/**
 * Subscriptions that go to the same client. What several of them match is sent once, by whichever comes to it first, and
 * counts for each of them [WP-4.5].
 */
import { filtersOverlap, ProblemError, topicOf } from '@watchpost/protocol'
import type { LoggedEvent } from './log.ts'
import type { Watch } from './watch.ts'

/** A subscription, as the others see it. */
export interface Sibling {
  readonly watch: Watch
  /** Everything that it shows up to this offset, from where it began, was sent. Stays as it is once it is closed. */
  readonly reached: number
  readonly closed: boolean
  /** From now on this subscription meets another one, of whose deliveries those beyond `after` count for it too. */
  meet(other: Sibling, after: number): void
}

export class Siblings {
  readonly #open = new Set<Sibling>()

  /**
   * Whether a watch can go to the same client as those that do.
   * @throws ProblemError `invalid-parameter`
   */
  demandCompatible(watch: Watch): void {
    for (const { watch: other } of this.#open) {
      if (!overlap(watch, other)) continue
      const isSame = watch.view.selectName === other.view.selectName
      if (isSame && !watch.view.hasDeltas && !other.view.hasDeltas) continue
      const [name, otherName] = [watch, other].map(({ selection }) => JSON.stringify(selection.filters.join(' ')))
      const demand = isSame ? 'neither may ask for delta' : 'they must ask for the same select'
      const detail = `${name} and ${otherName}, which is subscribed to, can match the same event, so ${demand}.`
      throw new ProblemError('invalid-parameter', `${detail} Use another connection for one of them.`)
    }
  }

  /**
   * Makes a subscription known to the others, and them to it, in the turn in which it was made: it starts at the offset
   * that it has reached.
   */
  add(sibling: Sibling): void {
    for (const other of this.#open) {
      if (!overlap(sibling.watch, other.watch)) continue
      // What the other one sent before is not for this one; what this one sends, from its start on, is for both.
      sibling.meet(other, other.reached)
      other.meet(sibling, sibling.reached)
    }
    this.#open.add(sibling)
  }

  remove(sibling: Sibling): void {
    this.#open.delete(sibling)
  }
}

const overlap = (a: Watch, b: Watch): boolean =>
  a.selection.filters.some((one) => b.selection.filters.some((other) => filtersOverlap(one, other)))

/** What the siblings of one subscription sent in its stead. */
export class SentBySiblings {
  #met: { readonly other: Sibling; readonly after: number }[] = []

  add(other: Sibling, after: number): void {
    this.#met.push({ other, after })
  }

  get isEmpty(): boolean {
    return this.#met.length === 0
  }

  /** Those of the events that were not sent yet. */
  unsent(events: readonly LoggedEvent[]): readonly LoggedEvent[] {
    return events.filter((event) => !this.#met.some(({ other, after }) => isSent(event, other, after)))
  }

  /** Forgets those that are closed and have nothing more that lies beyond `reached`. */
  forget(reached: number): void {
    this.#met = this.#met.filter(({ other }) => !other.closed || other.reached > reached)
  }
}

function isSent(event: LoggedEvent, other: Sibling, after: number): boolean {
  if (event.offset <= after || event.offset > other.reached) return false
  const { selection, view } = other.watch
  return selection.has(topicOf(event.json)) && view.shows(event)
}
