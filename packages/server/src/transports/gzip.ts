/**
 * Compressed chunks that are made once and sent to clients whose streams began at different times [WP-3.8].
 *
 * A client's stream is one gzip member (RFC 1952): the header, then chunks, then an end. A chunk is whole blocks of
 * deflate (RFC 1951) that end on a byte boundary and refer to nothing before them, so it decodes the same after whatever
 * a client was sent, and as soon as it arrives.
 *
 * The end has a checksum and the length of all that this one client was sent. Browsers, Node and curl do without it; the
 * gzip readers of Go, Java and Python then report a stream that was cut off.
 */
import { constants, crc32, deflateRawSync } from 'node:zlib'

/** A chunk of a compressed stream, and what a client's checksum needs to go on over it. */
export interface GzipChunk {
  readonly bytes: Buffer
  /** How many bytes it decodes to. */
  readonly rawBytes: number
  /** The CRC-32 of what it decodes to. */
  readonly crc: number
  /** Multiplied by this, a checksum is that of the same bytes with `rawBytes` zeros after them. */
  readonly shift: number
}

/** Below this a block that is only stored costs little more, and no time at all. */
const COMPRESSED_FROM_BYTES = 1_024

/** Deflate, no name, no time, of no known system (RFC 1952, section 2.3). */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])

/** A last block that has nothing in it. */
const LAST_BLOCK = Buffer.from([3, 0])

/** Compresses bytes for any client, at whatever place of its stream. Few are only stored. */
export const gzipChunk = (raw: Buffer): GzipChunk =>
  chunkOf(raw, raw.length < COMPRESSED_FROM_BYTES ? storedBlock(raw) : compressedBlocks(raw))

const chunkOf = (raw: Buffer, bytes: Buffer): GzipChunk => ({
  bytes,
  rawBytes: raw.length,
  crc: crc32(raw),
  shift: shiftOf(raw.length),
})

/** At most 65,535 bytes as they are (RFC 1951, section 3.2.4). */
function storedBlock(raw: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt16LE(raw.length, 1)
  head.writeUInt16LE(raw.length ^ 0xffff, 3)
  return Buffer.concat([head, raw])
}

/** The fastest level: of events as JSON the default one makes a tenth fewer bytes, in more than twice the time. */
const compressedBlocks = (raw: Buffer): Buffer =>
  deflateRawSync(raw, { level: constants.Z_BEST_SPEED, finishFlush: constants.Z_SYNC_FLUSH })

/** One client's compressed stream. */
export class GzipStream {
  #crc = 0
  #rawBytes = 0

  /** The first bytes of the stream: at most 65,535, for this client alone, so not worth the time to compress. */
  begin(raw: Buffer): Buffer {
    return Buffer.concat([HEADER, this.tell(raw)])
  }

  /** The bytes to send for a frame of at most 65,535 bytes that is for this client alone. */
  tell(raw: Buffer): Buffer {
    return this.add(chunkOf(raw, storedBlock(raw)))
  }

  /** The bytes to send for a chunk. */
  add(chunk: GzipChunk): Buffer {
    this.#crc = multiply(chunk.shift, this.#crc) ^ chunk.crc
    this.#rawBytes += chunk.rawBytes
    return chunk.bytes
  }

  /** The last bytes of the stream, at most 65,535, and its end. */
  end(raw: Buffer): Buffer {
    const last = this.tell(raw)
    const trailer = Buffer.alloc(8)
    trailer.writeUInt32LE(this.#crc >>> 0)
    trailer.writeUInt32LE(this.#rawBytes % 2 ** 32, 4)
    return Buffer.concat([last, LAST_BLOCK, trailer])
  }
}

// A CRC-32 is a remainder of polynomials over GF(2), whose highest power stands in the lowest bit. Appending n bytes
// multiplies what was there by x^8n, and adds (by exclusive or) the remainder of those bytes. So a client's checksum
// goes on over a chunk in one multiplication, however long the chunk is.

/** x^32, as what is left of it. */
const POLYNOMIAL = 0xedb88320

const ONE = 0x80000000
const X_TO_THE_8TH = 0x00800000

function multiply(left: number, right: number): number {
  let product = 0
  let factor = right
  for (let bit = 31; bit >= 0; bit--) {
    // A mask of all ones or none in the place of a branch, which the processor could only guess.
    product ^= factor & -((left >>> bit) & 1)
    factor = (factor >>> 1) ^ (POLYNOMIAL & -(factor & 1))
  }
  return product
}

/** x^8n. */
function shiftOf(bytes: number): number {
  let power = X_TO_THE_8TH
  let product = ONE
  for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) product = multiply(product, power)
    power = multiply(power, power)
  }
  return product
}
