/** The token that requests carry, and where another one comes from. */

/**
 * A token, or what gives one: it is asked before each attempt to connect, and when the last one was refused or is to end.
 * Nothing goes on before it has answered, or failed, which is tried again: so give it a bound of its own.
 */
export type TokenSource = string | (() => string | Promise<string>)

export class Credentials {
  readonly #source: TokenSource | undefined
  #token: string | undefined
  #asking: Promise<string> | undefined

  constructor(source: TokenSource | undefined) {
    this.#source = source
    this.#token = typeof source === 'string' ? source : undefined
  }

  /** Whether requests carry one. */
  get isGiven(): boolean {
    return this.#source !== undefined
  }

  /** Whether there may be others than those that were refused. */
  get canRenew(): boolean {
    return typeof this.#source === 'function'
  }

  /** The token that was given last. */
  async current(): Promise<string | undefined> {
    return this.#token ?? (await this.fresh())
  }

  /** A token as it is given now; whoever asks meanwhile gets the same. */
  async fresh(): Promise<string | undefined> {
    const source = this.#source
    if (typeof source !== 'function') return source
    // Not at once: what throws then would be kept as what is being asked for.
    this.#asking ??= Promise.resolve()
      .then(source)
      .finally(() => {
        this.#asking = undefined
      })
    return (this.#token = await this.#asking)
  }
}
