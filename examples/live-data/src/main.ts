/**
 * The live-data example: a page and three feeds on one HTTP server, with Watchpost attached to it as a library.
 * Next: config.ts says what can be watched, feeds/all.ts publishes it, and public/app.js watches it.
 */

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createWatchpost } from 'watchpost'
import { configIn } from './config.ts'
import { feed } from './feeds/all.ts'
import { datasetUrl } from './feeds/dataset.ts'
import { readQuakes } from './feeds/quakes.ts'
import { readPrices } from './feeds/stocks.ts'
import { type Options, readOptions, USAGE, UsageError } from './options.ts'
import { createStaticHandler, folderResources } from './static.ts'

const say = (text: string): void => console.log(text)

async function run(options: Options): Promise<void> {
  const stopping = new AbortController()
  const stop = (): void => stopping.abort()
  process.once('SIGINT', stop).once('SIGTERM', stop)

  const [prices, quakes] = await Promise.all([readPrices(), readQuakes()])
  const watchpost = await createWatchpost(configIn(options.dataDir))
  const server = createServer(
    createStaticHandler(
      new Map([
        ...folderResources(new URL('../public/', import.meta.url)),
        ['/world-110m.json', datasetUrl('world-110m.json')],
        ['/datasets.json', () => JSON.stringify({ stocks: extentOf(prices), quakes: extentOf(quakes) })],
      ]),
    ),
  )
  watchpost.attach(server, { probes: true })
  try {
    greet(await listen(server, options.port))
    await feed({ watchpost, prices, quakes, recordsPerSecond: options.recordsPerSecond, signal: stopping.signal, say })
    say('stopping')
  } finally {
    stop()
    server.close()
    await watchpost.close()
    server.closeAllConnections()
  }
}

/** What the page needs to know of a data set before all of it was published. */
function extentOf(records: readonly { readonly timestamp: string }[]) {
  return { records: records.length, first: records[0]?.timestamp, last: records.at(-1)?.timestamp }
}

/** Listens on this machine only; resolves to the URL. */
async function listen(server: Server, port: number): Promise<string> {
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new UsageError(`port ${port} is taken; choose another one: PORT=${port + 1} npm start`)
  }
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function greet(url: string): void {
  say(`Watchpost live data: ${url}

The reference:       ${url}/docs
A page of the log:   curl '${url}/v1/topics/stocks?limit=3'
A long poll:         curl '${url}/v1/topics/host?wait=20'
A stream:            curl -N -H 'Accept: text/event-stream' '${url}/v1/events?topic=stocks&topic=quakes&topic=host&last=3'
`)
}

try {
  const options = readOptions(process.argv.slice(2), process.env)
  if (options === undefined) say(USAGE)
  else await run(options)
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error)
  process.exitCode = 1
}
