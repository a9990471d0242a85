/** The two languages of a WebSocket [WP-4.2]. */
import { inspect } from 'node:util'
import { Packr, Unpackr } from 'msgpackr'

/** A message as it came: its members and, in JSON, its text. */
export interface Decoded {
  readonly message: Readonly<Record<string, unknown>>
  readonly text: string | undefined
}

export interface Codec {
  readonly name: 'json' | 'msgpack'
  readonly subprotocol: string
  encode(message: object): string | Buffer
  /** @throws Error for a frame of the wrong kind, or what is no message */
  decode(frame: Buffer, isBinary: boolean): Decoded
}

export const json: Codec = {
  name: 'json',
  subprotocol: 'watchpost.v1.json',
  encode: (message) => JSON.stringify(message),
  decode(frame, isBinary) {
    if (isBinary) throw new Error('JSON must come in text frames')
    const text = frame.toString('utf8')
    return { message: asMessage(JSON.parse(text)), text }
  },
}

const packr = new Packr({ useRecords: false, variableMapSize: true })
// As maps, so that no name of a member means anything to the decoder, such as `__proto__`.
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false, int64AsType: 'number' })

export const msgpack: Codec = {
  name: 'msgpack',
  subprotocol: 'watchpost.v1.msgpack',
  encode: (message) => packr.pack(message),
  decode(frame, isBinary) {
    if (!isBinary) throw new Error('MessagePack must come in binary frames')
    return { message: asMessage(plain(unpackr.unpack(frame))), text: undefined }
  },
}

/** The JSON value that a decoded one stands for. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([name, member]) => [memberName(name), plain(member)]))
  }
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value
  throw new Error(`a message holds what JSON has no word for: ${inspect(value)}`)
}

function memberName(name: unknown): string {
  if (typeof name === 'string') return name
  throw new Error(`a member is not named by a string, but by ${inspect(name)}`)
}

function asMessage(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Error(`a message must be an object, not ${JSON.stringify(value)}`)
}
