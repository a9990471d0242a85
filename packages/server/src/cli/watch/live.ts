/** Watching live, whatever carries it: connection after connection, for as long as that can help. */
import type { Query } from '../client.ts'
import { CliFailure, Interrupted } from '../failure.ts'
import { isPassing, Unreachable } from '../remote-failure.ts'
import { backoffMs, sleep } from '../retry.ts'
import { note, printable } from '../terminal.ts'
import type { Update, WatchRequest } from '../updates.ts'

const HEARTBEAT_MS = 15_000

/** A connection without even a bookmark for so many heartbeats is dead, though nobody closed it. */
const SILENT_HEARTBEATS = 3

/** How long to wait before connecting again, when the server said nothing better. */
export const RETRY_MS = 2_000

/** What is known of the watch over all its connections. */
export interface Progress {
  cursor: string | undefined
  heartbeatMs: number
  retryMs: number
  failures: number
  answered: boolean
}

/** One connection, until it ends; what it asks for goes on from the cursor of the progress. */
export type Connect = (request: WatchRequest, progress: Progress) => AsyncGenerator<Update, void, void>

/**
 * All there is after the starting point, then what comes, for ever; whoever has enough leaves.
 * @throws RemoteProblem when the server will never have it; Unreachable if it never answered; Interrupted
 */
export async function* live(request: WatchRequest, connect: Connect): AsyncGenerator<Update, never, void> {
  const progress: Progress = {
    ...{ cursor: request.after, heartbeatMs: HEARTBEAT_MS, retryMs: RETRY_MS },
    ...{ failures: 0, answered: false },
  }
  for (;;) {
    let why = 'the stream ended'
    try {
      for await (const update of connect(request, progress)) {
        yield update
        progress.cursor = update.cursor
      }
      progress.failures = 0
    } catch (error) {
      if (request.signal.aborted) throw new Interrupted()
      if (!progress.answered) throw error
      if (await request.client.credentials.renewed(error, request.signal)) continue
      if (!isPassing(error)) throw error
      progress.failures++
      why = (error as Error).message.split('\n')[0] ?? ''
    }
    await pause(request, progress, why)
  }
}

async function pause(request: WatchRequest, { failures, retryMs }: Progress, why: string): Promise<void> {
  // A server that ends a stream in good order has scattered its clients itself.
  const inMs = failures === 0 ? retryMs : backoffMs(failures, retryMs)
  note(`${printable(why)}; connecting again in ${(inMs / 1_000).toFixed(1)} s`)
  await sleep(inMs, request.signal)
}

/** The query of a connection: the view, from where the last connection stopped. */
export function queryOf({ view, last }: WatchRequest, { cursor }: Progress): Query {
  return { ...view, after: cursor, last: cursor === undefined ? last : undefined }
}

/** Aborts when nothing was heard for too long. It begins to listen at once. */
export class Silence {
  readonly #controller = new AbortController()
  readonly #progress: Progress
  #timer: NodeJS.Timeout | undefined

  constructor(progress: Progress) {
    this.#progress = progress
    this.start()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  start(): void {
    this.stop()
    this.#timer = setTimeout(() => this.#controller.abort(), this.#progress.heartbeatMs * SILENT_HEARTBEATS)
  }

  /** A sign of life, which counts while somebody listens. */
  heard(): void {
    if (this.#timer !== undefined) this.start()
  }

  /** The time that the reader of stdout takes is not the server's. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** What a connection that failed is told of as: what says enough already, or else that the server is away. */
export function connectionFailure(error: unknown, { client }: WatchRequest, silence: Silence): CliFailure {
  if (silence.signal.aborted) return new Unreachable(client.base, new Error('silent for too long'))
  return error instanceof CliFailure ? error : new Unreachable(client.base, error)
}
