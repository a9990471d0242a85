/** Which parts of an alternative have to be contained in which parts of another, for the whole to be contained. */
import { type Branch, impliedBounds } from './branches.ts'
import type { Fault, Side } from './faults.ts'
import { isClosed, type Members, memberAt, namesIn, unnamed } from './members.ts'
import { type All, isNothing } from './placed.ts'

/** A part of the inner alternative, that of the outer one, and where they are; `*` stands for any member. */
export interface Pair {
  readonly name: string
  readonly own: All
  readonly other: All
  /** What to say in place of what is found. */
  readonly fault?: Fault
}

/** Who asks, and tells whether schemas allow nothing at all together. */
export interface Asking {
  readonly side: Side
  readonly allowNothing: (all: All) => boolean
}

/** The members of objects. */
export function memberPairs(inner: Branch, { members }: Branch, asking: Asking): readonly Pair[] {
  // Watchers ignore members that they do not know.
  const outer = asking.side === 'publishers' ? members : members.map(opened)
  return [...namedPairs(inner, outer, asking), ...unnamedPairs(inner, outer)]
}

const opened = (members: Members): Members => (isNothing(members.others) ? { ...members, others: [] } : members)

function namedPairs(inner: Branch, outer: readonly Members[], { side, allowNothing }: Asking): readonly Pair[] {
  const [own, others] = [new Set(namesIn(inner.members)), new Set(namesIn(outer))]
  return [...new Set([...own, ...others])].flatMap((name): readonly Pair[] => {
    const pair = { name, own: memberAt(inner.members, name), other: memberAt(outer, name) }
    const refused: Pair = { ...pair, fault: { path: '', kind: 'unnamed', name } }
    if (own.has(name)) return [!others.has(name) && isNothing(pair.other) ? refused : pair]
    if (side === 'publishers' && pair.own.length === 0 && !inner.required.includes(name)) {
      // Whoever may send anything under any name has to look what a name means now, if it means anything.
      return allowNothing(pair.other) ? [refused] : []
    }
    return [{ ...pair, ...(side === 'watchers' && { fault: { path: '', kind: 'undescribed', name } }) }]
  })
}

function unnamedPairs(inner: Branch, outer: readonly Members[]): readonly Pair[] {
  if (isClosed(inner.members)) return []
  const closed: Fault = { path: '', kind: 'closed' }
  return outer.flatMap(({ patterns, others }) => {
    const outside = new Set(patterns.keys())
    const matching = [...patterns].flatMap(([pattern, other]) =>
      unnamed(inner.members, { matching: pattern }).map((own) => ({ name: '*', own, other })),
    )
    const rest = unnamed(inner.members, { outside }).map((own) => ({ name: '*', own, other: others }))
    return [...matching, ...rest.map((pair) => ({ ...pair, ...(isNothing(others) && { fault: closed }) }))]
  })
}

/** The elements of arrays, as far as the inner one has any. */
export function elementPairs(inner: Branch, outer: Branch): readonly Pair[] {
  const { maxItems = Infinity } = impliedBounds(inner)
  const places = Math.max(inner.leading.length, outer.leading.length)
  const leading = Array.from({ length: Math.min(places, maxItems) }, (_, place) => ({
    name: String(place),
    own: inner.leading[place] ?? inner.items,
    other: outer.leading[place] ?? outer.items,
  }))
  return maxItems <= places ? leading : [...leading, { name: '*', own: inner.items, other: outer.items }]
}
