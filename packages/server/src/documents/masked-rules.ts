/** What becomes of each keyword of a schema when members of the value that it is about are masked. */
import { type JsonSchema, type Masked, maskedData } from '@watchpost/core'
import type { Json } from '@watchpost/protocol'
import { below, headsOf, isAffected, isAll, without } from './masked-names.ts'

export type Keywords = Readonly<Record<string, unknown>>

export const NOTHING: Masked = []

/** What the schemas within a schema are made with. */
export interface Pruner {
  /** The schema of a value of which this is masked. */
  of(schema: unknown, masked: Masked): unknown
  /** The schema of several values, of which some are masked in one of these ways, and the others are not. */
  either(schema: unknown, masks: readonly Masked[]): unknown
  /** A reference to what another one leads to, masked. */
  refer(reference: unknown, masked: Masked): Keywords
}

/** The keywords that take the place of one. `masked` is not empty, and not all. */
type Rule = (pruning: Pruner, value: unknown, masked: Masked, schema: JsonSchema) => Keywords

const entriesOf = (value: unknown): readonly [name: string, value: unknown][] => Object.entries(value as Keywords)

/** An object, unless it has nothing in it. */
const unlessEmpty = (keyword: string, entries: readonly (readonly [string, unknown])[]): Keywords =>
  entries.length === 0 ? {} : { [keyword]: Object.fromEntries(entries) }

const each =
  (keyword: string): Rule =>
  (pruning, value, masked) => ({ [keyword]: (value as readonly unknown[]).map((part) => pruning.of(part, masked)) })

const nowhere: Rule = () => ({})

/** Values, as whoever may not see all of them is told of them. */
const values =
  (keyword: string): Rule =>
  (_pruning, value, masked) => {
    const shown = (value as readonly Json[]).map((whole) => maskedData(whole, masked))
    return { [keyword]: [...new Map(shown.map((left) => [JSON.stringify(left), left])).values()] }
  }

const oneValue =
  (keyword: string): Rule =>
  (_pruning, value, masked) => ({ [keyword]: maskedData(value as Json, masked) })

/** What holds for members that nothing else is said of. */
const members =
  (keyword: string): Rule =>
  (pruning, value, masked, schema) => {
    const patterns = Object.keys((schema['patternProperties'] as object | undefined) ?? {})
    const { gone, named } = headsOf(masked)
    // A pattern that is not told of leaves members of which nothing is said.
    if (patterns.some((pattern) => tells(pattern, gone))) return {}
    const own = (schema['properties'] as object | undefined) ?? {}
    const others = named.filter((name) => !Object.hasOwn(own, name))
    return {
      [keyword]: pruning.either(
        value,
        others.map((name) => below(masked, name)).filter((it) => !isAll(it)),
      ),
    }
  }

/** What holds for elements from some place on. */
const elements =
  (keyword: string): Rule =>
  (pruning, value, masked, { prefixItems }) => {
    const first = Array.isArray(prefixItems) && keyword === 'items' ? prefixItems.length : 0
    const places = headsOf(masked).places.filter((place) => Number(place) >= first)
    return {
      [keyword]: pruning.either(
        value,
        places.map((place) => below(masked, place)),
      ),
    }
  }

/** Of a list as a whole: elements that were masked may be alike, or no longer what is asked for. */
const unlessMasked =
  (keyword: string): Rule =>
  (pruning, value, masked) =>
    headsOf(masked).places.length > 0 ? {} : { [keyword]: pruning.of(value, NOTHING) }

const matches = (pattern: string, name: string): boolean => new RegExp(pattern, 'u').test(name)

/** Whether a pattern has a name in it that it is for. */
const tells = (pattern: string, names: readonly string[]): boolean =>
  names.some((name) => pattern.includes(name) && matches(pattern, name))

