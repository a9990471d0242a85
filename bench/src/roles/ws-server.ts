/** A peer: the plain loop over the clients of `ws`. Its argument is what to do about compression: 'off', 'alone' or 'on'. */
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { serveRole, usageCommands } from '../roles.ts'
import { event, pace } from './pace.ts'

const perMessageDeflate = {
  off: false,
  // Each message by itself, from the size on from which Watchpost compresses too.
  alone: { serverNoContextTakeover: true, threshold: 1_024 },
  on: true,
}[process.argv[2] as 'off' | 'alone' | 'on']
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate })
server.on('connection', (client) => client.on('error', () => client.terminate()))

server.on('listening', () => {
  serveRole(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    ...usageCommands,
    publish: (perSecond = 0, count = 0, levels = 0) =>
      pace(perSecond, count, (n, dueMs) => {
        const json = JSON.stringify(event(n, dueMs, levels))
        for (const client of server.clients) {
          if (client.readyState === client.OPEN) client.send(json)
        }
      }),
  })
})
