/** What a subscription on a WebSocket is told, as frames. */
import type { Encoding } from '@watchpost/core'
import { encodeControl } from '@watchpost/protocol'
import { type Format, JSON_FORMAT, MSGPACK_FORMAT } from './formats.ts'
import { frames } from './frames.ts'

/** What all connections share that agreed to the same format and compression. */
export const webSocketEncoding = (format: Format, compressed: boolean): Encoding<Buffer> =>
  ENCODINGS[format.name][compressed ? 'compressed' : 'plain']

/**
 * Frames in a format, for the connections that agreed to the same compression. A subscription has one topic filter, which
 * is how its client knows which one a bookmark or gap belongs to [WP-4.4].
 */
function encodingOf(format: Format, compressed: boolean): Encoding<Buffer> {
  const control = (type: 'bookmark' | 'gap', data: object, timestamp: string): Buffer =>
    frames([format.payload(encodeControl(type, data, timestamp))], compressed)
  return {
    name: `websocket.${format.name}${compressed ? '.deflate' : ''}`,
    // What goes to one client alone is not worth the time, of which there would be much when many are catching up.
    events: (events, shared) =>
      frames(
        events.map(({ json }) => format.payload(json)),
        compressed && shared,
      ),
    bookmark: (cursor, timestamp, [topic]) => control('bookmark', { topic, cursor }, timestamp),
    gap: (gap, timestamp, [topic]) => control('gap', { topic, ...gap }, timestamp),
  }
}

const bothOf = (format: Format): { readonly plain: Encoding<Buffer>; readonly compressed: Encoding<Buffer> } => ({
  plain: encodingOf(format, false),
  compressed: encodingOf(format, true),
})

const ENCODINGS = { json: bothOf(JSON_FORMAT), msgpack: bothOf(MSGPACK_FORMAT) } as const
