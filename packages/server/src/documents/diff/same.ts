/** Whether two schemas say the same, with the same keywords: references count for what they lead to. */
import { isDeepStrictEqual } from 'node:util'
import { isAssertion, isKeywords, type Keywords } from './keywords.ts'
import { keyOf, type Placed } from './placed.ts'
import { pointed } from './pointed.ts'

/** Keywords whose value is a schema or a list of schemas, and schemas by names. */
const SCHEMAS: ReadonlySet<string> = new Set([
  ...['items', 'contains', 'additionalProperties', 'unevaluatedProperties', 'unevaluatedItems', 'propertyNames'],
  ...['not', 'if', 'then', 'else', 'allOf', 'anyOf', 'oneOf', 'prefixItems', 'additionalItems'],
])
const BY_NAME: ReadonlySet<string> = new Set([
  ...['properties', 'patternProperties', 'dependentSchemas', 'dependencies'],
])
/** Lists in which the order means nothing. */
const UNORDERED: ReadonlySet<string> = new Set(['required', 'enum', 'type'])

/** Whether both say the same. Schemas that contain themselves are the same if nothing tells them apart. */
export const isSame = (one: Placed, other: Placed): boolean => same(one, other, new Set())

function same(one: Placed, other: Placed, asked: Set<string>): boolean {
  const [left, right] = [followed(one), followed(other)]
  if (left.schema === right.schema && left.root === right.root) return true
  const [some, others] = [left.schema, right.schema]
  if (!isKeywords(some) || !isKeywords(others)) return isDeepStrictEqual(some, others)
  const key = `${keyOf([left])}|${keyOf([right])}`
  if (asked.has(key)) return true
  asked.add(key)
  const keywords = Object.keys(some).filter(isAssertion)
  if (keywords.length !== Object.keys(others).filter(isAssertion).length) return false
  return keywords.every((keyword) => {
    if (!Object.hasOwn(others, keyword)) return false
    return sameValue(keyword, within(left, some[keyword]), within(right, others[keyword]), asked)
  })
}

const within = ({ root }: Placed, schema: unknown): Placed => ({ schema, root })

/** Of one keyword. */
function sameValue(keyword: string, one: Placed, other: Placed, asked: Set<string>): boolean {
  const [some, others] = [one.schema, other.schema]
  if (keyword === '$ref') return same(targetOf(one), targetOf(other), asked)
  if (Array.isArray(some) && Array.isArray(others)) {
    if (some.length !== others.length) return false
    if (SCHEMAS.has(keyword)) return some.every((each, i) => same(within(one, each), within(other, others[i]), asked))
    if (UNORDERED.has(keyword)) return isDeepStrictEqual(sorted(some), sorted(others))
    return isDeepStrictEqual(some, others)
  }
  if (SCHEMAS.has(keyword)) return same(one, other, asked)
  if (!BY_NAME.has(keyword) || !isKeywords(some) || !isKeywords(others)) return isDeepStrictEqual(some, others)
  return sameMembers([one, some], [other, others], asked)
}

type Members = readonly [Placed, Keywords]

function sameMembers([one, some]: Members, [other, others]: Members, asked: Set<string>): boolean {
  const names = Object.keys(some)
  if (names.length !== Object.keys(others).length) return false
  return names.every((name) => {
    if (!Object.hasOwn(others, name)) return false
    const [left, right] = [some[name], others[name]]
    // `dependencies` has lists of names too.
    if (Array.isArray(left) || Array.isArray(right)) return isDeepStrictEqual(left, right)
    return same(within(one, left), within(other, right), asked)
  })
}

const sorted = (list: readonly unknown[]): readonly string[] => list.map((each) => JSON.stringify(each)).sort()

const targetOf = ({ schema, root }: Placed): Placed => ({ schema: pointed(root, String(schema)), root })

/** More references than these that lead only to others lead nowhere. */
const STEPS_MAX = 64

/**
 * What a schema that is but a reference leads to.
 * @throws RangeError if that is nowhere
 */
export function followed(placed: Placed): Placed {
  let found = placed
  for (let steps = 0; steps < STEPS_MAX && isKeywords(found.schema); steps++) {
    const { $ref } = found.schema
    if (typeof $ref !== 'string' || Object.keys(found.schema).filter(isAssertion).length > 1) break
    found = { schema: pointed(found.root, $ref), root: found.root }
  }
  return found
}
