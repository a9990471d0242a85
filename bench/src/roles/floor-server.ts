/**
 * The floor: what fan-out costs at least on Node. A bare HTTP server that answers with an open stream, and a loop that
 * writes the same frame to each socket: no log, no topics, no resume. With `coalesceMs` above 0, frames share a write.
 */
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { serveRole, usage } from '../roles.ts'
import { pace, payload } from './pace.ts'

const coalesceMs = Number(process.argv[2] ?? 0)
const sockets = new Set<Socket>()
const server = createServer((_request, response) => {
  response.shouldKeepAlive = false
  response.useChunkedEncodingByDefault = false
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  const { socket } = response
  if (socket === null) return
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
})

let pending: string[] = []
const write = (): void => {
  const frames = Buffer.from(pending.join(''))
  pending = []
  for (const socket of sockets) socket.write(frames)
}

server.listen(0, '127.0.0.1', () => {
  serveRole(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    usage,
    publish: async (perSecond = 0, count = 0) => {
      await pace(perSecond, count, (n) => {
        const timestamp = new Date().toISOString()
        const message = {
          type: 'priceUpdate',
          topic: 'stocks',
          id: `k7f2xabc.${n}`,
          key: 'MSFT',
          data: payload(),
          timestamp,
        }
        pending.push(`id: k7f2xabc.${n}\nevent: priceUpdate\ndata: ${JSON.stringify(message)}\n\n`)
        if (coalesceMs === 0) write()
        else if (pending.length === 1) setTimeout(write, coalesceMs)
      })
      await new Promise((resolve) => setTimeout(resolve, coalesceMs * 2))
    },
  })
})
