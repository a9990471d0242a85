/**
 * Watches through one `EventSource`. It reconnects by itself and tells the server the last cursor it saw; the one case
 * in which a browser gives up, an error status from whatever stands between, is mended here with that cursor.
 */

const CONTROL_TYPES = ['welcome', 'bookmark', 'gap', 'goodbye']
const REOPEN_MS = 3_000

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
/** @typedef {'connecting' | 'live' | 'reconnecting'} Status */

/**
 * @typedef {object} Handlers
 * @property {(event: WatchedEvent, raw: string) => void} onEvent
 * @property {(status: Status) => void} onStatus
 * @property {(gap: Gap) => void} onGap
 * @property {(cursor: string) => void} onCursor
 */

/**
 * @param {readonly string[]} topics
 * @param {readonly string[]} types an `EventSource` has no listener for all types, so each must be named
 * @param {Handlers} handlers
 */
export function watch(topics, types, handlers) {
  let cursor = 'earliest'

  const open = () => {
    const query = new URLSearchParams([...topics.map((topic) => ['topic', topic]), ['after', cursor]])
    const source = new EventSource(`/v1/events?${query}`)
    for (const type of [...CONTROL_TYPES, ...types]) {
      source.addEventListener(type, (message) => take(/** @type {MessageEvent<string>} */ (message)))
    }
    source.addEventListener('error', () => {
      handlers.onStatus('reconnecting')
      if (source.readyState === EventSource.CLOSED) setTimeout(open, REOPEN_MS)
    })
  }

  /** @param {MessageEvent<string>} message */
  const take = ({ data, lastEventId }) => {
    const message = JSON.parse(data)
    if (message.type === 'welcome') handlers.onStatus('live')
    else if (message.type === 'gap') handlers.onGap(message.data)
    else if (message.type === 'goodbye') handlers.onStatus('reconnecting')
    else if (message.type !== 'bookmark') handlers.onEvent(message, data)
    if (lastEventId !== '') {
      cursor = lastEventId
      handlers.onCursor(cursor)
    }
  }

  handlers.onStatus('connecting')
  open()
}
