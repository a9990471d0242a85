/** Those who watch topics at this process, by the topics and what they are called; and who has just left and may be back. */
import type { Json } from '@watchpost/protocol'
import type { Clock } from '../clock.ts'
import type { MemberRow, Who } from './rows.ts'
import type { Minor } from './telling.ts'

/** Somebody at one topic. Changed by {@link Members} alone. */
export interface Member extends Who {
  /** Connections that are open, and that ended a moment ago. */
  live: number
  leaving: number
  sinceMs: number
  info: Json | undefined
  infoMs: number | undefined
  /** The info that was to be told last, as JSON, and when another one may be told at once, on the monotonic clock. */
  toldInfo: string | undefined
  nextInfoMs: number
}

const nameOf = ({ topic, key }: Who): string => `${topic} ${key}`

export class Members {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  readonly #graceMs: number
  readonly #byName = new Map<string, Member>()
  /** In the order in which they are to be gone. */
  readonly #leaving: { readonly member: Member; readonly atMs: number }[] = []
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

  join(who: Who, info: Json | undefined): Member {
    const nowMs = this.#clock.now()
    const { topic, key } = who
    const member: Member = this.#byName.get(nameOf(who)) ?? {
      ...{ topic, key, live: 0, leaving: 0, sinceMs: nowMs },
      ...{ info: undefined, infoMs: undefined, toldInfo: undefined, nextInfoMs: Number.NEGATIVE_INFINITY },
    }
    this.#byName.set(nameOf(who), member)
    // Of one who had left, and whom it is too late to keep.
    if (member.live + member.leaving === 0) member.sinceMs = nowMs
    member.live++
    if (info !== undefined) {
      member.info = info
      member.infoMs = nowMs
    }
    return member
  }

  leave(member: Member): void {
    member.live--
    member.leaving++
    this.#leaving.push({ member, atMs: this.#clock.monotonic() + this.leavingMs })
  }

  /** Takes those whose time to come back is over, and says in how many milliseconds it will be for the next ones. */
  letGo(): { readonly gone: readonly Member[]; readonly nextMs: number | undefined } {
    const nowMs = this.#clock.monotonic()
    const staying = this.#leaving.findIndex(({ atMs }) => atMs > nowMs)
    const going = this.#leaving.splice(0, staying < 0 ? this.#leaving.length : staying)
    for (const { member } of going) member.leaving--
    const [next] = this.#leaving
    return { gone: going.map(({ member }) => member), nextMs: next && next.atMs - nowMs }
  }

  /** What was written of somebody without connections was the last there is to write. */
  forget(member: Member): void {
    if (member.live + member.leaving === 0 && this.has(member)) this.#byName.delete(nameOf(member))
  }

  /** What may be told of a member now. Another info may, but not if one was a moment ago: many may have to be sent it. */
  tells(member: Member, tellsAll: boolean): Minor {
    const info = JSON.stringify(member.info)
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
export const rowOf = ({ live, leaving, sinceMs, info, infoMs }: Member): MemberRow | undefined =>
  live + leaving === 0
    ? undefined
    : { live, leaving, sinceMs, ...(info !== undefined && { info }), ...(infoMs !== undefined && { infoMs }) }
