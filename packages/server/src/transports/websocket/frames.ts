/**
 * WebSocket frames as a server sends them (RFC 6455, section 5.2): unmasked, each message in one frame [WP-4.2]. They are
 * built once for all who are sent the same, which is why this is not left to the library that each connection uses.
 */
import { constants, deflateRawSync } from 'node:zlib'

/** A message: text, which becomes a text frame, or bytes, which become a binary frame. */
export type Payload = string | Uint8Array

/** Compressing less than this costs more time than it saves [WP-4.2]. */
export const COMPRESS_FROM_BYTES = 1_024

// The first byte of a frame: it is the last of its message, whether it is compressed, and what it carries.
const FINAL = 0x80
const COMPRESSED = 0x40
const TEXT = 0x01
const BINARY = 0x02

// The second byte holds a length up to 125, or says that it follows in two bytes or in eight.
const LENGTH_7_MAX = 125
const LENGTH_16 = 126
const LENGTH_16_MAX = 0xffff
const LENGTH_64 = 127

/** What a sync flush ends with; the receiver puts it back (RFC 7692, section 7.2.1). */
const FLUSH_TAIL_BYTES = 4

/** Level 1: every message is compressed anew, in the event loop. Level 3 takes half as long again to save a tenth more. */
const DEFLATE = { level: constants.Z_BEST_SPEED, finishFlush: constants.Z_SYNC_FLUSH }

interface Frame {
  readonly firstByte: number
  readonly payload: Payload
  readonly bytes: number
}

/**
 * All messages as frames, one after the other.
 * @param compressed whether `permessage-deflate` without context takeover was agreed to; then messages of
 *   {@link COMPRESS_FROM_BYTES} and more are compressed, unless that makes them no smaller
 */
export function frames(payloads: readonly Payload[], compressed: boolean): Buffer {
  const list = payloads.map(compressed ? deflatedFrame : plainFrame)
  let bytes = 0
  for (const frame of list) bytes += headBytes(frame.bytes) + frame.bytes
  const target = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const frame of list) at = writeFrame(target, at, frame)
  return target
}

function plainFrame(payload: Payload): Frame {
  return typeof payload === 'string'
    ? { firstByte: FINAL | TEXT, payload, bytes: Buffer.byteLength(payload) }
    : { firstByte: FINAL | BINARY, payload, bytes: payload.length }
}

function deflatedFrame(payload: Payload): Frame {
  const plain = plainFrame(payload)
  if (plain.bytes < COMPRESS_FROM_BYTES) return plain
  const deflated = deflateRawSync(payload, DEFLATE)
  const bytes = deflated.length - FLUSH_TAIL_BYTES
  if (bytes >= plain.bytes) return plain
  return { firstByte: plain.firstByte | COMPRESSED, payload: deflated.subarray(0, bytes), bytes }
}

function headBytes(bytes: number): number {
  if (bytes <= LENGTH_7_MAX) return 2
  return bytes <= LENGTH_16_MAX ? 4 : 10
}

/** Writes a frame at a place that has room for it; answers the place after it. */
function writeFrame(target: Buffer, start: number, { firstByte, payload, bytes }: Frame): number {
  const at = start + headBytes(bytes)
  target[start] = firstByte
  if (bytes <= LENGTH_7_MAX) {
    target[start + 1] = bytes
  } else if (bytes <= LENGTH_16_MAX) {
    target[start + 1] = LENGTH_16
    target.writeUInt16BE(bytes, start + 2)
  } else {
    target[start + 1] = LENGTH_64
    target.writeBigUInt64BE(BigInt(bytes), start + 2)
  }
  if (typeof payload !== 'string') target.set(payload, at)
  // A text that is as long as its bytes is ASCII, and faster to copy as what it then is as well.
  else target.write(payload, at, bytes === payload.length ? 'latin1' : 'utf8')
  return at + bytes
}
