/** What the tests of core share: everything below a transport, on a log in memory and a clock by hand. */
import { type Gap, type Limits, limitsWith, ProblemError } from '@watchpost/protocol'
import { onTestFinished } from 'vitest'
import type { TopicDefinition } from '../src/definition.ts'
import type { Encoding } from '../src/feed.ts'
import { Hub } from '../src/hub.ts'
import type { LoggedEvent } from '../src/log.ts'
import { Publisher } from '../src/publish.ts'
import { Registry, type Resolved } from '../src/registry.ts'
import type { SnapshotPart } from '../src/snapshot.ts'
import type { Sink, Snapshot } from '../src/subscription.ts'
import { type Located, type Watch, Watcher } from '../src/watch.ts'
import { ManualClock } from './manual-clock.ts'
import { MemoryLog, type MemoryLogOptions } from './memory-log.ts'

/** Any data under two types, for anyone. */
export const OPEN: TopicDefinition = { events: { tick: {}, tock: {} }, watch: 'anyone', publish: 'anyone' }

/** The same with a key, which makes a state. */
export const KEYED: TopicDefinition = { ...OPEN, key: '/k' }

/** The same again, of which whoever is slow is sent just the newest event of each key. */
export const LATEST: TopicDefinition = { ...KEYED, onSlow: 'latest' }

export interface Chunk {
  readonly events: readonly LoggedEvent[]
  readonly bookmark?: string
  readonly gap?: Gap
  /** Whom a bookmark or gap is for. */
  readonly filters?: readonly string[]
  readonly snapshot?: SnapshotPart
  readonly bytes: number
}

/** Keeps what a subscription is told as it is; `onEncode` hears of each batch of events. */
export function plainEncoding(onEncode: () => void = () => {}, bytesPerCharacter = 1): Encoding<Chunk> {
  return {
    name: 'plain',
    events: (events) => {
      onEncode()
      return { events: [...events], bytes: events.reduce((sum, { json }) => sum + json.length * bytesPerCharacter, 0) }
    },
    bookmark: (bookmark, _timestamp, filters) => ({ events: [], bookmark, filters, bytes: 100 }),
    gap: (gap, _timestamp, filters) => ({ events: [], gap, filters, bytes: 200 }),
  }
}

/** The state of what is watched, to begin a subscription with. */
export function plainSnapshot(watcher: Watcher, watch: Watch): Snapshot<Chunk> & { readonly from: Located } {
  const reader = watcher.snapshot(watch)
  return {
    reader,
    from: { position: reader.position },
    encode: (snapshot) => ({
      events: [],
      snapshot,
      bytes: snapshot.events.reduce((sum, { json }) => sum + json.length, 100),
    }),
  }
}

/** Takes all at once, unless it is `slow`: then what was written waits until {@link take}. */
export class RecordingSink implements Sink<Chunk> {
  readonly chunks: Chunk[] = []
  failures: unknown[] = []
  bufferedBytes = 0
  slow: boolean
  #waiting: (() => void)[] = []

  constructor(slow = false) {
    this.slow = slow
  }

  get events(): LoggedEvent[] {
    return this.chunks.flatMap(({ events }) => events)
  }

  get offsets(): number[] {
    return this.events.map(({ offset }) => offset)
  }

  get bookmarks(): string[] {
    return this.chunks.flatMap(({ bookmark }) => bookmark ?? [])
  }

  get gaps(): Gap[] {
    return this.chunks.flatMap(({ gap }) => gap ?? [])
  }

  write(chunk: Chunk): void {
    this.chunks.push(chunk)
    if (this.slow) this.bufferedBytes += chunk.bytes
  }

  fail(error: unknown): void {
    this.failures.push(error)
  }

  drained(): Promise<void> {
    return this.bufferedBytes === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** The client takes all that waits. */
  take(): void {
    this.bufferedBytes = 0
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

export interface World {
  readonly log: MemoryLog
  readonly clock: ManualClock
  readonly registry: Registry
  readonly hub: Hub
  readonly watcher: Watcher
  readonly limits: Limits
  /** What the hub could not do. */
  readonly failures: unknown[]
  readonly topic: (name: string) => Resolved
  /** Publishes events of type `tick`, unless they say otherwise. */
  readonly publish: (name: string, ...events: readonly object[]) => Promise<void>
}

export interface WorldOptions extends MemoryLogOptions {
  readonly topics?: Readonly<Record<string, TopicDefinition>>
  readonly limits?: Partial<Limits>
  readonly coalesceMs?: number
  readonly heartbeatMs?: number
}

export function world(options: WorldOptions = {}): World {
  const log = new MemoryLog(options)
  const clock = new ManualClock()
  const limits = limitsWith(options.limits)
  const registry = new Registry(options.topics ?? { 'a/{x}': OPEN, 'b/{x}': OPEN, c: OPEN }, { limits })
  const failures: unknown[] = []
  const { coalesceMs = 5, heartbeatMs = 16_000 } = options
  const hub = new Hub(log, { clock, coalesceMs, heartbeatMs, onFailure: (error) => failures.push(error) })
  onTestFinished(() => hub.close())
  const watcher = new Watcher({ log, registry, hub, clock, limits })
  const publisher = new Publisher(log, limits, clock)
  const topic = (name: string): Resolved => {
    const resolved = registry.resolve(name)
    if (resolved === undefined) throw new Error(`no topic ${name}`)
    return resolved
  }
  const publish = async (name: string, ...events: readonly object[]): Promise<void> => {
    await publisher.publish(
      topic(name),
      events.map((event) => ({ type: 'tick', ...event })),
    )
  }
  return { log, clock, registry, hub, watcher, limits, failures, topic, publish }
}

/** The problem that something meets. */
export async function problemOf(act: () => unknown): Promise<ProblemError> {
  try {
    await act()
  } catch (error) {
    if (error instanceof ProblemError) return error
    throw error
  }
  throw new Error('there was no problem')
}

export const countTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)
