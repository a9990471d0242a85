/** What the server demands of TLS, and who a client's certificate says it is. */
import { constants, type X509Certificate } from 'node:crypto'
import type { SecureContextOptions } from 'node:tls'
import type { Certificates } from './certificates.ts'

/** Ephemeral keys and authenticated encryption only, so no CBC, no SHA-1, and no RSA key exchange. */
const CIPHERS = [
  ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'],
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ...['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
].join(':')

/** What new connections are made with; the same at the start and whenever the files changed. */
export const secureContext = (certificates: Certificates): SecureContextOptions => ({
  ...certificates,
  minVersion: 'TLSv1.2',
  ciphers: CIPHERS,
  honorCipherOrder: true,
  // A handshake costs the server more than the client, and nothing here needs a second one.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
})

/** A client certificate that one of `listen.tls.ca` vouches for, and that was valid when the connection began. */
export interface ClientCertificate {
  /**
   * The subject's distinguished name, in the order of the certificate, such as `O=Example, CN=feed-1`; if it has none, its
   * alternative names, such as `URI:spiffe://example/feed-1`. What separates names is escaped inside them.
   */
  readonly subject: string
  /** SHA-256 of the certificate, in lower-case hexadecimal digits. */
  readonly fingerprint: string
  /** When it ends, in milliseconds since the Unix epoch. */
  readonly expiresMs: number
}

/** The parts of Node's TLSSocket that are asked for; sockets of HTTP/2 requests have them too, without being any. */
interface MaybeSecure {
  readonly authorized?: boolean
  readonly getPeerX509Certificate?: () => X509Certificate | undefined
}

/** A connection has one certificate for its whole life, and many requests. */
const known = new WeakMap<object, ClientCertificate | undefined>()

/**
 * The verified certificate of whoever is at the other end of a request's `socket`. `undefined` without TLS, without a
 * certificate, and with one that is expired or that nobody vouches for.
 */
export function certificateOf(socket: object): ClientCertificate | undefined {
  if (known.has(socket)) return known.get(socket)
  const { authorized, getPeerX509Certificate } = socket as MaybeSecure
  // Node takes a resumed session for authorized also if it never had a certificate, so both are asked for.
  const certificate = authorized === true ? getPeerX509Certificate?.call(socket) : undefined
  const verified = certificate && describe(certificate)
  known.set(socket, verified)
  return verified
}

const describe = ({ subject, subjectAltName, fingerprint256, validTo }: X509Certificate): ClientCertificate => ({
  // Node has no text for a name without parts, whatever its types say.
  subject: ((subject as string | undefined) ?? '').replaceAll('\n', ', ') || (subjectAltName ?? ''),
  fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
  expiresMs: Date.parse(validTo),
})
