/** One room on the page: two watches and presence, and where what they bring is shown. */
import type { Client, Member, Status } from '@watchpost/client'
import type { Server } from '../src/config.ts'
import { byId, face, make } from './elements.ts'
import { Messages } from './messages.ts'
import type { Outbox } from './outbox.ts'
import { Typing } from './typing.ts'

const HISTORY = 50
/** The others are told so often that something is being typed. */
const TYPING_EVERY_MS = 2_000
/** Other texts are no segment of a topic, or, such as `*`, are more than one room. */
const ROOM = /^[\w-]{1,32}$/

export class Room {
  readonly #client: Client<Server>
  readonly #outbox: Outbox
  readonly #me: string
  /** Where what is said here goes. */
  readonly #topic: `chat/${string}/${string}`
  readonly #left = new AbortController()
  readonly #typing = new Typing()
  readonly #messages: Messages
  #typingToldMs = 0

  constructor(client: Client<Server>, outbox: Outbox, room: string, me: string) {
    this.#client = client
    this.#outbox = outbox
    this.#me = me
    this.#topic = `chat/${room}/${me}`
    this.#messages = new Messages(room, me)
    showRoom(room)
    showPeople(new Map(), me)
    if (ROOM.test(room)) this.#watch(`chat/${room}`)
    else showRefused()
  }

  #watch(room: `chat/${string}`): void {
    const { signal } = this.#left
    // What is said: the last messages, then each as it comes. Who wrote it is in the topic.
    const said = this.#client.watch(`${room}/*`, { last: HISTORY, signal })
    said.on('event', (event) => {
      const author = event.topic.split('/')[2] ?? ''
      if (author !== this.#me) this.#typing.set(author, event.type === 'typing')
      if (event.type !== 'message') return
      this.#outbox.arrived(event.topic, event.data.text)
      this.#messages.add(author, event.data.text, new Date(event.timestamp))
      this.#messages.showUnsent(this.#outbox.of(this.#topic))
    })
    said.on('gap', () => this.#messages.note('Some messages from the time away are no longer kept.'))
    said.on('status', showStatus)

    // What the room is for. To watch it is to be in it.
    const here = this.#client.watch(room, { type: 'about', last: 1, signal })
    here.on('event', ({ data }) => {
      byId('about').textContent = data.text
    })
    // It is over: the same would be answered again.
    here.on('error', () => {
      this.leave()
      showRefused()
    })

    // Who is here, which the watch above makes us too.
    this.#client.presence(room, { join: false, signal }).on('state', (members) => showPeople(members, this.#me))
    this.#messages.showUnsent(this.#outbox.of(this.#topic))
  }

  say(text: string): void {
    this.#typingToldMs = 0
    this.#outbox.add({ topic: this.#topic, text })
    this.#messages.showUnsent(this.#outbox.of(this.#topic))
  }

  tellTyping(): void {
    if (Date.now() - this.#typingToldMs < TYPING_EVERY_MS) return
    this.#typingToldMs = Date.now()
    // If it is lost, nothing is.
    this.#client.publish(this.#topic, { type: 'typing', data: {} }).catch(() => undefined)
  }

  leave(): void {
    this.#left.abort()
    this.#typing.close()
    this.#messages.close()
  }
}

function showRoom(room: string): void {
  byId('room').textContent = room
  byId('about').textContent = ''
  byId('text').setAttribute('placeholder', `Message #${room}`)
  document.title = `#${room} · Watchpost chat`
  byId('chat').classList.remove('refused')
  byId('refused').textContent = ''
  for (const link of byId('rooms').querySelectorAll('a')) {
    if (link.hash === `#${room}`) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
}

/** Whether there is such a room is nobody's business but that of who may be in it. */
function showRefused(): void {
  byId('chat').classList.add('refused')
  byId('refused').textContent =
    "There is no such room, or you aren't invited to it. The rooms that you can enter are listed."
}

let wasOpen = false

/** In few words that change seldom, since they are read out. */
function showStatus(status: Status): void {
  if (status === 'closed') return
  wasOpen ||= status === 'open'
  byId('status').textContent = status === 'open' ? 'live' : wasOpen ? 'reconnecting' : 'connecting'
  byId('chat').dataset['status'] = status === 'open' ? 'open' : 'away'
}

function showPeople(members: ReadonlyMap<string, Member>, me: string): void {
  byId('here-count').textContent = String(members.size)
  byId('here').replaceChildren(
    ...[...members]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([name, { connections }]) => {
        const notes = [...(name === me ? ['you'] : []), ...(connections > 1 ? [`${connections} tabs`] : [])]
        return make(
          'li',
          '',
          face(name),
          make('p', '', make('b', '', name), ' ', make('span', 'quiet', notes.join(', '))),
        )
      }),
  )
}
