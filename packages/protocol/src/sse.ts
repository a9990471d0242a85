/**
 * The codec of Server-Sent Events (WHATWG HTML, section 9.2). Line ends are CR, LF or CRLF; a stream may begin with a
 * byte order mark; an event without data is not dispatched, but its `id` counts.
 */

/** A frame to encode. `data` may have several lines; `id` and `event` may not. `retryMs` is a whole number. */
export interface SseFrame {
  readonly id?: string
  readonly event?: string
  readonly data?: string
  readonly retryMs?: number
  readonly comment?: string
}

/** A dispatched event, as an `EventSource` would see it. `id` is the last event id at that point. */
export interface SseEvent {
  readonly id: string
  readonly event: string
  readonly data: string
}

const LINE_END = /\r\n|\r|\n/

/** Encodes any frame. A line end in `id` or `event` would forge a field, and a NUL would lose the `id`, so they throw a `TypeError`. */
export function encodeSse(frame: SseFrame): string {
  let text = ''
  if (frame.comment !== undefined) text += lines(':', frame.comment)
  if (frame.retryMs !== undefined) text += `retry: ${frame.retryMs}\n`
  if (frame.id !== undefined) text += `id: ${oneLine('id', frame.id)}\n`
  if (frame.event !== undefined) text += `event: ${oneLine('event', frame.event)}\n`
  if (frame.data !== undefined) text += lines('data:', frame.data)
  return `${text}\n`
}

/** The hot path of {@link encodeSse}: `id` is a cursor, `event` a type name and `json` JSON text, none of which can hold a line end. */
export const encodeSseEvent = (id: string, event: string, json: string): string =>
  `id: ${id}\nevent: ${event}\ndata: ${json}\n\n`

const lines = (field: string, text: string): string =>
  text
    .split(LINE_END)
    .map((line) => `${field} ${line}\n`)
    .join('')

function oneLine(field: string, text: string): string {
  // A NUL would make every client ignore the id [WHATWG HTML, 9.2.6].
  if (LINE_END.test(text) || text.includes('\0')) throw new TypeError(`an SSE ${field} must be one line without NUL`)
  return text
}

/**
 * Parses a stream that arrives in chunks of decoded text, split anywhere. `bufferMax` bounds what a stream without line
 * ends, or an event without an end, can make it hold, in UTF-16 units; past it `push` throws a `RangeError`.
 */
export class SseParser {
  readonly #onEvent: (event: SseEvent) => void
  readonly #bufferMax: number
  #rest = ''
  #started = false
  #afterCr = false
  #data: string[] = []
  #dataLength = 0
  #event = ''
  #pendingId = ''
  /** The last event id, as the next `Last-Event-ID` would carry it. */
  lastEventId = ''
  /** The latest `retry` of the stream, in milliseconds. */
  retryMs: number | undefined

  constructor(onEvent: (event: SseEvent) => void, options: { readonly bufferMax?: number } = {}) {
    this.#onEvent = onEvent
    this.#bufferMax = options.bufferMax ?? 16_777_216
  }

  push(chunk: string): void {
    let text = chunk
    if (!this.#started && text !== '') {
      this.#started = true
      if (text.startsWith('\uFEFF')) text = text.slice(1)
    }
    // A CR at the end of the last chunk ended its line already; an LF that follows it is the same line end.
    if (this.#afterCr && text !== '') {
      if (text.startsWith('\n')) text = text.slice(1)
      this.#afterCr = false
    }
    if (text.endsWith('\r')) this.#afterCr = true
    // The rest is known to hold no line end, so only what is new is searched: a long line in bits costs its length.
    const parts = text.split(LINE_END)
    parts[0] = this.#rest + (parts[0] ?? '')
    this.#rest = parts.pop() ?? ''
    for (const line of parts) this.#line(line)
    if (this.#rest.length + this.#dataLength > this.#bufferMax) {
      throw new RangeError(`an SSE event is longer than ${this.#bufferMax} characters`)
    }
  }

  #line(line: string): void {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    this.#field(field, value)
  }

  #field(field: string, value: string): void {
    if (field === 'data') {
      this.#data.push(value)
      this.#dataLength += value.length + 1
    } else if (field === 'event') {
      this.#event = value
    } else if (field === 'id') {
      if (!value.includes('\0')) this.#pendingId = value
    } else if (field === 'retry' && /^\d+$/.test(value)) {
      this.retryMs = Number(value)
    }
  }

  #dispatch(): void {
    const data = this.#data
    const event = this.#event === '' ? 'message' : this.#event
    this.#data = []
    this.#dataLength = 0
    this.#event = ''
    this.lastEventId = this.#pendingId
    if (data.length > 0) this.#onEvent({ id: this.lastEventId, event, data: data.join('\n') })
  }
}
