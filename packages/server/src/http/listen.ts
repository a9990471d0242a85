/** The server's own port: HTTP/1.1, or with certificates HTTPS that speaks HTTP/2 as well, both with bounded patience. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import {
  createServer as createHttpServer,
  Server as HttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { createSecureServer, type Http2SecureServer, type Http2Session } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Limits, PROBLEMS, ProblemError, type ProblemName, problemDocument } from '@watchpost/protocol'
import type { ListenOptions } from '../config/config.ts'
import type { Handler } from './handler.ts'
import { ignoreUpgrade, UPGRADES } from './upgrade.ts'

export interface Listening {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string
  /** Takes no more connections, lets what is being answered finish, and cuts what is left after `graceMs`. */
  close(graceMs: number): Promise<void>
}

const HANDSHAKE_MS = 10_000

type Server = HttpServer | Http2SecureServer

/** Slow requests are looked for this often. */
const CHECK_EVERY_MS = 1_000

/** @throws Error that names the address and the fix, such as for a port that is taken */
export async function listen(options: ListenOptions, limits: Limits, handler: Handler): Promise<Listening> {
  const { host = '127.0.0.1', port = 8080, tls } = options
  const { request: listener } = handler
  const server: Server = tls === undefined ? plainServer(limits, listener) : await secureServer(tls, limits, listener)
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!handler.upgrade(request, socket, head)) ignoreUpgrade(server, request, socket, head)
  })
  server.on('clientError', refuseBadRequest)
  server.maxConnections = limits.sockets
  const open = trackConnections(server)
  await bind(server, host, port)
  const { port: bound } = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${name}:${bound}`,
    close: (graceMs) => closeServer(server, open, graceMs),
  }
}

function plainServer(limits: Limits, listener: RequestListener): HttpServer {
  const options = { ...patience(limits), ...UPGRADES, maxHeaderSize: limits.headerBytesMax }
  const server = createHttpServer(options, listener)
  server.keepAliveTimeout = limits.idleHttpMs
  server.timeout = silenceMs(limits)
  return server
}

async function secureServer(
  tls: NonNullable<ListenOptions['tls']>,
  limits: Limits,
  listener: RequestListener,
): Promise<Http2SecureServer> {
  const [cert, key] = await Promise.all([readPem('cert', tls.cert), readPem('key', tls.key)])
  const server = createSecureServer(
    {
      allowHTTP1: true,
      minVersion: 'TLSv1.2',
      cert,
      key,
      handshakeTimeout: HANDSHAKE_MS,
      // Of HTTP/1.1; the types know the options of HTTP/2 only.
      ...{ ...UPGRADES, maxHeaderSize: limits.headerBytesMax },
      settings: { maxConcurrentStreams: 100, maxHeaderListSize: limits.headerBytesMax },
    },
    // Node's compatibility classes for HTTP/2 are used like those of HTTP/1.1 throughout.
    listener as unknown as Parameters<typeof createSecureServer>[1],
  )
  // For HTTP/1.1 Node takes these from the server, but not from its options.
  Object.assign(server, patience(limits), { keepAliveTimeout: limits.idleHttpMs })
  server.on('session', (session: Http2Session) => {
    session.setTimeout(limits.idleHttpMs)
    session.on('timeout', () => {
      // Closing lets what is being answered finish, unless it is as silent again as a client may be.
      if (session.closed) return session.destroy()
      session.close()
      session.setTimeout(silenceMs(limits))
    })
  })
  return server
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

async function readPem(what: 'cert' | 'key', path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`listen.tls.${what}: ${path} can't be read (${code}); give the path of a PEM file.`, {
      cause: error,
    })
  }
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(bindError(error, host, port)))
    server.listen(port, host, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

const BIND_FIXES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there; choose another `listen.port` (or PORT, or --port)',
  EACCES: 'this user may not; choose a port above 1023',
  EADDRNOTAVAIL: 'this machine has no such address; choose another `listen.host`',
  ENOTFOUND: 'the name is not known; choose another `listen.host`',
}

function bindError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const fix = BIND_FIXES[error.code ?? ''] ?? error.message
  return new Error(`Can't listen on ${host}:${port}: ${fix}.`, { cause: error })
}

/** What must end before a server is closed. */
interface OpenConnections {
  /** Of HTTP/1.1. */
  readonly sockets: ReadonlySet<Socket>
  /** Those of `sockets` that have a request to answer, or speak another protocol by now. */
  readonly busy: ReadonlySet<Socket>
  readonly sessions: ReadonlySet<Http2Session>
}

function trackConnections(server: Server): OpenConnections {
  const sockets = new Set<Socket>()
  const busy = new Set<Socket>()
  const sessions = new Set<Http2Session>()
  // One function for all of them: there may be many thousands.
  function forget(this: Socket): void {
    sockets.delete(this)
    busy.delete(this)
  }
  const secure = !(server instanceof HttpServer)
  server.on(secure ? 'secureConnection' : 'connection', (socket: Socket & { readonly alpnProtocol?: unknown }) => {
    if (socket.alpnProtocol === 'h2') return
    sockets.add(socket)
    socket.on('close', forget)
  })
  server.on('request', ({ httpVersionMajor, socket }: IncomingMessage, response: ServerResponse) => {
    if (httpVersionMajor >= 2) return
    busy.add(socket)
    response.once('close', () => busy.delete(socket))
  })
  // Whoever speaks another protocol on a socket ends it by itself.
  server.on('upgrade', (_request: IncomingMessage, socket: Socket) => busy.add(socket))
  server.on('session', (session: Http2Session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  return { sockets, busy, sessions }
}

function closeServer(server: Server, open: OpenConnections, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // Node's own closeIdleConnections leaves alone those that never sent a request, as browsers keep in reserve.
    const closeIdle = (): void => {
      for (const socket of open.sockets) if (!open.busy.has(socket)) socket.destroy()
    }
    const idleTimer = setInterval(closeIdle, 20)
    const timer = setTimeout(() => {
      for (const socket of open.sockets) socket.destroy()
      for (const session of open.sessions) session.destroy()
    }, graceMs)
    server.close(() => {
      clearInterval(idleTimer)
      clearTimeout(timer)
      resolve()
    })
    closeIdle()
    for (const session of open.sessions) session.close()
  })
}

const CLIENT_ERRORS: Readonly<Record<string, ProblemName>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
}

/** Answers what never became a request. */
function refuseBadRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  // Bytes that were written already belong to an answer, in the midst of which another one would be garbage.
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy()
    return
  }
  const name = CLIENT_ERRORS[error.code ?? ''] ?? 'invalid-message'
  const { status, title, when } = PROBLEMS[name]
  const body = JSON.stringify(problemDocument(new ProblemError(name, when), `urn:uuid:${randomUUID()}`))
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
