/**
 * A watch by `EventSource`. It connects again by itself and tells the server the last cursor it saw; the one case in
 * which a browser gives up, an error status from whatever stands between, is mended here with that cursor.
 */

const CONTROL_TYPES = ['welcome', 'bookmark', 'gap', 'goodbye']
const REOPEN_MS = 3_000

export class SourceConnection {
  #ends
  /** @type {EventSource | undefined} */
  #source
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #reopening

  /** @param {import('./stream.js').Ends} ends */
  constructor(ends) {
    this.#ends = ends
    this.#open()
  }

  close() {
    clearTimeout(this.#reopening)
    this.#source?.close()
    this.#source = undefined
  }

  #open() {
    const source = new EventSource(this.#ends.path())
    this.#source = source
    // There is no listener for all types, so each must be named.
    for (const type of [...CONTROL_TYPES, ...this.#ends.types]) {
      source.addEventListener(type, (message) => {
        if (this.#source === source) this.#take(message)
      })
    }
    source.addEventListener('error', () => {
      if (this.#source !== source) return
      this.#ends.onStatus('reconnecting')
      if (source.readyState === EventSource.CLOSED) this.#reopening = setTimeout(() => this.#open(), REOPEN_MS)
    })
  }

  /** @param {MessageEvent<string>} message */
  #take({ data, lastEventId }) {
    const message = JSON.parse(data)
    if (message.type === 'welcome') this.#ends.onStatus('live')
    else if (message.type === 'goodbye') this.#ends.onStatus('reconnecting')
    this.#ends.onMessage(message, data, lastEventId)
  }
}
