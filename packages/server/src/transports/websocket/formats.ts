/** What messages look like on a WebSocket, by the subprotocol that was agreed on [WP-4.2]. */
import { decodeText, nestsDeeper, parseJson } from '../../formats/json.ts'
import type { Payload } from './frames.ts'
import { decodeMessagePack } from './msgpack-reader.ts'
import { encodeMessagePack } from './msgpack-writer.ts'

/** A way to write and read messages. */
export interface Format {
  readonly name: 'json' | 'msgpack'
  /** The name that clients ask for it by. */
  readonly subprotocol: string
  /** What to send for a message, which is given as JSON text. */
  payload(json: string): Payload
  /**
   * The value that a client sent.
   * @param depthMax how deep arrays and objects may nest in each other; 0 allows none
   * @throws RangeError which says what is wrong, quotes nothing of the message, and may be shown to the client
   */
  read(data: Uint8Array, depthMax: number): unknown
}

export const JSON_FORMAT: Format = {
  name: 'json',
  subprotocol: 'watchpost.v1.json',
  payload: (json) => json,
  read(data, depthMax) {
    const text = decodeText(data, 'The message')
    if (nestsDeeper(text, depthMax)) throw new RangeError(`The message nests deeper than ${depthMax} levels.`)
    return parseJson(text, 'The message')
  },
}

export const MSGPACK_FORMAT: Format = {
  name: 'msgpack',
  subprotocol: 'watchpost.v1.msgpack',
  payload: encodeMessagePack,
  read: decodeMessagePack,
}

/** The one that is spoken if the client does not care comes first. */
export const FORMATS: readonly Format[] = [JSON_FORMAT, MSGPACK_FORMAT]
