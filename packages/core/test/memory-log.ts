/** A log in memory, as small as its contract allows. Its head moves by hand if asked to, so that "durable later" can be played. */
import { encodeEvent, formatCursor, ProblemError, topicOf } from '@watchpost/protocol'
import type {
  Append,
  Appended,
  Log,
  LoggedEvent,
  NameRange,
  PassingEvent,
  Refused,
  Retention,
  Scan,
  Scanned,
  StateScan,
  StateScanned,
  Table,
  TopicFacts,
} from '../src/log.ts'

export interface MemoryLogOptions {
  /** Whether what is appended is durable only once {@link MemoryLog.advance} says so. */
  readonly byHand?: boolean
  /** A scan stops after so many events even if it may look at more, so that a short log or state has many slices. */
  readonly sliceEventsMax?: number
}

interface Topic {
  readonly offsets: number[]
  readonly state: Map<string, LoggedEvent>
  trimmed: number
  trims: number
  last: number
}

interface Waiting {
  readonly first: number
  readonly append: Append
  readonly passing: readonly PassingEvent[]
  readonly resolve: () => void
}

const byUtf8 = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

export class MemoryLog implements Log {
  readonly epoch = 'm3m'
  head = 0
  trims = 0
  closed = false
  /** When set, every read throws it. */
  failure: Error | undefined
  readonly #options: MemoryLogOptions
  readonly #events = new Map<number, LoggedEvent>()
  readonly #topics = new Map<string, Topic>()
  /** Of all topics, also those whose events are not durable yet. */
  readonly #names = new Set<string>()
  readonly #transient = new Set<string>()
  readonly forgotten = { trimmed: 0, trims: 0 }
  readonly #trimOf = new Map<number, number>()
  readonly #listeners = new Set<() => void>()
  readonly #passing: PassingEvent[] = []
  readonly #table = new Map<string, string>()
  passed = 0
  #appended = 0
  #trimmed = 0
  #waiting: Waiting[] = []

  constructor(options: MemoryLogOptions = {}) {
    this.#options = options
  }

  get trimmed(): number {
    this.#demandReadable()
    return this.#trimmed
  }

