/**
 * Whether all values of one schema are values of another. It is asked in both directions: what is sent must have been
 * promised before, and what was accepted before must be accepted still. What can't be told counts as a fault.
 */
import { isDeepStrictEqual } from 'node:util'
import { cut, keeps } from './bounds.ts'
import { Alternatives, type Branch, impliedBounds } from './branches.ts'
import { type Asking, elementPairs, memberPairs } from './contained.ts'
import { below, distinct, type Fault, type Side } from './faults.ts'
import { isEmpty, isKept } from './kept.ts'
import { type All, keyOf, type Placed, Unclear } from './placed.ts'
import type { Rule } from './rules.ts'
import { followed, isSame } from './same.ts'

/**
 * The faults of an inner schema that is to be contained in an outer one; none if it is.
 * @throws RangeError for a reference that leads nowhere
 */
export function containmentFaults(inner: Placed, outer: Placed, side: Side, path = ''): readonly Fault[] {
  const faults = new Comparison(side).faults([inner], [outer])
  return faults.map((fault) => ({ ...fault, path: `${path}${fault.path}` }))
}

/** Of schemas that contain many others in many ways, which nobody could wait for. */
const STEPS_MAX = 200_000

/**
 * Compares pairs of schemas, each once: schemas may contain themselves, and then a pair is contained if nothing that is
 * found while it is looked into says otherwise.
 */
class Comparison {
  readonly #side: Side
  readonly #asking: Asking
  readonly #alternatives = new Alternatives()
  /** What was found of pairs. Those that are being looked into have no faults so far. */
  readonly #found = new Map<string, readonly Fault[]>()
  /** Pairs without faults, in the order in which they were begun. */
  readonly #faultless: string[] = []
  /** Which alternatives keep to which rules. */
  readonly #kept = new WeakMap<Branch, Map<Rule, boolean>>()
  #steps = 0

  constructor(side: Side) {
    this.#side = side
    this.#asking = { side, allowNothing: (all) => this.#filled(all).length === 0 }
  }

  faults(own: All, other: All): readonly Fault[] {
    if (other.length === 0) return []
    const [inner, outer] = [own.map(followed), other.map(followed)]
    const pair = `${keyOf(inner)}|${keyOf(outer)}`
    const known = this.#found.get(pair)
    if (known !== undefined) return known
    const before = this.#faultless.length
    this.#found.set(pair, [])
    this.#faultless.push(pair)
    const faults = this.#look(inner, outer)
    if (faults.length > 0) {
      // What was found since to have none may rest on this pair's having none.
      for (const since of this.#faultless.splice(before)) this.#found.delete(since)
      this.#found.set(pair, faults)
    }
    return faults
  }

  /** @throws RangeError for a reference that leads nowhere */
  #look(inner: All, outer: All): readonly Fault[] {
    try {
      if (outer.every((each) => inner.some((own) => isSame(own, each)))) return []
      this.#step()
      const outers = this.#alternatives.of(outer)
      const inners = this.#filled(inner)
      return distinct(inners.flatMap((branch) => this.#leastFaults(branch, outers)))
    } catch (error) {
      if (error instanceof Unclear) return [{ path: '', kind: 'unclear', reason: error.message }]
      throw error
    }
  }

  /** The alternatives that have values, as far as that is plain. */
  #filled(all: All): readonly Branch[] {
    return this.#alternatives.of(all).filter((branch) => !isEmpty(branch, this.#alternatives))
  }

  /** The faults with the alternative that fits best. */
  #leastFaults(inner: Branch, outers: readonly Branch[]): readonly Fault[] {
    const path = ''
    const ofType = outers.filter(({ type }) => type === inner.type || (type === 'number' && inner.type === 'integer'))
    if (ofType.length === 0) {
      const allowed = [...new Set(outers.map(({ type }) => type))]
      return [{ path, kind: 'type', type: inner.type, allowed }]
    }
    const fitting = ofType.filter(({ only }) => !only || (inner.only && isEqual(only.value, inner.only.value)))
    if (fitting.length === 0) {
      const allowed = ofType.flatMap(({ only }) => (only ? [only.value] : []))
      return inner.only
        ? [{ path, kind: 'value', value: inner.only.value, allowed }]
        : [{ path, kind: 'any value', type: inner.type, allowed }]
    }
    const least = this.#least(inner, fitting)
    if (least.length === 0 || fitting.length === 1) return least
    const pieces = cut(
      impliedBounds(inner),
      inner.type,
      fitting.map(({ bounds }) => bounds),
    )
    const isCovered =
      pieces.length > 1 && pieces.every((bounds) => this.#least({ ...inner, bounds }, fitting).length === 0)
    return isCovered ? [] : least
  }

  #least(inner: Branch, outers: readonly Branch[]): readonly Fault[] {
    let least: readonly Fault[] | undefined
    for (const outer of outers) {
      const faults = this.#branchFaults(inner, outer)
      if (faults.length === 0) return faults
      if (least === undefined || faults.length < least.length) least = faults
    }
    return least ?? []
  }

