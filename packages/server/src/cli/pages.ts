/** Watching by pages and long polls [WP-3.7], for `watch` and `export`. */
import { type Event, LIMITS } from '@watchpost/protocol'
import { type Client, retrying } from './client.ts'
import { RemoteProblem } from './remote-failure.ts'
import type { Update, WatchRequest } from './updates.ts'

const FAILURES_MAX = 10

interface Page {
  readonly events: readonly Event[]
  readonly cursor: string
  readonly more: boolean
}

/** How to ask for pages. `limit` is the most events of each; without `waitSeconds` a page is answered at once. */
export interface PageOptions {
  readonly limit: number
  readonly waitSeconds?: number
}

/**
 * Page after page, for ever; whoever has enough leaves. An update is `caughtUp` if the server had no more than that.
 * @throws RemoteProblem, Unreachable or Interrupted
 */
export async function* pages(request: WatchRequest, options: PageOptions): AsyncGenerator<Update, never, void> {
  let { after } = request
  let last = after === undefined ? request.last : undefined
  for (let answered = false; ; answered = true) {
    const update = await nextPage({ ...request, after, last }, options, answered)
    yield update
    after = update.cursor
    last = undefined
  }
}

async function nextPage(request: WatchRequest, options: PageOptions, answered: boolean): Promise<Update> {
  const { client, path, view, after, last, signal } = request
  // The first poll only learns where it stands, so that one that breaks while it waits loses nothing.
  const wait = after === undefined && options.waitSeconds !== undefined ? 0 : options.waitSeconds
  const query = { ...view, after, last, limit: options.limit, wait }
  try {
    // Silence is news to nobody, so a server may be away for as long as a poll would have waited, and longer.
    const failuresMax = options.waitSeconds === undefined ? FAILURES_MAX : Number.POSITIVE_INFINITY
    const page = await retrying(() => client.json<Page>(path, { query, signal }), { signal, failuresMax, answered })
    const events = page.events.map((event) => ({ event, json: JSON.stringify(event) }))
    return { events, cursor: page.cursor, caughtUp: !page.more }
  } catch (error) {
    const mayRenew = answered && options.waitSeconds !== undefined
    if (mayRenew && (await client.credentials.renewed(error, signal))) return nextPage(request, options, answered)
    return gapOf(error, after)
  }
}

/** @throws the error, if it is not that of a gap [WP-2.4] */
function gapOf(error: unknown, after = ''): Update {
  if (!(error instanceof RemoteProblem) || !error.is('cursor-expired') || error.earliest === undefined) throw error
  // The problem does not say which it was; for whoever watches, either means that events are gone.
  return { events: [], cursor: error.earliest, gap: { reason: 'trimmed', after, earliest: error.earliest } }
}

/** The most events that a server puts on a page, as it says itself [WP-3.12]. */
export async function pageEventsMax(client: Client, signal: AbortSignal): Promise<number> {
  const answer = await client.json<{ readonly limits?: { readonly pageEventsMax?: number } }>('/v1/topics', { signal })
  return answer.limits?.pageEventsMax ?? LIMITS.pageEventsMax.default
}
