/** The state of a keyed topic: loaded by pages [WP-3.11], kept up to date by events, and made whole from patches [WP-4.7]. */

import type { WatchpostError } from './error.ts'
import type { Settings } from './options.ts'
import type { Event, Json } from './protocol.ts'
import { type Asked, ask, json, pathOf } from './request.ts'

/** A topic's state, and the cursor from which watching it goes on without a hole. */
export interface State<E> {
  readonly cursor: string
  /** The latest event of each key, in the order of the keys. */
  readonly events: readonly E[]
}

/**
 * @param request how each page is asked for
 * @throws WatchpostError such as `not-keyed`
 */
export async function loadState<E>(
  settings: Settings,
  topic: string,
  asked: Asked,
  request: typeof json = ask,
): Promise<State<E>> {
  const path = pathOf('state', topic)
  const events: E[] = []
  for (let next: string | undefined; ; ) {
    const query = { ...asked.query, next }
    try {
      const page = await request<State<E> & { readonly next?: string }>(settings, path, { ...asked, query })
      for (const event of page.events) events.push(event)
      if (page.next === undefined) return { cursor: page.cursor, events }
      next = page.next
    } catch (error) {
      // The log was replaced since the first page.
      if (next !== undefined && (error as WatchpostError).problem === 'invalid-parameter')
        return loadState(settings, topic, asked, request)
      throw error
    }
  }
}

/** An event that may have a `patch` in the place of its data, and no `id`, if it is not stored. */
export type Patched = Omit<Event, 'data' | 'id'> & { readonly id?: string; readonly patch?: Json; readonly data?: Json }

/** What a subscription was sent last of each topic and key, which patches are made against. */
export class Deltas {
  readonly #known = new Map<string, Json>()

  /** The event with its data. */
  whole<E extends Patched>(event: E): E & { readonly data: Json } {
    const name = JSON.stringify([event.topic, event.key])
    const { patch, ...others } = event
    const data = patch === undefined ? (event.data as Json) : merged(this.#known.get(name), patch)
    // Nothing builds on what is not stored, nor on what was removed.
    if (event.id !== undefined) {
      if (data === null) this.#known.delete(name)
      else this.#known.set(name, data)
    }
    return { ...others, data } as never
  }
}

type Members = Readonly<Record<string, Json>>

const isObject = (value: Json | undefined): value is Members => Object(value) === value && !Array.isArray(value)

/** What a JSON Merge Patch (RFC 7396) makes of a value, which stays as it is. */
export function merged(before: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const members = new Map(isObject(before) ? Object.entries(before) : [])
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name)
    else members.set(name, merged(members.get(name), value))
  }
  // Not by assignment, so that a member named `__proto__` is one like any other.
  return Object.fromEntries(members)
}
