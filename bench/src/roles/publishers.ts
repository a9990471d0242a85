/** Publishes over raw kept-alive sockets, one per request in flight: a client that costs as little as it can. */
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { serveRole } from '../roles.ts'
import { payload } from './pace.ts'

const { port, pathname } = new URL(process.argv[2] ?? '')

function requestOf(batch: number): Buffer {
  const event = { type: 'priceUpdate', key: 'MSFT', data: payload() }
  const body = JSON.stringify(batch === 1 ? event : Array.from({ length: batch }, () => event))
  const head = `POST ${pathname} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`
  return Buffer.from(head + body)
}

/** Sends a request and resolves once its whole answer is there; anything but a 201 is a failure. */
async function roundTrip(socket: Socket, request: Buffer): Promise<void> {
  socket.write(request)
  let text = ''
  let end = -1
  while (end < 0 || text.length < end) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    text += chunk.toString('latin1')
    const headEnd = text.indexOf('\r\n\r\n')
    if (headEnd >= 0) end = headEnd + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
  }
  if (!text.startsWith('HTTP/1.1 201')) throw new Error(text.slice(0, 500))
}

serveRole('ready', {
  /** Resolves with the seconds that it took. */
  publish: async (batch = 1, inFlight = 1, requests = 1) => {
    const request = requestOf(batch)
    let left = requests
    const startMs = performance.now()
    const one = async (): Promise<void> => {
      const socket = createConnection(Number(port), '127.0.0.1')
      await once(socket, 'connect')
      while (left-- > 0) await roundTrip(socket, request)
      socket.destroy()
    }
    await Promise.all(Array.from({ length: inFlight }, one))
    return (performance.now() - startMs) / 1_000
  },
})
