/** Serves the page and, as a library on the same port, Watchpost. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createWatchpost } from 'watchpost'
import { configIn } from './config.ts'
import { answer, resources } from './resources.ts'

const [port = '8080', dataDir = '.watchpost'] = process.argv.slice(2)

const served = await resources()
const watchpost = await createWatchpost(configIn(dataDir, process.env['FLEET_KEY_HASH'] ?? ''))
const server = createServer((request, response) => answer(served, request, response))
watchpost.attach(server, { probes: true })

server.once('error', (error: NodeJS.ErrnoException) => {
  console.error(
    error.code === 'EADDRINUSE'
      ? `port ${port} is taken; choose another one, as in PORT=${Number(port) + 1} npm start -w examples/fleet`
      : error,
  )
  process.exit(1)
})
server.listen(Number(port), '127.0.0.1', () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

const stop = (): void => {
  server.close()
  void watchpost.close().finally(() => {
    server.closeAllConnections()
    process.exit()
  })
}
// Ctrl+C is for the program that started this one, and that then ends it. If that one is gone, this has to end too.
process.once('SIGTERM', stop).once('disconnect', stop)
process.on('SIGINT', () => {})
