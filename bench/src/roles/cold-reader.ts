/** One client that reads a topic from its beginning. Each way resolves with the seconds until the last event was there. */
import { createConnection } from 'node:net'
import { serveRole } from '../roles.ts'

const MARK = '\nevent: priceUpdate\n'
const url = new URL(process.argv[2] ?? '')

serveRole('ready', {
  /** Counts frames by a line that each has, which costs less than parsing them: it is the server that is measured. */
  sse: (events = 0) =>
    new Promise<number>((resolve) => {
      const startMs = performance.now()
      const socket = createConnection(Number(url.port), '127.0.0.1')
      let seen = 0
      // A frame may be split between chunks, so the end of one is kept for the next.
      let rest: Buffer = Buffer.alloc(0)
      socket.on('data', (chunk: Buffer) => {
        const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
        let end = 0
        for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, end)) {
          seen++
          end = at + MARK.length
        }
        rest = bytes.subarray(Math.max(end, bytes.length - MARK.length))
        if (seen === events) socket.destroy()
      })
      socket.on('close', () => resolve((performance.now() - startMs) / 1_000))
      socket.write(`GET ${url.pathname}?after=earliest HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n`)
    }),
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