/** By the keyword. Of others it is not known what they hold. */
export const RULES: Readonly<Record<string, Rule>> = {
  $defs: nowhere,
  definitions: nowhere,
  $ref: (pruning, value, masked) => pruning.refer(value, masked),
  allOf: each('allOf'),
  anyOf: each('anyOf'),
  // What told them apart may be masked.
  oneOf: (pruning, value, masked, schema) => {
    const branches = value as readonly unknown[]
    const parts = branches.map((part) => pruning.of(part, masked))
    if (!isAffected(branches, headsOf(masked).named)) return { oneOf: parts }
    return 'anyOf' in schema ? { allOf: [{ anyOf: parts }] } : { anyOf: parts }
  },
  not: (pruning, value, masked) => (isAffected(value, headsOf(masked).named) ? {} : { not: pruning.of(value, masked) }),
  if: (pruning, value, masked, schema) => {
    const branches = ['then', 'else'].filter((keyword) => keyword in schema)
    const parts = branches.map((keyword) => pruning.of(schema[keyword], masked))
    if (!isAffected(value, headsOf(masked).named)) {
      return { if: pruning.of(value, masked), ...Object.fromEntries(parts.map((part, i) => [branches[i], part])) }
    }
    return parts.length === 0 ? {} : { allOf: [{ anyOf: [...parts, ...(parts.length === 1 ? [{}] : [])] }] }
  },
  // With the condition.
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: nowhere,
  else: nowhere,
  properties: (pruning, value, masked) => {
    const { gone } = headsOf(masked)
    const shown = entriesOf(value).filter(([name]) => !gone.includes(name))
    return unlessEmpty(
      'properties',
      shown.map(([name, part]) => [name, pruning.of(part, below(masked, name))]),
    )
  },
  patternProperties: (pruning, value, masked) => {
    const { gone, named } = headsOf(masked)
    const shown = entriesOf(value).filter(([pattern]) => !tells(pattern, gone))
    const masksOf = (pattern: string): readonly Masked[] =>
      named.filter((name) => !gone.includes(name) && matches(pattern, name)).map((name) => below(masked, name))
    const part = (pattern: string, schema: unknown): unknown => {
      const [mask] = masksOf(pattern)
      return mask && tells(pattern, named) ? pruning.of(schema, mask) : pruning.either(schema, masksOf(pattern))
    }
    return unlessEmpty(
      'patternProperties',
      shown.map(([pattern, schema]) => [pattern, part(pattern, schema)]),
    )
  },
  additionalProperties: members('additionalProperties'),
  unevaluatedProperties: members('unevaluatedProperties'),
  propertyNames: (pruning, value, masked) =>
    headsOf(masked).gone.some((name) => JSON.stringify(value).includes(name))
      ? {}
      : { propertyNames: pruning.of(value, NOTHING) },
  minProperties: (_pruning, value, masked) => {
    const least = Number(value) - headsOf(masked).gone.length
    return least > 0 ? { minProperties: least } : {}
  },
  required: (_pruning, value, masked) => without('required', value, headsOf(masked).gone),
  dependentRequired: (_pruning, value, masked) => {
    const { gone } = headsOf(masked)
    const shown = entriesOf(value).filter(([name]) => !gone.includes(name))
    return unlessEmpty(
      'dependentRequired',
      shown.flatMap(([name, needed]) => Object.entries(without(name, needed, gone))),
    )
  },
  dependentSchemas: (pruning, value, masked) => {
    const { gone } = headsOf(masked)
    const shown = entriesOf(value).filter(([name]) => !gone.includes(name))
    return unlessEmpty(
      'dependentSchemas',
      shown.map(([name, part]) => [name, pruning.of(part, masked)]),
    )
  },
  prefixItems: (pruning, value, masked) => ({
    prefixItems: (value as readonly unknown[]).map((part, place) => pruning.of(part, below(masked, String(place)))),
  }),
  items: elements('items'),
  unevaluatedItems: elements('unevaluatedItems'),
  contains: unlessMasked('contains'),
  minContains: unlessMasked('minContains'),
  maxContains: unlessMasked('maxContains'),
  uniqueItems: unlessMasked('uniqueItems'),
  // Of a text, which is seen whole or not at all.
  contentSchema: (pruning, value) => ({ contentSchema: pruning.of(value, NOTHING) }),
  const: oneValue('const'),
  default: oneValue('default'),
  enum: values('enum'),
  examples: values('examples'),
}
