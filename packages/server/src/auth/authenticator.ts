/**
 * Finds out who asks [WP-6.6]. Nothing that clients sent is ever logged or answered, only why it was refused.
 *
 * Next on the way down: credentials.ts for where they are; jwt.ts, api-keys.ts, tickets.ts and client-certificates.ts for
 * what they are worth.
 */
import type { IncomingMessage } from 'node:http'
import type { Clock } from '@watchpost/core'
import { ProblemError } from '@watchpost/protocol'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import type { Exchange } from '../http/exchange.ts'
import { tell } from '../quotas/quotas.ts'
import type { Rate } from '../quotas/rate.ts'
import { ApiKeys, isApiKey } from './api-keys.ts'
import { ClientCertificates } from './client-certificates.ts'
import { type CredentialOptions, credentialsOf } from './credentials.ts'
import { CurrentSessions } from './current.ts'
import { TokenVerifier } from './jwt.ts'
import { type Memory, memoryOf } from './memory.ts'
import type { JwtIssuer } from './options.ts'
import { problemOf, Refused } from './refusal.ts'
import type { RefusalParts } from './refusals.ts'
import { ANONYMOUS_SESSION, type Session } from './session.ts'
import type { Ticket } from './tickets.ts'

/** The ways that there are for clients to say who they are [WP-6.6]. */
export interface CredentialKinds {
  readonly jwt: boolean
  readonly apiKeys: boolean
  /** Whether `?token=` is read. */
  readonly queryToken: boolean
  /** The name of the cookie that is read, if one is. */
  readonly cookie: string | undefined
  readonly certificates: boolean
}

export interface Authenticator {
  readonly kinds: CredentialKinds
  /**
   * Who a request speaks for; the anonymous, if it carries no credentials. It takes those in the query away from it.
   * @throws ProblemError `unauthorized` or `token-expired`; `rate-limited` for an address whose credentials are refused
   * again and again; `internal` if an issuer's keys can't be had
   */
  identify(exchange: Exchange): Promise<Session>
  /**
   * Whom a token or API key speaks for.
   * @param address of who sent it, as {@link Addresses.of} gives it
   * @throws ProblemError as {@link identify} does
   */
  verify(token: string, address: string): Promise<Session>
  /**
   * What a session is worth by this configuration, the same object if that is the same as before; `undefined` if what
   * vouches for it is trusted no more.
   */
  current(session: Session): Session | undefined
  /** A ticket for a session. @throws ProblemError `unauthorized` or `rate-limited` */
  ticket(session: Session): Ticket
  /** What the one that takes its place goes on with. */
  readonly memory: Memory
}

interface Parts extends RefusalParts {
  readonly clock: Clock
  readonly logger: Logger
  /** Where a request comes from. */
  readonly addressOf: (request: IncomingMessage) => string
  /** Whether a proxy that is trusted brings a request. */
  readonly isProxied: (request: IncomingMessage) => boolean
}

/** The ways that a configuration offers; `undefined` if nobody is asked. No keys are looked at. */
export function credentialKinds({ auth, listen }: Pick<Config, 'auth' | 'listen'>): CredentialKinds | undefined {
  const certificates = listen?.tls?.ca !== undefined
  if (auth === undefined && !certificates) return undefined
  const { jwt, apiKeys = [], cookie, queryToken = false } = auth ?? {}
  const known = { jwt: jwt !== undefined, apiKeys: apiKeys.length > 0, certificates }
  // What carries tokens is of no use where there are none.
  const hasTokens = known.jwt || known.apiKeys
  return { ...known, queryToken: hasTokens && queryToken, cookie: hasTokens ? cookie : undefined }
}

/**
 * `undefined` if the configuration knows no credentials.
 * @param before the one that it takes the place of
 * @throws ConfigError for keys that can't be read
 */
export function createAuthenticator(
  config: Pick<Config, 'auth' | 'listen' | 'cors'>,
  parts: Parts,
  before?: Authenticator,
): Authenticator | undefined {
  const kinds = credentialKinds(config)
  if (kinds === undefined) return undefined
  const { jwt, apiKeys = [], certificates = [], cookie, queryToken = false } = config.auth ?? {}
  const { cors } = config
  const { clock, logger, addressOf, isProxied } = parts
  const issuers = (jwt === undefined ? [] : [jwt].flat()) as readonly JwtIssuer[]
  const memory = memoryOf(issuers, parts, before?.memory)
  const { refusals, tickets } = memory
  const tokens = new TokenVerifier(issuers, { clock, logger, published: memory.published })
  const keys = new ApiKeys(apiKeys, clock)
  const known = kinds.certificates
    ? new ClientCertificates(certificates, { clock, logger, cors, isProxied })
    : undefined
  const options: CredentialOptions = { queryToken, cors, isProxied, ...(cookie !== undefined && { cookie }) }

  const current = new CurrentSessions((session) => {
    const { voucher } = session
    if (voucher?.kind === 'apiKey') return keys.sessionOf(voucher.hash)
    if (voucher?.kind === 'certificate') return known?.current(voucher.certificate)
    return voucher === undefined ? session : tokens.current(session, voucher)
  })

  const verified = async (token: string, address: string): Promise<Session> => {
    if (isApiKey(token)) return refusals.counted(address, () => keys.verify(token))
    const check = await refusals.counted(address, () => tokens.prepare(token))
    return refusals.checked(address, token, check)
  }

  const identified = async (exchange: Exchange, address: string): Promise<Session> => {
    const credentials = await refusals.counted(address, () => credentialsOf(exchange, options))
    if (credentials === undefined) return known?.sessionOf(exchange) ?? ANONYMOUS_SESSION
    if ('token' in credentials) return verified(credentials.token, address)
    return refusals.counted(address, () => tickets.redeem(credentials.ticket, (session) => current.of(session)))
  }

  const answered = async (find: Promise<Session>, exchange?: Exchange): Promise<Session> => {
    try {
      return current.found(await find)
    } catch (error) {
      if (exchange !== undefined) tellOfRate(exchange, error, refusals.rate)
      if (!(error instanceof Refused)) throw error
      logger.debug({ reason: error.message }, 'credentials were refused')
      throw problemOf(error)
    }
  }

  return {
    kinds,
    verify: (token, address) => answered(verified(token, address)),
    identify: (exchange) => answered(identified(exchange, addressOf(exchange.request)), exchange),
    current: (session) => current.of(session),
    ticket: (session) => tickets.issue(session),
    memory,
  }
}

function tellOfRate(exchange: Exchange, error: unknown, rate: Rate): void {
  if (!(error instanceof ProblemError) || error.problem !== 'rate-limited' || exchange.gone) return
  tell(exchange, 'refusals', rate, { left: 0, waitMs: (error.members.retryAfter ?? 1) * 1_000 })
}
