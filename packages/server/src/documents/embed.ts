/**
 * Brings the JSON Schemas of topic definitions into a document. There they are parts of a larger whole, where `#` is no
 * longer the schema itself: so what they refer to within themselves is pointed to where it is now.
 */
import { type JsonSchema, mapParts } from '@watchpost/core'
import type { Names } from './names.ts'
import { refTo } from './schemas.ts'

/**
 * Adds a schema, and those of its `$defs`, which become schemas by their own names. Answers the name it got.
 * @param schema a flat one: what it refers to within itself, it does by JSON Pointers
 */
export function embed(
  schema: JsonSchema,
  wished: string,
  names: Names,
  add: (name: string, to: JsonSchema) => void,
): string {
  return new Embedding(schema, wished, names, add).name
}

class Embedding {
  readonly name: string
  readonly #root: JsonSchema
  readonly #names: Names
  readonly #add: (name: string, schema: JsonSchema) => void
  readonly #definitions = new Map<string, string>()

  constructor(root: JsonSchema, wished: string, names: Names, add: (name: string, schema: JsonSchema) => void) {
    this.#root = root
    this.#names = names
    this.#add = add
    const { name, isNew } = names.nameOf(wished, JSON.stringify(root))
    this.name = name
    if (!isNew) return
    const { $defs: _hoisted, ...rest } = root
    // Only those that something refers to are brought along.
    add(name, this.#placed(rest) as JsonSchema)
  }

  /** The same schema, with references to where things are in the document. */
  #placed(schema: unknown): unknown {
    if (!isSchema(schema)) return schema
    const placed = mapParts(schema, (part) => this.#placed(part))
    const { $ref } = schema
    return typeof $ref === 'string' && $ref.startsWith('#') ? { ...placed, $ref: this.#target($ref) } : placed
  }

  #target(reference: string): string {
    const [, defs, escaped = '', ...rest] = decodeURIComponent(reference.slice(1)).split('/')
    if (defs !== '$defs') return `${refTo(this.name).$ref}${reference.slice(1)}`
    const definition = escaped.replaceAll('~1', '/').replaceAll('~0', '~')
    return `${refTo(this.#define(definition)).$ref}${encoded(rest)}`
  }

  /** Adds a schema of `$defs`, once. */
  #define(definition: string): string {
    const known = this.#definitions.get(definition)
    if (known !== undefined) return known
    const all = this.#root['$defs'] as Readonly<Record<string, unknown>>
    // What it refers to counts for whether two of a name are the same.
    const content = JSON.stringify([definition, refersOutside(all) ? this.#root : all])
    const { name, isNew } = this.#names.nameOf(definition, content)
    // Before it is placed, since it may refer to itself.
    this.#definitions.set(definition, name)
    if (isNew) {
      const placed = this.#placed(all[definition])
      this.#add(name, isSchema(placed) ? placed : placed === false ? { not: {} } : {})
    }
    return name
  }
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether definitions may refer to what is none of them. */
const refersOutside = (definitions: object): boolean =>
  [...JSON.stringify(definitions).matchAll(/"\$ref":"([^"]*)/g)].some(
    ([, reference = '']) => !reference.startsWith('#/$defs/'),
  )

/** Tokens as the end of a JSON Pointer in a fragment of a URI. */
const encoded = (tokens: readonly string[]): string =>
  encodeURI(tokens.map((token) => `/${token}`).join(''))
    .replaceAll('#', '%23')
    .replaceAll('?', '%3F')
