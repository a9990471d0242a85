/** JSON Schema 2020-12 as TypeScript: what a value that fits can be, as far as types can say it. */
import { docstring } from './docstring.ts'

/** A schema, or whatever stands in the place of one. */
type Schema = Readonly<Record<string, unknown>> | boolean | undefined

/** A schema can refer to its parts again and again, so that it would never end, or become very long. */
const DEPTH_MAX = 32
const PARTS_MAX = 5_000

/** Keywords that can rule out more than values by themselves, and of which types say nothing. */
const UNSAID = ['not', 'if', 'dependentSchemas', 'dependentRequired', 'unevaluatedProperties', 'unevaluatedItems']

interface Scope {
  /** What `$ref` is looked up in. */
  readonly root: Schema
  /** What references led to that are being followed. */
  readonly following: readonly unknown[]
  readonly depth: number
  readonly told: Told
}

/** Of one schema, with all of its parts. */
interface Told {
  parts: number
  /** What types don't say of it. */
  readonly lacks: Set<string>
}

/** A type as text, and what of the schema it does not say, in words. */
export interface SchemaType {
  readonly type: string
  readonly lacks: readonly string[]
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
}

/**
 * The type of what fits a schema, with a line for each member. What types can't say is wider, never narrower, but for
 * members: who names some means an object, and these.
 */
export function schemaType(schema: unknown): SchemaType {
  const root = schema as Schema
  const told: Told = { parts: 0, lacks: new Set() }
  const type = typeOf(root, { root, following: [], depth: 0, told })
  return { type, lacks: [...told.lacks] }
}

function typeOf(schema: Schema, outer: Scope): string {
  if (schema === false) return 'never'
  if (!isSchema(schema)) return 'unknown'
  const { told } = outer
  if (++told.parts > PARTS_MAX || outer.depth > DEPTH_MAX) return unsaid(outer, 'all of what is so long, or so deep')
  // What has a name of its own refers to its own parts.
  const isNamed = typeof schema['$id'] === 'string' && schema !== outer.root
  const scope = { ...outer, depth: outer.depth + 1, ...(isNamed && { root: schema, following: [] }) }
  for (const keyword of UNSAID) if (keyword in schema) told.lacks.add(`\`${keyword}\``)
  const parts = [ownType(schema, scope)]
  for (const keyword of ['$ref', '$dynamicRef']) {
    const reference = schema[keyword]
    if (typeof reference === 'string') parts.push(referredType(reference, scope))
  }
  for (const each of listOf(schema['allOf'])) parts.push(typeOf(each, scope))
  for (const keyword of ['anyOf', 'oneOf']) {
    const choices = listOf(schema[keyword]).map((choice) => typeOf(choice, scope))
    if (choices.length > 0) parts.push(union(choices))
  }
  return intersection(parts)
}

function unsaid({ told }: Scope, what: string): string {
  told.lacks.add(what)
  return 'unknown'
}

/** What the keywords of a schema itself say, without what it is put together from. */
function ownType(schema: Readonly<Record<string, unknown>>, scope: Scope): string {
  if ('const' in schema) return literal(schema['const'])
  if (Array.isArray(schema['enum'])) return union(schema['enum'].map(literal))
  const type = schema['type'] ?? impliedType(schema)
  const types = Array.isArray(type) ? (type as readonly unknown[]) : type === undefined ? [] : [type]
  if (types.length === 0) return 'unknown'
  return union(
    types.map((name) => {
      if (name === 'object') return objectType(schema, scope)
      if (name === 'array') return arrayType(schema, scope)
      return PRIMITIVES[String(name)] ?? 'unknown'
    }),
  )
}

/** Whoever names members means an object, though it is not what the keyword says. */
const impliedType = (schema: Readonly<Record<string, unknown>>): string | undefined =>
  'properties' in schema ? 'object' : 'items' in schema || 'prefixItems' in schema ? 'array' : undefined

