/** The script of `/docs`: loads what this server says of itself to the reader, and shows it. */
import { askJson, hasToken, useToken } from './api.ts'
import { cardsOf } from './cards.ts'
import { byId, goToAddress, make } from './dom.ts'
import { takeExamples } from './examples.ts'
import { clearFailure, showCaught } from './failures.ts'
import { choose, offerTopics } from './form.ts'
import { messagesReference } from './messages.ts'
import { otherOperations, takeOperations } from './operations.ts'
import { prose } from './prose.ts'
import { listenToPublish, suggestEvent } from './publish.ts'
import { isObject } from './schema.ts'
import { listenToSide, listTopics } from './side.ts'
import { loadTopics, type TopicRow } from './topics.ts'
import { changed, listenToWatch } from './watch.ts'

/** Fills a part of the page, or says there why it can't be. */
async function fill(id: string, load: () => Promise<readonly Node[]>): Promise<void> {
  const into = byId(`${id}-reference`, HTMLElement)
  into.setAttribute('aria-busy', 'true')
  try {
    into.replaceChildren(...(await load()))
  } catch (error) {
    const failure = make('div', { class: 'error', role: 'alert' })
    into.replaceChildren(failure)
    showCaught(failure, error)
  }
  into.setAttribute('aria-busy', 'false')
}

function tryTopic(row: TopicRow): void {
  choose(row)
  changed()
  suggestEvent()
  byId('try', HTMLElement).scrollIntoView()
  byId('watch-start', HTMLButtonElement).focus({ preventScroll: true })
}

async function showTopics(asyncapi: Promise<unknown>): Promise<readonly Node[]> {
  const rows = await loadTopics()
  listTopics(rows)
  offerTopics(rows)
  suggestEvent()
  // Examples are worth a moment, but a document that can't be had is told of in its own section.
  takeExamples(await asyncapi.catch(() => undefined))
  suggestEvent()
  return cardsOf(rows, tryTopic)
}

/** Names the page as the document does, if whoever runs the server has given the API a name. */
function showTitle(openapi: unknown): void {
  const info = isObject(openapi) && isObject(openapi['info']) ? openapi['info'] : {}
  const { title, version, description } = info
  if (typeof title !== 'string' || title === 'Watchpost') return
  document.title = `${title}: reference`
  const mark = typeof version === 'string' ? make('small', {}, ` ${version}`) : undefined
  byId('title', HTMLElement).replaceChildren(title, ...(mark ? [mark] : []))
  if (typeof description === 'string') byId('about', HTMLElement).replaceChildren(prose(description))
}

async function loadAll(): Promise<void> {
  const asyncapi = askJson('/asyncapi.json')
  const openapi = askJson('/openapi.json')
  takeOperations(openapi)
  await Promise.all([
    fill('topics', () => showTopics(asyncapi)),
    fill('messages', async () => messagesReference(await asyncapi)),
    fill('http', async () => {
      showTitle(await openapi)
      return otherOperations()
    }),
  ])
  goToAddress()
}

/** Takes what the reader gave, and says at once whether the server does. */
async function useCredentials(): Promise<void> {
  const status = byId('credentials-status', HTMLElement)
  const error = byId('credentials-error', HTMLElement)
  useToken(byId('token', HTMLInputElement).value)
  clearFailure(error)
  changed()
  try {
    const { length } = await loadTopics()
    const seen = length === 1 ? 'one topic is' : `${length} topics are`
    status.textContent = hasToken() ? `accepted: ${seen} yours to see` : 'none are sent'
  } catch (caught) {
    status.textContent = 'refused'
    showCaught(error, caught)
  }
  await loadAll()
}

byId('credentials', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault()
  void useCredentials()
})
window.addEventListener('hashchange', goToAddress)
listenToSide()
listenToWatch()
listenToPublish()
byId('try-forms', HTMLElement).hidden = false
void loadAll()
