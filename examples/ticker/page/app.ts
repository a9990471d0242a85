/** The page: watches the ticker, and hands what comes to the parts that show it. */
import { createClient } from '@watchpost/client'
import type { Topics } from '../src/config.ts'
import { Chart } from './chart.ts'
import { byId } from './elements.ts'
import { Figures } from './figures.ts'
import { Tiles } from './tiles.ts'

const chart = new Chart()
const tiles = new Tiles((symbol) => chart.emphasize(symbol))
const figures = new Figures()
let newestMs = 0
let wasOpen = false

function clear(): void {
  newestMs = 0
  chart.clear()
  tiles.clear()
}

const client = createClient<{ topics: Topics }>({ url: '/', transports: ['sse'], backoffMsMax: 2_000 })
const watch = client.watch('ticker', { last: 1_000 })

watch.on('event', (event) => {
  if (event.type === 'started') return figures.addStart(event.data.pid, event.data.at)
  const { n, symbol, price } = event.data
  const timeMs = Date.parse(event.timestamp)
  // After the last month of the file comes its first one.
  if (timeMs < newestMs) clear()
  newestMs = timeMs
  figures.count(n)
  tiles.add(symbol, price, timeMs)
  chart.add(symbol, price, timeMs)
})

watch.on('status', (status) => {
  if (status === 'open') figures.countConnection()
  wasOpen ||= status === 'open'
  // Each attempt goes through several statuses; to whoever looks on, it is one wait.
  const word = status === 'open' ? 'live' : status === 'closed' ? 'stopped' : wasOpen ? 'reconnecting' : 'connecting'
  byId('status').dataset['status'] = word
  // What is read out is read again with each change.
  if (byId('status').textContent !== word) byId('status').textContent = word
})

watch.on('gap', () => {
  clear()
  figures.startOver()
  tell('Some prices are no longer kept: the page was away for too long, or the server has a new log. It starts over.')
})

watch.on('error', ({ message }) => tell(`${message} Reload the page to try again.`))

function tell(text: string): void {
  byId('notice').textContent = text
  byId('notice').hidden = false
}
