/** The list of messages. */
import { byId, face, make } from './elements.ts'
import type { Unsent } from './outbox.ts'

const SHOWN_MAX = 500
/** What comes so soon after a room was entered was there before. */
const HISTORY_MS = 2_000

const list = byId('messages')
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' })
const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long' })

/** Whether the newest message is in view, and so is to stay there. */
let isAtEnd = true

function showEnd(): void {
  list.scrollTop = list.scrollHeight
}

list.addEventListener('scroll', () => {
  isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40
  if (isAtEnd) byId('newer').hidden = true
})
new ResizeObserver(() => isAtEnd && showEnd()).observe(list)
byId('newer').addEventListener('click', showEnd)

export class Messages {
  readonly #me: string
  readonly #timer: ReturnType<typeof setTimeout>
  #lastAuthor = ''
  #lastDay = ''

  /** Empties the list. What was said before is not read out, what comes later is. */
  constructor(room: string, me: string) {
    this.#me = me
    isAtEnd = true
    byId('newer').hidden = true
    list.replaceChildren()
    list.setAttribute('aria-label', `Messages in ${room}`)
    list.ariaLive = 'off'
    this.#timer = setTimeout(() => {
      list.ariaLive = 'polite'
    }, HISTORY_MS)
  }

  add(author: string, text: string, at: Date): void {
    if (day.format(at) !== this.#lastDay) this.note(day.format(at))
    this.#lastDay = day.format(at)
    const time = make('time', 'when quiet', clock.format(at))
    time.setAttribute('datetime', at.toISOString())
    const item = this.#item(author, text, time)
    this.#lastAuthor = author
    this.#insert(item)
  }

  note(text: string): void {
    this.#lastAuthor = ''
    this.#insert(make('li', 'note quiet', text))
  }

  /** Shows at the end what is on its way. */
  showUnsent(unsent: readonly Unsent[]): void {
    for (const item of list.querySelectorAll('.unsent')) item.remove()
    for (const { text } of unsent) {
      const item = this.#item(this.#me, text, make('span', 'when quiet', 'sending…'))
      item.classList.add('unsent')
      list.append(item)
    }
    if (unsent.length > 0) showEnd()
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #item(author: string, text: string, time: HTMLElement): HTMLElement {
    const words = make('p', '', text)
    // Right to left, if that is how it begins.
    words.dir = 'auto'
    const item = make('li', 'message', face(author), make('b', '', author), time, words)
    item.classList.toggle('mine', author === this.#me)
    item.classList.toggle('goes-on', author === this.#lastAuthor)
    return item
  }

  #insert(item: HTMLElement): void {
    const unsent = list.querySelector('.unsent')
    if (unsent === null) list.append(item)
    else unsent.before(item)
    while (list.childElementCount > SHOWN_MAX) list.firstElementChild?.remove()
    if (isAtEnd) showEnd()
    else byId('newer').hidden = false
  }
}
