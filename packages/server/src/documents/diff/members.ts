/** What schemas say of the members of objects: by name, by pattern, and of all others. */
import { entriesIn, isKeywords, type Keywords, listIn } from './keywords.ts'
import { type All, isNothing, type Placed, placed, together, Unclear } from './placed.ts'
import { pointed } from './pointed.ts'

/** What one schema says of members: of each name it is what `properties` and `patterns` say or, if neither does, `others`. */
export interface Members {
  readonly properties: ReadonlyMap<string, All>
  /** By regular expressions. */
  readonly patterns: ReadonlyMap<string, All>
  readonly others: All
}

/** What `properties`, `patternProperties` and `additionalProperties` say; nothing if there are none of these. */
export function membersOf(keywords: Keywords, root: unknown): readonly Members[] {
  if (!['properties', 'patternProperties', 'additionalProperties'].some((name) => name in keywords)) return []
  const all = (name: string): ReadonlyMap<string, All> =>
    new Map(entriesIn(keywords, name).map(([each, schema]) => [each, placed(schema, root)]))
  const { additionalProperties = true } = keywords
  return [
    {
      properties: all('properties'),
      patterns: all('patternProperties'),
      others: placed(additionalProperties, root),
    },
  ]
}

/** What all of these say of a member. */
export const memberAt = (members: readonly Members[], name: string): All =>
  together(members.map((each) => at(each, name)))

function at({ properties, patterns, others }: Members, name: string): All {
  const own = properties.get(name)
  const matching = [...patterns].filter(([pattern]) => matches(pattern, name)).map(([, schema]) => schema)
  return own === undefined && matching.length === 0 ? others : together([...(own ? [own] : []), ...matching])
}

/** @throws Unclear for what is no regular expression */
export function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(text)
  } catch {
    throw new Unclear(`${JSON.stringify(pattern)} is no regular expression that is known here`)
  }
}

/** All names that any of these has under `properties`. */
export const namesIn = (members: readonly Members[]): readonly string[] => [
  ...new Set(members.flatMap(({ properties }) => [...properties.keys()])),
]

/** Which of the members are asked about, of those whose names are not known. */
export type Unnamed = { readonly matching: string } | { readonly outside: ReadonlySet<string> }

/** More ways than these to be a member are not told apart. */
const WAYS_MAX = 64

/**
 * What members can be whose names are not known: each is in one of these ways at least.
 * @throws Unclear if there are too many
 */
export function unnamed(members: readonly Members[], asked: Unnamed): readonly All[] {
  let ways: readonly All[] = [[]]
  for (const each of members) {
    ways = ways.flatMap((way) => waysOf(each, asked).map((own) => together([way, own])))
    if (ways.length > WAYS_MAX) throw new Unclear('it has too many `patternProperties`')
  }
  return ways
}

function waysOf({ patterns, others }: Members, asked: Unnamed): readonly All[] {
  if ('outside' in asked) {
    return [...[...patterns].filter(([pattern]) => !asked.outside.has(pattern)).map(([, all]) => all), others]
  }
  const own = patterns.get(asked.matching)
  return own === undefined ? [...patterns.values(), others] : [own]
}

/** Whether there can be no members but those that are named. */
export const isClosed = (members: readonly Members[]): boolean =>
  members.some(({ patterns, others }) => patterns.size === 0 && isNothing(others))

/** What a schema looks at of an object's members, as far as that does not depend on the object. */
interface Looked {
  readonly names: Set<string>
  readonly patterns: Set<string>
  /** Whether it looks at all members. */
  all: boolean
}

/** Keywords that look at members of some objects and not of others. */
const DEPENDING = ['anyOf', 'oneOf', 'if', 'then', 'else', 'dependentSchemas', 'dependencies']

/**
 * What `unevaluatedProperties` says, in the terms of {@link Members}.
 * @returns `undefined` if it depends on the object what it is about
 */
export function unevaluatedMembers(keywords: Keywords, root: unknown): readonly Members[] | undefined {
  const { unevaluatedProperties, ...others } = keywords
  const looked: Looked = { names: new Set(), patterns: new Set(), all: false }
  if (!look(others, root, looked, new Set())) return undefined
  if (looked.all) return []
  const anything = (names: ReadonlySet<string>): ReadonlyMap<string, All> =>
    new Map([...names].map((name) => [name, []]))
  return [
    {
      ...{ properties: anything(looked.names), patterns: anything(looked.patterns) },
      others: placed(unevaluatedProperties, root),
    },
  ]
}

function look(schema: unknown, root: unknown, into: Looked, seen: Set<unknown>): boolean {
  if (!isKeywords(schema) || seen.has(schema)) return true
  seen.add(schema)
  if (DEPENDING.some((keyword) => keyword in schema)) return false
  for (const [name] of entriesIn(schema, 'properties')) into.names.add(name)
  for (const [pattern] of entriesIn(schema, 'patternProperties')) into.patterns.add(pattern)
  if ('additionalProperties' in schema || 'unevaluatedProperties' in schema) into.all = true
  const { $ref } = schema
  const referred: Placed[] = typeof $ref === 'string' ? [{ schema: pointed(root, $ref), root }] : []
  return [...listIn(schema, 'allOf'), ...referred.map((each) => each.schema)].every((each) =>
    look(each, root, into, seen),
  )
}
