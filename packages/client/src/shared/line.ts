/**
 * One watch of the hub, and the members that are told what comes by it. A member is at home on any line that stands, or
 * has just stood, where the member does.
 */
import type { WatchpostError } from '../error.ts'
import type { Settings } from '../options.ts'
import type { Event } from '../protocol.ts'
import { type Home, type Start, Subscription } from '../subscription.ts'
import type { Gap, WatchOptions } from '../watch.ts'
import { type Asked, failureOf, type News } from './messages.ts'

/** So much of what was told can be told again: in count, and in characters of data. */
const PAST_MAX = 1_000
const PAST_CHARACTERS_MAX = 1_048_576

/** What was told, and where that led to; where a line began, and bookmarks, have nothing to tell again. */
interface Past {
  readonly cursor: string
  readonly news?: News
}

const charactersOf = ({ news }: Past): number => (news?.type === 'event' ? news.characters : 0)

type State = ReadonlyMap<string, Event<string, unknown>>

/** Whoever has the line. */
export interface Owner {
  tell(members: Iterable<string>, news: News): void
  /** The line has told an event that is stored. */
  passed(line: Line): void
  failed(line: Line): void
}

export class Line {
  readonly key: string
  readonly members: Set<string> = new Set()
  /** The event that was told last, if nothing else was since. */
  last = ''
  readonly #owner: Owner
  readonly #subscription: Subscription
  readonly #beginsWithState: boolean
  /** Want the state, which is not there yet. */
  readonly #waiting = new Set<string>()
  /** Whether what comes is new, rather than from before somebody came. */
  #isLive: boolean
  #past: Past[]
  /** Of all that is in `#past`. */
  #pastCharacters = 0
  /** As long as it is whole. */
  #state: State | undefined

  constructor(key: string, { view, start, delta, info, filter }: Asked, settings: Settings, home: Home, owner: Owner) {
    this.key = key
    this.#owner = owner
    this.#beginsWithState = start.state === true
    this.#isLive = start.after === undefined && start.last === undefined
    this.#past = start.after === undefined ? [] : [{ cursor: start.after }]
    this.#subscription = new Subscription(filter, { ...view, ...start, delta, info } as WatchOptions, settings, home)
    this.#subscription.on('event', (event) => this.#event(event as Event<string, unknown>))
    this.#subscription.on('gap', (gap) => this.#gap(gap))
    this.#subscription.on('error', (error) => this.#failed(error))
    this.#subscription.on('status', (status, cause) => {
      if (status !== 'idle' && status !== 'closed')
        this.#tell({ type: 'status', status, cause: cause && failureOf(cause) })
      // Where it stands comes right behind; until they know, members that lose this tab would begin anew.
      if (status === 'open') queueMicrotask(() => this.advance())
    })
    if (this.#beginsWithState) this.#subscription.on('state', (state) => this.#stands(state as State))
  }

  get isEmpty(): boolean {
    return this.members.size + this.#waiting.size === 0
  }

  /** Whether one who starts there misses nothing by it, and gets nothing twice. */
  takes({ state, last, after }: Start): boolean {
    if (state === true) return this.#beginsWithState
    if (last !== undefined || (this.#beginsWithState && this.#state === undefined)) return false
    return after === undefined ? this.#isLive : this.#past.some(({ cursor }) => cursor === after)
  }

  join(member: string, { state, after }: Start): void {
    const { status } = this.#subscription
    const tell = (news: News | undefined): void => {
      if (news !== undefined) this.#owner.tell([member], news)
    }
    if (status === 'open') tell({ type: 'status', status, cause: undefined })
    if (state === true && this.#state === undefined) return void this.#waiting.add(member)
    this.advance()
    this.members.add(member)
    if (state === true) return tell(this.#snapshot())
    const from =
      after === undefined ? this.#past.length - 1 : this.#past.findLastIndex(({ cursor }) => cursor === after)
    for (const { news } of this.#past.slice(from + 1)) tell(news)
    const cursor = this.#past.at(-1)?.cursor
    if (cursor !== undefined) tell({ type: 'bookmark', cursor })
  }

  leave(member: string): void {
    this.members.delete(member)
    this.#waiting.delete(member)
  }

  /** Takes the members of a line that has told the same, and less since then. */
  absorb(other: Line): boolean {
    if (other.#beginsWithState || (this.#beginsWithState && this.#state === undefined)) return false
    for (const member of other.members) this.members.add(member)
    other.members.clear()
    this.#isLive ||= other.#isLive
    return true
  }

  /** Tells how far it has come, if nothing else did. */
  advance(): void {
    const { cursor } = this.#subscription
    if (cursor === undefined || cursor === this.#past.at(-1)?.cursor) return
    if (this.#beginsWithState && this.#state === undefined) return
    this.#pass({ cursor })
    this.#owner.tell(this.members, { type: 'bookmark', cursor })
  }

  end(): void {
    this.#subscription.end()
  }

  #tell(news: News): void {
    this.#owner.tell([...this.members, ...this.#waiting], news)
  }

  #event(event: Event<string, unknown>): void {
    // Of a state that is not whole yet nothing is told by itself.
    if (this.#beginsWithState && this.#state === undefined) return
    const news: News = { type: 'event', event, characters: JSON.stringify(event.data).length }
    this.#owner.tell(this.members, news)
    const { id = '' } = event as { readonly id?: string }
    if (id === '') return
    this.#pass({ cursor: id, news })
    this.last = id
    this.#owner.passed(this)
  }

  #gap(gap: Gap): void {
    const news: News = { type: 'gap', gap }
    this.last = ''
    this.#tell(news)
    if (!this.#beginsWithState) return this.#pass({ cursor: gap.earliest, news })
    // It goes on with a state, which is not what its members go on with.
    this.#state = undefined
    this.#past = []
    this.#pastCharacters = 0
    this.#tell({ type: 'restart' })
    this.members.clear()
    this.#waiting.clear()
  }

  /** The state is whole. It is not a copy, so it stays so. */
  #stands(state: State): void {
    if (this.#state !== undefined || this.#subscription.start.state !== undefined) return
    this.#state = state
    this.advance()
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    this.#owner.tell(waiting, this.#snapshot())
    for (const member of waiting) this.members.add(member)
  }

  #snapshot(): News {
    const cursor = this.#subscription.cursor ?? ''
    return { type: 'snapshot', events: [...(this.#state?.values() ?? [])], cursor }
  }

  #pass(past: Past): void {
    this.#past.push(past)
    this.#pastCharacters += charactersOf(past)
    // The last one says where the line stands, so it stays. Of the others many at once, since each time costs the rest.
    while (this.#past.length > 1 && (this.#past.length > PAST_MAX || this.#pastCharacters > PAST_CHARACTERS_MAX)) {
      const dropped = this.#past.splice(0, Math.ceil((this.#past.length - 1) / 4))
      for (const each of dropped) this.#pastCharacters -= charactersOf(each)
    }
  }

  #failed(error: WatchpostError): void {
    this.#tell({ type: 'failed', error: failureOf(error) })
    this.#owner.failed(this)
  }
}
