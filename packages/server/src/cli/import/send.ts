/** Publishes a batch, and finds the records that a server refuses. */
import type { EventFault } from '@watchpost/protocol'
import { type Client, retrying } from '../client.ts'
import { CliFailure } from '../failure.ts'
import { RemoteProblem } from '../remote-failure.ts'
import type { Batch, Entry } from './batches.ts'
import type { ImportState } from './state.ts'

const FAILURES_MAX = 12

export interface Destination {
  readonly client: Client
  readonly path: string
  readonly state: ImportState
  readonly signal: AbortSignal
  /** Hears of each record that the server refuses. @throws to stop */
  readonly onFault: (entry: Entry, fault: string) => void
}

/**
 * Publishes a batch and writes down that it is done. Only one may be under way at a time: two requests at once could
 * reach the log in either order.
 * @throws CliFailure that names the bad record; RemoteProblem; Unreachable; Interrupted
 */
export async function send(batch: Batch, to: Destination): Promise<void> {
  const lines = batch.filter((entry) => entry.line !== undefined)
  if (lines.length > 0) {
    try {
      await publish(lines, batch, to)
    } catch (error) {
      if (!(error instanceof RemoteProblem)) throw error
      return sendWithout(batch, lines, error, to)
    }
  }
  to.state.acknowledge(batch)
}

async function publish(lines: Batch, batch: Batch, { client, path, state, signal }: Destination): Promise<void> {
  const headers = { 'content-type': 'application/x-ndjson', 'idempotency-key': state.keyOf(batch) }
  const body = lines.map(({ line }) => line).join('')
  // A batch that is under way is not given up by Ctrl-C, so that what was done is known; waiting between attempts is.
  const response = await retrying(() => client.request(path, { body, headers }), {
    ...{ signal, failuresMax: FAILURES_MAX, answered: state.records > state.resumedAt },
  })
  await response.arrayBuffer()
  if (response.headers.get('idempotent-replayed') === 'true') state.replayed += lines.length
}

/** Goes on from a refusal. A publish that was refused leaves its idempotency key unused [WP-3.10]. */
async function sendWithout(batch: Batch, lines: Batch, error: RemoteProblem, to: Destination): Promise<void> {
  if (error.is('idempotency-conflict')) {
    throw new CliFailure(
      `records ${batch[0]?.number} to ${batch.at(-1)?.number} were published within 24 hours from other batches; repeat --batch as it was then, or pass --again`,
    )
  }
  if (error.is('message-too-large') && batch.length > 1) {
    // Too large together, or one of them by itself: the halves will tell.
    const middle = Math.ceil(batch.length / 2)
    await send(batch.slice(0, middle), to)
    return send(batch.slice(middle), to)
  }
  const refused = refusedOf(lines, error)
  if (refused.length === 0) throw error
  for (const [entry, fault] of refused) to.onFault(entry, fault)
  const numbers = new Set(refused.map(([{ number }]) => number))
  const left = batch.map(({ number, record, line }) =>
    line === undefined || numbers.has(number) ? { number, record } : { number, record, line },
  )
  return send(left, to)
}

/** The entries that a server refused, in order, each with all that it said of it. */
function refusedOf(lines: Batch, error: RemoteProblem): readonly (readonly [Entry, string])[] {
  if (error.is('message-too-large')) return lines.map((entry) => [entry, `is too large: ${error.detail}`] as const)
  const byEvent = new Map<number, EventFault[]>()
  for (const fault of error.errors) byEvent.set(fault.event, [...(byEvent.get(fault.event) ?? []), fault])
  return [...byEvent].flatMap(([event, faults]) => {
    const entry = lines[event]
    return entry === undefined
      ? []
      : [[entry, `is refused: ${faults.map(({ path, message }) => `${path} ${message}`.trim()).join('; ')}`] as const]
  })
}
