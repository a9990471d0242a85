/**
 * The keys that an issuer publishes under a URL. They are fetched when they are first needed, again when they are old or
 * a token names one that is not among them, and kept while the issuer's host is down.
 */
import type { Clock } from '@watchpost/core'
import { ProblemError } from '@watchpost/protocol'
import type { Logger } from 'pino'
import type { Unverified } from './compact.ts'
import { jwkSetKeys, keysFor, type VerifyKey } from './keys.ts'

const FETCH_MS = 5_000
const BODY_BYTES_MAX = 262_144

/** Keys that are older are fetched again before they are used. */
const FRESH_MS = 600_000

/** Between fetches that tokens with an unknown `kid` cause, and after one that failed: anyone can send such tokens. */
const COOLDOWN_MS = 10_000

/** Keys that could not be fetched again for so long are used no more: the issuer may have withdrawn them. */
const KEPT_MS = 86_400_000

export class PublishedKeys {
  readonly #url: string
  readonly #clock: Clock
  readonly #logger: Logger
  #keys: readonly VerifyKey[] = []
  #fetchedMs: number | undefined
  #failedMs: number | undefined
  #searchedMs: number | undefined
  #fetching: Promise<void> | undefined

  constructor(url: string, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#url = url
    this.#clock = clock
    this.#logger = logger
  }

  /**
   * The keys that may have signed a token.
   * @throws ProblemError `internal` if there are no keys to be had
   */
  async keysFor(token: Pick<Unverified, 'algorithm' | 'keyId'>): Promise<readonly VerifyKey[]> {
    if (!this.#isYounger(this.#fetchedMs, FRESH_MS) && !this.#isYounger(this.#failedMs, COOLDOWN_MS)) {
      const fetching = this.#fetch()
      // A host that does not answer delays only those who asked first.
      if (this.#failedMs === undefined || !this.#isYounger(this.#fetchedMs, KEPT_MS)) await fetching
    }
    const found = keysFor(this.#kept(), token)
    if (found.length > 0) return found
    // Those that come while the keys are being fetched wait for them too.
    if (this.#fetching === undefined) {
      if (this.#isYounger(this.#searchedMs, COOLDOWN_MS) || this.#isYounger(this.#failedMs, COOLDOWN_MS)) return found
      this.#searchedMs = this.#clock.monotonic()
    }
    await this.#fetch()
    return keysFor(this.#kept(), token)
  }

  #isYounger(sinceMs: number | undefined, ageMs: number): boolean {
    return sinceMs !== undefined && this.#clock.monotonic() - sinceMs < ageMs
  }

  /** @throws ProblemError `internal` */
  #kept(): readonly VerifyKey[] {
    if (this.#isYounger(this.#fetchedMs, KEPT_MS)) return this.#keys
    throw new ProblemError(
      'internal',
      'Tokens can not be checked at the moment.',
      {},
      new Error(this.#fault('none are kept')),
    )
  }

  /** One fetch at a time, whose failure is logged and changes nothing. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#replace().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #replace(): Promise<void> {
    try {
      this.#keys = await this.#load()
      this.#fetchedMs = this.#clock.monotonic()
      this.#failedMs = undefined
    } catch (error) {
      this.#failedMs = this.#clock.monotonic()
      this.#logger.warn(this.#fault(reasonOf(error)))
    }
  }

  #fault(reason: string): string {
    return `the keys at ${this.#url} can not be had: ${reason}; check auth.jwt.jwksUrl, and that its host can be reached`
  }

  async #load(): Promise<readonly VerifyKey[]> {
    // Not redirected: an address that was checked could lead to one that was not.
    const response = await fetch(this.#url, {
      redirect: 'error',
      headers: { accept: 'application/jwk-set+json, application/json' },
      signal: AbortSignal.timeout(FETCH_MS),
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new Error(`status ${response.status}`)
    }
    const keys = jwkSetKeys(JSON.parse(await bounded(response)))
    if (keys === undefined || keys.length === 0) throw new Error('it is no JWK set with a key that can be used')
    return keys
  }
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new Error(`it has more than ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** Of a fetch that fails, the reason is in its cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message} (${cause.message})` : message
}
