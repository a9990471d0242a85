/**
 * Reads MessagePack as far as JSON has a word for it [WP-4.2]: a value is the same in both, whichever a client speaks.
 * The format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
import { isUtf8 } from 'node:buffer'

/** What holds other values, and how many of them are still to come. */
interface Open {
  readonly container: unknown[] | Record<string, unknown>
  left: number
}

type Scalar = null | boolean | number | string

/**
 * The value of a message that is exactly one MessagePack value, made of what JSON has. Integers beyond 2^53 become the
 * nearest number, as in JSON.
 *
 * It comes from anyone, before any right is checked: so it recurses nowhere, takes memory only for what has arrived,
 * whatever sizes it claims, and makes members of all names alike.
 * @param depthMax how deep arrays and maps may nest in each other; 0 allows none
 * @throws RangeError which says what is wrong and where, and may be shown to the client
 */
export function decodeMessagePack(bytes: Uint8Array, depthMax: number): unknown {
  const input = new Input(bytes)
  const values: unknown[] = []
  const open: Open[] = [{ container: values, left: 1 }]
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    if (top.left === 0) {
      open.pop()
      continue
    }
    top.left--
    const name = Array.isArray(top.container) ? '' : input.name()
    const value = input.value()
    if (typeof value === 'object' && value !== null) {
      if (open.length > depthMax) throw input.fault(`arrays and maps nest deeper than ${depthMax} levels`)
      if (value.left > 0) open.push(value)
      put(top.container, name, value.container)
    } else put(top.container, name, value)
  }
  input.demandEnd()
  return values[0]
}

function put(container: Open['container'], name: string, value: unknown): void {
  if (Array.isArray(container)) container.push(value)
  // By assignment this one would become the prototype; as a member it is like any other, as JSON.parse has it too.
  else if (name === '__proto__') Object.defineProperty(container, name, { value, ...PLAIN_MEMBER })
  else container[name] = value
}

const PLAIN_MEMBER = { writable: true, enumerable: true, configurable: true }

class Input {
  readonly #bytes: Buffer
  #at = 0
  /** Where the last value began. */
  #start = 0

  constructor({ buffer, byteOffset, byteLength }: Uint8Array) {
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength)
  }

  fault(what: string): RangeError {
    return new RangeError(`The message is no MessagePack that JSON has a word for: ${what}, at byte ${this.#start}.`)
  }

  demandEnd(): void {
    this.#start = this.#at
    if (this.#at < this.#bytes.length) throw this.fault('it goes on after its value')
  }

  /** The name of a map's next member. */
  name(): string {
    const name = this.value()
    if (typeof name !== 'string') throw this.fault('a key is no string')
    return name
  }

  /** The next value, or the start of one that holds others. */
  value(): Scalar | Open {
    this.#start = this.#at
    const head = this.#natural(1)
    if (head < 0x80) return head
    if (head < 0x90) return this.#map(head - 0x80)
    if (head < 0xa0) return this.#array(head - 0x90)
    if (head < 0xc0) return this.#text(head - 0xa0)
    return head < 0xe0 ? this.#long(head) : head - 0x100
  }

  /** What has a header of its own. */
  #long(head: number): Scalar | Open {
    const bytes = this.#bytes
    switch (head) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xca:
        return this.#finite(bytes.readFloatBE(this.#take(4)))
      case 0xcb:
        return this.#finite(bytes.readDoubleBE(this.#take(8)))
      case 0xcc:
        return this.#natural(1)
      case 0xcd:
        return this.#natural(2)
      case 0xce:
        return this.#natural(4)
      case 0xcf:
        return this.#natural(4) * 2 ** 32 + this.#natural(4)
      case 0xd0:
        return bytes.readInt8(this.#take(1))
      case 0xd1:
        return bytes.readInt16BE(this.#take(2))
      case 0xd2:
        return bytes.readInt32BE(this.#take(4))
      case 0xd3:
        return bytes.readInt32BE(this.#take(4)) * 2 ** 32 + this.#natural(4)
      case 0xd9:
        return this.#text(this.#natural(1))
      case 0xda:
        return this.#text(this.#natural(2))
      case 0xdb:
        return this.#text(this.#natural(4))
      case 0xdc:
        return this.#array(this.#natural(2))
      case 0xdd:
        return this.#array(this.#natural(4))
      case 0xde:
        return this.#map(this.#natural(2))
      case 0xdf:
        return this.#map(this.#natural(4))
    }
    if (head === 0xc1) throw this.fault('a value begins with C1, which nothing does')
    if (head <= 0xc6) throw this.fault('there is binary data; send it as text, such as Base64')
    throw this.fault('there is an extension type, such as a timestamp or a record; send plain maps and text')
  }

  #array(count: number): Open {
    this.#demand(count)
    return { container: [], left: count }
  }

  #map(count: number): Open {
    this.#demand(count * 2)
    return { container: {}, left: count }
  }

  #text(bytes: number): string {
    const start = this.#take(bytes)
    const end = start + bytes
    const text = this.#bytes.toString('utf8', start, end)
    // Whatever is not UTF-8 becomes this character, which seldom is in a text.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start, end))) throw this.fault('a text is not UTF-8')
    return text
  }

  #finite(value: number): number {
    if (Number.isFinite(value)) return value
    throw this.fault('a number is infinite or none')
  }

  /** The next bytes as an unsigned integer. */
  #natural(bytes: 1 | 2 | 4): number {
    let value = 0
    for (let at = this.#take(bytes); at < this.#at; at++) value = value * 0x100 + (this.#bytes[at] as number)
    return value
  }

  /** Passes over the next bytes; answers where they begin. */
  #take(bytes: number): number {
    this.#demand(bytes)
    const start = this.#at
    this.#at += bytes
    return start
  }

  #demand(bytes: number): void {
    if (bytes > this.#bytes.length - this.#at) throw this.fault('it ends within a value')
  }
}
