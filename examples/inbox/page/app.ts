/** The page: logs in, loads an inbox, and watches it from where the loading ended. */
import { createClient, type Page, type Status } from '@watchpost/client'
import { ask, type InboxEvent, type Server, type Session } from './api.ts'
import { button, byId, face, html } from './elements.ts'
import { List } from './list.ts'
import { showToast } from './toasts.ts'

const TEXTS: Readonly<Record<Status, string>> = {
  idle: 'connecting',
  connecting: 'connecting',
  open: 'live',
  waiting: 'reconnecting',
  refreshing: 'reconnecting',
  closed: 'stopped',
}

begin().catch(tellFault)

async function begin(): Promise<void> {
  const { users, user } = await ask<Session>('GET', '/api/session')
  if (user === undefined) showLogin(users)
  else await showInbox(user, users)
}

function showLogin(users: readonly string[]): void {
  byId('login').hidden = false
  const logIn = async (user: string): Promise<void> => {
    await ask('POST', '/api/session', { user })
    location.reload()
  }
  const choices = users.map((name) => {
    const choice = button(name, () => void logIn(name).catch(tellFault))
    choice.prepend(face(name))
    return html('li', '', choice)
  })
  byId('users').append(...choices)
}

async function showInbox(me: string, users: readonly string[]): Promise<void> {
  const url = `/api/inbox/${me}`
  showMe(me, users, url)
  const list = new List((ids) => void ask('POST', `${url}/read`, { ids }).then(forgetFault, tellFault))

  // What there is, by pages; then, from the cursor of the last one, whatever comes: nothing is missed in between.
  let page: Page<InboxEvent> = { events: [], cursor: 'earliest', more: true }
  while (page.more) {
    page = await ask('GET', `${url}?limit=1000&after=${page.cursor}`)
    for (const event of page.events) list.take(event)
  }
  list.show()
  const watch = createClient<Server>({ url: '/api', backoffMsMax: 5_000 }).watch(`inbox/${me}`, { after: page.cursor })
  watch.on('event', (event) => {
    list.take(event)
    list.show()
    if (event.type === 'notification') showToast(event.data)
  })
  watch.on('status', showStatus)
  // Some events are gone: whoever begins anew sees what is left.
  watch.on('gap', () => location.reload())
  watch.on('error', (error) => void leave(me, error))
}

/** The watch is over. Mostly since somebody logged out, in this tab or in another one. */
async function leave(me: string, problem: Error): Promise<void> {
  try {
    const { user } = await ask<Session>('GET', '/api/session')
    if (user === me) tellFault(problem)
    else location.reload()
  } catch (error) {
    tellFault(error as Error)
  }
}

let wasOpen = false

/** In few words that change seldom, since they are read out. */
function showStatus(status: Status): void {
  wasOpen ||= status === 'open'
  const shown = wasOpen && status === 'connecting' ? 'waiting' : status
  byId('status').textContent = TEXTS[shown]
  byId('status').dataset['status'] = shown
  if (status === 'open') forgetFault()
}

function showMe(me: string, users: readonly string[], url: string): void {
  byId('inbox').hidden = false
  byId('me').textContent = me
  byId('face').replaceWith(face(me))
  byId('url').textContent = url
  byId('url').setAttribute('href', url)
  byId('to').append(...users.map((name) => html('option', '', name)))
  byId('logout').addEventListener('click', () => {
    ask('DELETE', '/api/session').then(() => location.reload(), tellFault)
  })
  byId('tell').addEventListener('submit', (submitted) => {
    submitted.preventDefault()
    tell().catch((fault: Error) => answer(fault.message, true))
  })
}

async function tell(): Promise<void> {
  const [to, text] = [byId('to') as HTMLSelectElement, byId('text') as HTMLTextAreaElement]
  answer('')
  await ask('POST', `/api/inbox/${to.value}`, { text: text.value })
  text.value = ''
  answer(`${to.value} was told.`)
}

function answer(text: string, isFault = false): void {
  byId('answer').textContent = text
  byId('answer').classList.toggle('fault', isFault)
}

function tellFault(error: Error): void {
  byId('notice').textContent = error.message
}

function forgetFault(): void {
  byId('notice').textContent = ''
}
