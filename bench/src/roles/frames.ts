/** As much of WebSocket (RFC 6455) as a benchmark needs: the client's handshake, and frames in both directions. */

/** The key of every handshake here; a server's answer to it is always the same. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** What a frame is, as the lower half of its first byte says. */
export const OPCODES = { text: 1, ping: 9, pong: 10 } as const

/** The first bit of an extension in a frame's first byte: with permessage-deflate, the message is compressed. */
export const COMPRESSED = 0x40

/** The longest payload whose length fits the two bytes that each frame begins with. Events are longer. */
export const SHORT_BYTES_MAX = 125

/** A client's handshake; `headers` are whole lines. */
export const handshake = (path: string, ...headers: readonly string[]): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: bench',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${KEY}`,
    ...headers,
    '\r\n',
  ].join('\r\n')

/** Hands the head of an HTTP answer to `onHead`, once it is whole, and all bytes after it to `next`. */
export function afterHead(onHead: (head: string) => void, next: (bytes: Buffer) => void): (bytes: Buffer) => void {
  let head = ''
  let isOver = false
  return (bytes) => {
    if (isOver) return next(bytes)
    head += bytes.toString('latin1')
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    isOver = true
    onHead(head.slice(0, end))
    next(Buffer.from(head.slice(end + 4), 'latin1'))
  }
}

/** A text frame from a server, so without a mask. */
export function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text)
  if (bytes > 0xffff) throw new RangeError(`a frame of ${bytes} bytes; no event here is over 65535`)
  const headBytes = bytes <= SHORT_BYTES_MAX ? 2 : 4
  const frame = Buffer.allocUnsafe(headBytes + bytes)
  frame[0] = 0x80 | OPCODES.text
  frame[1] = headBytes === 2 ? bytes : 126
  if (headBytes === 4) frame.writeUInt16BE(bytes, 2)
  frame.write(text, headBytes)
  return frame
}

/** A short frame from a client. Its mask is 0, which leaves the payload as it is. */
export const clientFrame = (opcode: number, payload: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)])

/** Takes a whole frame: its first byte, and its payload from `start` to `end` of `bytes`, which hold only during the call. */
export type OnFrame = (first: number, bytes: Buffer, start: number, end: number) => void

const NOTHING: Buffer = Buffer.alloc(0)

/** Finds the frames in what a server sends. It makes nothing per frame, since it is the server that is measured. */
export class FrameReader {
  readonly #onFrame: OnFrame
  #rest = NOTHING

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (at + 2 <= bytes.length) {
      const code = (bytes[at + 1] ?? 0) & 0x7f
      const start = at + (code <= SHORT_BYTES_MAX ? 2 : code === 126 ? 4 : 10)
      if (start > bytes.length) break
      const end = start + payloadBytes(bytes, at, code)
      if (end > bytes.length) break
      this.#onFrame(bytes[at] ?? 0, bytes, start, end)
      at = end
    }
    this.#rest = at === bytes.length ? NOTHING : Buffer.from(bytes.subarray(at))
  }
}

function payloadBytes(bytes: Buffer, at: number, code: number): number {
  if (code <= SHORT_BYTES_MAX) return code
  return code === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
}
