/** Events as clients take them from messages: one by itself, or several of a presence topic [WP-9.5]. */
import { ok, strictEqual } from 'node:assert/strict'
import type { EphemeralEvent, Event } from '@watchpost/protocol'
import type { EphemeralDelivery, EventDelivery } from './driver.ts'

/** An event of either kind; without an id it is one that is not stored [WP-9.3]. */
export function eventDelivery(
  event: Event | EphemeralEvent,
  text: string | undefined,
  cursor: string | undefined,
): EventDelivery | EphemeralDelivery {
  return event.id === undefined ? { kind: 'ephemeral', event, text, cursor } : { kind: 'event', event, text, cursor }
}

/**
 * The events of a message of several.
 * @throws AssertionError if it is none that may be sent
 */
export function eventsOf(data: unknown, cursor: string | undefined): readonly Event[] {
  const message = data as { readonly topic: string; readonly cursor: string; readonly events: readonly Event[] }
  const { topic, events } = message
  ok(topic.startsWith('$presence/'), `events of ${topic} may not be sent in one message`)
  ok(events.length > 1 && events.length <= 1_000, `a message of ${events.length} events`)
  for (const event of events) strictEqual(event.topic, topic)
  strictEqual(message.cursor, events.at(-1)?.id)
  if (cursor !== undefined) strictEqual(cursor, message.cursor)
  return events
}
