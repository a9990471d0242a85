/**
 * A JSON Schema as a list of plain alternatives, so that two schemas can be compared: references are followed, `allOf` is
 * merged, `anyOf`, `oneOf`, several types and several values are each an alternative of their own. An alternative of
 * `oneOf` keeps the whole of it as a rule, since only one of them may hold.
 */
import { isDeepStrictEqual } from 'node:util'
import { areContrary, type Bounds, isAbout, tightest, whole } from './bounds.ts'
import { ANY_TYPE, isKeywords, isOf, type Keywords, listIn, type TypeName } from './keywords.ts'
import { isClosed, type Members, memberAt, membersOf, namesIn, unevaluatedMembers } from './members.ts'
import { type All, constant, isNothing, keyOf, type Placed, placed, together, Unclear } from './placed.ts'
import { pointed } from './pointed.ts'
import { leavesNothing, type Rule, rulesOf } from './rules.ts'

/** One alternative: values of one type, under all of its members at once. */
export interface Branch {
  readonly type: TypeName
  /** Present if it is this one value. */
  readonly only?: { readonly value: unknown }
  readonly bounds: Bounds
  readonly required: readonly string[]
  /** What is said of an object's members; all of it holds. */
  readonly members: readonly Members[]
  /** Of the first elements of an array, then of all that follow. */
  readonly leading: readonly All[]
  readonly items: All
  readonly rules: readonly Rule[]
}

/** More alternatives than this are not told apart any more. */
const BRANCHES_MAX = 2_000

/** References that lead only to references, at most; a schema of which there are more leads nowhere. */
const DEPTH_MAX = 64

/** Finds the alternatives of schemas, of each once. */
export class Alternatives {
  readonly #known = new Map<string, readonly Branch[]>()

  /**
   * The alternatives of what schemas say together; none if they allow nothing.
   * @throws Unclear if there are too many, or a schema is made of itself
   * @throws RangeError for a reference that leads nowhere
   */
  of(all: All): readonly Branch[] {
    const key = keyOf(all)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const found = all.length === 0 ? ANYTHING : all.map((each) => branchesOf(each)).reduce(both)
    this.#known.set(key, found)
    return found
  }
}

function branchesOf({ schema, root }: Placed, depth = 0): readonly Branch[] {
  if (schema === false) return []
  if (!isKeywords(schema)) return ANYTHING
  if (depth > DEPTH_MAX) throw new Unclear('it refers to itself and to nothing else')
  const parts: (readonly Branch[])[] = [ownBranches(schema, root)]
  const add = (each: unknown): readonly Branch[] => branchesOf({ schema: each, root }, depth + 1)
  if (typeof schema['$ref'] === 'string') parts.push(add(pointed(root, schema['$ref'])))
  for (const each of listIn(schema, 'allOf')) parts.push(add(each))
  for (const name of ['anyOf', 'oneOf']) {
    if (name in schema) parts.push(listIn(schema, name).flatMap(add))
  }
  return parts.reduce(both)
}

/** What a schema says itself, without what it refers to or is made of. */
function ownBranches(keywords: Keywords, root: unknown): readonly Branch[] {
  const { type } = keywords
  const types = (type === undefined ? ANY_TYPE : [type].flat()) as readonly TypeName[]
  const values = valuesIn(keywords)
  if (values === undefined) return types.flatMap((each) => ofType(each, keywords, root))
  return values.flatMap((value) => {
    const own = types.find((each) => isOf(value, each))
    return own === undefined ? [] : [exactly(value, plain(own, keywords, root))]
  })
}

/** The values that are listed, if any are. */
function valuesIn(keywords: Keywords): readonly unknown[] | undefined {
  const listed = 'enum' in keywords ? listIn(keywords, 'enum') : undefined
  if (!('const' in keywords)) return listed
  const { const: only } = keywords
  return listed === undefined || listed.some((value) => isDeepStrictEqual(value, only)) ? [only] : []
}

/** Of few enough values, each is an alternative. */
function ofType(type: TypeName, keywords: Keywords, root: unknown): readonly Branch[] {
  const values = type === 'null' ? [null] : type === 'boolean' ? [true, false] : undefined
  const branch = plain(type, keywords, root)
  return values === undefined ? [branch] : values.map((value) => exactly(value, branch))
}

