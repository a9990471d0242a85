/**
 * Who comes and goes, as messages [WP-9.5]. Many come at once, and everyone who is here is told of each of them: so what
 * one write has of a presence topic goes out as one message, and not as one for each.
 */
import { type Encoding, type LoggedEvent, presentAt, type Watch } from '@watchpost/core'
import { formatCursor, topicOf } from '@watchpost/protocol'

/** Events of one message. */
const EVENTS_MAX = 1_000

/** The encoding for what is watched. */
export const encodingFor = <Chunk>(encoding: Encoding<Chunk>, watch: Watch, epoch: string): Encoding<Chunk> =>
  watch.selection.filters.some((filter) => filter.startsWith('$')) ? bundling(encoding, epoch) : encoding

const bundling = <Chunk>(encoding: Encoding<Chunk>, epoch: string): Encoding<Chunk> => ({
  ...encoding,
  name: `${encoding.name}.bundles`,
  events: (events, shared) => encoding.events(bundled(events, epoch), shared),
})

/** The messages for events; a message of several has the offset of the last one. */
function bundled(events: readonly LoggedEvent[], epoch: string): readonly LoggedEvent[] {
  const messages: LoggedEvent[] = []
  for (let first = 0; first < events.length; ) {
    const end = endOfBundle(events, first)
    const together = events.slice(first, end)
    messages.push(together.length === 1 ? (together[0] as LoggedEvent) : bundleOf(together, epoch))
    first = end
  }
  return messages
}

/** Where those end that can go with the first in one message. */
function endOfBundle(events: readonly LoggedEvent[], first: number): number {
  const topic = topicOf((events[first] as LoggedEvent).json)
  let end = first + 1
  if (presentAt(topic) === undefined) return end
  for (; end < events.length && end - first < EVENTS_MAX; end++) {
    if (topicOf((events[end] as LoggedEvent).json) !== topic) break
  }
  return end
}

function bundleOf(events: readonly LoggedEvent[], epoch: string): LoggedEvent {
  const { offset, json } = events.at(-1) as LoggedEvent
  const cursor = formatCursor(epoch, { offset, trims: 0 })
  const texts = events.map((event) => event.json).join(',')
  const data = `{"topic":"${topicOf(json)}","cursor":"${cursor}","events":[${texts}]}`
  return { offset, json: `{"type":"events","data":${data},"timestamp":${timestampOf(json)}}` }
}

/** The time of the newest event, in quotes. */
const timestampOf = (json: string): string => json.slice(json.lastIndexOf('"timestamp":') + '"timestamp":'.length, -1)
