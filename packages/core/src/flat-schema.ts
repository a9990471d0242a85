/**
 * A JSON Schema whose references are all JSON Pointers from its root. Schemas can also refer to what they call themselves
 * and their parts, by `$id`, `$anchor` and `$dynamicAnchor` (JSON Schema 2020-12, sections 8.2 and 8.3); validators differ
 * in how much of that they know, and within a document none of it holds any more. So it is read once, here.
 */
import { parsePointer, pointerTo } from './pointer.ts'
import type { JsonSchema } from './schema.ts'

/** Keywords whose value is a schema, a list of schemas, and an object of schemas by any names. */
const ONE: ReadonlySet<string> = new Set([
  ...['items', 'contains', 'additionalProperties', 'unevaluatedProperties', 'unevaluatedItems', 'propertyNames'],
  ...['not', 'if', 'then', 'else', 'contentSchema'],
])
const LIST: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
const MAP: ReadonlySet<string> = new Set([
  ...['properties', 'patternProperties', 'dependentSchemas', 'dependencies', '$defs', 'definitions'],
])

/** Keywords whose value is a reference. */
const REFERRING = ['$ref', '$dynamicRef'] as const

/** Keywords that say what and where a schema is, which is known by its place then; and those that are read one by one. */
const PLACING: ReadonlySet<string> = new Set([
  ...['$schema', '$id', '$anchor', '$dynamicAnchor', '$vocabulary'],
  ...REFERRING,
])

/** The base of schemas that name none. */
const UNNAMED = 'schema:/'

/** Gives the URI that a reference means relative to a base (RFC 3986, section 5). */
type Resolve = (base: string, reference: string) => string

/**
 * The same schema, with a JSON Pointer in place of each reference to a part of it. What is outside of it stays as it is.
 * @throws Error for a reference that leads nowhere in it, or to what can't be told before there is data
 */
export const flatSchema = (schema: JsonSchema, resolve: Resolve): JsonSchema => new Flattening(schema, resolve).flat()

/** What a reference says. */
interface Target {
  /** Of the schema that it is relative to, without a fragment. */
  readonly uri: string
  /** Decoded; a JSON Pointer, or the name of an anchor. */
  readonly fragment: string
}

class Flattening {
  readonly #root: JsonSchema
  readonly #rootUri: string
  readonly #resolve: Resolve
  /** JSON Pointers from the root by the URIs that parts have. */
  readonly #places = new Map<string, string>()
  /** Of each dynamic anchor, JSON Pointers by the URIs of the schemas that have it. */
  readonly #dynamic = new Map<string, Map<string, string>>()

  constructor(root: JsonSchema, resolve: Resolve) {
    this.#root = root
    this.#resolve = resolve
    this.#rootUri = this.#baseOf(root, UNNAMED)
    this.#locate(root, UNNAMED, '')
  }

  flat(): JsonSchema {
    return this.#rewrite(this.#root, UNNAMED) as JsonSchema
  }

