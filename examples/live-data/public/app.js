/**
 * The page: one stream feeds all panels, by whichever transport the visitor chose. Events are put where they belong as they come; drawing waits for the next
 * frame, so that a history of thousands of events is drawn once, and text that changes often is renewed twice a second.
 */
import { followChoice } from './choice.js'
import { byId } from './elements.js'
import { countText } from './format.js'
import { Host } from './host.js'
import { Notes } from './notes.js'
import { Prices } from './prices.js'
import { Quakes } from './quakes.js'
import { Routes } from './routes.js'
import { Stream } from './stream.js'

const TEXT_EVERY_MS = 500

let paused = false
let frameAsked = false
let received = 0
let cursor = 'latest'
let lastMessage = ''

const prices = new Prices(askFrame)
const host = new Host(askFrame)
const quakes = new Quakes()
const notes = new Notes()
const routes = new Routes()
const panels = [prices, host, quakes, notes]

/** @param {import('./stream.js').WatchedEvent} event */
function put(event) {
  if (event.type === 'priceUpdate') prices.add(event)
  else if (event.type === 'quake') quakes.add(event)
  else if (event.type === 'sample') host.add(event)
  else notes.add(event)
}

function askFrame() {
  if (frameAsked || paused) return
  frameAsked = true
  requestAnimationFrame(() => {
    frameAsked = false
    for (const panel of panels) panel.render()
  })
}

function renewText() {
  if (paused) return
  quakes.renderLists()
  routes.render(cursor)
  byId('received').textContent = countText(received)
  if (cursor !== 'latest') byId('cursor').textContent = cursor
  if (lastMessage !== '') byId('message').textContent = JSON.stringify(JSON.parse(lastMessage), null, 2)
}

/** @param {string} text */
function tell(text) {
  byId('notice-text').textContent = text
  byId('notice').hidden = false
}

byId('notice-close').addEventListener('click', () => {
  byId('notice').hidden = true
})

byId('pause').addEventListener('click', () => {
  paused = !paused
  byId('pause').setAttribute('aria-pressed', String(paused))
  byId('pause').textContent = paused ? 'Go on' : 'Pause'
  askFrame()
})

setInterval(renewText, TEXT_EVERY_MS)

const stream = new Stream('**', ['priceUpdate', 'quake', 'sample', 'note'], {
  onEvent: (event, raw) => {
    received++
    lastMessage = raw
    put(event)
    askFrame()
  },
  onStatus: (status) => {
    byId('status').textContent = status
    byId('status').dataset['state'] = status
    if (status === 'stopped') tell('The server ended the WebSocket for good. Choose SSE to go on from the same cursor.')
  },
  onGap: ({ reason }) => {
    if (reason === 'epoch') {
      // Another log has nothing to do with what was drawn from the old one.
      for (const panel of panels) panel.clear()
      tell('The server has a new log. The page starts over with what that one holds.')
    } else {
      tell(
        'Some events are no longer kept: this page was away for longer than they were. It goes on with the earliest that is left.',
      )
    }
    askFrame()
  },
  onCursor: (seen) => {
    cursor = seen
  },
})
followChoice((transport) => stream.use(transport))

/** @param {string} path */
async function load(path) {
  const response = await fetch(path)
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return response.json()
}

try {
  const [extents, topology] = await Promise.all([load('/datasets.json'), load('/world-110m.json')])
  prices.setExtent(extents.stocks)
  quakes.setExtent(extents.quakes)
  quakes.setLand(topology)
  askFrame()
} catch (error) {
  tell(`The map could not be loaded; reload the page to try again. (${String(error)})`)
}
