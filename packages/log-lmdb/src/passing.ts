/**
 * Events that are not stored [WP-9.3]. They are held for a moment, so that every process on the store can take them, in the
 * transactions of those that are stored and in their order. What a transaction holds too much of, the next one lets go.
 */
import type { PassingEvent } from '@watchpost/core'
import type { PassingOptions } from './options.ts'
import { metaNumber, OFFSET_MAX, read48, type Store, write48 } from './store.ts'

/** One that is held; `total` counts the bytes of all that ever passed, this one included. */
interface Held {
  readonly offset: number
  readonly appendedMs: number
  readonly total: number
}

const HEAD_BYTES = 18

/** How many one transaction lets go, so that a backlog of them holds up nobody. */
const LET_GO_MAX = 20_000

/** An event that passes after the stored one at `offset`. */
export interface Passing {
  readonly offset: number
  readonly json: string
}

/** Takes events in. Runs in a write transaction. */
export function pass(store: Store, events: readonly Passing[], nowMs: number): void {
  let passed = metaNumber(store, 'passed')
  let { total } = newest(store) ?? { total: 0 }
  for (const { offset, json } of events) {
    const size = Buffer.byteLength(json)
    const value = Buffer.allocUnsafe(HEAD_BYTES + size)
    total += size
    write48(value, write48(value, write48(value, 0, offset), nowMs), total)
    value.write(json, HEAD_BYTES)
    store.passing.putSync(++passed, value)
  }
  store.meta.putSync('passed', passed)
}

/** Lets go of what is too old, or too much. Runs in a write transaction. */
export function letGo(store: Store, bounds: PassingOptions, nowMs: number): void {
  const last = newest(store)
  if (last === undefined) return
  const passed = metaNumber(store, 'passed')
  const going: number[] = []
  // Read one by one, and only as far as they are to go: mostly that is none of thousands.
  for (const { key, value } of store.passing.getRange({ start: 0, limit: LET_GO_MAX })) {
    const { appendedMs, total } = heldOf(value)
    const bytes = last.total - total + value.length - HEAD_BYTES
    const isOver =
      key <= passed - bounds.eventsMax ||
      // The newest is held in any case, or nobody else would be told of it.
      (bytes > bounds.bytesMax && key < passed) ||
      Math.abs(nowMs - appendedMs) >= bounds.ageMs
    if (!isOver) break
    going.push(key)
  }
  for (const key of going) store.passing.removeSync(key)
}

/** Whether what is held longest is too old. Cheap, and takes no write lock. */
export function isStale(store: Store, { ageMs }: PassingOptions, nowMs: number): boolean {
  for (const { value } of store.passing.getRange({ start: 0, limit: 1 })) {
    return Math.abs(nowMs - heldOf(value).appendedMs) >= ageMs
  }
  return false
}

/** The first `eventsMax` with numbers above `after`. */
export function readPassing(store: Store, after: number, eventsMax: number): readonly PassingEvent[] {
  const events: PassingEvent[] = []
  for (const { key, value } of store.passing.getRange({ start: after + 1, limit: eventsMax })) {
    events.push({ passing: key, offset: heldOf(value).offset, json: value.toString('utf8', HEAD_BYTES) })
  }
  return events
}

function newest(store: Store): Held | undefined {
  for (const { value } of store.passing.getRange({ start: OFFSET_MAX, end: 0, reverse: true, limit: 1 })) {
    return heldOf(value)
  }
  return undefined
}

const heldOf = (value: Buffer): Held => ({
  offset: read48(value, 0),
  appendedMs: read48(value, 6),
  total: read48(value, 12),
})
