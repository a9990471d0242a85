/** The keywords of JSON Schema, as far as comparing needs to know what each is about. */

/** A schema that is no boolean. */
export type Keywords = Readonly<Record<string, unknown>>

const TYPES = ['null', 'boolean', 'object', 'array', 'string', 'number', 'integer'] as const
/** The name of a type, as schemas have it. */
export type TypeName = (typeof TYPES)[number]

/** What a schema without `type` allows; whole numbers are numbers. */
export const ANY_TYPE: readonly TypeName[] = TYPES.filter((type) => type !== 'integer')

/** Whether a value is of a type. */
export function isOf(value: unknown, type: TypeName): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}

/** Keywords that say nothing about values. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  ...['title', 'description', 'default', 'example', 'examples', 'deprecated', 'readOnly', 'writeOnly', '$comment'],
  ...['$schema', '$id', '$anchor', '$defs', 'definitions', 'contentMediaType', 'contentEncoding', 'contentSchema'],
  ...['externalDocs', 'xml'],
])

/** Whether a keyword says something about values. */
export const isAssertion = (keyword: string): boolean => !ANNOTATIONS.has(keyword) && !keyword.startsWith('x-')

/** The list that a keyword has; empty if it has none. */
export function listIn(keywords: Keywords, name: string): readonly unknown[] {
  const value = keywords[name]
  return Array.isArray(value) ? value : []
}

/** The members of the object that a keyword has; none if it has none. */
export function entriesIn(keywords: Keywords, name: string): readonly (readonly [string, unknown])[] {
  const value = keywords[name]
  return isKeywords(value) ? Object.entries(value) : []
}

/** Objects, which are no arrays. */
export const isKeywords = (value: unknown): value is Keywords =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
