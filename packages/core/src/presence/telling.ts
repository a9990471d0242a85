/**
 * The transactions of presence: what a node's rows say is changed, and what that comes to is appended in the same one, so
 * that several processes never tell what none of them would.
 */
import { dataOf, formatTimestamp, type Limits } from '@watchpost/protocol'
import type { Clock } from '../clock.ts'
import type { Append, PreparedEvent, Table } from '../log.ts'
import type { Registry } from '../registry.ts'
import { isNamed, PRESENCE_TYPE, presenceTopic } from './companion.ts'
import { LifeSigns } from './life-signs.ts'
import {
  type Here,
  type MemberRow,
  membersAt,
  merge,
  NOBODY,
  type NodeRow,
  nameOf,
  readMember,
  readNode,
  readNodes,
  type Standing,
  type Who,
  writeMember,
  writeNode,
} from './rows.ts'

/** Members of nodes that are gone, of whom one transaction tells: while it runs, this process does nothing else. */
const GONE_MAX = 200

/** What is to be written of a member; without a row, nobody of that name is connected here any more. */
export interface Change<Member extends Who> {
  readonly member: Member
  readonly row: MemberRow | undefined
  /** Whether to tell also that just the number of connections has changed, and what is told of oneself. */
  readonly tells: Minor
}

/** Changes that can wait. */
export interface Minor {
  readonly count: boolean
  readonly info: boolean
}

const ALL: Minor = { count: true, info: true }

export interface TellingOptions {
  readonly node: string
  /** How long what a node wrote is to be believed; of one that has ended, how long its members may take to come back. */
  readonly leaseMs: number
  readonly returnMs: number
  /** How often, at least, {@link Telling.clear} is called. */
  readonly clearEveryMs: number
  readonly registry: Registry
  readonly limits: Limits
  readonly clock: Clock
  /** Whether a node is known to be gone, though its lease has not ended. */
  readonly isGone: (node: string) => boolean
}

export class Telling {
  readonly #options: TellingOptions
  readonly #lifeSigns: LifeSigns
  /** When the row of this node was written last, on the monotonic clock, as far as that is in the log and as it may be. */
  #renewedMs = Number.NEGATIVE_INFINITY
  #renewingMs = Number.NEGATIVE_INFINITY

  constructor(options: TellingOptions) {
    this.#options = options
    this.#lifeSigns = new LifeSigns(options.clock, options.isGone, options.clearEveryMs)
  }

