/** Server-Sent Events [WP-3.8], read at the pace of whoever handles them. */
import { type Event, RESERVED_TYPES, type SseEvent, SseParser } from '@watchpost/protocol'
import type { Delivery, Driver, Watching, WatchRequest } from '../driver.ts'
import { eventDelivery, eventsOf } from '../events.ts'
import { postOne, postOneEphemeral } from '../publish.ts'
import { Refusal, refusalOf } from '../refusal.ts'
import { startingUrl } from '../target.ts'

class SseWatching implements Watching {
  cursor: string | undefined
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #cut: () => void
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  readonly #frames: SseEvent[] = []
  readonly #parser = new SseParser((frame) => this.#frames.push(frame))
  #isLeft = false

  constructor(body: ReadableStream<Uint8Array>, cut: () => void) {
    this.#reader = body.getReader()
    this.#cut = cut
  }

  async next(): Promise<Delivery | undefined> {
    for (;;) {
      const frame = await this.#nextFrame()
      if (frame === undefined || frame.event === 'goodbye') return undefined
      if (frame.event === 'events') {
        this.#frames.unshift(...framesOf(frame))
        continue
      }
      const delivery = deliveryOf(frame)
      if (delivery === undefined) continue
      this.cursor = delivery.cursor ?? this.cursor
      return delivery
    }
  }

  async leave(): Promise<void> {
    this.#isLeft = true
    await this.#reader.cancel()
  }

  cut(): void {
    this.#isLeft = true
    this.#cut()
  }

  async #nextFrame(): Promise<SseEvent | undefined> {
    while (this.#frames.length === 0 && !this.#isLeft) {
      // A connection that broke is one to come back from, like one that ended.
      const chunk = await this.#reader.read().catch(() => undefined)
      if (chunk?.value === undefined) return undefined
      this.#parser.push(this.#decoder.decode(chunk.value, { stream: true }))
    }
    return this.#isLeft ? undefined : this.#frames.shift()
  }
}

/** The events of a message of several [WP-9.5], as if each had come by itself. */
function framesOf({ id, data }: SseEvent): readonly SseEvent[] {
  const events = eventsOf((JSON.parse(data) as { readonly data: unknown }).data, id)
  return events.map((event) => ({ id: event.id, event: event.type, data: JSON.stringify(event) }))
}

/** What a client makes of a frame; nothing of a control message that it does not know [WP-1.2]. */
function deliveryOf({ id, event: type, data }: SseEvent): Delivery | undefined {
  const message = JSON.parse(data) as Event & { readonly data: Record<string, unknown>; readonly error?: object }
  if (message.type !== type) throw new Error(`a frame of ${type} holds a message of type ${message.type}`)
  if (!RESERVED_TYPES.has(type)) return eventDelivery(message, data, id)
  if (type === 'error') throw new Refusal(undefined, { ...message.error })
  if (type === 'gap') {
    return { kind: 'gap', cursor: id, reason: String(message.data['reason']), after: String(message.data['after']) }
  }
  return type === 'welcome' || type === 'bookmark' ? { kind: 'bookmark', cursor: id } : undefined
}

export const sse: Driver = {
  name: 'sse',
  transport: 'sse',
  startsAt: 'latest',
  async watch(baseUrl, request: WatchRequest) {
    const ending = new AbortController()
    const headers = { accept: 'text/event-stream' }
    const response = await fetch(startingUrl(baseUrl, request), { headers, signal: ending.signal })
    if (response.status !== 200 || response.body === null) {
      throw refusalOf(response.status, response.headers.get('content-type'), await response.text())
    }
    const watching = new SseWatching(response.body as ReadableStream<Uint8Array>, () => ending.abort())
    // `welcome` comes first, and says where the stream starts.
    const first = await watching.next()
    if (first?.kind !== 'bookmark') throw new Error(`a stream must begin with welcome, not ${JSON.stringify(first)}`)
    return watching
  },
  publish: postOne,
  publishEphemeral: postOneEphemeral,
}
