/**
 * The floor: what fan-out costs at least on Node. A bare HTTP server that answers with an open stream, SSE or WebSocket,
 * and a loop that writes the same bytes to each socket: no log, no topics, no resume. With `coalesceMs` above 0, frames
 * share a write.
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { serveRole, usageCommands } from '../roles.ts'
import { textFrame } from './frames.ts'
import { event, pace } from './pace.ts'

const isWebSocket = process.argv[2] === 'websocket'
const coalesceMs = Number(process.argv[3] ?? 0)
const sockets = new Set<Socket>()
const add = (socket: Socket): void => {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  socket.on('error', () => socket.destroy())
}
const server = createServer((_request, response) => {
  response.shouldKeepAlive = false
  response.useChunkedEncodingByDefault = false
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  if (response.socket !== null) add(response.socket)
})
server.on('upgrade', (request, socket: Socket) => {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  const accept = createHash('sha1').update(key).digest('base64')
  const head = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket']
  socket.write([...head, `Sec-WebSocket-Accept: ${accept}`, '\r\n'].join('\r\n'))
  socket.resume()
  add(socket)
})

let pending: Buffer[] = []
const write = (): void => {
  const bytes = pending.length === 1 ? pending[0] : Buffer.concat(pending)
  pending = []
  for (const socket of sockets) socket.write(bytes ?? '')
}

server.listen(0, '127.0.0.1', () => {
  serveRole(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    ...usageCommands,
    publish: async (perSecond = 0, count = 0, levels = 0) => {
      await pace(perSecond, count, (n, dueMs) => {
        const made = event(n, dueMs, levels)
        const json = JSON.stringify(made)
        pending.push(
          isWebSocket ? textFrame(json) : Buffer.from(`id: ${made.id}\nevent: ${made.type}\ndata: ${json}\n\n`),
        )
        if (coalesceMs === 0) write()
        else if (pending.length === 1) setTimeout(write, coalesceMs)
      })
      await new Promise((resolve) => setTimeout(resolve, coalesceMs * 2))
    },
  })
})
