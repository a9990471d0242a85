/** The data sets, read without any of the example's own code. */
import { readFileSync } from 'node:fs'

export interface Event {
  readonly type: string
  readonly id: string
  readonly key?: string
  readonly data: Record<string, unknown>
  readonly timestamp: string
}

export type Content = Pick<Event, 'type' | 'data' | 'timestamp'>

const read = (name: string): string =>
  readFileSync(new URL(`../data/${name}`, import.meta.resolve('vega-datasets')), 'utf8')

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export function realPrices(): Content[] {
  const lines = read('stocks.csv').trim().split(/\r?\n/).slice(1)
  const prices = lines.map((line) => {
    const [symbol = '', date = '', price = ''] = line.split(',')
    const [month = '', day = '', year = ''] = date.split(' ')
    const timestamp = new Date(Date.UTC(Number(year), MONTHS.indexOf(month), Number(day))).toISOString()
    return { type: 'priceUpdate', data: { symbol, price: Number(price) }, timestamp }
  })
  return prices.toSorted((a, b) => a.timestamp.localeCompare(b.timestamp))
}

interface Feature {
  readonly id: string
  readonly properties: { readonly time: number; readonly mag: number; readonly place: string; readonly type: string }
  readonly geometry: { readonly coordinates: readonly [number, number, number] }
}

export function realQuakes(): Content[] {
  const { features } = JSON.parse(read('earthquakes.json')) as { features: Feature[] }
  const quakes = features.map(({ id, properties: { time, mag, place, type }, geometry: { coordinates } }) => {
    const [longitude, latitude, depthKm] = coordinates
    const data = { id, kind: type, place, magnitude: mag, longitude, latitude, depthKm }
    return { type: 'quake', data, timestamp: new Date(time).toISOString() }
  })
  return quakes.toSorted((a, b) => a.timestamp.localeCompare(b.timestamp))
}

export const contentOf = ({ type, data, timestamp }: Event): Content => ({ type, data, timestamp })

/** Reads a topic from its start until `count` events are there, waiting for those that are not yet. */
export async function firstEvents(url: string, topic: string, count: number): Promise<Event[]> {
  const events: Event[] = []
  let after = 'earliest'
  while (events.length < count) {
    const response = await fetch(`${url}/v1/topics/${topic}?after=${after}&limit=1000&wait=20`)
    if (response.status !== 200) throw new Error(`${topic} answered ${response.status}: ${await response.text()}`)
    const page = (await response.json()) as { events: Event[]; cursor: string }
    events.push(...page.events)
    after = page.cursor
  }
  return events
}
