/** Whether a schema tells of a place in data, so that watchers may rely on what is there. */
import { Alternatives, type Branch } from './branches.ts'
import { matches, memberAt, namesIn } from './members.ts'
import { type All, isNothing, type Placed, Unclear } from './placed.ts'

/** Keywords that tell of no members, or whose members are in the alternatives. */
const SILENT: ReadonlySet<string> = new Set(['oneOf', 'not', 'propertyNames', 'dependentRequired'])

/**
 * Not if it names other members and says nothing of this one. Of data of which it says nothing at all, watchers can't but
 * rely on what they are sent; and what can't be told counts as told of.
 * @param tokens of a JSON Pointer
 */
export function isDescribed(schema: Placed, tokens: readonly string[]): boolean {
  const alternatives = new Alternatives()
  const isAt = (all: All, [token, ...rest]: readonly string[]): boolean =>
    token === undefined || alternatives.of(all).some((branch) => isIn(branch, token, rest))
  const isIn = ({ type, members, rules }: Branch, token: string, rest: readonly string[]): boolean => {
    if (type === 'array') return /^\d+$/.test(token)
    if (type !== 'object') return false
    if (members.length === 0 || rules.some(({ keyword }) => !SILENT.has(keyword))) return true
    const found = memberAt(members, token)
    const isNamed =
      namesIn(members).includes(token) ||
      members.some(({ patterns }) => [...patterns.keys()].some((pattern) => matches(pattern, token)))
    return !isNothing(found) && (isNamed || found.length > 0) && isAt(found, rest)
  }
  try {
    return isAt([schema], tokens)
  } catch (error) {
    if (error instanceof Unclear) return true
    throw error
  }
}
