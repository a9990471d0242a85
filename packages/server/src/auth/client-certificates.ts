/**
 * Client certificates as credentials [WP-6.6]. TLS has verified them before any request came, so what is left to find out
 * is what the configuration grants to whom they name.
 */
import type { Clock } from '@watchpost/core'
import type { Logger } from 'pino'
import type { Exchange } from '../http/exchange.ts'
import { isOwnOrListedOrigin, type OriginOptions } from '../http/origin.ts'
import { type ClientCertificate, certificateOf } from '../http/tls.ts'
import { identityOfCertificate, isSubject, type Rights } from './identity.ts'
import type { CertificateRights } from './options.ts'
import type { Session } from './session.ts'

/** What the text of a fingerprint comes to, however it is written. */
export const plainFingerprint = (text: string): string => text.replaceAll(':', '').toLowerCase()

/** What browsers say of a request that no page of another site caused; programs say nothing. */
const SITES: readonly (string | undefined)[] = [undefined, 'same-origin', 'none']

export class ClientCertificates {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #origins: OriginOptions
  readonly #rights: ReadonlyMap<string, Rights>
  /** A connection has one certificate for its whole life, and many requests. */
  readonly #sessions = new WeakMap<ClientCertificate, Session>()

  constructor(
    all: readonly CertificateRights[],
    parts: OriginOptions & { readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#origins = parts
    this.#rights = new Map(
      all.map(({ subject = '', fingerprint, ...rights }) => [
        fingerprint === undefined ? bySubject(subject) : byFingerprint(plainFingerprint(fingerprint)),
        rights,
      ]),
    )
  }

  /** Whom the certificate of a request's connection speaks for; `undefined` if there is none that counts. */
  sessionOf(exchange: Exchange): Session | undefined {
    const certificate = certificateOf(exchange.connection)
    // One that ended since the connection began is worth what it would be for a new one.
    if (certificate === undefined || certificate.expiresMs <= this.#clock.now()) return undefined
    if (!isSubject(certificate.subject)) {
      this.#logger.debug('a client certificate gives no identity, since its subject has not 1 to 255 bytes')
      return undefined
    }
    if (!this.#mayUse(exchange)) return undefined
    return this.current(certificate)
  }

  /** The session of a certificate that was looked at before, with the rights that it has now. */
  current(certificate: ClientCertificate): Session {
    const known = this.#sessions.get(certificate)
    if (known !== undefined) return known
    const session = this.#made(certificate)
    this.#sessions.set(certificate, session)
    return session
  }

  #made(certificate: ClientCertificate): Session {
    const { subject, fingerprint, expiresMs } = certificate
    const rights = this.#rights.get(byFingerprint(fingerprint)) ?? this.#rights.get(bySubject(subject))
    const identity = identityOfCertificate(certificate, rights ?? { grants: {} })
    return { identity, expiresMs, voucher: { kind: 'certificate', certificate } }
  }

  /** Browsers show a certificate whoever's page asks, as they do with cookies. */
  #mayUse(exchange: Exchange): boolean {
    const origin = exchange.header('origin')
    return origin === undefined
      ? SITES.includes(exchange.header('sec-fetch-site'))
      : isOwnOrListedOrigin(exchange, origin, this.#origins)
  }
}

const bySubject = (subject: string): string => `subject ${subject}`
const byFingerprint = (fingerprint: string): string => `fingerprint ${fingerprint}`
