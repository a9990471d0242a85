/** The notifications of one inbox, the newest first, and how many of them are unread. */
import type { InboxEvent, NotificationEvent } from './api.ts'
import { button, byId, face, html } from './elements.ts'

const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

interface Unread {
  readonly item: HTMLElement
  readonly button: HTMLElement
}

export class List {
  readonly #unread = new Map<string, Unread>()
  readonly #onRead: (ids: readonly string[]) => void

  /** @param onRead is told which notifications somebody wants to have read */
  constructor(onRead: (ids: readonly string[]) => void) {
    this.#onRead = onRead
    byId('read-all').addEventListener('click', () => onRead([...this.#unread.keys()]))
  }

  /** What is new shows once {@link show} is called. */
  take(event: InboxEvent): void {
    if (event.type === 'notification') this.#add(event)
    else for (const id of event.data.ids) this.#markRead(id)
  }

  #add({ id, data: { from, text }, timestamp }: NotificationEvent): void {
    const read = button('Mark as read', () => this.#onRead([id]))
    read.setAttribute('aria-label', `Mark as read: ${text}`)
    const time = html('time', 'quiet', moment.format(Date.parse(timestamp)))
    const words = html('p', 'text', text)
    // Right to left, if that is how it begins.
    words.dir = 'auto'
    const body = html('div', 'body', html('p', 'from', html('b', '', from), ' ', time), words)
    const item = html('li', 'unread', face(from), body, read)
    byId('list').prepend(item)
    this.#unread.set(id, { item, button: read })
  }

  #markRead(id: string): void {
    const unread = this.#unread.get(id)
    if (unread === undefined) return
    this.#unread.delete(id)
    const hadFocus = unread.button === document.activeElement
    unread.item.className = ''
    unread.button.remove()
    // Whoever goes through them by keyboard stays among them.
    if (hadFocus) (byId('list').querySelector('button') ?? byId('title')).focus()
  }

  /** Shows how many are unread. */
  show(): void {
    const count = this.#unread.size
    byId('badge').textContent = `${count} unread`
    byId('badge').hidden = count === 0
    byId('read-all').toggleAttribute('disabled', count === 0)
    byId('loading').hidden = true
    byId('empty').hidden = byId('list').childElementCount > 0
    document.title = count === 0 ? 'Inbox' : `(${count}) Inbox`
  }
}
