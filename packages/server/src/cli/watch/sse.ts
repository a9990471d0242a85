/** Watching by Server-Sent Events [WP-3.8]. */
import { type SseEvent, SseParser } from '@watchpost/protocol'
import { CliFailure } from '../failure.ts'
import type { Update, WatchRequest } from '../updates.ts'
import { connectionFailure, type Progress, queryOf, Silence } from './live.ts'
import { type Message, type MessageBody, updatesOf } from './messages.ts'

/**
 * One stream, until it ends.
 * @throws CliFailure if what answers is no stream, and for what {@link connectionFailure} makes of other failures
 */
export async function* sse(request: WatchRequest, progress: Progress): AsyncGenerator<Update, void, void> {
  const { client, path, signal } = request
  const silence = new Silence(progress)
  const either = AbortSignal.any([signal, silence.signal])
  try {
    const headers = { accept: 'text/event-stream' }
    const response = await client.request(path, { query: queryOf(request, progress), headers, signal: either })
    if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true || response.body === null) {
      throw new CliFailure(`${client.base} does not answer with a stream; check --url, or pass --transport long-poll`)
    }
    progress.answered = true
    const reader = new Reader()
    const decoder = new TextDecoder()
    for await (const chunk of response.body) {
      silence.stop()
      const messages = reader.read(decoder.decode(chunk as Uint8Array, { stream: true }))
      progress.retryMs = reader.retryMs ?? progress.retryMs
      yield* updatesOf(messages, progress)
      silence.start()
    }
  } catch (error) {
    throw connectionFailure(error, request, silence)
  } finally {
    silence.stop()
  }
}

/** Makes messages of the text of a stream. */
class Reader {
  readonly #parser = new SseParser((message) => this.#frames.push(message))
  #frames: SseEvent[] = []

  /** How long the stream asks to wait before connecting again. */
  get retryMs(): number | undefined {
    return this.#parser.retryMs
  }

  read(text: string): readonly Message[] {
    this.#parser.push(text)
    const frames = this.#frames
    this.#frames = []
    return frames.map(({ id, data }) => ({ cursor: id, json: data, body: JSON.parse(data) as MessageBody }))
  }
}
