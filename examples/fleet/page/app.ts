/** The page: one watch gives the state of all trains, whole at first and then as patches, and everything is drawn from it. */
import { createClient } from '@watchpost/client'
import { byId, html } from './elements.ts'
import { List } from './list.ts'
import { LondonMap, type MapData } from './map.ts'
import { Orders } from './orders.ts'
import { type Server, type TrainEvent, trainOf } from './trains.ts'

const data = (await (await fetch('/map.json')).json()) as MapData
const client = createClient<Server>({ url: '/' })

let state: ReadonlyMap<string, TrainEvent> = new Map()
let line = ''
let chosen = ''
/** When the page could hear the trains again, after it was cut off from the server. */
let sinceMs = 0
let isOpen = false
let isFrameAsked = false

const lines = byId('lines')
const orders = new Orders(client)
const list = new List(
  (id) => {
    chosen = id
    askFrame()
  },
  () => {
    // Nobody can go to the orders before there is a train to give them to.
    render()
    orders.focus()
  },
)
byId('orders').addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') list.focus()
})
const map = new LondonMap(data, (id) => list.choose(id))

function askFrame(): void {
  if (isFrameAsked) return
  isFrameAsked = true
  requestAnimationFrame(() => {
    isFrameAsked = false
    render()
  })
}

function render(): void {
  const trains = [...state.values()].flatMap((event) => trainOf(event, isOpen ? sinceMs : Date.now()) ?? [])
  map.render(trains, line, chosen)
  list.render(trains, line)
  orders.render(trains.find(({ id }) => id === chosen))
}

const watch = client.watch('trains', { state: true, delta: true })
watch.on('state', (now) => {
  state = now
  askFrame()
})
watch.on('status', (status) => {
  if (status === 'open' && state.size > 0) sinceMs = Date.now()
  isOpen = status === 'open'
  say(isOpen ? 'live' : state.size > 0 ? 'reconnecting: trains as last seen' : 'connecting')
})
watch.on('error', ({ message }) => say(`${message} Reload the page to try again.`))

function say(words: string): void {
  byId('status').dataset['live'] = String(isOpen)
  // What is read out is read again with each change, and each attempt goes through several statuses.
  if (byId('status').textContent !== words) byId('status').textContent = words
}

// That a train is silent is what nothing comes to tell.
setInterval(askFrame, 1_000)

lines.append(
  ...data.lines
    .filter(({ hasTrains }) => hasTrains)
    .map(({ name }) => name)
    .sort()
    .map((name) =>
      html('label', { 'data-line': name }, html('input', { type: 'radio', name: 'line', value: name }), name),
    ),
)
lines.addEventListener('change', ({ target }) => {
  line = (target as HTMLInputElement).value
  map.show(line)
  askFrame()
})
