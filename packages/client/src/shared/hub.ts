/** The one connection of several tabs, in the tab that holds it: a line for each thing that is watched, whoever watches. */
import { Connections } from '../links.ts'
import type { Settings } from '../options.ts'
import { Channel } from './channel.ts'
import { Line, type Owner } from './line.ts'
import { type Asked, type FromHub, type FromTab, lockOf, type News } from './messages.ts'

export class Hub implements Owner {
  readonly #id: string = crypto.randomUUID()
  readonly #name: string
  readonly #settings: Settings
  readonly #connections: Connections
  readonly #channel: Channel
  readonly #ending = new AbortController()
  readonly #lines = new Set<Line>()
  /** Members by their sessions. */
  readonly #sessions = new Map<string, Set<string>>()

  constructor(name: string, settings: Settings) {
    this.#name = name
    // It can end, and another one begin, while the client of this tab goes on.
    this.#settings = { ...settings, closing: new AbortController() }
    this.#connections = new Connections(this.#settings)
    this.#channel = new Channel(name, (message) => this.#take(message as FromTab))
    this.#post({ kind: 'here', hub: this.#id })
  }

  close(): void {
    if (this.#ending.signal.aborted) return
    this.#ending.abort()
    for (const line of this.#lines) line.end()
    this.#connections.close()
    this.#post({ kind: 'gone', hub: this.#id })
    this.#channel.close()
  }

  // As its lines see it.

  tell(members: Iterable<string>, news: News): void {
    const to = [...members]
    if (to.length > 0 && !this.#ending.signal.aborted) this.#post({ kind: 'news', hub: this.#id, to, news })
  }

  passed(line: Line): void {
    // One that has told this event before has told it to its own members.
    for (const other of this.#lines) {
      if (other === line || other.key !== line.key || other.last !== line.last || !other.absorb(line)) continue
      return this.#drop(line)
    }
  }

  failed(line: Line): void {
    this.#lines.delete(line)
  }

  // Inside.

  #take(message: FromTab): void {
    if (message.kind === 'ping') {
      for (const line of this.#lines) line.advance()
      return this.#post({ kind: 'pong', hub: this.#id, session: message.session })
    }
    if (message.kind === 'open') return this.#open(message.session)
    if (message.hub !== this.#id) return
    const members = this.#sessions.get(message.session)
    // Of a tab that is gone already: nobody would ever end what it asks for.
    if (members === undefined) return
    if (message.kind === 'leave') {
      members.delete(message.member)
      return this.#leave(message.member)
    }
    members.add(message.member)
    this.#watch(message.member, message.asked)
  }

  #open(session: string): void {
    this.#post({ kind: 'welcome', hub: this.#id, session })
    if (this.#sessions.has(session)) return
    this.#sessions.set(session, new Set())
    const { signal } = this.#ending
    // It is free once the tab has closed the session, or is gone.
    navigator.locks.request(lockOf(this.#name, session), { signal }, () => this.#forget(session)).catch(() => undefined)
  }

  #forget(session: string): void {
    for (const member of this.#sessions.get(session) ?? []) this.#leave(member)
    this.#sessions.delete(session)
  }

  #watch(member: string, asked: Asked): void {
    const { filter, view, delta, info, start } = asked
    const key = JSON.stringify([filter, view, delta, info])
    let line = [...this.#lines].find((each) => each.key === key && each.takes(start))
    if (line === undefined) {
      line = new Line(key, asked, this.#settings, this.#connections, this)
      this.#lines.add(line)
    }
    line.join(member, start)
  }

  #leave(member: string): void {
    for (const line of this.#lines) {
      line.leave(member)
      if (line.isEmpty) this.#drop(line)
    }
  }

  #drop(line: Line): void {
    this.#lines.delete(line)
    line.end()
  }

  #post(message: FromHub): void {
    this.#channel.post(message)
  }
}
