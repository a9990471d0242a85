/** Watching by Server-Sent Events [WP-3.8], connecting again by itself for as long as that can help. */
import { type Event, type Gap, RESERVED_TYPES, type SseEvent, SseParser, type Welcome } from '@watchpost/protocol'
import { isPassing, RemoteProblem, Unreachable } from '../client.ts'
import { CliFailure, Interrupted } from '../failure.ts'
import { backoffMs, sleep } from '../retry.ts'
import { note, printable } from '../terminal.ts'
import type { Update, WatchedEvent, WatchRequest } from '../updates.ts'

const HEARTBEAT_MS = 15_000

/** A stream without even a bookmark for so many heartbeats is dead, though nobody closed it. */
const SILENT_HEARTBEATS = 2.5

const RETRY_MS = 2_000

/** What is known of the stream over all its connections. */
interface Progress {
  cursor: string | undefined
  heartbeatMs: number
  retryMs: number
  failures: number
  answered: boolean
}

/**
 * All there is after the starting point, then what comes, for ever; whoever has enough leaves.
 * @throws RemoteProblem when the server will never have it; Unreachable if it never answered; Interrupted
 */
export async function* stream(request: WatchRequest): AsyncGenerator<Update, never, void> {
  const progress: Progress = {
    ...{ cursor: request.after, heartbeatMs: HEARTBEAT_MS, retryMs: RETRY_MS },
    ...{ failures: 0, answered: false },
  }
  for (;;) {
    let why = 'the stream ended'
    try {
      for await (const update of connection(request, progress)) {
        yield update
        progress.cursor = update.cursor
      }
      progress.failures = 0
    } catch (error) {
      if (request.signal.aborted) throw new Interrupted()
      if (!isPassing(error) || !progress.answered) throw error
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

/** One connection, until it ends. */
async function* connection(request: WatchRequest, progress: Progress): AsyncGenerator<Update, void, void> {
  const { client, path, view, last, signal } = request
  const silence = new Silence(() => progress.heartbeatMs * SILENT_HEARTBEATS)
  const query = { ...view, after: progress.cursor, last: progress.cursor === undefined ? last : undefined }
  const either = AbortSignal.any([signal, silence.signal])
  try {
    const response = await client.request(path, { query, headers: { accept: 'text/event-stream' }, signal: either })
    if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true || response.body === null) {
      throw new CliFailure(`${client.base} does not answer with a stream; check --url, or pass --transport long-poll`)
    }
    progress.answered = true
    const reader = new UpdateReader(progress)
    const decoder = new TextDecoder()
    for await (const chunk of response.body) {
      // The time that the reader of stdout takes is not the server's.
      silence.stop()
      yield* reader.read(decoder.decode(chunk as Uint8Array, { stream: true }))
      silence.start()
    }
  } catch (error) {
    if (error instanceof CliFailure && !silence.signal.aborted) throw error
    throw new Unreachable(client.base, silence.signal.aborted ? new Error('silent for too long') : error)
  } finally {
    silence.stop()
  }
}

/** Makes updates of the text of a stream. */
class UpdateReader {
  readonly #progress: Progress
  readonly #parser: SseParser
  #messages: SseEvent[] = []

  constructor(progress: Progress) {
    this.#progress = progress
    this.#parser = new SseParser((message) => this.#messages.push(message))
  }

  /** The news of a piece of text: its events together, each control message by itself. @throws RemoteProblem for `error` */
  *read(text: string): Generator<Update, void, void> {
    this.#parser.push(text)
    const messages = this.#messages
    this.#messages = []
    this.#progress.retryMs = this.#parser.retryMs ?? this.#progress.retryMs
    let events: WatchedEvent[] = []
    let cursor = ''
    for (const message of messages) {
      if (!RESERVED_TYPES.has(message.event)) {
        events.push({ event: JSON.parse(message.data) as Event, json: message.data })
        cursor = message.id
        continue
      }
      if (events.length > 0) yield { events, cursor }
      events = []
      yield* this.#control(message)
    }
    if (events.length > 0) yield { events, cursor }
  }

  *#control({ event, id, data }: SseEvent): Generator<Update, void, void> {
    const message = JSON.parse(data) as { readonly data?: unknown; readonly error?: RemoteError }
    if (event === 'error') {
      const { type = '/problems/internal', message: detail = 'The server ended the stream.' } = message.error ?? {}
      throw new RemoteProblem(200, { type, detail })
    }
    if (event === 'welcome') {
      this.#progress.heartbeatMs = (message.data as Welcome).heartbeatMs
      this.#progress.failures = 0
      yield { events: [], cursor: id }
    } else if (event === 'gap') {
      yield { events: [], cursor: id, gap: message.data as Gap }
    } else if (event === 'bookmark') {
      yield { events: [], cursor: id, caughtUp: true }
    }
  }
}

interface RemoteError {
  readonly type?: string
  readonly message?: string
}

/** Aborts when nothing was heard for too long. */
class Silence {
  readonly #controller = new AbortController()
  readonly #forMs: () => number
  #timer: NodeJS.Timeout | undefined

  constructor(forMs: () => number) {
    this.#forMs = forMs
    this.start()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  start(): void {
    this.#timer = setTimeout(() => this.#controller.abort(), this.#forMs())
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