function objectType(schema: Record<string, unknown>, scope: Scope): string {
  const { properties, required, additionalProperties, patternProperties } = schema
  const members = new Map(isSchema(properties) ? Object.entries(properties) : [])
  const needed = new Set(Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [])
  for (const name of needed) if (!members.has(name)) members.set(name, true)
  const patterns = isSchema(patternProperties) ? Object.values(patternProperties) : []
  if (members.size === 0) {
    const others = [...patterns, additionalProperties ?? true].map((each) => typeOf(each as Schema, scope))
    return `{ readonly [name: string]: ${union(others)} }`
  }
  const lines = [...members].map(([name, member]) => {
    const mark = needed.has(name) ? '' : '?'
    return `${docstringOf(member)}readonly ${memberName(name)}${mark}: ${typeOf(member as Schema, scope)}\n`
  })
  // Whatever their type is, it would have to be that of the members with names too.
  if (patterns.length > 0 || additionalProperties === true || isSchema(additionalProperties)) {
    lines.push('readonly [name: string]: unknown\n')
  }
  return `{\n${indented(lines.join(''))}}`
}

/** What a schema tells people. */
export function docstringOf(schema: unknown, more: readonly string[] = []): string {
  if (!isSchema(schema)) return docstring(undefined, more)
  const { description, title, deprecated } = schema
  const text = [description, title].find((each) => typeof each === 'string') as string | undefined
  return docstring(
    [text, ...more].filter((each) => each !== undefined).join('\n\n'),
    deprecated === true ? ['@deprecated'] : [],
  )
}

function arrayType({ items, prefixItems, minItems }: Record<string, unknown>, scope: Scope): string {
  const needed = typeof minItems === 'number' ? minItems : 0
  const first = listOf(prefixItems).map((item, i) => `${grouped(typeOf(item, scope))}${i < needed ? '' : '?'}`)
  const rest = typeOf(items as Schema, scope)
  if (first.length === 0) return `readonly ${grouped(rest)}[]`
  return `readonly [${[...first, ...(rest === 'never' ? [] : [`...${grouped(rest)}[]`])].join(', ')}]`
}

function referredType(reference: string, scope: Scope): string {
  const { root, following } = scope
  if (!reference.startsWith('#')) return unsaid(scope, 'what is defined elsewhere')
  const found = reference.startsWith('#/') || reference === '#' ? atPointer(root, reference) : atAnchor(root, reference)
  if (following.includes(found)) return unsaid(scope, 'what is in itself')
  return typeOf(found as Schema, { ...scope, following: [...following, found] })
}

/** `undefined` for what leads nowhere. */
function atPointer(root: Schema, reference: string): unknown {
  let found: unknown = root
  for (const token of reference.split('/').slice(1)) {
    const name = decoded(token).replaceAll('~1', '/').replaceAll('~0', '~')
    const has = typeof found === 'object' && found !== null && Object.hasOwn(found, name)
    found = has ? (found as Record<string, unknown>)[name] : undefined
  }
  return found
}

function atAnchor(root: Schema, reference: string): unknown {
  const name = decoded(reference.slice(1))
  // Each part is looked at once, those of a deep one after those of all others.
  const parts: unknown[] = [root]
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]
    if (typeof part !== 'object' || part === null) continue
    if (isSchema(part) && (part['$anchor'] === name || part['$dynamicAnchor'] === name)) return part
    for (const inner of Object.values(part)) parts.push(inner)
  }
  return undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const isSchema = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const listOf = (value: unknown): readonly Schema[] => (Array.isArray(value) ? (value as readonly Schema[]) : [])

/** Numbers beyond what there is of them in JavaScript are numbers. */
function literal(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'number'
  if (Array.isArray(value)) return `readonly [${value.map(literal).join(', ')}]`
  if (!isSchema(value)) return JSON.stringify(value)
  const members = Object.entries(value).map(([name, member]) => `readonly ${memberName(name)}: ${literal(member)}`)
  return members.length === 0 ? '{ readonly [name: string]: never }' : `{ ${members.join('; ')} }`
}

function union(types: readonly string[]): string {
  const all = [...new Set(types)].filter((type) => type !== 'never')
  if (all.includes('unknown')) return 'unknown'
  return all.length === 0 ? 'never' : all.map((type) => (type.includes(' & ') ? `(${type})` : type)).join(' | ')
}

function intersection(types: readonly string[]): string {
  const all = [...new Set(types)].filter((type) => type !== 'unknown')
  if (all.length === 0) return 'unknown'
  return all.length === 1 ? (all[0] as string) : all.map(grouped).join(' & ')
}

/** A type as a part of another one. */
const grouped = (type: string): string => (/ [|&] |^readonly /.test(type) ? `(${type})` : type)

/** Lines, each two spaces further in. */
export const indented = (lines: string): string => lines.replaceAll(/^(?=.)/gm, '  ')

/** A member's name as it can be written. */
export const memberName = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name))
