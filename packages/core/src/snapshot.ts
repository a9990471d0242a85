/**
 * The state of a topic as the beginning of a subscription [WP-4.6]: read in parts that never hold up the event loop for
 * long. What changed since the subscription's own position is left out of it, since it follows as an event.
 */
import type { Position } from '@watchpost/protocol'
import type { Log, LoggedEvent } from './log.ts'
import type { Selection } from './selection.ts'
import type { View } from './view.ts'
import type { Watch } from './watch.ts'

/** What one part looks at. */
const PART_EVENTS = 1_000
const PART_CHARACTERS = 262_144

export interface SnapshotPart {
  readonly events: readonly LoggedEvent[]
  readonly more: boolean
}

export class SnapshotReader {
  /** Where the events begin that follow on the snapshot. */
  readonly position: Position
  readonly #log: Log
  readonly #topic: string
  #selection: Selection
  readonly #view: View
  #afterKey: string | undefined
  #isWhole: boolean

  constructor(log: Log, topic: string, { selection, view }: Watch) {
    this.#log = log
    this.#topic = topic
    this.#selection = selection
    this.#view = view
    this.position = { offset: log.head, trims: 0 }
    // Of a key whose latest event is of another type, the one before it is not in the state.
    this.#isWhole = !view.asksForTypes
  }

  /** Whether the parts read so far hold, of each of their keys, the last event that the view showed up to {@link position}. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /** Shows the rest as another selection of the same topic does. */
  goOnWith(selection: Selection): void {
    this.#selection = selection
    this.#isWhole = false
  }

  read(): SnapshotPart {
    const { keys } = this.#view
    const scanned = this.#log.state({
      topic: this.#topic,
      ...(keys && { keys }),
      ...(this.#afterKey !== undefined && { afterKey: this.#afterKey }),
      eventsMax: PART_EVENTS,
      charactersMax: PART_CHARACTERS,
    })
    this.#afterKey = scanned.nextAfterKey
    const settled = scanned.events.filter(({ offset }) => offset <= this.position.offset)
    // Asked after the state was read, and of the topic, since a key that was removed meanwhile is just not there.
    if ((this.#log.topic(this.#topic)?.last ?? 0) > this.position.offset) this.#isWhole = false
    const shown = settled.filter((event) => this.#selection.has(this.#topic) && this.#view.shows(event))
    const events = shown.map((event) => this.#view.render(this.#selection.masked(event)))
    return { events, more: scanned.nextAfterKey !== undefined }
  }
}
