/** JSON Web Tokens (RFC 7519, and RFC 8725 for what can go wrong with them), of one issuer or several. */
import type { Clock } from '@watchpost/core'
import { errors, jwtVerify } from 'jose'
import type { Logger } from 'pino'
import { ConfigError } from '../config/check.ts'
import { readCompact, type Unverified } from './compact.ts'
import { grantsFault, identityOfToken } from './identity.ts'
import type { PublishedKeys } from './jwks.ts'
import { configuredKeys } from './key-files.ts'
import { keysFor, secretKey, type VerifyKey } from './keys.ts'
import { ALGORITHMS, type JwtIssuer } from './options.ts'
import { Refused } from './refusal.ts'
import type { Session, TokenVoucher } from './session.ts'

/** The end of the year 9999, past which no time can be written [WP-1.5]. */
const EXPIRY_SECONDS_MAX = 253_402_300_799

interface Parts {
  readonly clock: Clock
  readonly logger: Logger
  /** By the URLs that the issuers have. */
  readonly published: ReadonlyMap<string, PublishedKeys>
}

/** Checks the signature and claims of one token. Rejects with Refused. */
export type VerifyToken = () => Promise<Session>

/** Checks tokens of one issuer. */
class Issuer {
  readonly #options: JwtIssuer
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #published: PublishedKeys | undefined
  /** Those of the configuration itself. */
  readonly #keys: readonly VerifyKey[]
  #hasWarned = false

  /** @throws ConfigError for keys that can't be read */
  constructor(options: JwtIssuer, parts: Parts) {
    this.#options = options
    this.#clock = parts.clock
    this.#logger = parts.logger
    const { secret = [], keys, jwksUrl } = options
    this.#published = jwksUrl === undefined ? undefined : parts.published.get(jwksUrl)
    this.#keys = keys === undefined ? [secret].flat().map(secretKey) : configuredKeys(keys)
    if (this.#published === undefined) demandUse(this.#keys, options)
  }

  /** @throws Refused; ProblemError `internal` if the keys can't be had */
  async prepare(token: Unverified): Promise<VerifyToken> {
    const { algorithms = ALGORITHMS } = this.#options
    if (!(algorithms as readonly string[]).includes(token.algorithm)) throw new Refused('the algorithm is not allowed')
    const keys = await (this.#published?.keysFor(token) ?? keysFor(this.#keys, token))
    if (keys.length === 0) throw new Refused('no key suits its algorithm and kid')
    return () => this.#verify(token, keys)
  }

  async #verify(token: Unverified, keys: readonly VerifyKey[]): Promise<Session> {
    const signedBy = await this.#signer(token, keys)
    // As they were read strictly: of the same bytes, whose signature is good.
    const { algorithm, claims } = token
    const identity = identityOfToken(claims, this.#grantsClaim)
    this.#warnOfGrants(claims)
    const { exp } = claims as { readonly exp?: number }
    const voucher = { kind: 'token', algorithm, signedBy } as const
    return { identity, voucher, ...(exp !== undefined && { expiresMs: exp * 1_000 }) }
  }

  /**
   * The session of a token that was good, with the rights that its claims give it now; `undefined` if such a token is
   * taken no more.
   */
  current(session: Session, { algorithm, signedBy }: TokenVoucher): Session | undefined {
    const { issuer, audience, requireExpiry = true, algorithms = ALGORITHMS, jwksUrl } = this.#options
    const { claims } = session.identity
    const isSigned =
      typeof signedBy === 'string'
        ? signedBy === jwksUrl
        : this.#keys.some(({ key, algorithms: suiting }) => key.equals(signedBy) && has(suiting, algorithm))
    const isTaken =
      isSigned &&
      has(algorithms, algorithm) &&
      (issuer === undefined || claims['iss'] === issuer) &&
      (audience === undefined ||
        [claims['aud']].flat().some((name: unknown) => [audience].flat().includes(name as string))) &&
      (session.expiresMs !== undefined || !requireExpiry)
    return isTaken ? { ...session, identity: identityOfToken(claims, this.#grantsClaim) } : undefined
  }

  /** What vouches for the token: the key that fits its signature, or where such keys are published. @throws Refused */
  async #signer(token: Unverified, keys: readonly VerifyKey[]): Promise<TokenVoucher['signedBy']> {
    let failure: unknown
    for (const { key } of keys) {
      try {
        await jwtVerify(token.token, key, this.#checks(token))
        this.#demandTimes(token.claims)
        return this.#options.jwksUrl ?? key
      } catch (error) {
        failure = error
        // Only a signature that does not fit can fit another key.
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) break
      }
    }
    throw asRefused(failure)
  }

  #checks({ algorithm }: Unverified): Parameters<typeof jwtVerify>[2] {
    const { issuer, audience, requireExpiry = true } = this.#options
    return {
      algorithms: [algorithm],
      clockTolerance: this.#toleranceSeconds,
      currentDate: new Date(this.#clock.now()),
      requiredClaims: requireExpiry ? ['sub', 'exp'] : ['sub'],
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience: [audience].flat() }),
    }
  }

  /** What the library leaves open. @throws Refused */
  #demandTimes({ exp, iat }: { readonly [name: string]: unknown }): void {
    if (typeof exp === 'number' && exp > EXPIRY_SECONDS_MAX) throw new Refused('exp is no time')
    if (iat === undefined) return
    const latestSeconds = this.#clock.now() / 1_000 + this.#toleranceSeconds
    if (typeof iat !== 'number' || iat > latestSeconds) throw new Refused('iat is no time in the past')
  }