function plain(type: TypeName, keywords: Keywords, root: unknown): Branch {
  const { items = true, prefixItems, additionalItems = true } = keywords
  // The dialect of AsyncAPI has the first elements in `items`, and the rest in `additionalItems`.
  const leading = Array.isArray(items) ? (items as readonly unknown[]) : listIn({ prefixItems }, 'prefixItems')
  const isObject = type === 'object'
  const unevaluated = isObject && 'unevaluatedProperties' in keywords ? unevaluatedMembers(keywords, root) : undefined
  const rules = rulesOf(keywords, root, type)
  return {
    type,
    bounds: Object.fromEntries(
      Object.entries(keywords).filter(([name, value]) => typeof value === 'number' && isAbout(name, type)),
    ) as Bounds,
    required: isObject ? [...new Set(listIn(keywords, 'required') as readonly string[])] : [],
    members: isObject ? [...membersOf(keywords, root), ...(unevaluated ?? [])] : [],
    leading: type === 'array' ? leading.map((each) => placed(each, root)) : [],
    items: type === 'array' ? placed(Array.isArray(items) ? additionalItems : items, root) : [],
    rules: unevaluated === undefined ? rules : rules.filter(({ keyword }) => keyword !== 'unevaluatedProperties'),
  }
}

/** An alternative of which one value is left: what it is made of, it is made of alone. */
function exactly(value: unknown, branch: Branch): Branch {
  const { bounds, members } = branch
  const own = { ...branch, only: { value } }
  if (typeof value === 'number') {
    const type = Number.isInteger(value) ? 'integer' : branch.type
    return { ...own, type, bounds: tightest(bounds, { minimum: value, maximum: value }) }
  }
  if (typeof value === 'string') {
    // Code points, as JSON Schema counts them.
    const { length } = Array.from(value)
    return { ...own, bounds: tightest(bounds, { minLength: length, maxLength: length }) }
  }
  if (Array.isArray(value)) {
    const list = value as readonly unknown[]
    const leading = list.map((each, i) => together([constant(each), branch.leading[i] ?? branch.items]))
    const exact = tightest(bounds, { minItems: list.length, maxItems: list.length })
    return { ...own, leading, items: placed(false, undefined), bounds: exact }
  }
  if (!isKeywords(value)) return own
  const properties = new Map(Object.entries(value).map(([name, each]) => [name, constant(each)]))
  const exact: Members = { properties, patterns: new Map(), others: placed(false, undefined) }
  const required = [...new Set([...branch.required, ...properties.keys()])]
  return { ...own, members: [...members, exact], required }
}

const ANYTHING: readonly Branch[] = ANY_TYPE.flatMap((type) => ofType(type, {}, undefined))

/** The alternatives that are left when both lists hold. */
function both(some: readonly Branch[], others: readonly Branch[]): readonly Branch[] {
  const met = some.flatMap((one) => others.flatMap((other) => meet(one, other)))
  if (met.length > BRANCHES_MAX) throw new Unclear(`it has more than ${BRANCHES_MAX} alternatives`)
  return met
}

/** What is left of two alternatives when both hold, if anything can be. */
export function meet(one: Branch, other: Branch): readonly Branch[] {
  const type = narrower(one.type, other.type)
  if (type === undefined) return []
  const only = one.only ?? other.only
  if (only !== undefined && !isOf(only.value, type)) return []
  if (one.only && other.only && !isDeepStrictEqual(one.only.value, other.only.value)) return []
  const met: Branch = {
    type,
    ...(only && { only }),
    bounds: tightest(one.bounds, other.bounds),
    required: [...new Set([...one.required, ...other.required])],
    members: [...one.members, ...other.members],
    leading: Array.from({ length: Math.max(one.leading.length, other.leading.length) }, (_, i) =>
      together([one.leading[i] ?? one.items, other.leading[i] ?? other.items]),
    ),
    items: together([one.items, other.items]),
    rules: [...one.rules, ...other.rules],
  }
  return areContrary(impliedBounds(met)) || met.rules.some(leavesNothing) ? [] : [met]
}

function narrower(one: TypeName, other: TypeName): TypeName | undefined {
  if (one === other) return one
  const isNumber = [one, other].every((type) => type === 'number' || type === 'integer')
  return isNumber ? 'integer' : undefined
}

/** The bounds that an alternative keeps, be it for other reasons. */
export function impliedBounds({ type, bounds, required, members, leading, items }: Branch): Bounds {
  if (type === 'integer') return whole(bounds)
  if (type === 'object') {
    const minimum = tightest(bounds, { minProperties: required.length })
    if (!isClosed(members)) return minimum
    const possible = namesIn(members).filter((name) => !isNothing(memberAt(members, name)))
    return tightest(minimum, { maxProperties: possible.length })
  }
  if (type !== 'array') return bounds
  const end = [...leading, items].findIndex(isNothing)
  return end < 0 ? bounds : tightest(bounds, { maxItems: end })
}
