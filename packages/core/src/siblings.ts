/**
 * Subscriptions that go to the same client. What several of them match is sent once, by whichever comes to it first, and
 * counts for each of them [WP-4.5].
 */
import { filtersOverlap, ProblemError, topicOf } from '@watchpost/protocol'
import type { LoggedEvent } from './log.ts'
import type { Watch } from './watch.ts'

type Sent = (event: LoggedEvent) => boolean

/** A subscription, as the others see it. */
export interface Sibling {
  readonly watch: Watch
  /** Everything that it shows up to this offset, from where it began, was sent. Stays as it is once it is closed. */
  readonly reached: number
  readonly closed: boolean
  /** Whether it was live when the event of this number, which is not stored, was sent to those who are. Stays as it is once it is closed. */
  hasPassed(passing: number): boolean
  /** Whether its client builds on what it was sent before, which another subscription's past would confuse. */
  readonly builds: boolean
  /** From now on this subscription meets another one, of whose deliveries those beyond `after` count for it too. */
  meet(other: Sibling, after: number): void
  /** Tells of an event that it has not come to whether others have sent it by now, so that it will not; absent if none is. */
  sentByNow(): Sent | undefined
  /** Sends what waits to be sent together with what comes next. */
  flush(): void
}

export class Siblings {
  readonly #open = new Set<Sibling>()

  /**
   * Whether a watch can go to the same client as those that do.
   * @param builds as {@link Sibling.builds} of the subscription to be
   * @throws ProblemError `invalid-parameter`
   */
  demandCompatible(watch: Watch, builds: boolean): void {
    for (const { watch: other, builds: otherBuilds } of this.#open) {
      if (!overlap(watch, other)) continue
      const isSame = watch.view.selectName === other.view.selectName
      if (isSame && !builds && !otherBuilds) continue
      const [name, otherName] = [watch, other].map(({ selection }) => JSON.stringify(selection.filters.join(' ')))
      const demand = isSame ? 'neither may ask for state or delta' : 'they must ask for the same select'
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

interface Met {
  readonly other: Sibling
  /** What the other one sends counts beyond this offset, */
  readonly after: number
  /** less what it passes over, since that was sent in its stead before the two met. */
  readonly sentBefore: Sent | undefined
}

/** What the siblings of one subscription sent in its stead. */
export class SentBySiblings {
  #met: Met[] = []

  add(other: Sibling, after: number): void {
    this.#met.push({ other, after, sentBefore: other.sentByNow() })
  }

  get isEmpty(): boolean {
    return this.#met.length === 0
  }

  /** Has the others send what they hold still. */
  flush(): void {
    for (const { other } of this.#met) other.flush()
  }

  /** Those of the events that were not sent yet. */
  unsent(events: readonly LoggedEvent[]): readonly LoggedEvent[] {
    return events.filter((event) => !this.#met.some((met) => isSent(event, met)))
  }

  /** Tells of an event beyond `reached` whether it was sent by now; absent if none is. */
  sentByNow(reached: number): Sent | undefined {
    const ahead = this.#met.filter((met) => isAhead(met, reached)).map((met) => ({ met, upTo: met.other.reached }))
    if (ahead.length === 0) return undefined
    return (event) => ahead.some(({ met, upTo }) => event.offset <= upTo && isSent(event, met))
  }

  /** Forgets those that are closed and sent nothing that lies beyond `reached`. */
  forget(reached: number): void {
    this.#met = this.#met.filter((met) => !met.other.closed || isAhead(met, reached))
  }
}

const isAhead = ({ other, after }: Met, reached: number): boolean => other.reached > Math.max(reached, after)

function isSent(event: LoggedEvent, { other, after, sentBefore }: Met): boolean {
  if (event.passing !== undefined) return other.hasPassed(event.passing) && shows(other, event)
  if (event.offset <= after || event.offset > other.reached) return false
  return shows(other, event) && sentBefore?.(event) !== true
}

const shows = ({ watch: { selection, view } }: Sibling, event: LoggedEvent): boolean =>
  selection.has(topicOf(event.json)) && view.shows(event)
