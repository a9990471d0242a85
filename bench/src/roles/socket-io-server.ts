/** A peer: Socket.IO, by WebSocket alone, emitting to a room that every client is in. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { serveRole, usageCommands } from '../roles.ts'
import { event, pace } from './pace.ts'

const server = createServer()
const io = new Server(server, { transports: ['websocket'], serveClient: false })
io.on('connection', (socket) => socket.join('stocks'))

server.listen(0, '127.0.0.1', () => {
  serveRole(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    ...usageCommands,
    publish: (perSecond = 0, count = 0, levels = 0) =>
      pace(perSecond, count, (n, dueMs) => {
        const made = event(n, dueMs, levels)
        io.to('stocks').emit(made.type, made)
      }),
  })
})
