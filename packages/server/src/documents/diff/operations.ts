/** What changed in how a topic is watched and published to: which credentials suffice, and what requests can hold. */
import { type Access, lostWays } from './access.ts'
import { containmentFaults } from './containment.ts'
import type { Side } from './faults.ts'
import type { Placed } from './placed.ts'
import { parameterNames } from './requests.ts'
import { worded } from './wording.ts'

/** One thing that clients do with a topic over one protocol. */
export interface Operation {
  /** Who does it. */
  readonly side: Side
  readonly access: Access
  readonly request: Placed
}

/** Operations of a topic by name; those of one name are compared. */
export type Operations = ReadonlyMap<string, Operation>

/** A change that breaks clients, as the rest of a sentence that begins with the topic. */
export interface OperationChange {
  readonly breaks: Side
  readonly text: string
}

const DONE: Readonly<Record<Side, string>> = { watchers: 'watched', publishers: 'published to' }
const DO: Readonly<Record<Side, string>> = { watchers: 'watch', publishers: 'publish' }

/**
 * All changes of operations that there are before and after, each once.
 * @param fewer whether parameters may be gone, because what they were for is, which is told by itself
 */
export function operationChanges(before: Operations, after: Operations, fewer: boolean): readonly OperationChange[] {
  const changes = [...before].flatMap(([name, old]) => {
    const found = after.get(name)
    return found === undefined ? [] : changesOf(old, found, fewer)
  })
  return [...new Map(changes.map((change) => [JSON.stringify(change), change])).values()]
}

/** Whether credentials that sufficed for what a side does no longer do, which is a change that is told. */
export const losesWays = (side: Side, before: Operations, after: Operations): boolean =>
  [...before].some(([name, old]) => {
    const found = after.get(name)
    return old.side === side && found !== undefined && lostWays(old.access, found.access).length > 0
  })

function changesOf(before: Operation, after: Operation, fewer: boolean): readonly OperationChange[] {
  const { side } = before
  const change = (text: string): OperationChange => ({ breaks: side, text })
  const ways = lostWays(before.access, after.access)
  const names = parameterNames(after.request)
  const gone = fewer ? [] : parameterNames(before.request).filter((name) => !names.includes(name))
  // Whoever sends a request stands where publishers do: what could be sent has to be taken still.
  const faults = containmentFaults(before.request, after.request, 'publishers')
  return [
    ...ways.map((way) => change(` can no longer be ${DONE[side]} ${way}.`)),
    ...gone.map((name) => change(`: /${name} of requests to ${DO[side]} is no longer known.`)),
    ...faults.map((fault) => {
      const { place, text } = worded(fault, 'publishers')
      return change(`: ${place} of requests to ${DO[side]} ${text}.`)
    }),
  ]
}
