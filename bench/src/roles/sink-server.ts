/** HTTP alone: reads each body, parses it, and answers 201. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveRole, usageCommands } from '../roles.ts'

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const events: unknown = JSON.parse(Buffer.concat(chunks).toString())
    const body = JSON.stringify({ events: Array.isArray(events) ? events.length : 1 })
    response.writeHead(201, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    response.end(body)
  })
})
server.listen(0, '127.0.0.1', () => {
  serveRole(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, usageCommands)
})
