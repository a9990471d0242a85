/** Reads the state of a keyed topic [WP-9.1], a page at a time, in the order of its keys as UTF-8. */
import type { LoggedEvent, StateScan, StateScanned } from '@watchpost/core'
import { keyOf, parseCursor } from '@watchpost/protocol'
import { STATE_KEY_BYTES_MAX, type StateKey, type Store } from './store.ts'

export function readState(store: Store, scan: StateScan): StateScanned {
  const number = store.topics.get(scan.topic)?.[0]
  if (number === undefined) return { events: [] }
  const found = scan.keys === undefined ? allKeys(store, number, scan.afterKey) : someKeys(store, number, scan)
  const events: LoggedEvent[] = []
  let characters = 0
  let lastKey: string | undefined
  for (const json of found) {
    characters += json.length
    const full = events.length >= scan.eventsMax || characters > scan.charactersMax
    if (full && lastKey !== undefined) return { events, nextAfterKey: lastKey }
    events.push({ offset: offsetOfEvent(json), json })
    lastKey = keyOf(json)
  }
  return { events }
}

function* allKeys(store: Store, number: number, afterKey: string | undefined): Iterable<string> {
  const start: StateKey = [number, afterKey ?? '']
  const range = { start, end: [number + 1, ''] as StateKey, exclusiveStart: afterKey !== undefined }
  for (const { value } of store.state.getRange(range)) yield value
}

function* someKeys(store: Store, number: number, scan: StateScan): Iterable<string> {
  const after = scan.afterKey === undefined ? undefined : Buffer.from(scan.afterKey)
  const keys = [...new Set(scan.keys)].map((key) => ({ key, bytes: Buffer.from(key) }))
  keys.sort((a, b) => a.bytes.compare(b.bytes))
  for (const { key, bytes } of keys) {
    if (bytes.length > STATE_KEY_BYTES_MAX || (after !== undefined && bytes.compare(after) <= 0)) continue
    const json = store.state.get([number, key])
    if (json !== undefined) yield json
  }
}

/** An event's id is the cursor just after it, and so holds its offset. */
function offsetOfEvent(json: string): number {
  const start = json.indexOf('","id":"') + 8
  return parseCursor(json.slice(start, json.indexOf('"', start)))?.offset ?? 0
}
