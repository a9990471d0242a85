/** What visitors have to say: published by POST, and shown when it comes back through the stream like any event. */
import { byId, html } from './elements.js'
import { clockText } from './format.js'

const SHOWN = 5

export class Notes {
  #list = byId('notes-list')
  /** The newest first. @type {import('./stream.js').Note[]} */
  #notes = []

  constructor() {
    const form = /** @type {HTMLFormElement} */ (byId('notes-form'))
    const field = /** @type {HTMLInputElement} */ (byId('notes-text'))
    const answer = byId('notes-answer')
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      answer.textContent = ''
      publish(field.value).then(
        () => form.reset(),
        (error) => (answer.textContent = `Not published: ${error.message}`),
      )
    })
  }

  /** @param {import('./stream.js').Note} event */
  add(event) {
    this.#notes = [event, ...this.#notes].slice(0, SHOWN)
  }

  clear() {
    this.#notes = []
  }

  render() {
    if (this.#notes.length === 0) return this.#list.replaceChildren(html('li', { class: 'quiet' }, ['None yet.']))
    this.#list.replaceChildren(
      ...this.#notes.map(({ data, timestamp }) => {
        const from = data.author === undefined ? [] : [' · ', html('bdi', {}, [data.author])]
        // Each by itself: what is written from right to left turns nothing round but itself.
        const words = html('bdi', {}, [data.text])
        return html('li', {}, [words, html('span', { class: 'quiet' }, [` ${clockText(timestamp)}`, ...from])])
      }),
    )
  }
}

/** @param {string} text */
async function publish(text) {
  const response = await fetch('/v1/topics/notes', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'note', data: { text } }),
  })
  if (response.ok) return
  const problem = await response.json()
  throw new Error(problem.detail)
}
