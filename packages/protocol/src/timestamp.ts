/** Times on the wire [WP-1.5]: RFC 3339, UTC, milliseconds. */

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt](?:[01]\d|2[0-3]):\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/

export const formatTimestamp = (epochMs: number): string => new Date(epochMs).toISOString()

/** Brings any RFC 3339 time to the form of the wire; `undefined` if it is none, or no day of the calendar. */
export function normalizeTimestamp(text: string): string | undefined {
  if (!RFC3339.test(text)) return undefined
  const upper = text.toUpperCase()
  const date = new Date(upper)
  if (Number.isNaN(date.getTime())) return undefined
  // Date accepts 30 February as 1 March; a day that does not survive the round trip was never one.
  const day = new Date(`${upper.slice(0, 10)}T00:00:00Z`)
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== upper.slice(0, 10)) return undefined
  const iso = date.toISOString()
  return iso.length === 24 ? iso : undefined
}
