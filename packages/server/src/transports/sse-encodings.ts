/** Frames of Server-Sent Events [WP-3.8] as bytes, so that all members of a feed are written the same ones. */
import type { Encoding } from '@watchpost/core'
import { encodeControl, encodeSse, encodeSseEvent, formatCursor, typeOf } from '@watchpost/protocol'
import { type GzipChunk, gzipChunk } from './gzip.ts'

export function sseEncoding(epoch: string): Encoding<Buffer> {
  return {
    name: 'sse',
    events: (events) =>
      Buffer.from(
        events
          .map(({ offset, json, passing }) =>
            // Without an id, the client's last one stays.
            passing === undefined
              ? encodeSseEvent(formatCursor(epoch, { offset, trims: 0 }), typeOf(json), json)
              : encodeSse({ event: typeOf(json), data: json }),
          )
          .join(''),
      ),
    bookmark: (cursor, timestamp) =>
      Buffer.from(encodeSseEvent(cursor, 'bookmark', encodeControl('bookmark', { cursor }, timestamp))),
    gap: (gap, timestamp) => Buffer.from(encodeSseEvent(gap.earliest, 'gap', encodeControl('gap', gap, timestamp))),
  }
}

/** The same frames compressed. */
export function sseGzipEncoding(epoch: string): Encoding<GzipChunk> {
  const plain = sseEncoding(epoch)
  return {
    name: 'sse-gzip',
    events: (events, shared) => gzipChunk(plain.events(events, shared)),
    bookmark: (...told) => gzipChunk(plain.bookmark(...told)),
    gap: (...told) => gzipChunk(plain.gap(...told)),
  }
}
