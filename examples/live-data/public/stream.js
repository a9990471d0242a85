/**
 * Watches by an `EventSource` or a WebSocket, one at a time. Both ask for the same path, and get the same events and
 * cursors, so whichever is opened goes on where the other one stopped.
 */

import { SocketConnection } from './socket.js'
import { SourceConnection } from './source.js'

/**
 * @template {string} Type
 * @template Data
 * @typedef {{ type: Type, topic: string, id: string, key?: string, data: Data, timestamp: string }} EventOf
 */
/** @typedef {{ id: string, kind: string, place: string, magnitude: number, longitude: number, latitude: number, depthKm: number }} QuakeData */
/** @typedef {{ cpuPercent: number | null, cores: number, load1m: number | null, memoryUsedBytes: number, memoryTotalBytes: number }} SampleData */
/** @typedef {EventOf<'priceUpdate', { symbol: string, price: number }>} PriceUpdate */
/** @typedef {EventOf<'quake', QuakeData>} Quake */
/** @typedef {EventOf<'sample', SampleData>} Sample */
/** @typedef {EventOf<'note', { text: string, author?: string }>} Note */
/** What config.ts defines. @typedef {PriceUpdate | Quake | Sample | Note} WatchedEvent */
/** @typedef {{ reason: 'trimmed' | 'epoch', after: string, earliest: string }} Gap */
/** @typedef {'sse' | 'websocket'} Transport */
/** @typedef {'connecting' | 'live' | 'reconnecting' | 'stopped'} Status */

/**
 * @typedef {object} Handlers
 * @property {(event: WatchedEvent, raw: string) => void} onEvent
 * @property {(status: Status) => void} onStatus
 * @property {(gap: Gap) => void} onGap
 * @property {(cursor: string) => void} onCursor
 */

/** A connection that was closed tells nothing more. @typedef {{ close(): void }} Connection */

/**
 * What a connection needs of the stream, and tells it.
 * @typedef {object} Ends
 * @property {readonly string[]} types of the events to come
 * @property {() => string} path asks for what comes after the last message that was told of
 * @property {(message: any, raw: string, cursor: string) => void} onMessage with the cursor after it, if it has one
 * @property {(status: Status) => void} onStatus
 */

export class Stream {
  #topics
  #types
  #handlers
  #cursor = 'earliest'
  /** @type {Connection | undefined} */
  #connection

  /**
   * @param {string} topics a topic or a pattern. One subscription for all keeps one cursor for all: several of one socket
   *   stand in several places, from which no single stream could go on.
   * @param {readonly string[]} types
   * @param {Handlers} handlers
   */
  constructor(topics, types, handlers) {
    this.#topics = topics
    this.#types = types
    this.#handlers = handlers
  }

  /** Watches by this transport from now on. @param {Transport} transport */
  use(transport) {
    this.#connection?.close()
    this.#handlers.onStatus('connecting')
    const ends = {
      types: this.#types,
      path: () => this.#path(),
      onMessage: this.#take.bind(this),
      onStatus: this.#handlers.onStatus,
    }
    this.#connection = transport === 'sse' ? new SourceConnection(ends) : new SocketConnection(ends)
  }

  #path() {
    const query = new URLSearchParams([...this.#types.map((type) => ['type', type]), ['after', this.#cursor]])
    return `/v1/topics/${this.#topics}?${query}`
  }

  /** @param {any} message @param {string} raw @param {string} cursor */
  #take(message, raw, cursor) {
    if (message.type === 'gap') this.#handlers.onGap(message.data)
    else if (this.#types.includes(message.type)) this.#handlers.onEvent(message, raw)
    if (cursor === '') return
    this.#cursor = cursor
    this.#handlers.onCursor(cursor)
  }
}
