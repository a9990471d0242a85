/** Publishing from the form, and copying what it says. */
import { ask, failureOf } from './api.ts'
import { publishAddress } from './command.ts'
import { byId } from './dom.ts'
import { newEventOf } from './examples.ts'
import { clearFailure, showCaught, showFailure } from './failures.ts'
import { chosenRow, fields } from './form.ts'

const body = byId('publish-body', HTMLTextAreaElement)
const status = byId('publish-status', HTMLElement)
const error = byId('publish-error', HTMLElement)
const copy = byId('watch-copy', HTMLButtonElement)

async function publish(): Promise<void> {
  status.textContent = 'publishing'
  clearFailure(error)
  try {
    const address = publishAddress(fields).href
    const response = await ask(address, { method: 'POST', body: body.value }, { 'content-type': 'application/json' })
    if (!response.ok) return showFailure(error, await failureOf(response))
    const { events } = (await response.json()) as { readonly events: readonly { readonly id: string }[] }
    status.textContent = `published: ${events.map(({ id }) => id).join(', ')}`
  } catch (caught) {
    showCaught(error, caught)
  } finally {
    if (!error.hidden) status.textContent = 'refused'
  }
}

/** Puts an event that fits the topic into the form, if the reader has not written one. */
export function suggestEvent(): void {
  const row = chosenRow()
  const event = row && newEventOf(row)
  if (event === undefined || body.dataset['written'] === 'true') return
  body.value = JSON.stringify(event)
}

/** Clipboards are for pages of a secure origin; elsewhere the text is marked, for the reader to copy. */
async function copyCommand(): Promise<void> {
  const command = byId('watch-command', HTMLElement)
  try {
    await navigator.clipboard.writeText(command.textContent ?? '')
    copy.textContent = 'Copied'
  } catch {
    getSelection()?.selectAllChildren(command)
    copy.textContent = 'Marked: copy it'
  }
}

/** Makes the form work. */
export function listenToPublish(): void {
  byId('publish', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    void publish()
  })
  body.addEventListener('input', () => void (body.dataset['written'] = String(body.value !== '')))
  byId('try-topic', HTMLInputElement).addEventListener('change', suggestEvent)
  byId('watch', HTMLFormElement).addEventListener('input', () => void (copy.textContent = 'Copy'))
  copy.addEventListener('click', () => void copyCommand())
}
