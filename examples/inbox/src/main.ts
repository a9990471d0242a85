/**
 * The inbox: an Express application with pages, a login and an API of its own, and with Watchpost on the same port.
 * Next: config.ts says what can be watched, api.ts publishes it, and page/app.ts watches it.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createWatchpost } from 'watchpost'
import { createApi } from './api.ts'
import { configIn } from './config.ts'
import { createPage } from './page.ts'
import { COOKIE, SECRET } from './session.ts'

const port = Number(process.env['PORT'] || 8080)
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`PORT=${process.env['PORT']} is no port; choose one: PORT=8081 npm start -w examples/inbox`)
  process.exit(1)
}

const dataDir = process.env['WATCHPOST_DATA_DIR'] || '.watchpost'
// The application's cookie is Watchpost's credentials too.
const config = configIn(dataDir, { jwt: { secret: SECRET }, cookie: COOKIE })
const watchpost = await createWatchpost(config)
const app = express().disable('x-powered-by')
const server = createServer(app)
app
  .use(
    '/api',
    createApi(watchpost, server, () => watchpost.reload(config)),
  )
  .use(await createPage())
watchpost.attach(server, { basePath: '/api' })
server.once('error', ({ message }) => {
  console.error(`${message}; choose another port: PORT=8081 npm start -w examples/inbox`)
  process.exit(1)
})
server.listen(port, '127.0.0.1')
await once(server, 'listening')
console.log(`The inbox: http://127.0.0.1:${(server.address() as AddressInfo).port}`)

const stop = (): void => {
  server.close()
  void watchpost.close().then(() => server.closeAllConnections())
}
process.once('SIGINT', stop).once('SIGTERM', stop)
