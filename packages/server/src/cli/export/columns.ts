/** Events as rows of CSV: type, topic, id, key, timestamp, then the members of data, `data.symbol` and so on. */
import type { EphemeralEvent, Event, Json } from '@watchpost/protocol'
import { stringify } from 'csv-stringify/sync'

const EVENT_COLUMNS: readonly string[] = ['type', 'topic', 'id', 'key', 'timestamp']

/** An event's cells by column. Arrays are one cell of JSON. */
function cellsOf({ type, topic, id = '', key, timestamp, data }: Event | EphemeralEvent): ReadonlyMap<string, string> {
  const cells = new Map([
    ...Object.entries({ type, topic, id, timestamp }),
    ...(key === undefined ? [] : [['key', key] as const]),
  ])
  flatten('data', data, cells)
  return cells
}

function flatten(name: string, value: Json, cells: Map<string, string>): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [member, inner] of Object.entries(value)) flatten(`${name}.${member}`, inner as Json, cells)
  } else if (value !== null) {
    cells.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value))
  }
}

/** The columns that some events need. */
export function columnsOf(events: readonly (Event | EphemeralEvent)[]): readonly string[] {
  const names = new Set(events.flatMap((event) => [...cellsOf(event).keys()]))
  return [...EVENT_COLUMNS, ...[...names].filter((name) => !EVENT_COLUMNS.includes(name))]
}

export const headerOf = (columns: readonly string[]): string => stringify([[...columns]])

/** The rows of some events, and the columns that they would have needed beside those that there are. */
export function rowsOf(
  events: readonly (Event | EphemeralEvent)[],
  columns: readonly string[],
): { readonly text: string; readonly missing: readonly string[] } {
  const known = new Set(columns)
  const missing = new Set<string>()
  const rows = events.map((event) => {
    const cells = cellsOf(event)
    for (const name of cells.keys()) if (!known.has(name) && name.startsWith('data')) missing.add(name)
    return columns.map((name) => cells.get(name) ?? '')
  })
  return { text: stringify(rows), missing: [...missing] }
}