  #baseOf({ $id }: JsonSchema, base: string): string {
    return typeof $id === 'string' ? this.#target($id, base).uri : base
  }

  /** Notes where a schema and its parts are. The first of several that claim a URI has it, which is the outermost. */
  #locate(schema: unknown, base: string, pointer: string): void {
    if (!isSchema(schema)) return
    const uri = this.#baseOf(schema, base)
    const { $anchor, $dynamicAnchor } = schema
    for (const name of [uri, ...[$anchor, $dynamicAnchor].filter(isText).map((anchor) => `${uri}#${anchor}`)]) {
      if (!this.#places.has(name)) this.#places.set(name, pointer)
    }
    if (isText($dynamicAnchor)) {
      const declared = this.#dynamic.get($dynamicAnchor) ?? new Map<string, string>()
      this.#dynamic.set($dynamicAnchor, declared)
      if (!declared.has(uri)) declared.set(uri, pointer)
    }
    for (const [part, tokens] of partsOf(schema)) this.#locate(part, uri, `${pointer}${pointerTo(...tokens)}`)
  }

  #rewrite(schema: unknown, base: string): unknown {
    if (!isSchema(schema)) return schema
    const uri = this.#baseOf(schema, base)
    const parts = Object.entries(mapParts(schema, (part) => this.#rewrite(part, uri)))
    const rewritten = Object.fromEntries(parts.filter(([keyword]) => !PLACING.has(keyword)))
    const references = REFERRING.flatMap((keyword) => {
      const reference = schema[keyword]
      return isText(reference) ? [{ $ref: this.#pointed(keyword, reference, uri) }] : []
    })
    const [first, second] = references
    if (second === undefined) return { ...first, ...rewritten }
    const { allOf = [] } = rewritten as { readonly allOf?: readonly unknown[] }
    return { ...first, ...rewritten, allOf: [...allOf, second] }
  }

  /** What a reference is in the flat schema. @throws Error */
  #pointed(keyword: (typeof REFERRING)[number], reference: string, base: string): string {
    const { uri, fragment } = this.#target(reference, base)
    const schema = this.#places.get(uri)
    if (schema === undefined) return reference
    const isPointer = fragment === '' || fragment.startsWith('/')
    const place = isPointer ? `${schema}${fragment}` : this.#places.get(`${uri}#${fragment}`)
    if (place === undefined || !this.#has(place)) {
      throw new Error(`${keyword} ${JSON.stringify(reference)} leads nowhere in the schema`)
    }
    const pointer = keyword === '$dynamicRef' ? (this.#outermost(uri, fragment, reference) ?? place) : place
    return `#${encodeURI(pointer).replaceAll('#', '%23').replaceAll('?', '%3F')}`
  }

  /**
   * Where a dynamic reference leads: to the outermost schema with its anchor of those that validation came through. It
   * begins at the root, so this is known if the root has the anchor, and if no more than one schema has.
   */
  #outermost(uri: string, anchor: string, reference: string): string | undefined {
    const declared = this.#dynamic.get(anchor)
    if (declared?.get(uri) === undefined) return undefined
    const pointer = declared.get(this.#rootUri)
    if (pointer !== undefined || declared.size === 1) return pointer
    throw new Error(
      `$dynamicRef ${JSON.stringify(reference)} can mean each of ${declared.size} schemas; give the root the $dynamicAnchor ${JSON.stringify(anchor)}, or use $ref`,
    )
  }

  #target(reference: string, base: string): Target {
    const at = reference.indexOf('#')
    const path = at < 0 ? reference : reference.slice(0, at)
    const uri = path === '' ? base : this.#resolve(base, path)
    return { uri, fragment: at < 0 ? '' : decodeURIComponent(reference.slice(at + 1)) }
  }

  #has(pointer: string): boolean {
    let at: unknown = this.#root
    for (const token of parsePointer(pointer) ?? ['']) {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, token)) return false
      at = (at as Readonly<Record<string, unknown>>)[token]
    }
    return true
  }
}

/** A schema with something else in the place of each schema directly within it; all that is no schema stays. */
export function mapParts(schema: JsonSchema, change: (part: unknown) => unknown): Readonly<Record<string, unknown>> {
  const mapped = Object.entries(schema).map(([keyword, value]): [string, unknown] => {
    if (ONE.has(keyword)) return [keyword, change(value)]
    if (LIST.has(keyword) && Array.isArray(value)) return [keyword, (value as readonly unknown[]).map(change)]
    if (!MAP.has(keyword) || !isSchema(value)) return [keyword, value]
    return [keyword, Object.fromEntries(Object.entries(value).map(([name, part]) => [name, change(part)]))]
  })
  return Object.fromEntries(mapped)
}

const isText = (value: unknown): value is string => typeof value === 'string'

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The schemas directly within a schema, each with the tokens of the JSON Pointer that leads from it to them. */
function partsOf(schema: JsonSchema): readonly (readonly [part: unknown, tokens: readonly string[]])[] {
  return Object.entries(schema).flatMap(([keyword, value]): readonly (readonly [unknown, readonly string[]])[] => {
    if (ONE.has(keyword)) return [[value, [keyword]]]
    if ((LIST.has(keyword) && Array.isArray(value)) || (MAP.has(keyword) && isSchema(value))) {
      return Object.entries(value as object).map(([name, part]) => [part, [keyword, name]])
    }
    return []
  })
}
