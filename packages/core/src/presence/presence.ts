/**
 * Who watches a topic right now [WP-9.4], as far as they are connected to this process. What changes is gathered for a
 * moment and written together; somebody who leaves stays for a while, since most come back at once.
 *
 * Next on the way down: telling.ts, and what it comes to in rows.ts.
 */
import { isExact, type Json, type Limits } from '@watchpost/protocol'
import type { Clock } from '../clock.ts'
import type { Append, Log, Refused, Table } from '../log.ts'
import type { Registry } from '../registry.ts'
import { presenceTopic } from './companion.ts'
import { forgetRegularly } from './forgetting.ts'
import { type Member, Members, type Moment, rowOf } from './members.ts'
import { type Change, Telling } from './telling.ts'

/** Members of whom one transaction writes: while it runs, this process does nothing else. */
const WRITTEN_MAX = 200

/** When what could not be written is tried again, and what was not for there being too many topics. */
const RETRY_MS = 1_000
const REFUSED_RETRY_MS = 60_000

/**
 * What is renewed so often per heartbeat, and believed for so many, ends within two of them: it is looked at as often, so
 * that it may be seen late by one look, and be found to be silent late by another.
 */
const RENEWALS_PER_HEARTBEAT = 4
const LEASE_HEARTBEATS = 1.25

/** Shorter ones could end while the machine is busy. */
const HEARTBEAT_MS_MIN = 1_000

/** Who watches, and what they tell of themselves. */
export interface Attending {
  /** The topic filters that are watched; of them, exact topics that have presence count. */
  readonly filters: readonly string[]
  /** What whoever watches is called: the subject, or the connection of the anonymous. */
  readonly key: string
  readonly info?: Json | undefined
  /** What this goes on from, and ends: the same connection and the same info, which is no newer than it was. */
  readonly before?: Attendance | undefined
}

/** Is ended when whoever attends watches no longer. */
export interface Attendance {
  /** When whoever attends told of themselves. */
  readonly toldAt: Moment
  leave(): void
}

export interface PresenceOptions {
  readonly log: Log
  readonly registry: Registry
  readonly clock: Clock
  readonly limits: Limits
  readonly heartbeatMs: number
  /** How long those who are sent away, since the process ends, may be told to wait before they come back. */
  readonly returnMs: number
  /** Names this process, without spaces; no other one, before or after it, has the same name. */
  readonly node: string
  /** Whether the process of another name is known to be gone. If it is not, nothing wrong is told. */
  readonly isGone: (node: string) => boolean
  /** The log could not be written; it is tried again. */
  readonly onFailure: (error: unknown) => void
  /** The members of a topic are not told of, for there are too many such topics. */
  readonly onRefused: (refused: Refused) => void
  /** Another process ended without a word, and its members have left, but for those who came back. */
  readonly onDied: (node: string) => void
}

export class Presence {
  readonly #options: PresenceOptions
  readonly #telling: Telling
  readonly #members: Members
  /** Of whom something is to be written, and whether what could wait is to be told too. */
  readonly #changed = new Map<Member, boolean>()
  /** Of whom there is more to tell, which can wait. */
  readonly #untold = new Set<Member>()
  /** Of whom could not be told, since there were too many topics. */
  readonly #refused = new Set<Member>()
  readonly #stop = new Map<string, () => void>()
  #wroteMs = Number.NEGATIVE_INFINITY
  #isWriting = false
  #isLooking = false
  /** Transactions that are not through yet. */
  #changing = 0
  #isClosed = false
  #hasRow = false
  /** Events that told of members, as a count that only grows. */
  eventsTold = 0

