/** Opens a server's port, unless that would send what clients watch in clear text over a network by oversight. */
import { lookup } from 'node:dns/promises'
import type { AddressInfo, Server } from 'node:net'
import type { Config } from '../config/config.ts'
import { isBehindOthers, isLoopback } from './address.ts'

/**
 * @returns such as `http://127.0.0.1:8080`
 * @throws Error that names the address and the fix, such as for a port that is taken, or for a network without TLS
 */
export async function bind(server: Server, config: Pick<Config, 'listen' | 'trustProxy'>): Promise<string> {
  const { host = '127.0.0.1', port = 8080, tls } = config.listen ?? {}
  // Resolved once, so that what is checked is what is opened.
  const { address } = await lookup(host).catch((error: NodeJS.ErrnoException) => {
    throw bindError(error, host, port)
  })
  if (!isLoopback(address)) demandPrivacy(config, host)
  await open(server, address, port).catch((error: NodeJS.ErrnoException) => {
    throw bindError(error, host, port)
  })
  const { port: bound } = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  return `${tls === undefined ? 'http' : 'https'}://${name}:${bound}`
}

function demandPrivacy({ listen = {}, trustProxy }: Pick<Config, 'listen' | 'trustProxy'>, host: string): void {
  // A proxy on this machine needs no port that others can reach.
  if (listen.tls !== undefined || listen.plaintext === true || isBehindOthers(trustProxy)) return
  throw new Error(
    `Will not listen on ${host} without TLS, since other machines can reach it: give \`listen.tls\` a certificate and a key. ` +
      'If TLS ends at a proxy before this server, name it in `trustProxy`, by the address that it has on the network; if the network itself is private, set `listen.plaintext: true`.',
  )
}

function open(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => {
      server.off('error', reject)
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
