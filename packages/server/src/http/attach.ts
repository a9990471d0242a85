/** Puts the watch routes before the listeners of a server that another application runs. */
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Handler } from './handler.ts'
import { ignoreUpgrade } from './upgrade.ts'

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/**
 * Takes the requests that are Watchpost's and hands all others to the listeners that the server has now. Returns how to
 * undo it. Listeners that are added later hear every request, so attach last.
 */
export function attachTo(server: Server, handler: Handler): () => void {
  let attached = true
  takeRequests(server, (request, response) => attached && handler.request(request, response))
  takeUpgrades(server, (request, socket, head) => attached && handler.upgrade(request, socket, head))
  // The listeners stay: another one that was attached after them may hand requests on to them.
  return () => {
    attached = false
  }
}

function takeRequests(server: Server, handle: Handler['request']): void {
  const others = server.listeners('request') as RequestListener[]
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    if (handle(request, response)) return
    for (const other of others) other.call(server, request, response)
  })
}

function takeUpgrades(server: Server, handle: Handler['upgrade']): void {
  const others = server.listeners('upgrade') as UpgradeListener[]
  server.removeAllListeners('upgrade')
  server.on('upgrade', (request, socket, head) => {
    if (handle(request, socket, head)) return
    for (const other of others) other.call(server, request, socket, head)
    // A server without such a listener would have ignored the header.
    const isHeard = others.length > 0 || server.listenerCount('upgrade') > 1
    if (!isHeard) ignoreUpgrade(server, request, socket, head)
  })
}
