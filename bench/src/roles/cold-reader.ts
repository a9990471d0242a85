/** One client that reads a topic from its beginning. Each way resolves with the seconds until the last event was there. */
import { createConnection } from 'node:net'
import { serveRole } from '../roles.ts'
import { afterHead, FrameReader, handshake } from './frames.ts'

const SSE_MARK = '\nevent: priceUpdate\n'
const MARK = Buffer.from('priceUpdate')
const url = new URL(process.argv[2] ?? '')
const path = `${url.pathname}?after=earliest`

/** Sends a request, and hands on what comes until `read` answers that all was there. */
function untilRead(request: string, read: (chunk: Buffer) => boolean): Promise<number> {
  return new Promise((resolve) => {
    const startMs = performance.now()
    const socket = createConnection(Number(url.port), '127.0.0.1')
    socket.on('data', (chunk: Buffer) => {
      if (read(chunk)) socket.destroy()
    })
    socket.on('close', () => resolve((performance.now() - startMs) / 1_000))
    socket.write(request)
  })
}

/** Counts the messages that name the type of events where all of them do, which costs less than decoding. */
function overWebSocket(protocol: string, events: number): Promise<number> {
  let seen = 0
  const reader = new FrameReader((_first, bytes, start, end) => {
    const at = bytes.indexOf(MARK, start)
    if (at >= 0 && at < Math.min(end, start + 24)) seen++
  })
  const take = afterHead(
    (head) => {
      if (!head.includes(protocol)) throw new Error(head)
    },
    (bytes) => reader.push(bytes),
  )
  return untilRead(handshake(path, `Sec-WebSocket-Protocol: ${protocol}`), (chunk) => {
    take(chunk)
    return seen === events
  })
}

serveRole('ready', {
  /** Counts frames by a line that each has, which costs less than parsing them: it is the server that is measured. */
  sse: (events = 0) => {
    let seen = 0
    // A frame may be split between chunks, so the end of one is kept for the next.
    let rest: Buffer = Buffer.alloc(0)
    return untilRead(`GET ${path} HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n`, (chunk) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let end = 0
      for (let at = bytes.indexOf(SSE_MARK); at >= 0; at = bytes.indexOf(SSE_MARK, end)) {
        seen++
        end = at + SSE_MARK.length
      }
      rest = bytes.subarray(Math.max(end, bytes.length - SSE_MARK.length))
      return seen === events
    })
  },
  websocket: (events = 0) => overWebSocket('watchpost.v1.json', events),
  msgpack: (events = 0) => overWebSocket('watchpost.v1.msgpack', events),
  pages: async (events = 0) => {
    const startMs = performance.now()
    let cursor = 'earliest'
    for (let seen = 0; seen < events; ) {
      const response = await fetch(`${url.href}?limit=1000&after=${cursor}`)
      const page = (await response.json()) as { events: unknown[]; cursor: string }
      seen += page.events.length
      cursor = page.cursor
    }
    return (performance.now() - startMs) / 1_000
  },
})
