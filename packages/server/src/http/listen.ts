/** The server's own port: made, opened and closed. */
import type { IncomingMessage } from 'node:http'
import type { Http2Session } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { App } from '../app.ts'
import type { Config } from '../config/config.ts'
import { refuseBadRequest } from './bad-request.ts'
import { bind } from './bind.ts'
import { closeServer, trackConnections } from './closing.ts'
import type { Handler } from './handler.ts'
import { plainServer, secureServer } from './servers.ts'
import { ignoreUpgrade } from './upgrade.ts'

export interface Listening {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string
  /** Lets HTTP/2 connections take no more requests (GOAWAY), so that clients open others, perhaps elsewhere. */
  drain(): void
  /** Takes no more connections, lets what is being answered finish, and cuts what is left after `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** @throws Error that names what is wrong and the fix, such as for a port that is taken or a key that does not fit */
export async function listen(
  config: Pick<Config, 'listen' | 'trustProxy'>,
  app: Pick<App, 'limits' | 'logger' | 'metrics'>,
  handler: Handler,
): Promise<Listening> {
  const tls = config.listen?.tls
  const { request: listener } = handler
  const server = tls === undefined ? plainServer(app.limits, listener) : await secureServer(tls, app, listener)
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!handler.upgrade(request, socket, head)) ignoreUpgrade(server, request, socket, head)
  })
  server.on('clientError', refuseBadRequest)
  server.maxConnections = app.limits.sockets
  const open = trackConnections(server)
  const url = await bind(server, config)
  const drain = (): void => {
    for (const session of open.sessions) session.close()
    // One that comes yet has its first request answered.
    server.on('session', (session: Http2Session) => session.once('stream', () => session.close()))
  }
  return { url, drain, close: (graceMs) => closeServer(server, open, graceMs) }
}
