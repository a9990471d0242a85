/** The page: who comes in, which room the address names, and what is typed. Next: room.ts. */
import { type Client, createClient } from '@watchpost/client'
import type { Server } from '../src/config.ts'
import { MESSAGE_LENGTH_MAX } from '../src/limits.ts'
import { forget, type Guest, keep, kept, Refused, signIn } from './door.ts'
import { byId, make } from './elements.ts'
import { Outbox } from './outbox.ts'
import { Room } from './room.ts'

const input = byId('text') as HTMLTextAreaElement

/** Who is in, and where; absent at the door. */
let inside: { readonly name: string; readonly client: Client<Server>; readonly outbox: Outbox; room?: Room } | undefined

/** Signs in, or says at the door why not. */
async function enterAs(guest: Guest): Promise<void> {
  try {
    const { rooms, notice = '' } = await signIn(guest)
    const lost = tellUnsent()
    keep(guest)
    comeIn(guest, rooms)
    tellFault(`${notice} ${lost}`.trim())
  } catch (error) {
    showDoor((error as Error).message)
  }
}

function comeIn(guest: Guest, rooms: readonly string[]): void {
  goOut()
  const token = async (): Promise<string> => {
    try {
      return (await signIn(guest)).token
    } catch (error) {
      // Such as when somebody else has the name by now. If the desk just can't be reached, the client tries again.
      if (error instanceof Refused && inside?.client === client) showDoor(error.message)
      throw error
    }
  }
  const client = createClient<Server>({ url: '/', token, backoffMsMax: 5_000 })
  const outbox = new Outbox(client, ({ text }, message) => tellFault(`“${text}” was not sent. ${message}`))
  inside = { name: guest.name, client, outbox }
  byId('me').textContent = guest.name
  byId('rooms').replaceChildren(
    ...rooms.map((room) => {
      const link = make('a', '', room)
      link.setAttribute('href', `#${room}`)
      return make('li', '', link)
    }),
  )
  byId('door').hidden = true
  byId('chat').hidden = false
  showRoom()
}

function goOut(): void {
  inside?.room?.leave()
  inside?.outbox.close()
  void inside?.client.close()
  inside = undefined
}

function showDoor(fault = ''): void {
  const lost = tellUnsent()
  goOut()
  byId('chat').hidden = true
  byId('door').hidden = false
  byId('door-fault').textContent = `${fault} ${lost}`.trim()
  byId('name').focus()
}

/** What is lost when whoever is in goes out; empty if nothing is. */
function tellUnsent(): string {
  const count = inside?.outbox.waiting ?? 0
  return count === 0 ? '' : count === 1 ? 'A message was not sent.' : `${count} messages were not sent.`
}

/** The room that the address names. */
function showRoom(): void {
  if (inside === undefined) return
  inside.room?.leave()
  inside.room = new Room(inside.client, inside.outbox, location.hash.slice(1) || 'lobby', inside.name)
  tellFault('')
  input.focus()
}

function say(): void {
  const text = input.value.trim()
  if (text === '') return
  if (text.length > MESSAGE_LENGTH_MAX) {
    const [is, most] = [text.length, MESSAGE_LENGTH_MAX].map((length) => length.toLocaleString('en-GB'))
    return tellFault(`That is too long to send: it has ${is} characters, and a message at most ${most}.`)
  }
  input.value = ''
  tellFault('')
  inside?.room?.say(text)
}

function tellFault(message: string): void {
  byId('fault').textContent = message
}

/** Takes an invitation out of the address, where others could read it from the screen. */
function takeInvitation(): string | undefined {
  const invitation = /^#invitation=([\w-]+)$/.exec(location.hash)?.[1]
  if (invitation !== undefined) history.replaceState(null, '', '/')
  return invitation
}

/** Comes in as whoever was in before, with what the address brings. */
function begin(): void {
  const [before, invitation] = [kept(), takeInvitation()]
  if (before !== null) return void enterAs({ ...before, ...(invitation !== undefined && { invitation }) })
  ;(byId('invitation') as HTMLInputElement).value = invitation ?? ''
  showDoor()
}

addEventListener('hashchange', () => (location.hash.startsWith('#invitation=') ? begin() : showRoom()))

input.addEventListener('input', () => {
  if (input.value.trim() !== '') inside?.room?.tellTyping()
})
input.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  say()
})

byId('composer').addEventListener('submit', (event) => {
  event.preventDefault()
  say()
  input.focus()
})

byId('door').addEventListener('submit', (event) => {
  event.preventDefault()
  const [name, invitation] = ['name', 'invitation'].map((id) => (byId(id) as HTMLInputElement).value)
  void enterAs({ name: name ?? '', invitation: invitation ?? '' })
})

byId('sign-out').addEventListener('click', () => {
  const lost = tellUnsent()
  if (lost !== '' && !confirm(`${lost} Sign out all the same?`)) return
  goOut()
  forget()
  location.assign('/')
})

begin()
