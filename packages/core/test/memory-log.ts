/** A log in memory, as small as its contract allows. Its head moves by hand if asked to, so that "durable later" can be played. */
import { encodeEvent, formatCursor, ProblemError, topicOf } from '@watchpost/protocol'
import type {
  Append,
  Appended,
  Log,
  LoggedEvent,
  Retention,
  Scan,
  Scanned,
  StateScan,
  StateScanned,
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
  readonly #trimOf = new Map<number, number>()
  readonly #listeners = new Set<() => void>()
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
    const { topic, topicsMax = Number.POSITIVE_INFINITY } = append
    if (!this.#names.has(topic) && this.#names.size >= topicsMax) {
      throw new ProblemError('reach-maximum-topics', `There are ${topicsMax} topics already.`)
    }
    this.#names.add(topic)
    const first = this.#appended + 1
    for (const event of append.events) {
      const offset = ++this.#appended
      const id = formatCursor(this.epoch, { offset, trims: 0 })
      this.#events.set(offset, { offset, json: encodeEvent({ ...event, topic: append.topic, id }) })
    }
    const durable = new Promise<void>((resolve) => this.#waiting.push({ first, append, resolve }))
    if (this.#options.byHand !== true) this.advance()
    await durable
    return { first, timestamps: append.events.map(({ timestamp }) => timestamp), replayed: false }
  }

  /** Makes the next `publishes` that wait durable. */
  advance(publishes = Number.POSITIVE_INFINITY): void {
    const durable = this.#waiting.splice(0, publishes)
    for (const { first, append, resolve } of durable) {
      for (const i of append.events.keys()) this.#enter(append, first + i, i)
      this.head = first + append.events.length - 1
      resolve()
    }
    if (durable.length > 0) for (const listener of this.#listeners) listener()
  }

  #enter({ topic, keyed, events }: Append, offset: number, i: number): void {
    const facts: Topic = this.#topics.get(topic) ?? { offsets: [], state: new Map(), trimmed: 0, trims: 0, last: 0 }
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

  topics(prefix = ''): Iterable<TopicFacts> {
    this.#demandReadable()
    const names = [...this.#topics.keys()].filter((name) => name.startsWith(prefix)).sort(byUtf8)
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