  /** Whoever has such a token is only told what may not be done, so the log is the one place to find out why. */
  #warnOfGrants(claims: Unverified['claims']): void {
    const claim = this.#grantsClaim
    const fault = Object.hasOwn(claims, claim) ? grantsFault(claims[claim]) : undefined
    if (fault === undefined || this.#hasWarned) return
    this.#hasWarned = true
    const { issuer } = this.#options
    this.#logger.warn({ issuer, claim }, `a token grants nothing, since ${claim}${fault.path} ${fault.message}`)
  }

  get #grantsClaim(): string {
    return this.#options.grantsClaim ?? 'watchpost'
  }

  get #toleranceSeconds(): number {
    return this.#options.clockToleranceSeconds ?? 5
  }
}

const has = (algorithms: readonly string[], name: string): boolean => algorithms.includes(name)

/** @throws ConfigError if there is no token that the keys and algorithms of an issuer could be for */
function demandUse(keys: readonly VerifyKey[], { algorithms = ALGORITHMS }: JwtIssuer): void {
  const suiting = [...new Set(keys.flatMap((key) => key.algorithms))]
  if (suiting.some((name) => algorithms.includes(name))) return
  const [allowed, fit] = [algorithms.join(', '), suiting.join(', ')]
  throw new ConfigError([`auth.jwt.algorithms allows ${allowed}, but the keys of auth.jwt.keys are for ${fit}`])
}

/** What the library says names claims, but does not quote them; its errors themselves carry the claims. */
function asRefused(error: unknown): Refused {
  if (error instanceof Refused) return error
  if (error instanceof errors.JWTExpired) return new Refused('the token has expired', true)
  return new Refused(
    error instanceof errors.JOSEError ? `${error.code}: ${error.message}` : 'the signature is not good',
  )
}

export class TokenVerifier {
  readonly #issuers: readonly Issuer[]
  readonly #byName: ReadonlyMap<string | undefined, Issuer>

  /** @throws ConfigError for keys that can't be read */
  constructor(issuers: readonly JwtIssuer[], parts: Parts) {
    const all = issuers.map((options): [string | undefined, Issuer] => [options.issuer, new Issuer(options, parts)])
    this.#issuers = all.map(([, issuer]) => issuer)
    this.#byName = new Map(all)
    for (const { jwksUrl, keys, issuer, audience } of issuers) {
      if ((jwksUrl ?? keys) === undefined || audience !== undefined) continue
      parts.logger.warn({ issuer }, 'tokens that this issuer made for others are taken too; set auth.jwt.audience')
    }
  }

  /**
   * Reads a token and finds the keys that may have signed it. What is left then is what costs: its signature.
   * @throws Refused; ProblemError `internal` if the keys can't be had
   */
  async prepare(text: string): Promise<VerifyToken> {
    const token = readCompact(text)
    // Of several, a token says itself whose it is; that issuer's keys then say whether that is true.
    const issuer = this.#issuerOf(token.issuer)
    if (issuer === undefined) throw new Refused('iss is none of the issuers')
    return issuer.prepare(token)
  }

  /** What the session of a token is worth now; `undefined` if such tokens are taken no more. */
  current(session: Session, voucher: TokenVoucher): Session | undefined {
    const issuer: unknown = session.identity.claims['iss']
    return this.#issuerOf(typeof issuer === 'string' ? issuer : undefined)?.current(session, voucher)
  }

  #issuerOf(name: string | undefined): Issuer | undefined {
    const [only, ...others] = this.#issuers
    return others.length === 0 ? only : this.#byName.get(name)
  }
}
