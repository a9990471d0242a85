/**
 * The ticker: a page and a feed of prices, with Watchpost attached to their HTTP server.
 * Next: config.ts says what can be watched, feed.ts publishes it, and page/app.ts watches it.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createWatchpost } from 'watchpost'
import { configIn } from './config.ts'
import { feed } from './feed.ts'
import { createPage } from './page.ts'

const port = Number(process.env['PORT'] || 8080)
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`PORT=${process.env['PORT']} is no port; choose one: PORT=8081 npm start -w examples/ticker`)
  process.exit(1)
}

const pricesPerSecond = Number(process.env['PACE'] || 5)
if (!(pricesPerSecond > 0)) {
  console.error(`PACE=${process.env['PACE']} is no number of prices in a second; choose one, such as PACE=5`)
  process.exit(1)
}

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())

const watchpost = await createWatchpost(configIn(process.env['WATCHPOST_DATA_DIR'] || '.watchpost'))
const server = createServer(
  express()
    .disable('x-powered-by')
    .use(await createPage()),
)
watchpost.attach(server)
server.once('error', ({ message }) => {
  console.error(`${message}; choose another port: PORT=8081 npm start -w examples/ticker`)
  process.exit(1)
})
server.listen(port, '127.0.0.1')
await once(server, 'listening')
console.log(`The ticker: http://127.0.0.1:${(server.address() as AddressInfo).port}`)
console.log(`Kill it:    kill -9 ${process.pid}, then start it again, and look at the page`)

await feed(watchpost, pricesPerSecond, stopping.signal)
server.close()
await watchpost.close()
server.closeAllConnections()
