/** Closes a server that listens: idle connections at once, busy ones when they are done, and what is left in the end. */
import { Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Http2SecureServer, Http2Session } from 'node:http2'
import type { Socket } from 'node:net'

/** What must end before a server is closed. */
export interface OpenConnections {
  /** Of HTTP/1.1. */
  readonly sockets: ReadonlySet<Socket>
  /** Those of `sockets` that have a request to answer, or speak another protocol by now. */
  readonly busy: ReadonlySet<Socket>
  readonly sessions: ReadonlySet<Http2Session>
}

/** Keeps account of a server's connections from now on. */
export function trackConnections(server: HttpServer | Http2SecureServer): OpenConnections {
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

/** Resolves when nothing is open any more; connections that are busy have `graceMs` to end by themselves. */
export function closeServer(
  server: HttpServer | Http2SecureServer,
  open: OpenConnections,
  graceMs: number,
): Promise<void> {
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
