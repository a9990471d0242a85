/** The text of a document, which is the same for all hosts by which clients call a server but for their names. */
import { createHash } from 'node:crypto'

/**
 * Stands for the host while a document is made: an address of nobody's, which no definition has in its words. That it is
 * one of IPv6 has YAML put it into quotes, and so any other host.
 */
export const ANY_HOST: string = `[fd00:${Array.from({ length: 7 }, groupOfAddress).join(':')}]`

/** As URLs have it: hexadecimal, not 0 and without zeros before it. */
function groupOfAddress(): string {
  return (4_096 + Math.floor(Math.random() * 61_440)).toString(16)
}

/** What comes out as pieces is kept as bytes, in portions of about this length. */
const PORTION_CHARACTERS = 65_536

/** A text, and where in it the host is to stand. */
export class Text {
  /** `undefined` stands for the host. */
  readonly #parts: (Buffer | undefined)[] = []
  readonly #hash = createHash('sha256')
  #portion = ''
  #digest = ''
  #bytes = 0

  /** Without the hosts. Right once the text is ended. */
  get bytes(): number {
    return this.#bytes
  }

  /** A host within it must not be cut. */
  add(piece: string): void {
    this.#portion += piece
    if (this.#portion.length >= PORTION_CHARACTERS) this.#keep()
  }

  /** Nothing is added any more. */
  end(): void {
    this.#keep()
    this.#digest = this.#hash.digest('base64url')
  }

  #keep(): void {
    for (const [i, between] of this.#portion.split(ANY_HOST).entries()) {
      const bytes = Buffer.from(between)
      this.#parts.push(...(i === 0 ? [bytes] : [undefined, bytes]))
      this.#bytes += bytes.length
      this.#hash.update(i === 0 ? '' : '\0').update(bytes)
    }
    this.#portion = ''
  }

  /** Names the text with a host in it, in quotes, as a header has it. */
  etag(host: string): string {
    return `"${createHash('sha256').update(`${this.#digest} ${host}`).digest('base64url').slice(0, 22)}"`
  }

  /** The text with a host in it, which must be one that needs no escapes. */
  body(host: string): Buffer {
    const name = Buffer.from(host)
    return Buffer.concat(this.#parts.map((part) => part ?? name))
  }
}
