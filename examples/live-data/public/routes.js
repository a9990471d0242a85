/** The watch routes as lines for a terminal, each with a button that copies it. */
import { byId, html } from './elements.js'

const COPIED_MS = 1_500

/** @param {string} origin */
const publishLine = (origin) =>
  `curl -H 'Content-Type: application/json' -d '{"type":"note","data":{"text":"Hello"}}' '${origin}/v1/topics/notes'`

/** @param {string} origin @param {string} cursor @returns {readonly { name: string, line: string }[]} */
const linesOf = (origin, cursor) => [
  { name: 'Page', line: `curl '${origin}/v1/topics/stocks?limit=5'` },
  { name: 'Long poll', line: `curl '${origin}/v1/topics/host?wait=20'` },
  { name: 'Stream', line: `curl -N -H 'Accept: text/event-stream' '${origin}/v1/topics/quakes?last=3'` },
  { name: 'WebSocket', line: `npx watchpost watch quakes --last 3 --transport websocket --url '${origin}'` },
  { name: 'State', line: `curl '${origin}/v1/state/stocks'` },
  { name: 'Publish', line: publishLine(origin) },
  { name: 'Go on from this page', line: `curl '${origin}/v1/events?topic=*&after=${cursor}&wait=20'` },
]

export class Routes {
  /** @type {HTMLElement[]} */
  #codes = []

  constructor() {
    const items = linesOf(location.origin, 'latest').map(({ name }) => {
      const code = html('code', { tabindex: 0 })
      const button = html('button', { type: 'button', 'aria-label': `Copy: ${name}` }, ['Copy'])
      button.addEventListener('click', () => void copy(code, button))
      this.#codes.push(code)
      return html('li', {}, [html('span', { class: 'name' }, [name]), code, button])
    })
    byId('routes').replaceChildren(...items)
    this.render('latest')
  }

  /** The last line goes on from the page's own cursor, by another route. @param {string} cursor */
  render(cursor) {
    for (const [i, { line }] of linesOf(location.origin, cursor).entries()) {
      const code = this.#codes[i]
      // Text that is being selected stands still.
      if (code !== undefined && code.textContent !== line && !code.matches(':hover, :focus')) code.textContent = line
    }
  }
}

/** Without the right to the clipboard, the line is selected for the visitor to copy. @param {HTMLElement} code @param {HTMLElement} button */
async function copy(code, button) {
  try {
    await navigator.clipboard.writeText(code.textContent ?? '')
    button.textContent = 'Copied'
  } catch {
    getSelection()?.selectAllChildren(code)
    button.textContent = 'Selected'
  }
  setTimeout(() => (button.textContent = 'Copy'), COPIED_MS)
}
