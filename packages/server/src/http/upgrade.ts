/** Requests with an `Upgrade` header, which Node hands out as bare sockets: WebSockets, and all that is none. */
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Answers an upgrade if it is Watchpost's, and says whether it is. */
export type HandleUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean

/** Whether a request is the beginning of a WebSocket (RFC 6455, section 4.2.1); what else it needs is checked later. */
export const asksForWebSocket = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && tokensOf(headers.upgrade).includes('websocket')

/**
 * An answer to an upgrade that is refused, or released to another protocol. Node makes none by itself. `undefined` if the
 * request came right behind another one that is being answered: then nothing can be said to it, and the socket is gone.
 */
export function responseTo(request: IncomingMessage, socket: Duplex): ServerResponse | undefined {
  // Node took its own listener away, and an error that nobody hears ends the process.
  socket.on('error', destroyThis)
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  try {
    response.assignSocket(socket as Socket)
  } catch {
    socket.destroy()
    return undefined
  }
  // Whatever the client does, since nobody reads the socket, and Node's own timeouts are gone with the upgrade.
  response.once('finish', () => (socket as Socket).destroySoon())
  return response
}

/** Gives the socket of such an answer to another protocol, which hears its errors by itself. */
export function release(response: ServerResponse, socket: Duplex): void {
  response.detachSocket(socket as Socket)
  socket.off('error', destroyThis)
}

function destroyThis(this: Duplex): void {
  this.destroy()
}

/** For Node versions that ask before they give a request up as an upgrade; others ignore the option. */
export const UPGRADES: object = { shouldUpgradeCallback: asksForWebSocket }

/**
 * Lets a server take an upgrade as a plain request, as a server may (RFC 9110, section 7.8), and must for those clients
 * that offer HTTP/2 in every request: the request is read once more, without what asked for the upgrade. The connection
 * ends with its answer, since requests that came right behind it can't be told from what an upgrade would be followed by.
 */
export function ignoreUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const response = responseTo(request, socket)
  if (response === undefined) return
  release(response, socket)
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`, 'Connection: close']
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] as string
    if (!UPGRADING.has(name.toLowerCase())) lines.push(`${name}: ${request.rawHeaders[i + 1]}`)
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket)
}

const UPGRADING: ReadonlySet<string> = new Set(['connection', 'upgrade', 'http2-settings'])

const tokensOf = (value = ''): readonly string[] => value.split(',').map((token) => token.trim().toLowerCase())
