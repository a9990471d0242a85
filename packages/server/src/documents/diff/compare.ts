/** What changed between two contracts, and whom it breaks. */

import { accessChange, configuredChanges, limitChanges } from './configured.ts'
import { containmentFaults } from './containment.ts'
import type { Change, Contract, Events, TopicContract } from './contract.ts'
import type { Side } from './faults.ts'
import { endingChanges } from './lifecycle.ts'
import { type OperationChange, operationChanges } from './operations.ts'
import type { Placed } from './placed.ts'
import { isCovered, type Shared, shared } from './templates.ts'
import { worded } from './wording.ts'

/**
 * All changes, topic by topic. Watchers are broken by what they may rely on no longer, publishers by what is no longer taken.
 * @throws RangeError for references that lead nowhere
 */
export function changesBetween(
  { topics: before, limits: oldLimits }: Contract,
  { topics: after, limits }: Contract,
): readonly Change[] {
  const pairs = shared([...before.keys()], [...after.keys()])
  const sharing = new Map<string, readonly Shared[]>()
  for (const pair of pairs) sharing.set(pair.before, [...(sharing.get(pair.before) ?? []), pair])
  const both = ({ before: old, after: current }: Shared) => [before.get(old), after.get(current)] as const
  const old = [...before].flatMap(([template, topic]) => [
    ...(isCovered(template, after.keys()) ? [] : gone(template, topic)),
    ...(sharing.get(template) ?? []).flatMap((pair) => {
      const [one, other] = both(pair)
      return one && other ? topicChanges(pair.template, one, other) : []
    }),
  ])
  const doing = pairs.map((pair): Doing => {
    const [one, other] = both(pair)
    return [pair.template, one && other ? doingChanges(one, other) : []]
  })
  const added = [...after.keys()].filter((template) => !isCovered(template, before.keys()))
  return [
    ...[...old, ...gathered(doing), ...limitChanges(oldLimits, limits)],
    ...added.map((template) => ({ text: `${named(template)} is new.` })),
  ]
}

const named = (template: string): string => `Topic ${JSON.stringify(template)}`

/** What changed in how the topics of a template are watched and published to. */
type Doing = readonly [template: string, changes: readonly OperationChange[]]

function doingChanges(before: TopicContract, after: TopicContract): readonly OperationChange[] {
  const isFewer =
    [...before.transports].some((transport) => !after.transports.has(transport)) || (before.keyed && !after.keyed)
  const rules = (['watchers', 'publishers'] as const).flatMap((side): readonly OperationChange[] => {
    const text = accessChange(side, before, after)
    return text === undefined ? [] : [{ breaks: side, text }]
  })
  return [...operationChanges(before.operations, after.operations, isFewer), ...rules]
}

/** What concerns several topics is told once, such as a limit of the server. */
function gathered(doing: readonly Doing[]): readonly Change[] {
  const byChange = new Map<string, { readonly change: OperationChange; readonly templates: string[] }>()
  for (const [template, changes] of doing) {
    for (const change of changes) {
      const key = JSON.stringify(change)
      const told = byChange.get(key) ?? { change, templates: [] }
      byChange.set(key, told)
      told.templates.push(template)
    }
  }
  return [...byChange.values()].map(({ change: { breaks, text }, templates: [first = '', ...more] }) => {
    const all = more.length === 0 ? named(first) : `${more.length + 1} topics, such as ${JSON.stringify(first)},`
    return { breaks, text: `${all.replace(/,$/, text.startsWith(':') ? '' : ',')}${text}` }
  })
}

const LOST: Readonly<Record<Side, string>> = {
  watchers: 'can no longer be watched.',
  publishers: 'can no longer be published to.',
}

function gone(template: string, { watched, published }: TopicContract): readonly Change[] {
  const sides: readonly Side[] = [
    ...(watched ? ['watchers' as const] : []),
    ...(published ? ['publishers' as const] : []),
  ]
  return sides.map((side) => ({ breaks: side, text: `${named(template)} ${LOST[side]}` }))
}

function topicChanges(template: string, before: TopicContract, after: TopicContract): readonly Change[] {
  const topic = named(template)
  return [
    // AsyncAPI knows no events of a topic that only pages can be watched of; its transports are told all the same.
    ...(after.watched || after.transports.size === 0
      ? typeChanges(topic, before.watched, after.watched, 'watchers')
      : []),
    ...typeChanges(topic, before.published, after.published, 'publishers'),
    ...transportChanges(topic, before, after),
    ...stateChanges(topic, before, after),
    ...configuredChanges(topic, before, after),
    ...endingChanges(before.ending, after.ending).map((text) => ({ text: `${topic} ${text}` })),
  ]
}

function typeChanges(
  topic: string,
  before: Events | undefined,
  after: Events | undefined,
  side: Side,
): readonly Change[] {
  if (before === undefined) return []
  if (after === undefined) return [{ breaks: side, text: `${topic} ${LOST[side]}` }]
  const removal = side === 'watchers' ? 'is never sent any more' : 'is refused now'
  const old = [...before].flatMap(([type, contract]): readonly Change[] => {
    const found = after.get(type)
    if (found === undefined) return [{ breaks: side, text: `${topic}: event type ${JSON.stringify(type)} ${removal}.` }]
    return eventChanges(`${topic}, event type ${JSON.stringify(type)}`, contract, found, side)
  })
  // Told once, though it concerns both.
  const names = side === 'publishers' ? [] : [...after.keys()].filter((type) => !before.has(type))
  return [...old, ...names.map((type) => ({ text: `${topic}: event type ${JSON.stringify(type)} is new.` }))]
}

function eventChanges(event: string, before: Placed, after: Placed, side: Side): readonly Change[] {
  const [inner, outer] = side === 'watchers' ? [after, before] : [before, after]
  const faults = containmentFaults(inner, outer, side, '/data')
  return faults.map((fault) => {
    const { place, text } = worded(fault, side)
    return { breaks: side, text: `${event}: ${place} ${text}.` }
  })
}

function transportChanges(topic: string, before: TopicContract, after: TopicContract): readonly Change[] {
  if (before.transports.size === 0 || after.transports.size === 0) return []
  const removed = [...before.transports].filter((transport) => !after.transports.has(transport))
  const added = [...after.transports].filter((transport) => !before.transports.has(transport))
  return [
    ...removed.map(
      (name): Change => ({ breaks: 'watchers', text: `${topic} no longer offers the transport ${name}.` }),
    ),
    ...added.map((name): Change => ({ text: `${topic} offers the transport ${name} now.` })),
  ]
}

function stateChanges(topic: string, before: TopicContract, after: TopicContract): readonly Change[] {
  if (before.keyed === after.keyed) return []
  const toPublishers = (text: string): readonly Change[] => (before.published ? [{ breaks: 'publishers', text }] : [])
  if (after.keyed) {
    const needsKey = `${topic} is keyed now: an event that gives no key is refused.`
    return [{ text: `${topic} has a state now.` }, ...toPublishers(needsKey)]
  }
  return [
    { breaks: 'watchers', text: `${topic} is not keyed any more: it has no state, and events may have no key.` },
    ...toPublishers(`${topic} is not keyed any more: to remove a key is refused.`),
  ]
}
