/** Shows events: a line of JSON each for programs, or a line for people. */
import type { Gap } from '@watchpost/protocol'
import { hasColours, note, painter, printable } from '../terminal.ts'
import type { WatchedEvent } from '../updates.ts'

export type WatchFormat = 'pretty' | 'ndjson'

/** The text of one event, with its line end. */
export type Printer = (event: WatchedEvent) => string

export function printerFor(format: WatchFormat): Printer {
  return format === 'ndjson' ? ({ json }) => `${json}\n` : prettyPrinter()
}

function prettyPrinter(): Printer {
  const paint = painter(process.stdout)
  return ({ event }) => {
    const { type, topic, key, data, timestamp } = event
    const time = paint('dim', timeOf(timestamp))
    const shownKey = key === undefined ? '' : ` ${paint('yellow', printable(key))}`
    return `${time} ${paint('cyan', printable(topic))} ${paint('bold', printable(type))}${shownKey} ${printable(JSON.stringify(data))}\n`
  }
}

/** The time of today as a clock shows it here, any other with its date. */
function timeOf(timestamp: string): string {
  const date = new Date(timestamp)
  if (Number.isNaN(date.getTime())) return timestamp
  const clock = `${date.toLocaleTimeString('en-GB')}.${String(date.getMilliseconds()).padStart(3, '0')}`
  const isToday = date.toDateString() === new Date().toDateString()
  return isToday ? clock : `${date.toLocaleDateString('sv-SE')} ${clock}`
}

export function noteGap({ reason, after }: Gap): void {
  const why = reason === 'epoch' ? 'the log was replaced' : 'they are no longer kept'
  const text = `gap: events after ${after === '' ? 'the start' : after} can't be delivered (${why}); going on with the earliest that is left`
  note(hasColours(process.stderr) ? painter(process.stderr)('red', printable(text)) : printable(text))
}