  /** Writes what changed; gives what is to be appended, and those of whom there is more to tell. */
  write<Member extends Who>(
    table: Table,
    changes: readonly Change<Member>[],
  ): { readonly appends: readonly Append[]; readonly untold: readonly Member[]; readonly isLost: boolean } {
    const isLost = this.renew(table)
    const nodes = this.#nodes(table)
    const events = new Events(this.#options)
    const untold: Member[] = []
    for (const { member, row, tells } of changes) {
      writeMember(table, this.#options.node, member, row)
      if (this.#tell(table, nodes, member, tells, events)) continue
      untold.push(member)
      // Should this node end before the rest is told, it is by this row that another one finds that there is a rest.
      if (row === undefined) writeMember(table, this.#options.node, member, NOBODY)
    }
    return { appends: events.appends, untold, isLost }
  }

  /** Says that this node lives. True if others may have ceased to believe it, so that all that it wrote may be gone. */
  renew(table: Table): boolean {
    const { node, leaseMs, clock } = this.#options
    const row = readNode(table, node)
    const isLate = clock.monotonic() - this.#renewedMs >= leaseMs
    this.#renewingMs = clock.monotonic()
    this.#write(table, leaseMs, false)
    return row === undefined || row.buried === true || isLate
  }

  /** What was written last is in the log. */
  committed(): void {
    this.#renewedMs = this.#renewingMs
  }

  /** Says that the connections of this node have ended, if it has said anything at all. */
  close(table: Table): void {
    const { node, returnMs } = this.#options
    if (readNode(table, node) !== undefined) this.#write(table, returnMs, true)
  }

  #write(table: Table, forMs: number, closed: boolean): void {
    const { node, clock } = this.#options
    writeNode(table, node, { untilMs: clock.now() + forMs, forMs, closed })
  }

  /** Lets the members of nodes go that are not believed any more, and this node itself if it has none. */
  clear(table: Table, isEmpty: boolean): Cleared {
    const { node } = this.#options
    if (isEmpty) writeNode(table, node, undefined)
    const nodes = this.#nodes(table)
    const { gone, died, more } = this.#bury(table)
    const events = new Events(this.#options)
    for (const who of gone) this.#tell(table, nodes, who, ALL, events)
    return { appends: events.appends, died, more }
  }

  /** Removes what nodes wrote that are believed no more, but not more at once than may be told of; says of whom that was. */
  #bury(table: Table): Omit<Cleared, 'appends'> & { readonly gone: Iterable<Who> } {
    const rows = readNodes(table)
    const silent = this.#lifeSigns.silent(rows)
    // Somebody may have been at several of them, and is told of once.
    const gone = new Map<string, Who>()
    const died: string[] = []
    let left = GONE_MAX
    for (const [other, row] of rows) {
      if (other === this.#options.node || !silent.has(other)) continue
      const members = membersAt(table, other, left)
      for (const member of members) {
        writeMember(table, other, member, undefined)
        gone.set(nameOf(member), member)
      }
      left -= members.length
      if (left === 0) {
        // Should it live after all, and write before the rest is removed, it has to know of these.
        writeNode(table, other, { ...row, forMs: 0, buried: true })
        return { gone: gone.values(), died, more: true }
      }
      writeNode(table, other, undefined)
      if (!row.closed) died.push(other)
    }
    return { gone: gone.values(), died, more: false }
  }

  /** All nodes, and whether what each wrote can be thought to be so. */
  #nodes(table: Table): ReadonlyMap<string, boolean> {
    const rows = readNodes(table)
    const silent = this.#lifeSigns.silent(rows)
    const { node: ours, isGone } = this.#options
    const isLive = (node: string, { closed }: NodeRow): boolean =>
      node === ours || !(closed || silent.has(node) || isGone(node))
    return new Map([...rows].map(([node, row]) => [node, isLive(node, row)] as const))
  }

  /** False if there is something to tell that can wait. */
  #tell(table: Table, nodes: ReadonlyMap<string, boolean>, who: Who, tells: Minor, events: Events): boolean {
    const latest = table.latest(presenceTopic(who.topic), who.key)
    const before = latest === undefined ? undefined : (JSON.parse(dataOf(latest)) as Here)
    const standings = [...nodes].flatMap(([node, isLive]): Standing[] => {
      const row = readMember(table, node, who)
      return row === undefined ? [] : [{ row, isLive }]
    })
    const after = merge(before, standings)
    if (isSame(before, after)) return true
    if (canWait(before, after, tells)) return false
    events.add(who, after)
    return true
  }
}

/** What became of nodes that are believed no more. */
export interface Cleared {
  readonly appends: readonly Append[]
  /** Those that ended without a word, and of which nothing is left. */
  readonly died: readonly string[]
  /** Whether there is more to do. */
  readonly more: boolean
}

/** Whether all that has changed is what is not to be told now. */
function canWait(before: Here | undefined, after: Here | undefined, tells: Minor): boolean {
  if (before === undefined || after === undefined || before.since !== after.since) return false
  if (tells.count && before.connections !== after.connections) return false
  return !tells.info || JSON.stringify(before.info) === JSON.stringify(after.info)
}

const isSame = (one: Here | undefined, other: Here | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other)

/** The events of one transaction, by the topics that they are about. */
class Events {
  readonly #options: TellingOptions
  readonly #byTopic = new Map<string, PreparedEvent[]>()

  constructor(options: TellingOptions) {
    this.#options = options
  }

  add({ topic, key }: Who, here: Here | undefined): void {
    const timestamp = formatTimestamp(this.#options.clock.now())
    const event = { type: PRESENCE_TYPE, key, data: JSON.stringify(here ?? null), timestamp }
    const events = this.#byTopic.get(topic)
    if (events === undefined) this.#byTopic.set(topic, [event])
    else events.push(event)
  }

  get appends(): readonly Append[] {
    return [...this.#byTopic].map(([topic, events]) => ({
      ...{ topic: presenceTopic(topic), keyed: true, events },
      ...this.#bounds(topic),
    }))
  }

  /** Whoever may watch can make such a topic, but for what the operator named; so they are bounded, and forgotten. */
  #bounds(topic: string): Pick<Append, 'transient' | 'topicsMax'> {
    const { registry, limits } = this.#options
    return isNamed(registry, presenceTopic(topic)) ? {} : { transient: true, topicsMax: limits.presenceTopicsMax }
  }
}
