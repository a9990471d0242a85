/**
 * A view: what a subscriber sees of the events that its topic filters match. Subscribers with equal views share a feed,
 * so a view has a canonical name, and order and repetition in a request don't matter.
 */
import { type Json, keyOf, typeOf } from '@watchpost/protocol'
import type { LoggedEvent } from './log.ts'
import { compileProjection, type Projection, parsePointer, project } from './pointer.ts'

/** What a request asks for; an empty or absent list means everything. `select` holds JSON Pointers below `data`. */
export interface ViewOptions {
  readonly keys?: readonly string[] | undefined
  readonly types?: readonly string[] | undefined
  readonly select?: readonly string[] | undefined
  /** Events of keyed topics as patches, where that is possible [WP-4.7]. */
  readonly delta?: boolean | undefined
}

export class View {
  readonly name: string
  /** Equal names select equally. */
  readonly selectName: string
  readonly hasDeltas: boolean
  readonly #keys: ReadonlySet<string> | undefined
  readonly #types: ReadonlySet<string> | undefined
  readonly #projection: Projection

  /** @throws RangeError if a `select` is no JSON Pointer */
  constructor(options: ViewOptions = {}) {
    this.#keys = asSet(options.keys)
    this.#types = asSet(options.types)
    const select = asSet(options.select)
    this.#projection = select === undefined ? true : compileProjection([...select].map(tokensOf))
    this.selectName = JSON.stringify(sorted(select))
    this.hasDeltas = options.delta === true
    this.name = JSON.stringify([sorted(this.#keys), sorted(this.#types), this.selectName, this.hasDeltas])
  }

  /** The keys that are asked for, if not all are. */
  get keys(): readonly string[] | undefined {
    return this.#keys && [...this.#keys]
  }

  get asksForTypes(): boolean {
    return this.#types !== undefined
  }

  /** Whether the view shows an event at all. */
  shows(event: LoggedEvent): boolean {
    if (this.#types !== undefined && !this.#types.has(typeOf(event.json))) return false
    if (this.#keys === undefined) return true
    const key = keyOf(event.json)
    return key !== undefined && this.#keys.has(key)
  }

  /** The event as the view shows it; the same object when nothing is left out of it. */
  render(event: LoggedEvent): LoggedEvent {
    if (this.#projection === true) return event
    const message = JSON.parse(event.json) as Record<string, Json>
    message['data'] = project(message['data'] as Json, this.#projection)
    return { ...event, json: JSON.stringify(message) }
  }
}

function tokensOf(pointer: string): readonly string[] {
  const tokens = parsePointer(pointer)
  if (tokens === undefined) throw new RangeError(`${JSON.stringify(pointer)} is no JSON Pointer, such as "/price"`)
  return tokens
}

const asSet = (list: readonly string[] | undefined): ReadonlySet<string> | undefined =>
  list === undefined || list.length === 0 ? undefined : new Set(list)

const sorted = (set: ReadonlySet<string> | undefined): string[] | null => (set === undefined ? null : [...set].sort())