  #branchFaults(inner: Branch, outer: Branch): readonly Fault[] {
    this.#step()
    return [
      ...boundFaults(inner, outer),
      ...this.#ruleFaults(inner, outer),
      ...(inner.type === 'object' ? this.#memberFaults(inner, outer) : []),
      ...(inner.type === 'array' ? this.#elementFaults(inner, outer) : []),
    ]
  }

  /** @throws Unclear */
  #step(): void {
    if (++this.#steps > STEPS_MAX) throw new Unclear('there are more parts than can be compared')
  }

  #isKept(rule: Rule, branch: Branch): boolean {
    const ofBranch = this.#kept.get(branch) ?? new Map<Rule, boolean>()
    this.#kept.set(branch, ofBranch)
    const kept = ofBranch.get(rule) ?? isKept(rule, branch, this.#alternatives)
    ofBranch.set(rule, kept)
    return kept
  }

  #ruleFaults(inner: Branch, outer: Branch): readonly Fault[] {
    return outer.rules.flatMap((rule): readonly Fault[] => {
      const { keyword } = rule
      // Watchers ignore members that they do not know.
      const isClosing = keyword === 'unevaluatedProperties' && rule.placed.schema[keyword] === false
      if ((isClosing && this.#side === 'watchers') || this.#isKept(rule, inner)) return []
      const isUnsure = !PLAIN.has(keyword) || inner.rules.some((own) => own.keyword === keyword)
      return [{ path: '', kind: 'rule', keyword, isUnsure }]
    })
  }

  #memberFaults(inner: Branch, outer: Branch): readonly Fault[] {
    const missing = outer.required.filter((name) => !inner.required.includes(name))
    const found = memberPairs(inner, outer, this.#asking).flatMap(({ name, own, other, fault }) => {
      const faults = this.faults(own, other)
      return faults.length > 0 && fault !== undefined ? [fault] : below(faults, name)
    })
    return [...missing.map((name): Fault => ({ path: '', kind: 'required', name })), ...found]
  }

  #elementFaults(inner: Branch, outer: Branch): readonly Fault[] {
    return elementPairs(inner, outer).flatMap(({ name, own, other }) => below(this.faults(own, other), name))
  }
}

/** Most values that are listed are texts, and there can be many. */
const isEqual = (one: unknown, other: unknown): boolean =>
  one === other || (typeof one === 'object' && isDeepStrictEqual(one, other))

/** Rules of which it is plain what it means that there is one now. */
const PLAIN: ReadonlySet<string> = new Set(['pattern', 'format', 'multipleOf', 'uniqueItems', 'maxContains'])

function boundFaults(inner: Branch, outer: Branch): readonly Fault[] {
  const implied = impliedBounds(inner)
  return Object.entries(outer.bounds).flatMap(([keyword, bound]): readonly Fault[] =>
    keeps(implied, keyword, bound)
      ? []
      : [{ path: '', kind: 'bound', keyword, inner: inner.only ? undefined : inner.bounds[keyword], outer: bound }],
  )
}
