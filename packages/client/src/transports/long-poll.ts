/** Long polls [WP-3.7], for networks through which nothing else gets. */
import { remedyOf, WatchpostError } from '../error.ts'
import { json } from '../request.ts'
import type { Patched } from '../state.ts'
import { fetching } from './fetching.ts'
import { deliver, watchQuery } from './stream.ts'
import type { Opening, Transport } from './transport.ts'

interface Page {
  readonly events: readonly Patched[]
  readonly cursor: string
}

/** @throws WatchpostError */
async function poll(opening: Opening, waitSeconds: number, signal: AbortSignal): Promise<void> {
  const { settings, subscriptions, token, hearing } = opening
  const query = { ...watchQuery(opening), wait: waitSeconds }
  // An answer may take some time of its own.
  const ready = (): void => hearing.ready({ silenceMsMax: settings.waitSeconds * 1_000 + settings.probeMs * 2 })
  try {
    const asked = { query, signal, token, heard: () => hearing.heard() }
    const { events, cursor } = await json<Page>(settings, '/v1/events', asked)
    if (signal.aborted) return
    ready()
    for (const event of events) deliver(subscriptions(), event)
    for (const subscription of subscriptions()) subscription.bookmark(cursor)
  } catch (error) {
    if (signal.aborted || !(error instanceof WatchpostError) || remedyOf(error) !== 'earliest') throw error
    const [only, ...others] = subscriptions()
    // It does not say whose events are lost.
    if (others.length > 0) return hearing.split()
    ready()
    only?.gap({ after: only.start.after ?? '', earliest: String(error.members.earliest) })
  }
}

export const longPoll: Transport = {
  name: 'long-poll',
  canHold: true,
  open: (opening) =>
    fetching(opening, async (signal, room) => {
      // The first one does not wait, so that it tells at once where to go on, and that this way is open.
      for (let waitSeconds = 0; !signal.aborted; waitSeconds = opening.settings.waitSeconds) {
        await poll(opening, waitSeconds, signal)
        await room()
      }
    }),
}
