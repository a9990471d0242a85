/** One tab's part in who holds the connection: whoever has the lock. The next one gets it when that tab closes. */
import type { Settings } from '../options.ts'
import { Channel } from './channel.ts'
import { Hub } from './hub.ts'
import type { FromHub, FromTab } from './messages.ts'

/** Without anything to watch, a tab leaves the connection to another one only then: it may watch something again. */
const LINGER_MS = 2_000

/** A tab that does not answer within that is frozen, or as good as that. */
const ANSWER_MS = 1_000

export class Seat {
  readonly name: string
  readonly #settings: Settings
  #uses = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Of the lock that this tab has, or waits for. */
  #standing: AbortController | undefined

  constructor(name: string, settings: Settings) {
    this.name = name
    this.#settings = settings
  }

  /** The tab has something to watch; returns what ends that. */
  use(): () => void {
    clearTimeout(this.#timer)
    this.#uses++
    if (this.#standing === undefined) void this.#stand(false)
    let isUsed = true
    return () => {
      if (isUsed && --this.#uses === 0) this.#timer = setTimeout(() => this.#standing?.abort(), LINGER_MS)
      isUsed = false
    }
  }

  /** Nobody answered. Takes the place of a tab that does not, one tab after the other. */
  async takeOver(): Promise<void> {
    await navigator.locks.request(`${this.name} guard`, async () => {
      if (this.#uses === 0 || (await this.#isAnswered())) return
      const before = this.#standing
      this.#standing = undefined
      before?.abort()
      await new Promise<void>((led) => void this.#stand(true, led))
    })
  }

  /** Waits for the lock, holds the connection while it has it, and waits again if it was taken. */
  async #stand(steal: boolean, led: () => void = () => undefined): Promise<void> {
    const standing = new AbortController()
    const { signal } = standing
    this.#standing = standing
    let hub: Hub | undefined
    let isBarred = false
    const lead = (): Promise<void> => {
      hub = new Hub(this.name, this.#settings)
      led()
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
    }
    try {
      await navigator.locks.request(this.name, steal ? { steal } : { signal }, lead)
    } catch (error) {
      // It was given up while waiting, or taken by a tab that had no answer. Anything else would happen again, at once.
      isBarred = (error as Error).name !== 'AbortError'
    }
    hub?.close()
    led()
    if (this.#standing !== standing) return
    this.#standing = undefined
    if (this.#uses > 0 && !isBarred) await this.#stand(false)
  }

  #isAnswered(): Promise<boolean> {
    const session = crypto.randomUUID()
    return new Promise((resolve) => {
      const done = (isAnswered: boolean): void => {
        clearTimeout(timer)
        channel.close()
        resolve(isAnswered)
      }
      const timer = setTimeout(() => done(false), ANSWER_MS)
      const channel = new Channel(this.name, (heard) => {
        const message = heard as FromHub
        if (message.kind === 'pong' && message.session === session) done(true)
      })
      channel.post({ kind: 'ping', session } satisfies FromTab)
    })
  }
}
