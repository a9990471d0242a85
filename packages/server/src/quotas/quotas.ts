/** The quotas of a server, and how clients are told of them by headers. */
import type { Clock } from '@watchpost/core'
import { type LimitName, type Limits, ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import { addressKey } from '../http/address.ts'
import type { Client } from '../http/connections.ts'
import type { Exchange } from '../http/exchange.ts'
import { Quota } from './quota.ts'
import { Rate, type Taken } from './rate.ts'

/** How many messages over the rate a WebSocket may send at once before it is closed, as a multiple of its burst. */
const IGNORED_BURSTS = 10

/** The rates of one WebSocket's messages, which all share; what each has used is its own. */
export interface MessageRates {
  readonly messages: Rate
  /** Of messages that were refused: whoever exceeds this goes on regardless. */
  readonly refused: Rate
}

export class Quotas {
  readonly messageRates: MessageRates
  readonly #publishes: Quota
  readonly #handshakes: Quota
  readonly #onRefused: (limit: LimitName) => void

  /** @param onRefused called with the limit that something was refused for */
  constructor(limits: Limits, clock: Pick<Clock, 'monotonic'>, onRefused: (limit: LimitName) => void) {
    const { messagesPerSecond, messagesBurst, publishesPerSecond, handshakesPerSecond } = limits
    this.#publishes = new Quota(new Rate(publishesPerSecond), clock)
    this.#handshakes = new Quota(new Rate(handshakesPerSecond), clock)
    this.messageRates = {
      messages: new Rate(messagesPerSecond, messagesBurst),
      refused: new Rate(messagesPerSecond, messagesBurst * IGNORED_BURSTS),
    }
    this.#onRefused = onRefused
  }

  /**
   * Counts a publish by a message.
   * @throws ProblemError `rate-limited`
   */
  demandPublish(client: Client): void {
    const { waitMs } = this.#publishes.take(publisherKey(client))
    if (waitMs > 0) throw this.refusal('publishesPerSecond', preciseSeconds(waitMs))
  }

  /**
   * Counts a publish by a request. Answers how to tell how many are left.
   * @throws ProblemError `rate-limited`
   */
  demandHttpPublish(client: Client, exchange: Exchange): () => void {
    const taken = this.#publishes.take(publisherKey(client))
    const tellLeft = (): void => tell(exchange, 'publishes', this.#publishes.rate, taken)
    if (taken.waitMs === 0) return tellLeft
    tellLeft()
    throw this.refusal('publishesPerSecond', wholeSeconds(taken.waitMs))
  }

  /**
   * Counts the beginning of a stream, a WebSocket or a wait.
   * @throws ProblemError `rate-limited`
   */
  demandHandshake({ address }: Client, exchange: Exchange): void {
    const taken = this.#handshakes.take(addressKey(address))
    if (taken.waitMs === 0) return
    tell(exchange, 'handshakes', this.#handshakes.rate, taken)
    throw this.refusal('handshakesPerSecond', wholeSeconds(taken.waitMs))
  }

  /** The problem of what is over a rate; counts it. */
  refusal(limit: LimitName, retryAfter: number): ProblemError {
    this.#onRefused(limit)
    return new ProblemError('rate-limited', `Over the limit ${limit}; wait ${retryAfter} s.`, { retryAfter })
  }
}

/** Whom a request is counted for. */
export const clientOf = ({ addresses }: App, { request, identity }: Exchange): Client => ({
  holder: identity.holder,
  address: addresses.of(request),
})

/** A header has whole seconds; a message need not make its client wait that long. */
const wholeSeconds = (ms: number): number => Math.ceil(ms / 1_000)
export const preciseSeconds = (ms: number): number => Math.ceil(ms) / 1_000

/** Names whom a publish is counted for. */
export const publisherKey = ({ holder, address }: Client): string =>
  holder === undefined ? `address ${addressKey(address)}` : `holder ${holder}`

/**
 * Sets the fields of draft-ietf-httpapi-ratelimit-headers-10: what is allowed, how much is left, when there is more.
 * @param policy what is counted, such as `publishes`
 */
export function tell(
  { response }: Exchange,
  policy: string,
  rate: Rate,
  { left, waitMs }: Pick<Taken, 'left' | 'waitMs'>,
): void {
  response.setHeader('ratelimit-policy', `"${policy}";q=${rate.burst};w=${Math.ceil(rate.windowMs / 1_000)}`)
  response.setHeader('ratelimit', `"${policy}";r=${left};t=${Math.max(1, wholeSeconds(waitMs))}`)
}
