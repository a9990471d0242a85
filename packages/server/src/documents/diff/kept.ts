/** Whether an alternative keeps to a rule of another schema, as far as that can be told. */
import { areContrary } from './bounds.ts'
import { type Alternatives, type Branch, impliedBounds, meet } from './branches.ts'
import { matches, memberAt } from './members.ts'
import { choicesOf, excludedBy, leavesNothing, type Rule } from './rules.ts'
import { isSame } from './same.ts'

/** Whether all values of the alternative keep to the rule; `false` if it can't be told. */
export function isKept(rule: Rule, branch: Branch, alternatives: Alternatives): boolean {
  return branch.rules.some((own) => implies(own, rule)) || keepsAnyway(rule, branch, alternatives)
}

/** Whether what keeps to the one rule keeps to the other. */
function implies(own: Rule, rule: Rule): boolean {
  if (own.keyword !== rule.keyword) return false
  if (own.keyword === 'multipleOf') {
    const [divisor, factor] = [own.placed.schema['multipleOf'], rule.placed.schema['multipleOf']]
    if (Number.isInteger(divisor) && Number.isInteger(factor)) return Number(divisor) % Number(factor) === 0
  }
  if (own.count !== undefined && rule.count !== undefined) {
    const isEnough = rule.keyword === 'contains' ? own.count >= rule.count : own.count <= rule.count
    if (!isEnough) return false
  }
  return isSame(own.placed, rule.placed)
}

/** Whether it is kept for what the alternative is otherwise. */
function keepsAnyway(rule: Rule, branch: Branch, alternatives: Alternatives): boolean {
  const { pattern, multipleOf } = rule.placed.schema
  const { type, only } = branch
  const isApart = (other: Branch): boolean => areApart(branch, other, alternatives)
  switch (rule.keyword) {
    case 'pattern':
      return typeof only?.value === 'string' && typeof pattern === 'string' && matches(pattern, only.value)
    case 'multipleOf':
      return type === 'integer' && (multipleOf === 1 || isMultiple(only?.value, multipleOf))
    case 'uniqueItems':
      return (impliedBounds(branch)['maxItems'] ?? 2) < 2
    case 'not':
      return alternatives.of([excludedBy(rule)]).every(isApart)
    // Whatever is one of the choices is none of those that it has nothing in common with.
    case 'oneOf':
      return choicesOf(rule).filter((choice) => !alternatives.of([choice]).every(isApart)).length < 2
    default:
      return false
  }
}

const isMultiple = (value: unknown, of: unknown): boolean =>
  Number.isSafeInteger(value) && Number.isSafeInteger(of) && Number(value) % Number(of) === 0

/** How deep it is looked for a member that tells alternatives apart. */
const DEPTH_MAX = 1

/** Whether it is plain that no value is of both. */
function areApart(one: Branch, other: Branch, alternatives: Alternatives): boolean {
  return meet(one, other).every((met) => isEmpty(met, alternatives))
}

/** Whether it is plain that the alternative has no values. */
export function isEmpty(branch: Branch, alternatives: Alternatives, depth = 0): boolean {
  const { members, required, only, rules } = branch
  if (areContrary(impliedBounds(branch))) return true
  if (rules.some((rule) => leavesNothing(rule) || isBroken(rule, only))) return true
  if (depth > DEPTH_MAX) return false
  return required.some((name) =>
    alternatives.of(memberAt(members, name)).every((each) => isEmpty(each, alternatives, depth + 1)),
  )
}

/** Whether the one value breaks the rule. */
function isBroken({ placed: { schema } }: Rule, only: Branch['only']): boolean {
  const { pattern } = schema
  return typeof only?.value === 'string' && typeof pattern === 'string' && !matches(pattern, only.value)
}
