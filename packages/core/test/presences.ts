/** Nodes that tell who is present, on one log in memory and a clock by hand. */
import { dataOf, keyOf } from '@watchpost/protocol'
import type { Log, Table } from '../src/log.ts'
import { type Attendance, Presence } from '../src/presence/presence.ts'
import type { MemoryLog } from './memory-log.ts'
import { OPEN, type World, type WorldOptions, world } from './support.ts'

export const TOPICS = { room: { ...OPEN, presence: true }, 'chat/{x}': { ...OPEN, presence: true } }
export const HEARTBEAT_MS = 8_000
export const GRACE_MS = 5_000
export const RETURN_MS = 6_000

export interface Presences extends World {
  readonly told: () => readonly (readonly [key: string | undefined, data: unknown])[]
  /** Who is here, and with how many connections. */
  readonly here: (topic?: string) => Readonly<Record<string, number>>
  readonly node: (name: string, isGone?: (node: string) => boolean, log?: Log) => Presence
  /** Time goes by. */
  readonly pass: (ms: number) => Promise<void>
  /** A node ends, and nothing that it would write as it does so comes to the log. */
  readonly kill: (presence: Presence) => Promise<void>
  readonly reported: unknown[]
}

export function presences(options: WorldOptions = {}): Presences {
  const made = world({ topics: TOPICS, ...options })
  const { log, registry, clock, limits } = made
  const reported: unknown[] = []
  const scan = { after: 0, eventsMax: 10_000, charactersMax: 10_000_000 }
  return {
    ...made,
    reported,
    told: () =>
      log
        .scan({ ...scan, upTo: log.head })
        .events.map(({ json }) => [keyOf(json), JSON.parse(dataOf(json)) as unknown] as const),
    here: (topic = 'room') => {
      const { events } = log.state({ topic: `$presence/${topic}`, eventsMax: 10_000, charactersMax: 10_000_000 })
      return Object.fromEntries(
        events.map(({ json }) => [keyOf(json), (JSON.parse(dataOf(json)) as { connections: number }).connections]),
      )
    },
    node: (node, isGone = () => false, itsLog = log) =>
      new Presence({
        ...{ log: itsLog, registry, clock, limits, heartbeatMs: HEARTBEAT_MS, returnMs: RETURN_MS, node, isGone },
        onFailure: (error) => reported.push(error),
        onRefused: ({ problem }) => reported.push(problem),
        onDied: (died) => reported.push(died),
      }),
    kill: async (presence) => {
      const change = log.change.bind(log)
      log.change = () => Promise.reject(new Error('dead'))
      await presence.close()
      log.change = change
    },
    pass: async (ms) => {
      for (let left = ms; left > 0; left -= 50) {
        clock.pass(Math.min(left, 50))
        await clock.giveTurns()
      }
    },
  }
}

/** Holds up what a log is to change, until it is let go on, or made to fail. */
export class Gate {
  #held: Promise<void> = Promise.resolve()
  #end: { readonly open: () => void; readonly fail: (error: Error) => void } | undefined

  constructor(log: MemoryLog) {
    const change = log.change.bind(log)
    log.change = async (make) => {
      await this.#held
      return change(make)
    }
  }

  /** Twice is once. */
  hold(): void {
    if (this.#end !== undefined) return
    this.#held = new Promise((open, fail) => {
      this.#end = { open, fail }
    })
    this.#held.catch(() => undefined)
  }

  /** What waits goes on, and what comes after it, also if that failed. */
  open(): void {
    this.#end?.open()
    this.#end = undefined
    this.#held = Promise.resolve()
  }

  /** What waits fails, and what comes after it. */
  fail(): void {
    this.#end?.fail(new Error('held up for good'))
    this.#end = undefined
  }
}

/** What a log remembers beside its events. */
export async function tableOf(log: Log): Promise<ReadonlyMap<string, string>> {
  let entries: ReturnType<Table['entries']> = []
  await log.change((table) => {
    entries = table.entries('', 10_000)
    return []
  })
  return new Map(entries)
}

/** The sizes of what is appended from now on. */
export function sizesOf(log: MemoryLog): readonly number[] {
  const sizes: number[] = []
  const change = log.change.bind(log)
  log.change = (make) =>
    change((table) => {
      const appends = make(table)
      sizes.push(...appends.map(({ events }) => events.length))
      return appends
    })
  return sizes
}

export const attend = (presence: Presence, key: string, info?: string, filters = ['room']): Attendance =>
  presence.attend({ filters, key, info })
