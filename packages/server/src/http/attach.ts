/** Puts the watch routes before the listeners of a server that another application runs. */
import type { RequestListener, Server } from 'node:http'
import type { Handle } from './handler.ts'

/**
 * Takes the requests that are Watchpost's and hands all others to the listeners that the server has now. Returns how to
 * undo it. Listeners that are added later hear every request, so attach last.
 */
export function attachTo(server: Server, handle: Handle): () => void {
  const others = server.listeners('request') as RequestListener[]
  const listener: RequestListener = (request, response) => {
    if (handle(request, response)) return
    for (const other of others) other.call(server, request, response)
  }
  server.removeAllListeners('request')
  server.on('request', listener)
  return () => {
    server.off('request', listener)
    for (const other of others) server.on('request', other)
  }
}
