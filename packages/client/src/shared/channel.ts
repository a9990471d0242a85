/** A channel between the tabs of an origin, and between the parts of one tab. */

export class Channel {
  readonly #channel: BroadcastChannel

  /** @param heard is called with what others post, also in the same tab */
  constructor(name: string, heard: (message: unknown) => void) {
    this.#channel = new BroadcastChannel(name)
    this.#channel.addEventListener('message', ({ data }) => heard(data))
  }

  post(message: object): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is of windows; a channel is its origin's
    this.#channel.postMessage(message)
  }

  close(): void {
    this.#channel.close()
  }
}
