/** Random scripts of what becomes of nodes and of those who are connected to them, and what must be so in the end. */
import fc from 'fast-check'
import type { Attendance, Presence } from '../src/presence/presence.ts'
import type { MemoryLog } from './memory-log.ts'
import { Gate, GRACE_MS, HEARTBEAT_MS, type Presences, presences, tableOf } from './presences.ts'

/** Plain data with names, so that a script that fails can be read as fast-check prints it. */
type Step =
  | { readonly do: 'join' | 'leave' | 'go on'; readonly node: number; readonly key: string }
  // What the node would write waits, as if it slept; or it fails, and is tried again.
  | { readonly do: 'hold' | 'open' | 'fail' | 'close'; readonly node: number }
  | { readonly do: 'kill'; readonly node: number; readonly isKnown: boolean }
  | { readonly do: 'pass'; readonly ms: number }

const NODES = 3

const node = fc.nat(NODES - 1)
const key = fc.constantFrom('a', 'b', 'c')
const weighted = <Value>(weight: number, arbitrary: fc.Arbitrary<Value>) => ({ weight, arbitrary })
const step = <Do extends Step['do']>(...names: Do[]) => fc.constantFrom(...names)

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  weighted(5, fc.record({ do: step('join'), node, key })),
  weighted(4, fc.record({ do: step('leave', 'leave', 'leave', 'go on'), node, key })),
  weighted(2, fc.record({ do: step('hold', 'open', 'fail', 'close'), node })),
  weighted(1, fc.record({ do: step('kill'), node, isKnown: fc.boolean() })),
  weighted(7, fc.record({ do: step('pass'), ms: fc.constantFrom(50, 300, 2_000, 6_000, 12_000) })),
)

export const anyScript: fc.Arbitrary<Step[]> = fc.array(anyStep, { maxLength: 40 })

interface Node {
  readonly name: string
  readonly presence: Presence
  readonly gate: Gate
  /** Each with the number that it told of itself. */
  readonly open: { readonly key: string; readonly info: number; readonly attendance: Attendance }[]
}

export class PresenceScript {
  readonly #here: Presences = presences()
  readonly #known = new Set<string>()
  readonly #nodes: Node[] = []
  readonly #timers = this.#here.clock.timers
  #begun = 0
  #infos = 0

  constructor() {
    for (let n = 0; n < NODES; n++) this.#begin(n)
  }

  #begin(place: number): void {
    const name = String(++this.#begun)
    const { log: shared } = this.#here
    // The same log, but for what this node writes being held up alone.
    const log: MemoryLog = Object.create(shared, {
      change: { value: shared.change.bind(shared), writable: true },
      topics: { value: shared.topics.bind(shared) },
      forget: { value: shared.forget.bind(shared) },
    })
    const gate = new Gate(log)
    const presence = this.#here.node(name, (other) => this.#known.has(other), log)
    this.#nodes[place] = { name, presence, gate, open: [] }
  }

  async play(one: Step): Promise<void> {
    if (one.do === 'pass') return this.#here.pass(one.ms)
    // No two infos are told at the same moment, so that one of them is the newest.
    this.#here.clock.pass(1)
    const { name, presence, gate, open } = this.#nodes[one.node] as Node
    if (one.do === 'join') {
      const info = ++this.#infos
      open.push({ key: one.key, info, attendance: presence.attend({ filters: ['room'], key: one.key, info }) })
    } else if (one.do === 'leave' || one.do === 'go on') {
      const at = open.findIndex((each) => each.key === one.key)
      const [known] = at < 0 ? [] : open.splice(at, 1)
      if (known === undefined) return
      const { info, attendance: before } = known
      if (one.do === 'leave') before.leave()
      else open.push({ ...known, attendance: presence.attend({ filters: ['room'], key: one.key, info, before }) })
    } else if (one.do === 'hold') {
      gate.hold()
    } else if (one.do === 'open') {
      gate.open()
    } else if (one.do === 'fail') {
      gate.fail()
    } else {
      if (one.do === 'kill' && one.isKnown) this.#known.add(name)
      // What a dead node would write never comes to the log.
      if (one.do === 'kill') gate.hold()
      void presence.close()
      this.#begin(one.node)
    }
  }

  /** The time is over for all that may be told later. Answers what is so then, and what has to be. */
  async end(): Promise<{ readonly is: object; readonly hasToBe: object }> {
    const here = this.#here
    for (const { gate } of this.#nodes) gate.open()
    await here.pass(GRACE_MS * 3 + HEARTBEAT_MS * 2)
    const connections: Record<string, number> = {}
    const rows = new Set<string>()
    for (const { name, open } of this.#nodes) {
      for (const { key: member } of open) {
        connections[member] = (connections[member] ?? 0) + 1
        rows.add(`n ${name}`).add(`m ${name} room ${member}`)
      }
    }
    const latest = new Map<string | undefined, string>()
    const toldTwice: unknown[] = []
    for (const [member, data] of here.told()) {
      const json = JSON.stringify(data)
      if (json === (latest.get(member) ?? 'null')) toldTwice.push([member, data])
      latest.set(member, json)
    }
    const infoOf = (member: string) => (JSON.parse(latest.get(member) ?? 'null') as { info?: number } | null)?.info ?? 0
    // A connection that has left may have told a newer one.
    const outdated = this.#nodes.flatMap(({ open }) => open).filter((each) => infoOf(each.key) < each.info)
    const is = { here: here.here(), rows: new Set((await tableOf(here.log)).keys()), toldTwice, outdated }
    for (const { presence } of this.#nodes) await presence.close()
    return {
      is: { ...is, timers: here.clock.timers },
      hasToBe: { here: connections, rows, toldTwice: [], outdated: [], timers: this.#timers },
    }
  }
}
