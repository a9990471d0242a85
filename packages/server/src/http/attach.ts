/** Puts the watch routes before the listeners of a server that another application runs. */
import type { RequestListener, Server } from 'node:http'
import type { Handle } from './handler.ts'

/**
 * Takes the requests that are Watchpost's and hands all others to the listeners that the server has now. Returns how to
 * undo it. Listeners that are added later hear every request, so attach last.
 */
export function attachTo(server: Server, handle: Handle): () => void {
  const others = server.listeners('request') as RequestListener[]
  let attached = true
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    if (attached && handle(request, response)) return
    for (const other of others) other.call(server, request, response)
  })
  // The listener stays: another one that was attached after it may hand requests on to it.
  return () => {
    attached = false
  }
}
