/**
 * Writes JSON values as MessagePack [WP-4.2], each in its shortest form, with integers of up to 32 bits: many clients read
 * longer ones as something that is no number, so those are sent as doubles, which is what they are in JSON too.
 * The format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
import type { Json } from '@watchpost/protocol'

/** The MessagePack of a value that is given as JSON text. Recurses as deep as the value nests. */
export function encodeMessagePack(json: string): Buffer {
  output.begin()
  output.value(JSON.parse(json) as Json)
  return output.taken()
}

const STARTING_BYTES = 65_536
/** More than this is not kept for the next value. */
const KEPT_BYTES = 1_048_576

/** The longest head of a value: its kind and eight bytes. */
const HEAD_BYTES_MAX = 9

/** Up to this length a loop over ASCII is quicker than to ask for the bytes of a text and then to write them. */
const SHORT_CHARACTERS = 40

class Output {
  #bytes = Buffer.allocUnsafeSlow(STARTING_BYTES)
  #at = 0

  begin(): void {
    this.#at = 0
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(STARTING_BYTES)
  }

  /** A copy of what was written. */
  taken(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#at))
  }

  value(value: Json): void {
    switch (typeof value) {
      case 'string':
        return this.#string(value)
      case 'number':
        return this.#number(value)
      case 'boolean':
        return this.#byte(value ? 0xc3 : 0xc2)
      default:
        if (value === null) this.#byte(0xc0)
        else if (Array.isArray(value)) this.#array(value as readonly Json[])
        else this.#map(value as { readonly [name: string]: Json })
    }
  }

  #array(items: readonly Json[]): void {
    this.#sized(items.length, { few: 0x90, fewMax: 15, in16: 0xdc, in32: 0xdd })
    for (const item of items) this.value(item)
  }

  #map(object: { readonly [name: string]: Json }): void {
    const names = Object.keys(object)
    this.#sized(names.length, { few: 0x80, fewMax: 15, in16: 0xde, in32: 0xdf })
    for (const name of names) {
      this.#string(name)
      this.value(object[name] as Json)
    }
  }

  #string(text: string): void {
    if (text.length <= SHORT_CHARACTERS && this.#shortAscii(text)) return
    const bytes = Buffer.byteLength(text)
    this.#sized(bytes, { few: 0xa0, fewMax: 31, in8: 0xd9, in16: 0xda, in32: 0xdb })
    this.#makeRoom(bytes)
    // Half of a surrogate pair alone, which UTF-8 has no form for, becomes U+FFFD.
    this.#at += this.#bytes.write(text, this.#at)
  }

  /** Answers whether the text is ASCII throughout, and was written. */
  #shortAscii(text: string): boolean {
    this.#makeRoom(text.length)
    const start = this.#at
    let at = start + (text.length > 31 ? 2 : 1)
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) return false
      this.#bytes[at++] = unit
    }
    if (text.length > 31) this.#bytes[start] = 0xd9
    this.#bytes[at - text.length - 1] = text.length > 31 ? text.length : 0xa0 | text.length
    this.#at = at
    return true
  }

  #number(value: number): void {
    if (!Number.isInteger(value) || value > 0xffff_ffff || value < -0x8000_0000 || Object.is(value, -0)) {
      this.#byte(0xcb)
      this.#at = this.#bytes.writeDoubleBE(value, this.#at)
    } else if (value >= 0) this.#natural(value)
    else this.#negative(value)
  }

  #natural(value: number): void {
    if (value <= 0x7f) this.#byte(value)
    else if (value <= 0xff) this.#head(0xcc, value, 1)
    else if (value <= 0xffff) this.#head(0xcd, value, 2)
    else this.#head(0xce, value, 4)
  }

  #negative(value: number): void {
    if (value >= -0x20) this.#byte(0x100 + value)
    else if (value >= -0x80) this.#head(0xd0, 0x100 + value, 1)
    else if (value >= -0x8000) this.#head(0xd1, 0x1_0000 + value, 2)
    else this.#head(0xd2, 0x1_0000_0000 + value, 4)
  }

  /** The head of what has a length, in the shortest form that there is for it. */
  #sized(length: number, kinds: SizedKinds): void {
    if (length <= kinds.fewMax) this.#byte(kinds.few | length)
    else if (length <= 0xff && kinds.in8 !== undefined) this.#head(kinds.in8, length, 1)
    else if (length <= 0xffff) this.#head(kinds.in16, length, 2)
    else this.#head(kinds.in32, length, 4)
  }

  #head(kind: number, value: number, bytes: 1 | 2 | 4): void {
    this.#byte(kind)
    this.#at = this.#bytes.writeUIntBE(value, this.#at, bytes)
  }

  #byte(byte: number): void {
    this.#makeRoom(0)
    this.#bytes[this.#at++] = byte
  }

  /** Makes room for so many bytes and a head. */
  #makeRoom(bytes: number): void {
    const needed = this.#at + bytes + HEAD_BYTES_MAX
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}

/** The kinds of heads that tell how long something is. */
interface SizedKinds {
  /** For up to `fewMax`, which stand in the kind itself. */
  readonly few: number
  readonly fewMax: number
  readonly in8?: number
  readonly in16: number
  readonly in32: number
}

/** One for all: nothing else runs while a value is written. */
const output = new Output()