  constructor(options: PresenceOptions) {
    const { node, registry, limits, clock, returnMs, isGone } = options
    const heartbeatMs = Math.max(options.heartbeatMs, HEARTBEAT_MS_MIN)
    this.#options = options
    this.#members = new Members(clock, limits.presenceGraceMs)
    const renewEveryMs = heartbeatMs / RENEWALS_PER_HEARTBEAT
    const terms = { leaseMs: heartbeatMs * LEASE_HEARTBEATS, returnMs: limits.presenceGraceMs + returnMs }
    this.#telling = new Telling({ node, ...terms, clearEveryMs: renewEveryMs, registry, limits, clock, isGone })
    this.#stop.set(
      'renewing',
      clock.every(renewEveryMs, () => void this.#look()),
    )
    this.#stop.set('forgetting', forgetRegularly(options))
    // The one before this may have been the only one, and have left members behind.
    void this.#look()
  }

  /** How many there are that are connected to this process, or were a moment ago, each counted in each of their topics. */
  get members(): number {
    return this.#members.size
  }

  /** From now on, those who leave are sent away, and come back when they were told to. */
  awaitReturns(): void {
    this.#members.leavingMs = this.#options.limits.presenceGraceMs + this.#options.returnMs
  }

  /** Whoever watches is here from now on, until they leave. */
  attend({ filters, key, info, before }: Attending): Attendance {
    const { registry, clock } = this.#options
    const topics = filters.filter((filter) => isExact(filter) && registry.resolve(filter)?.topic.presence !== undefined)
    const toldAt = before?.toldAt ?? { nowMs: clock.now(), monotonicMs: clock.monotonic() }
    before?.leave()
    const told = info === undefined ? undefined : { info, at: toldAt }
    const members = topics.map((topic) => this.#members.join({ topic, key }, told))
    for (const member of members) this.#mark(member)
    let isHere = true
    const leave = (): void => {
      if (isHere) for (const member of members) this.#leave(member)
      isHere = false
    }
    return { toldAt, leave }
  }

  /** Tells nothing more. Those who were here are gone when the lease of this process ends, unless they are elsewhere. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const stop of this.#stop.values()) stop()
    // The first row may just be on its way.
    if (!this.#hasRow && this.#changing === 0) return
    await this.#change((table) => {
      this.#telling.close(table)
      return []
    })
  }

  #leave(member: Member): void {
    this.#members.leave(member)
    this.#wait('leaving', this.#members.leavingMs, () => this.#letGo())
    this.#mark(member)
  }

  #letGo(): void {
    const { gone, nextMs } = this.#members.letGo()
    for (const member of gone) this.#mark(member)
    if (nextMs !== undefined) this.#wait('leaving', nextMs, () => this.#letGo())
  }

  #mark(member: Member, tellsAll = false): void {
    this.#note(member, tellsAll)
    this.#writeSoon()
  }

  #note(member: Member, tellsAll = false): void {
    this.#changed.set(member, tellsAll || this.#changed.get(member) === true)
  }

  #writeSoon(afterMs = 0): void {
    if (this.#isWriting) return
    const { clock, limits } = this.#options
    const restMs = this.#wroteMs + limits.presenceEveryMs - clock.monotonic()
    this.#wait('writing', Math.max(restMs, afterMs, 0), () => void this.#write())
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    this.#isWriting = true
    this.#wroteMs = this.#options.clock.monotonic()
    const taken = this.#take()
    const changes = taken.map(
      ([member, tellsAll]): Change<Member> => ({
        ...{ member, row: rowOf(member) },
        tells: this.#members.tells(member, tellsAll),
      }),
    )
    let untold: readonly Member[] = []
    let isLost = false
    const refused = await this.#change((table) => {
      const written = this.#telling.write(table, changes)
      ;({ untold, isLost } = written)
      return written.appends
    })
    this.#isWriting = false
    const isDone = refused !== undefined
    // The first row that there is was not lost before.
    isLost &&= this.#hasRow
    this.#hasRow ||= isDone
    if (isDone) this.#noteRefused(changes, refused)
    if (isDone) this.#settle(changes, untold)
    else for (const [member, tellsAll] of taken) this.#note(member, tellsAll)
    if (isLost) for (const member of this.#members) this.#note(member)
    if (this.#changed.size === 0) return
    // More than one transaction was to take is not made to wait for the next moment.
    if (taken.length === WRITTEN_MAX) this.#wroteMs = Number.NEGATIVE_INFINITY
    this.#writeSoon(isDone ? 0 : RETRY_MS)
  }

  /** The first of those of whom something is to be written. There may be very many. */
  #take(): readonly (readonly [Member, boolean])[] {
    const taken: (readonly [Member, boolean])[] = []
    for (const change of this.#changed) {
      const [member] = change
      taken.push(change)
      this.#changed.delete(member)
      this.#untold.delete(member)
      if (taken.length === WRITTEN_MAX) break
    }
    return taken
  }

