/** Watching by a WebSocket that is subscribed from the start [WP-4.1]. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { type RawData, WebSocket } from 'ws'
import { CliFailure, Interrupted } from '../failure.ts'
import { RemoteProblem, Unreachable } from '../remote-failure.ts'
import type { Update, WatchRequest } from '../updates.ts'
import { connectionFailure, type Progress, queryOf, RETRY_MS, Silence } from './live.ts'
import { type Message, type MessageBody, updatesOf } from './messages.ts'
import { Renewal } from './renewal.ts'

const SUBPROTOCOL = 'watchpost.v1.json'

/** How long the server may take to answer a close. */
const LEAVE_MS = 1_000

/** The server, or a proxy before it, closed in good order; 1005 is a close without a code. */
const CLOSED_WELL: ReadonlySet<number> = new Set([1000, 1001, 1005])

/** After these the same would happen again [WP-4.9], and so it would after any 4xxx that is not known. */
const CLOSED_FOR_GOOD: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009, 1010])
const CLOSED_FOR_NOW: ReadonlySet<number> = new Set([4408, 4429])

/**
 * One socket, until it ends.
 * @throws RemoteProblem for a handshake that is refused and for an `error`; CliFailure if what answers is no WebSocket or
 *   would end it the same way again; and what {@link connectionFailure} makes of other failures
 */
export async function* webSocket(request: WatchRequest, progress: Progress): AsyncGenerator<Update, void, void> {
  const { client, path, signal } = request
  const silence = new Silence(progress)
  const headers = client.credentials.headers()
  // Redirects are followed as `fetch` does for the other transports, to other hosts without `authorization`.
  const options = { followRedirects: true, headers }
  const socket = new WebSocket(client.url(path, queryOf(request, progress)), SUBPROTOCOL, options)
  const inbox = new Inbox(socket, client.base, AbortSignal.any([signal, silence.signal]))
  socket.on('ping', () => silence.heard())
  // A server says how patient to be only when it leaves, so what the last one said does not count for this one.
  socket.on('open', () => (progress.retryMs = RETRY_MS))
  const renewal = new Renewal(socket, client.credentials)
  try {
    for (;;) {
      silence.start()
      const messages = await inbox.next()
      silence.stop()
      if (messages.length === 0) return
      yield* beating(socket, progress.heartbeatMs, updatesOf(renewal.withoutItsOwn(messages), progress))
    }
  } catch (error) {
    throw connectionFailure(error, request, silence)
  } finally {
    silence.stop()
    renewal.stop()
    leave(socket)
  }
}

/**
 * Hands updates on. While the reader of stdout takes its time nothing is read, not even pings; so the server is told by
 * itself, once a heartbeat, that somebody is there.
 */
async function* beating(
  socket: WebSocket,
  heartbeatMs: number,
  updates: Generator<Update, void, void>,
): AsyncGenerator<Update, void, void> {
  const beat = setInterval(() => socket.pong(), heartbeatMs)
  try {
    yield* updates
  } finally {
    clearInterval(beat)
  }
}

/** Closes in good order, and leaves a server that does not answer that. */
function leave(socket: WebSocket): void {
  socket.removeAllListeners('message')
  socket.resume()
  socket.close()
  setTimeout(() => socket.terminate(), LEAVE_MS).unref()
}

/** What came and was not taken yet, and how it ended. Once something waits no more is read, so it stays small. */
class Inbox {
  readonly #socket: WebSocket
  readonly #base: string
  readonly #signal: AbortSignal
  #texts: string[] = []
  #end: { readonly error?: Error } | undefined
  #wake: () => void = () => undefined

  /** @param signal ends it at once, also if something waits */
  constructor(socket: WebSocket, base: string, signal: AbortSignal) {
    this.#socket = socket
    this.#base = base
    this.#signal = signal
    socket.on('message', (data) => this.#take(data))
    socket.on('close', (code, reason) => this.#closed(code, reason.toString()))
    socket.on('error', (error) => this.#ended(new Unreachable(base, error)))
    socket.on('unexpected-response', (request, response) => void this.#refused(request, response))
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  /** What came since, at least one message; none once all was taken and the connection ended well. @throws how it ended else */
  async next(): Promise<readonly Message[]> {
    this.#socket.resume()
    while (this.#texts.length === 0 && this.#end === undefined && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#signal.aborted) throw new Interrupted()
    const texts = this.#texts
    this.#texts = []
    if (texts.length === 0 && this.#end?.error !== undefined) throw this.#end.error
    return texts.map(messageOf)
  }

  #take(data: RawData): void {
    // Text comes as one Buffer, as long as `binaryType` is not changed.
    this.#texts.push((data as Buffer).toString())
    this.#socket.pause()
    this.#wake()
  }

  #ended(error?: Error): void {
    this.#end ??= error === undefined ? {} : { error }
    this.#wake()
  }

  #closed(code: number, reason: string): void {
    if (CLOSED_WELL.has(code)) return this.#ended()
    const how = code === 1006 ? 'the connection broke' : `closed with ${code}${reason === '' ? '' : `: ${reason}`}`
    const isForGood = CLOSED_FOR_GOOD.has(code) || (code >= 4000 && !CLOSED_FOR_NOW.has(code))
    if (!isForGood) return this.#ended(new Unreachable(this.#base, new Error(how)))
    this.#ended(new CliFailure(`${this.#base} would end this again (${how}); pass --transport sse`))
  }

  /** A handshake that was not answered with 101 is a request like any other. */
  async #refused(request: ClientRequest, response: IncomingMessage): Promise<void> {
    const { statusCode: status = 0 } = response
    try {
      if (status >= 300) return this.#ended(RemoteProblem.of(status, await text(response)))
      this.#ended(
        new CliFailure(`${this.#base} does not answer with a WebSocket; check --url, or pass --transport sse`),
      )
    } catch (error) {
      this.#ended(new Unreachable(this.#base, error))
    } finally {
      request.destroy()
    }
  }
}

function messageOf(json: string): Message {
  const body = JSON.parse(json) as SocketMessage
  return { json, body, cursor: cursorOf(body) }
}

interface SocketMessage extends MessageBody {
  readonly id?: string
  readonly data?: { readonly cursor?: string; readonly earliest?: string }
}

/** That of `welcome` is where the socket begins, but not its subscription. */
function cursorOf({ type, id, data }: SocketMessage): string {
  if (type === 'welcome') return ''
  return id ?? data?.earliest ?? data?.cursor ?? ''
}
