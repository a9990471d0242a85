/** Those who watch topics at this process, by the topics and what they are called; and who has just left and may be back. */
import type { Json } from '@watchpost/protocol'
import type { Clock } from '../clock.ts'
import { type MemberRow, nameOf, type Who } from './rows.ts'
import type { Minor } from './telling.ts'

/** A point in time on both clocks: that of days is for other processes, and the other one cannot be set. */
export interface Moment {
  readonly nowMs: number
  readonly monotonicMs: number
}

/** What somebody told of themselves, and when. */
interface Told {
  readonly info: Json
  readonly at: Moment
}

/** A connection that ended a moment ago. */
interface Leaving {
  readonly member: Member
  /** When it is to be gone, on the monotonic clock. */
  readonly atMs: number
  /** Whether another one has come in its place. */
  isBack: boolean
}

/** Somebody at one topic. Changed by {@link Members} alone. */
export interface Member extends Who {
  /** Connections that are open. */
  live: number
  /** Those that ended a moment ago, and did not come back, the one that ended last at the end. */
  readonly leaving: Leaving[]
  sinceMs: number
  told: Told | undefined
  /** The info that was to be told last, as JSON, and when another one may be told at once, on the monotonic clock. */
  toldInfo: string | undefined
  nextInfoMs: number
}

const isOlder = (one: Told, other: Told | undefined): boolean =>
  other !== undefined && one.at.monotonicMs < other.at.monotonicMs

/** Connections that are open, or may come back. */
const countOf = ({ live, leaving }: Member): number => live + leaving.length

export class Members {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  readonly #graceMs: number
  readonly #byName = new Map<string, Member>()
  /** In the order in which they are to be gone. */
  readonly #leaving: Leaving[] = []
  /** How long somebody who leaves is still here. It may grow. */
  leavingMs: number

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>, graceMs: number) {
    this.#clock = clock
    this.#graceMs = graceMs
    this.leavingMs = graceMs
  }

  get size(): number {
    return this.#byName.size
  }

  [Symbol.iterator](): Iterator<Member> {
    return this.#byName.values()
  }

  /** Whether this is still the one of its name. */
  has(member: Member): boolean {
    return this.#byName.get(nameOf(member)) === member
  }

  join(who: Who, told: Told | undefined): Member {
    const nowMs = this.#clock.now()
    const { topic, key } = who
    const member: Member = this.#byName.get(nameOf(who)) ?? {
      ...{ topic, key, live: 0, leaving: [], sinceMs: nowMs },
      ...{ told: undefined, toldInfo: undefined, nextInfoMs: Number.NEGATIVE_INFINITY },
    }
    this.#byName.set(nameOf(who), member)
    // Of one who had left, and whom it is too late to keep.
    if (countOf(member) === 0) member.sinceMs = nowMs
    member.live++
    // It takes the place of the one that ended last. Else, of one that comes and goes all the time, there would be some
    // that have just ended at any moment, and those that are gone would still count.
    const back = member.leaving.pop()
    if (back !== undefined) back.isBack = true
    // Whoever only goes on may have told of themselves before another one did.
    if (told !== undefined && !isOlder(told, member.told)) member.told = told
    return member
  }

  leave(member: Member): void {
    const leaving = { member, atMs: this.#clock.monotonic() + this.leavingMs, isBack: false }
    member.live--
    member.leaving.push(leaving)
    this.#leaving.push(leaving)
  }

  /** Takes those whose time to come back is over, and says in how many milliseconds it will be for the next ones. */
  letGo(): { readonly gone: readonly Member[]; readonly nextMs: number | undefined } {
    const nowMs = this.#clock.monotonic()
    const staying = this.#leaving.findIndex(({ atMs }) => atMs > nowMs)
    const due = this.#leaving.splice(0, staying < 0 ? this.#leaving.length : staying)
    const going = due.filter(({ isBack }) => !isBack)
    for (const { member } of going) member.leaving.shift()
    const [next] = this.#leaving
    return { gone: going.map(({ member }) => member), nextMs: next && next.atMs - nowMs }
  }

  /** What was written of somebody without connections was the last there is to write. */
  forget(member: Member): void {
    if (countOf(member) === 0 && this.has(member)) this.#byName.delete(nameOf(member))
  }

  /** What may be told of a member now. Another info may, but not if one was a moment ago: many may have to be sent it. */
  tells(member: Member, tellsAll: boolean): Minor {
    const info = JSON.stringify(member.told?.info)
    const nowMs = this.#clock.monotonic()
    const tellsInfo = tellsAll || nowMs >= member.nextInfoMs
    if (tellsInfo && info !== member.toldInfo) {
      // Nothing was told before of somebody who has just come.
      if (member.toldInfo !== undefined) member.nextInfoMs = nowMs + this.#graceMs
      member.toldInfo = info
    }
    return { count: tellsAll, info: tellsInfo }
  }
}

/** What is written of a member; nothing once all connections are gone. */
export function rowOf(member: Member): MemberRow | undefined {
  const { live, leaving, sinceMs, told } = member
  if (countOf(member) === 0) return undefined
  return { live, leaving: leaving.length, sinceMs, ...(told && { info: told.info, infoMs: told.at.nowMs }) }
}
