/** Publishes real prices, and goes on where the log ends. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import type { Watchpost } from 'watchpost'
import { z } from 'zod'
import type { Topics } from './config.ts'

const FILE = new URL('../data/stocks.csv', import.meta.resolve('vega-datasets'))

const Rows = z.array(z.object({ symbol: z.string(), date: z.string(), price: z.coerce.number() }))

/** All prices of the file, in the order of time. */
async function readPrices() {
  const rows = Rows.parse(parse(await readFile(FILE, 'utf8'), { columns: true }))
  return rows
    .map(({ symbol, date, price }) => ({ symbol, price, timestamp: new Date(`${date} UTC`).toISOString() }))
    .sort((a, b) => a.timestamp.localeCompare(b.timestamp))
}

/** Which process this is. */
const STARTED = { type: 'started', data: { pid: process.pid, at: new Date().toISOString() } } as const

/** Publishes one price after the other until aborted; after the last one of the file comes the first one again. */
export async function feed(watchpost: Watchpost<Topics>, pricesPerSecond: number, signal: AbortSignal): Promise<void> {
  const prices = await readPrices()
  for (let n = await countPublished(watchpost); !signal.aborted; n++) {
    const next = prices[n % prices.length]
    if (next === undefined) throw new Error(`${FILE.pathname} has no prices; install vega-datasets again`)
    const { symbol, price, timestamp } = next
    // Said again in each round, so that it is among the last events, which are all that a page asks for.
    if (n % prices.length === 0) await watchpost.publish('ticker', STARTED)
    await watchpost.publish('ticker', { type: 'price', data: { n, symbol, price }, timestamp })
    // It fails only when it is aborted.
    await sleep(1_000 / pricesPerSecond, undefined, { signal }).catch(() => undefined)
  }
}

/** How many prices were published, by any process: the log knows. Whatever comes before an event of now is all there is. */
async function countPublished(watchpost: Watchpost<Topics>): Promise<number> {
  const { events } = await watchpost.publish('ticker', STARTED)
  let count = 0
  for await (const event of watchpost.watch('ticker', { after: 'earliest' })) {
    if (event.type === 'price') count = event.data.n + 1
    else if (event.type === 'started' && event.id === events[0]?.id) break
  }
  return count
}
