/** Reads what a selection and a view show, from a position on, in slices that never hold up the event loop for long. */
import { dataOf, keyOf, type Position, topicOf } from '@watchpost/protocol'
import type { GapFound, Log, LoggedEvent } from './log.ts'
import type { Selection } from './selection.ts'
import type { View } from './view.ts'

/** What one slice looks at: bounds the time of a synchronous read, whatever the view lets through. */
const SLICE_EVENTS = 1_000
const SLICE_CHARACTERS = 262_144

/** A request looks at so many slices at most, however little the view lets through, so that it has an end. */
export const SLICES_MAX = 100

export interface Slice {
  /** Set if events between the position and what is kept are gone; then `events` is empty and the position knows of it. */
  readonly gap?: GapFound
  /** What the view shows, as it shows it. */
  readonly events: readonly LoggedEvent[]
  /** Where to go on. */
  readonly position: Position
}

export class Reader {
  readonly #log: Log
  readonly #selection: Selection
  readonly #view: View

  constructor(log: Log, selection: Selection, view: View) {
    this.#log = log
    this.#selection = selection
    this.#view = view
  }

  /** One slice of what lies in `after < offset <= upTo`. The events and the check for a gap are of one moment. */
  read(after: Position, upTo: number): Slice {
    if (this.#hasLoss(after)) {
      const { trims } = this.#log
      return { gap: { reason: 'trimmed', trims }, events: [], position: { offset: after.offset, trims } }
    }
    const topics = this.#selection.indexed(this.#log)
    const scanned = this.#log.scan({
      ...(topics && { topics }),
      after: after.offset,
      upTo,
      eventsMax: SLICE_EVENTS,
      charactersMax: SLICE_CHARACTERS,
    })
    return {
      events: this.#shown(scanned.events, topics === undefined),
      position: { offset: scanned.through, trims: after.trims },
    }
  }

  /**
   * The offset just before the last `count` events that the view shows, at or below `upTo`; or before as many of them as
   * {@link SLICES_MAX} slices of the log hold.
   */
  async before(count: number, upTo: number, turn: () => Promise<void>): Promise<number> {
    if (count === 0) return upTo
    const topics = this.#selection.indexed(this.#log)
    let left = count
    let below = upTo
    for (let slices = 0; below > 0 && slices < SLICES_MAX; slices++) {
      const bounds = { upTo: below, eventsMax: SLICE_EVENTS, charactersMax: SLICE_CHARACTERS }
      const scanned = this.#log.scanBack({ ...(topics && { topics }), ...bounds })
      const shown = this.#filtered(scanned.events, topics === undefined)
      if (shown.length >= left) return (shown[left - 1] as LoggedEvent).offset - 1
      left -= shown.length
      // The event at `through` was looked at, so it must not be counted again.
      below = scanned.through - 1
      await turn()
    }
    return Math.max(below, 0)
  }

  /** The events less those of `onSlow: 'latest'` topics which a newer event of their key follows, that is shown as well [WP-8.2]. */
  withoutSuperseded(events: readonly LoggedEvent[]): readonly LoggedEvent[] {
    const newer = new Set<string>()
    const isNewest = (event: LoggedEvent): boolean => {
      const [topic, key] = [topicOf(event.json), keyOf(event.json)]
      if (key === undefined || !this.#selection.passesOver(topic)) return true
      const name = `${topic} ${key}`
      if (newer.has(name)) return false
      newer.add(name)
      return !this.#isSuperseded(event, topic, key)
    }
    return events.toReversed().filter(isNewest).reverse()
  }

  #isSuperseded({ json, offset }: LoggedEvent, topic: string, key: string): boolean {
    const [newest] = this.#log.state({ topic, keys: [key], eventsMax: 1, charactersMax: 1 }).events
    // One that the view hides does not stand for those that it shows.
    if (newest !== undefined) return newest.offset !== offset && this.#view.shows(newest)
    // A key that was removed has no state. Then only a removal, whose data is null, can be its newest event, of any type.
    return dataOf(json) !== 'null' && !this.#view.asksForTypes
  }

  #hasLoss(after: Position): boolean {
    // Nearly always nothing was trimmed beyond the position, and then no topic need be looked at.
    return this.#log.trimmed > after.offset && this.#selection.hasLoss(this.#log, after)
  }

  #shown(events: readonly LoggedEvent[], ofAllTopics: boolean): readonly LoggedEvent[] {
    return this.#filtered(events, ofAllTopics).map((event) => this.#view.render(this.#selection.masked(event)))
  }

  #filtered(events: readonly LoggedEvent[], ofAllTopics: boolean): readonly LoggedEvent[] {
    const covered = ofAllTopics ? events.filter((event) => this.#selection.has(topicOf(event.json))) : events
    return covered.filter((event) => this.#view.shows(event))
  }
}
