/** Where the server is: one entry for each protocol, as the client that asks reaches it. */
import type { Documented } from '../documented.ts'

/** Which of the servers a channel is on. */
export type ServerName = 'websocket' | 'http'

/** By `wss` and `https` if the client came by TLS. */
export function serversOf({ baseUrl }: Documented): Readonly<Record<ServerName, object>> {
  const { protocol, host, pathname } = new URL(baseUrl)
  const secure = protocol === 'https:'
  const place = { host, ...(pathname !== '/' && { pathname }) }
  return {
    websocket: { ...place, protocol: secure ? 'wss' : 'ws', description: 'WebSocket (RFC 6455).' },
    http: { ...place, protocol: secure ? 'https' : 'http', description: 'Server-Sent Events, and publishing.' },
  }
}

/** What binds a channel to one of the servers. */
export const onServer = (name: ServerName): { readonly servers: readonly object[] } => ({
  servers: [{ $ref: `#/servers/${name}` }],
})