  /** Remembers whom there is no topic for; it is tried again after a while. */
  #noteRefused(changes: readonly Change<Member>[], refused: ReadonlySet<string>): void {
    if (refused.size === 0) return
    for (const { member } of changes) if (refused.has(presenceTopic(member.topic))) this.#refused.add(member)
    this.#wait('refused', REFUSED_RETRY_MS, () => {
      const members = [...this.#refused]
      this.#refused.clear()
      // Another one of that name has a row of its own.
      for (const member of members) if (this.#members.has(member)) this.#mark(member)
    })
  }

  #settle(changes: readonly Change<Member>[], untold: readonly Member[]): void {
    for (const member of untold) this.#untold.add(member)
    // Whoever comes back before the rest is written and told must be the same one, or that would undo it. And while
    // anybody is left who has a row, this node keeps its own, by which the others would find that one.
    for (const { member } of changes) {
      if (!this.#untold.has(member) && !this.#changed.has(member)) this.#members.forget(member)
    }
    if (untold.length > 0) this.#wait('untold', this.#options.limits.presenceGraceMs, () => this.#tellRest())
  }

  #tellRest(): void {
    const untold = [...this.#untold]
    this.#untold.clear()
    for (const member of untold) this.#mark(member, true)
  }

  /** Renews what this process is believed for, and lets go of those that are not any more. Never rejects. */
  async #look(): Promise<void> {
    if (this.#isLooking || (this.#options.registry.companions.length === 0 && !this.#hasRow)) return
    this.#isLooking = true
    for (let more = true; more && !this.#isClosed; ) {
      more = await this.#lookOnce()
      if (more) await this.#options.clock.turn()
    }
    this.#isLooking = false
  }

  /** Answers whether there is more to do. */
  async #lookOnce(): Promise<boolean> {
    let isEmpty = false
    let more = false
    let isLost = false
    let died: readonly string[] = []
    const refused = await this.#change((table) => {
      isEmpty = this.#members.size === 0
      if (!isEmpty) isLost = this.#telling.renew(table)
      const cleared = this.#telling.clear(table, isEmpty)
      ;({ more, died } = cleared)
      return cleared.appends
    })
    isLost &&= this.#hasRow
    const isDone = refused !== undefined
    if (isDone) this.#hasRow = !isEmpty
    if (isLost) for (const member of this.#members) this.#mark(member)
    if (isDone) for (const node of died) this.#options.onDied(node)
    return isDone && more
  }

  /** Answers the topics that were refused; `undefined` if nothing was done. */
  async #change(change: (table: Table) => readonly Append[]): Promise<ReadonlySet<string> | undefined> {
    const { log, onFailure, onRefused } = this.#options
    this.#changing++
    try {
      let appends: readonly Append[] = []
      const refused = await log.change((table) => (appends = change(table)))
      this.#telling.committed()
      for (const each of refused) onRefused(each)
      const topics = new Set(refused.map(({ topic }) => topic))
      for (const { topic, events } of appends) this.eventsTold += topics.has(topic) ? 0 : events.length
      return topics
    } catch (error) {
      onFailure(error)
      return undefined
    } finally {
      this.#changing--
    }
  }

  /** Calls back once, unless that is awaited already. */
  #wait(name: string, waitMs: number, act: () => void): void {
    if (this.#isClosed || this.#stop.has(name)) return
    const stop = this.#options.clock.after(waitMs, () => {
      this.#stop.delete(name)
      act()
    })
    this.#stop.set(name, stop)
  }
}
