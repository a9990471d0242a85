/** Long polls [WP-3.7], for networks through which nothing else gets. */
import { remedyOf, type WatchpostError } from '../error.ts'
import { json, pause } from '../request.ts'
import type { Patched } from '../state.ts'
import { fetching } from './fetching.ts'
import { deliver, watchQuery } from './stream.ts'
import type { Opening, Transport } from './transport.ts'

/** A page; or, where one can't be had [WP-2.4], just the cursor to go on from. */
interface Answer {
  readonly events: readonly Patched[]
  readonly cursor: string
  readonly earliest?: string
}

/** Between two polls if there was nothing: one that waits can be answered early, as one whose credentials end is. */
const PAUSE_MS = 200

/** Whether there was something. @throws WatchpostError; what `signal` was aborted with */
async function poll(opening: Opening, waitSeconds: number, signal: AbortSignal): Promise<unknown> {
  const { settings, subscriptions, token, hearing } = opening
  const query = { ...watchQuery(opening), wait: waitSeconds }
  const asked = { query, signal, token, heard: () => hearing.heard() }
  const page = json<Answer>(settings, '/v1/events', asked)
  const { events, cursor, earliest } = await page.catch((error: WatchpostError) => {
    if (remedyOf(error) !== 'earliest') throw error
    return error.members as unknown as Answer
  })
  signal.throwIfAborted()
  const [first, second] = subscriptions()
  // It does not say whose events are lost.
  if (earliest !== undefined && second) return hearing.split()
  // An answer may take some time of its own.
  hearing.ready({ silenceMsMax: settings.waitSeconds * 1_000 + settings.probeMs * 2 })
  if (earliest !== undefined) return first?.gap({ after: first.start.after ?? '', earliest })
  for (const event of events) deliver(subscriptions(), event)
  for (const subscription of subscriptions()) subscription.bookmark(cursor)
  return events[0]
}

export const longPoll: Transport = {
  name: 'long-poll',
  canHold: true,
  open: (opening) =>
    fetching(opening, async (signal, room) => {
      // The first one does not wait, so that it tells at once where to go on, and that this way is open.
      for (let waitSeconds = 0; !signal.aborted; waitSeconds = opening.settings.waitSeconds) {
        if (!(await poll(opening, waitSeconds, signal))) await pause(PAUSE_MS, [signal])
        await room()
      }
    }),
}
