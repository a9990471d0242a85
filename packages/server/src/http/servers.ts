/** The two kinds of server, HTTP/1.1 in clear text and HTTPS that speaks HTTP/2 as well, both with bounded patience. */
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http'
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2'
import type { Limits } from '@watchpost/protocol'
import type { App } from '../app.ts'
import type { TlsFiles } from '../config/config.ts'
import { CertificateReloading, checkCertificates, readCertificates } from './certificates.ts'
import { Http2Abuse, Http2Guard } from './http2-guard.ts'
import { secureContext } from './tls.ts'
import { UPGRADES } from './upgrade.ts'

const HANDSHAKE_MS = 10_000

/** Slow requests are looked for this often. */
const CHECK_EVERY_MS = 1_000

/** Frames of one HTTP/2 connection that break the protocol, or whose headers do, before it is ended. */
const INVALID_FRAMES_MAX = 100

export function plainServer(limits: Limits, listener: RequestListener): HttpServer {
  const options = { ...patience(limits), ...UPGRADES, maxHeaderSize: limits.headerBytesMax }
  const server = createHttpServer(options, listener)
  server.keepAliveTimeout = limits.idleHttpMs
  server.timeout = silenceMs(limits)
  return server
}

/**
 * Follows the files for as long as it listens.
 * @throws Error that names the file that can't be used, and how to mend it
 */
export async function secureServer(
  tls: TlsFiles,
  app: Pick<App, 'limits' | 'logger' | 'metrics'>,
  listener: RequestListener,
): Promise<Http2SecureServer> {
  const { limits, logger } = app
  const certificates = await readCertificates(tls)
  const about = checkCertificates(tls, certificates)
  if (Date.parse(about.validTo) < Date.now()) logger.warn(about, 'the TLS certificate has expired; clients refuse it')
  const server = createSecureServer(
    {
      ...secureContext(certificates),
      allowHTTP1: true,
      handshakeTimeout: HANDSHAKE_MS,
      unknownProtocolTimeout: HANDSHAKE_MS,
      // A certificate is asked for and not demanded; what it is worth is for certificateOf() to say.
      requestCert: tls.ca !== undefined,
      rejectUnauthorized: false,
      // Of HTTP/1.1; the types know the options of HTTP/2 only.
      ...{ ...UPGRADES, maxHeaderSize: limits.headerBytesMax },
      settings: { maxConcurrentStreams: 100, maxHeaderListSize: limits.headerBytesMax },
      maxSessionInvalidFrames: INVALID_FRAMES_MAX,
    },
    // Node's compatibility classes for HTTP/2 are used like those of HTTP/1.1 throughout.
    listener as unknown as Parameters<typeof createSecureServer>[1],
  )
  // For HTTP/1.1 Node takes these from the server, but not from its options.
  Object.assign(server, patience(limits), { keepAliveTimeout: limits.idleHttpMs })
  server.on('session', (session: ServerHttp2Session) => endSilent(session, limits))
  const use: ConstructorParameters<typeof CertificateReloading>[2] = (found) =>
    server.setSecureContext(secureContext(found))
  whileListening(server, new CertificateReloading(tls, certificates, use, logger))
  guardHttp2(server, app)
  return server
}

function guardHttp2(server: Http2SecureServer, { limits, logger, metrics }: Parameters<typeof secureServer>[1]): void {
  const guard = new Http2Guard(limits)
  whileListening(server, guard)
  server.on('session', (session: ServerHttp2Session) => guard.guard(session))
  server.on('sessionError', (error: NodeJS.ErrnoException, session: ServerHttp2Session) => {
    const isAbuse = error instanceof Http2Abuse
    // What is left are clients that went away without a word.
    if (!isAbuse && error.code?.startsWith('ERR_HTTP2_') !== true) return
    metrics.cut.inc({ transport: 'http2', reason: isAbuse ? error.reason : 'protocol' })
    const address = session.socket?.remoteAddress
    logger[isAbuse ? 'warn' : 'debug']({ address, code: error.code }, error.message)
  })
}

function whileListening(server: Http2SecureServer, work: { start(): void; stop(): void }): void {
  server.once('listening', () => work.start())
  server.once('close', () => work.stop())
}

function endSilent(session: ServerHttp2Session, limits: Limits): void {
  session.setTimeout(limits.idleHttpMs)
  session.on('timeout', () => {
    // Closing lets what is being answered finish, unless it is as silent again as a client may be.
    if (session.closed) return session.destroy()
    session.close()
    session.setTimeout(silenceMs(limits))
  })
}

/** A connection on which nothing moved for so long has a client that takes nothing; a long poll may be silent that long. */
const silenceMs = (limits: Limits): number => Math.max(limits.stalledMs, (limits.waitSecondsMax + 5) * 1_000)

interface Patience {
  readonly connectionsCheckingInterval: number
  readonly headersTimeout: number
  readonly requestTimeout: number
}

const patience = (limits: Limits): Patience => ({
  connectionsCheckingInterval: CHECK_EVERY_MS,
  headersTimeout: Math.min(limits.slowBodyMs, limits.idleHttpMs),
  // A little after the body's own deadline, which answers with a problem; this one catches what never gets that far.
  requestTimeout: limits.slowBodyMs + CHECK_EVERY_MS,
})
