/**
 * The board: a page, Watchpost, and a compactor, on one HTTP server.
 * Next: config.ts says what can be watched, page/sync.ts watches it, and compactor.ts keeps it small.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from '@watchpost/client'
import { createWatchpost } from 'watchpost'
import { keepCompact } from './compactor.ts'
import { configIn, type Server } from './config.ts'
import { createSite } from './site.ts'

const port = Number(process.env['PORT'] || 8080)
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`PORT=${process.env['PORT']} is no port; choose one: PORT=8081 npm start -w examples/board`)
  process.exit(1)
}

const watchpost = await createWatchpost(configIn(process.env['WATCHPOST_DATA_DIR'] || '.watchpost'))
const server = createServer(await createSite())
watchpost.attach(server)
server.once('error', ({ message }) => {
  console.error(`${message}; choose another port: PORT=8081 npm start -w examples/board`)
  process.exit(1)
})
server.listen(port, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const client = createClient<Server>({ url })
keepCompact(client)
console.log(`The board:      ${url}\nThe reference:  ${url}/docs`)

const stop = async (): Promise<void> => {
  server.close()
  await client.close()
  await watchpost.close()
  server.closeAllConnections()
}
process.once('SIGINT', () => void stop()).once('SIGTERM', () => void stop())
