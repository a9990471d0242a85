/**
 * A watch by WebSocket. A browser does not open one again, so that is done here: from the last cursor, and with delays
 * that grow and are scattered, so that the clients of a server that was away don't come back in step.
 */

const SUBPROTOCOL = 'watchpost.v1.json'
const DELAY_MS = 1_000
const DELAY_MS_MAX = 30_000
/** Until the server says its own. */
const HEARTBEAT_MS = 15_000
/** Pages are not told of pings, but a subscription has a bookmark each heartbeat. */
const SILENT_HEARTBEATS = 3
/** With these codes, or a 4xxx that is not known, the same would happen again. */
const ENDED = new Set([1002, 1003, 1007, 1008, 1009, 1010])
const ENDED_FOR_NOW = new Set([4408, 4429])

/** @param {number} failures */
const backoffMs = (failures) =>
  Math.min(DELAY_MS_MAX, DELAY_MS * 2 ** Math.min(10, failures - 1)) * (0.5 + Math.random() / 2)

export class SocketConnection {
  #ends
  /** @type {WebSocket | undefined} */
  #socket
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  #heartbeatMs = HEARTBEAT_MS
  #heardMs = 0
  #failures = 0
  /** How long the server asked to wait. @type {number | undefined} */
  #askedMs

  /** @param {import('./stream.js').Ends} ends */
  constructor(ends) {
    this.#ends = ends
    this.#open()
  }

  close() {
    clearTimeout(this.#timer)
    this.#socket?.close()
    this.#socket = undefined
  }

  #open() {
    const url = new URL(this.#ends.path(), location.href)
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
    const socket = new WebSocket(url, SUBPROTOCOL)
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      if (this.#socket === socket) this.#take(data)
    })
    socket.addEventListener('close', ({ code }) => {
      if (this.#socket === socket) this.#closed(code)
    })
    this.#heardMs = performance.now()
    this.#listen()
  }

  /** Leaves a socket that died without a word. */
  #listen() {
    this.#timer = setTimeout(() => {
      const isSilent = performance.now() - this.#heardMs > SILENT_HEARTBEATS * this.#heartbeatMs
      if (isSilent) this.#again()
      else this.#listen()
    }, this.#heartbeatMs)
  }

  /** @param {string} raw */
  #take(raw) {
    const message = JSON.parse(raw)
    this.#heardMs = performance.now()
    if (message.type === 'welcome') {
      this.#heartbeatMs = message.data.heartbeatMs
      this.#failures = 0
      clearTimeout(this.#timer)
      this.#listen()
      this.#ends.onStatus('live')
    } else if (message.type === 'goodbye') {
      this.#askedMs = message.data.retryAfter * 1_000
      this.#ends.onStatus('reconnecting')
    }
    this.#ends.onMessage(message, raw, cursorOf(message))
  }

  /** @param {number} code */
  #closed(code) {
    if (!ENDED.has(code) && (code < 4000 || ENDED_FOR_NOW.has(code))) return this.#again()
    this.close()
    this.#ends.onStatus('stopped')
  }

  #again() {
    this.close()
    this.#ends.onStatus('reconnecting')
    const inMs = this.#askedMs ?? backoffMs(++this.#failures)
    this.#askedMs = undefined
    this.#timer = setTimeout(() => this.#open(), inMs)
  }
}

/** That of `welcome` is where the socket begins; where its subscription does is said by `subscribed`. @param {any} message @returns {string} */
function cursorOf({ type, id, data }) {
  if (type === 'welcome') return ''
  return id ?? data?.earliest ?? data?.cursor ?? ''
}