  /** The newest offset, durable or not. */
  get appended(): number {
    return this.#appended
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** Whether an event is still kept. */
  keeps(offset: number): boolean {
    return this.#events.has(offset)
  }

  async append(append: Append): Promise<Appended> {
    if (this.closed) throw new Error('the log is closed')
    const { topic, topicsMax = Number.POSITIVE_INFINITY, transient = false } = append
    const count = transient ? this.#transient.size : this.#names.size - this.#transient.size
    const stored = append.events.filter(({ ephemeral }) => ephemeral !== true)
    if (stored.length > 0 && !this.#names.has(topic) && count >= topicsMax) {
      throw new ProblemError('reach-maximum-topics', `There are ${topicsMax} topics already.`)
    }
    if (stored.length > 0) this.#names.add(topic)
    if (stored.length > 0 && transient) this.#transient.add(topic)
    const first = this.#appended + 1
    const passing: PassingEvent[] = []
    for (const event of append.events) {
      if (event.ephemeral === true) {
        passing.push({ passing: 0, offset: this.#appended, json: encodeEvent({ ...event, topic, id: undefined }) })
        continue
      }
      const offset = ++this.#appended
      const id = formatCursor(this.epoch, { offset, trims: 0 })
      this.#events.set(offset, { offset, json: encodeEvent({ ...event, topic: append.topic, id }) })
    }
    const waiting = { first, append: { ...append, events: stored }, passing }
    const durable = new Promise<void>((resolve) => this.#waiting.push({ ...waiting, resolve }))
    if (this.#options.byHand !== true) this.advance()
    await durable
    const ephemeral = append.events.flatMap((event, place) => (event.ephemeral === true ? [place] : []))
    const timestamps = append.events.map(({ timestamp }) => timestamp)
    return { first, timestamps, replayed: false, ...(ephemeral.length > 0 && { ephemeral }) }
  }

  async change(change: (table: Table) => readonly Append[]): Promise<readonly Refused[]> {
    this.#demandReadable()
    const table = this.#table
    const entries = (prefix: string, countMax: number): [string, string][] =>
      [...table].filter(([key]) => key.startsWith(prefix)).slice(0, countMax)
    const appends = change({
      get: (key) => table.get(key),
      put: (key, value) => void table.set(key, value),
      remove: (key) => void table.delete(key),
      entries,
      latest: (topic, key) => this.#topics.get(topic)?.state.get(key)?.json,
    })
    const refused = await Promise.all(
      appends.map((append) =>
        this.append(append).then(
          () => [],
          (problem: unknown) => [{ topic: append.topic, problem }],
        ),
      ),
    )
    return refused.flat()
  }

  passing(after: number, eventsMax: number): readonly PassingEvent[] {
    return this.#passing.filter(({ passing }) => passing > after).slice(0, eventsMax)
  }

  /** Lets go of all events that are not stored. */
  letGo(): void {
    this.#passing.splice(0)
  }

  /** Makes the next `publishes` that wait durable. */
  advance(publishes = Number.POSITIVE_INFINITY): void {
    const durable = this.#waiting.splice(0, publishes)
    for (const { first, append, passing, resolve } of durable) {
      for (const i of append.events.keys()) this.#enter(append, first + i, i)
      this.head = first + append.events.length - 1
      for (const event of passing) this.#passing.push({ ...event, passing: ++this.passed })
      resolve()
    }
    if (durable.length > 0) for (const listener of this.#listeners) listener()
  }

  #enter({ topic, keyed, events, transient = false }: Append, offset: number, i: number): void {
    const begin = transient ? this.forgotten : { trimmed: 0, trims: 0 }
    const facts: Topic = this.#topics.get(topic) ?? { offsets: [], state: new Map(), last: 0, ...begin }
    this.#topics.set(topic, facts)
    facts.offsets.push(offset)
    facts.last = offset
    const event = events[i]
    if (!keyed || event?.key === undefined) return
    if (event.data === 'null') facts.state.delete(event.key)
    else facts.state.set(event.key, this.#events.get(offset) as LoggedEvent)
  }

  scan(scan: Scan): Scanned {
    this.#demandReadable()
    if (scan.upTo > this.head) throw new Error(`read up to ${scan.upTo}, but only ${this.head} is durable`)
    const events: LoggedEvent[] = []
    let looked = 0
    let characters = 0
    for (let offset = scan.after + 1; offset <= scan.upTo; offset++) {
      const event = this.#events.get(offset)
      if (event === undefined || scan.topics?.includes(topicOf(event.json)) === false) continue
      characters += event.json.length
      if (looked > 0 && this.#isFull(looked, characters, scan)) return { events, through: events.at(-1)?.offset ?? 0 }
      looked++
      events.push(event)
    }
    return { events, through: Math.max(scan.upTo, scan.after) }
  }

  scanBack(scan: Omit<Scan, 'after'>): Scanned {
    this.#demandReadable()
    if (scan.upTo > this.head) throw new Error(`read up to ${scan.upTo}, but only ${this.head} is durable`)
    const events: LoggedEvent[] = []
    let characters = 0
    for (let offset = scan.upTo; offset > 0; offset--) {
      const event = this.#events.get(offset)
      if (event === undefined || scan.topics?.includes(topicOf(event.json)) === false) continue
      characters += event.json.length
      if (events.length > 0 && this.#isFull(events.length, characters, scan)) {
        return { events, through: events.at(-1)?.offset ?? 0 }
      }
      events.push(event)
    }
    return { events, through: 0 }
  }

  #isFull(looked: number, characters: number, bounds: Omit<Scan, 'after'>): boolean {
    return (
      looked >= Math.min(bounds.eventsMax, this.#options.sliceEventsMax ?? bounds.eventsMax) ||
      characters > bounds.charactersMax
    )
  }

  state(scan: StateScan): StateScanned {
    this.#demandReadable()
    const state = this.#topics.get(scan.topic)?.state ?? new Map<string, LoggedEvent>()
    const keys = [...state.keys()]
      .filter((key) => scan.keys?.includes(key) ?? true)
      .filter((key) => scan.afterKey === undefined || byUtf8(key, scan.afterKey) > 0)
      .sort(byUtf8)
    const page = keys.slice(0, Math.min(scan.eventsMax, this.#options.sliceEventsMax ?? scan.eventsMax))
    const events = page.map((key) => state.get(key) as LoggedEvent)
    const last = page.at(-1)
    return keys.length > page.length && last !== undefined ? { events, nextAfterKey: last } : { events }
  }

  /** Which trim took an event away, counted from 1; 0 if none did. */
  trimOf(offset: number): number {
    return this.#trimOf.get(offset) ?? 0
  }

  topic(topic: string): TopicFacts | undefined {
    this.#demandReadable()
    const facts = this.#topics.get(topic)
    if (facts === undefined) return undefined
    const { offsets, trimmed, trims, last } = facts
    const bytes = offsets.reduce((sum, offset) => sum + Buffer.byteLength(this.#events.get(offset)?.json ?? ''), 0)
    return { topic, events: offsets.length, bytes, trimmed, trims, last }
  }

  topics(prefix = '', { from = '', before }: NameRange = {}): Iterable<TopicFacts> {
    this.#demandReadable()
    const isInside = (name: string): boolean =>
      name.startsWith(prefix) && byUtf8(name, from) >= 0 && (before === undefined || byUtf8(name, before) < 0)
    const names = [...this.#topics.keys()].filter(isInside).sort(byUtf8)
    return names.map((name) => this.topic(name) as TopicFacts)
  }

  async trim(topic: string, retention: Retention, eventsMax: number): Promise<{ readonly more: boolean }> {
    if (retention.ageMs !== undefined || retention.bytes !== undefined) throw new Error('trims by count only')
    const facts = this.#topics.get(topic)
    if (facts === undefined) return { more: false }
    const excess = facts.offsets.length - (retention.events ?? facts.offsets.length)
    const going = facts.offsets.splice(0, Math.max(0, Math.min(excess, eventsMax)))
    if (going.length > 0) facts.trims = ++this.trims
    for (const offset of going) {
      this.#events.delete(offset)
      this.#trimOf.set(offset, this.trims)
      facts.trimmed = offset
      this.#trimmed = Math.max(this.#trimmed, offset)
    }
    return { more: excess > eventsMax }
  }

  async trimEach(
    topics: readonly string[],
    retention: Retention,
    eventsMax: number,
  ): Promise<{ readonly more: boolean }> {
    let left = eventsMax
    for (const topic of topics) {
      const kept = this.#topics.get(topic)?.offsets.length ?? 0
      const { more } = await this.trim(topic, retention, left)
      left -= kept - (this.#topics.get(topic)?.offsets.length ?? 0)
      if (more) return { more }
    }
    return { more: false }
  }

  get transientTopics(): number {
    return this.#transient.size
  }

  async forget(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      const facts = this.#topics.get(topic)
      if (facts === undefined || facts.offsets.length > 0 || facts.state.size > 0) continue
      if (!this.#transient.has(topic)) continue
      for (const names of [this.#topics, this.#names, this.#transient]) names.delete(topic)
      this.forgotten.trimmed = Math.max(this.forgotten.trimmed, facts.trimmed)
      this.forgotten.trims = Math.max(this.forgotten.trims, facts.trims)
    }
  }

  /** Whether what waits is durable by the doing of another process, of which this one has not heard yet. */
  isUnheard = false

  refresh(): void {
    if (this.isUnheard) this.advance()
  }

  onAdvance(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): Promise<void> {
    this.closed = true
    return Promise.resolve()
  }

  #demandReadable(): void {
    if (this.failure !== undefined) throw this.failure
  }
}
