/** Memory that clients hold: so many bytes in all, of which each of them has a share, so that none can use up all of it. */
export class Shares {
  readonly #bytesMax: number
  readonly #shareBytesMax: number
  readonly #held = new Map<string, number>()
  #bytes = 0

  constructor(bytesMax: number, shareBytesMax: number) {
    this.#bytesMax = bytesMax
    this.#shareBytesMax = shareBytesMax
  }

  hasRoom(client: string, bytes: number): boolean {
    return this.#bytes + bytes <= this.#bytesMax && (this.#held.get(client) ?? 0) + bytes <= this.#shareBytesMax
  }

  /** Counts bytes as held by a client; a negative number gives them back. */
  hold(client: string, bytes: number): void {
    this.#bytes += bytes
    const held = (this.#held.get(client) ?? 0) + bytes
    if (held === 0) this.#held.delete(client)
    else this.#held.set(client, held)
  }
}
