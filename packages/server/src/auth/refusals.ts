/**
 * How often credentials of one address may be refused [WP-8.1]. Past it, what costs most is not done for that address:
 * no signature is checked but those of tokens that were good before, so that one guest of a house can't shut out those who
 * are in already.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '@watchpost/core'
import { type LimitName, type Limits, ProblemError } from '@watchpost/protocol'
import { addressKey } from '../http/address.ts'
import { Quota } from '../quotas/quota.ts'
import { Rate } from '../quotas/rate.ts'
import { Refused } from './refusal.ts'

/** So many tokens that were good are remembered at least, and at most twice as many. */
const GOOD_MAX = 10_000

export interface RefusalParts {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly limits: Pick<Limits, 'refusalsPerSecond'>
  /** Called with the limit that something was refused for. */
  readonly onRefused: (limit: LimitName) => void
}

export class Refusals {
  readonly #quota: Quota
  readonly #onRefused: (limit: LimitName) => void
  /** Hashes of tokens. The older ones are dropped together. */
  #good = new Set<string>()
  #olderGood = new Set<string>()
  /** What each address waits for whose tokens are being checked; it never rejects. */
  readonly #turns = new Map<string, Promise<void>>()

  constructor({ clock, limits, onRefused }: RefusalParts) {
    this.#quota = new Quota(new Rate(limits.refusalsPerSecond), clock)
    this.#onRefused = onRefused
  }

  get rate(): Rate {
    return this.#quota.rate
  }

  /**
   * Does what finds out whom credentials speak for, and counts it for their address if they are refused.
   * @throws whatever `find` throws; in the place of Refused, ProblemError `rate-limited` if there were too many
   */
  async counted<Found>(address: string, find: () => Found | Promise<Found>): Promise<Found> {
    try {
      return await find()
    } catch (error) {
      if (error instanceof Refused) this.#demand(this.#quota.take(addressKey(address)).waitMs)
      throw error
    }
  }

  /**
   * Checks a token's signature, unless its address may have none checked.
   * @throws whatever `check` throws; ProblemError `rate-limited`
   */
  async checked<Found>(address: string, token: string, check: () => Promise<Found>): Promise<Found> {
    const hash = createHash('sha256').update(token).digest('base64url')
    const key = addressKey(address)
    const counted = (): Promise<Found> => this.counted(address, check)
    const wasGood = this.#good.has(hash) || this.#olderGood.has(hash)
    try {
      const found = await (wasGood ? counted() : this.#inTurn(key, counted))
      this.#remember(hash)
      return found
    } catch (error) {
      this.#good.delete(hash)
      this.#olderGood.delete(hash)
      throw error
    }
  }

  /**
   * Of one address one at a time, else those that come together would all be checked before the first is refused.
   * @throws ProblemError `rate-limited`, and whatever `act` throws
   */
  async #inTurn<Found>(key: string, act: () => Promise<Found>): Promise<Found> {
    const found = (this.#turns.get(key) ?? Promise.resolve()).then(() => {
      this.#demand(this.#quota.waitMs(key))
      return act()
    })
    const turn = found.then(
      () => undefined,
      () => undefined,
    )
    this.#turns.set(key, turn)
    try {
      return await found
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
  }

  #remember(hash: string): void {
    if (this.#good.has(hash)) return
    if (this.#good.size >= GOOD_MAX) {
      this.#olderGood = this.#good
      this.#good = new Set()
    }
    this.#good.add(hash)
  }

  /** @throws ProblemError `rate-limited` */
  #demand(waitMs: number): void {
    if (waitMs === 0) return
    this.#onRefused('refusalsPerSecond')
    const retryAfter = Math.ceil(waitMs / 1_000)
    const detail = `Over the limit refusalsPerSecond: too many credentials were refused; wait ${retryAfter} s.`
    throw new ProblemError('rate-limited', detail, { retryAfter })
  }
}
