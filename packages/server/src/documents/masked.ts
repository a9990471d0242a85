/**
 * Schemas without what is masked [WP-6.5]: of the data as an identity is sent it, and in words that do not name the rest.
 * All that is allowed before is allowed after, once it is masked; where that can't be told, a constraint is left out.
 */
import { type JsonSchema, type Masked, mapParts, parsePointer } from '@watchpost/core'
import { isAffected, isAll } from './masked-names.ts'
import { type Keywords, NOTHING, type Pruner, RULES } from './masked-rules.ts'

/** Documents and lists ask for the same again and again. Masks are made by rules, so there can be any number. */
const REMEMBERED_MAX = 64
const remembered = new WeakMap<JsonSchema, Map<string, JsonSchema>>()

/**
 * The schema of data from which this was taken.
 * @param flat of {@link CompiledSchema}: what it refers to within itself, it does by JSON Pointers
 */
export function maskedSchema(flat: JsonSchema, masked: Masked): JsonSchema {
  if (masked.length === 0) return flat
  const known = remembered.get(flat) ?? new Map<string, JsonSchema>()
  remembered.set(flat, known)
  const subject = JSON.stringify(masked)
  const schema = known.get(subject) ?? new Pruning(flat, masked).schema
  if (known.size >= REMEMBERED_MAX) known.clear()
  known.set(subject, schema)
  return schema
}

class Pruning implements Pruner {
  readonly schema: JsonSchema
  readonly #root: JsonSchema
  /** The last tokens of what is masked: no name that is made here is one of these. */
  readonly #secrets: ReadonlySet<string>
  /** Names in `$defs` by what they are made of: a part of the schema, and what is masked there. */
  readonly #names = new Map<string, string>()
  readonly #definitions = new Map<string, unknown>()

  constructor(root: JsonSchema, masked: Masked) {
    this.#root = root
    this.#secrets = new Set(masked.flatMap((tokens) => tokens.slice(-1)))
    const pruned = this.of(root, masked)
    const $defs = Object.fromEntries(this.#definitions)
    this.schema = { ...(pruned as JsonSchema), ...(this.#definitions.size > 0 && { $defs }) }
  }

  /** A part of the schema, of what is at one place. */
  of(schema: unknown, masked: Masked): unknown {
    if (!isSchema(schema)) return schema
    if (isAll(masked)) return { type: 'null' }
    if (masked.length === 0) return this.#moved(schema)
    const parts = Object.entries(schema).map(([keyword, value]): Keywords => {
      const rule = Object.hasOwn(RULES, keyword) ? RULES[keyword] : undefined
      if (rule !== undefined) return rule(this, value, masked, schema)
      return this.#namesNone(value) ? { [keyword]: value } : {}
    })
    return parts.reduce<Keywords>(joined, {})
  }

  /** Nothing is masked here, but what it refers to is elsewhere now. */
  #moved(schema: JsonSchema): Keywords {
    const { $defs: _defs, definitions: _definitions, $ref, ...rest } = schema
    const moved = mapParts(rest, (part) => this.of(part, NOTHING))
    return $ref === undefined ? moved : { ...this.refer($ref, NOTHING), ...moved }
  }

  /** Text is shown as it is written; all else that is no rule of JSON Schema may hold names. */
  #namesNone(value: unknown): boolean {
    if (typeof value !== 'object') return true
    return !isAffected(value, [...this.#secrets])
  }

  /** Each of several, of which only some are masked so. */
  either(schema: unknown, masks: readonly Masked[]): unknown {
    const whole = this.of(schema, NOTHING)
    if (!isSchema(whole) || Object.keys(whole).length === 0 || masks.length === 0) return whole
    const all = [...masks.map((masked) => this.of(schema, masked)), whole]
    const different = [...new Map(all.map((each) => [JSON.stringify(each), each])).values()]
    return different.length === 1 ? whole : { anyOf: different }
  }

  refer(reference: unknown, masked: Masked): Keywords {
    if (typeof reference !== 'string' || !reference.startsWith('#')) return { $ref: reference }
    const pointer = decodeURIComponent(reference.slice(1))
    const name = this.#names.get(`${JSON.stringify(masked)} ${pointer}`) ?? this.#define(pointer, masked)
    return { $ref: `#/$defs/${encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))}` }
  }

  #define(pointer: string, masked: Masked): string {
    const [keyword, ...tokens] = parsePointer(pointer) ?? []
    const [own = ''] = tokens
    const isNamed = keyword === '$defs' && tokens.length === 1 && !this.#secrets.has(own)
    const name = this.#nameLike(isNamed ? own : 'part')
    // Before it is made, since it may refer to itself.
    this.#names.set(`${JSON.stringify(masked)} ${pointer}`, name)
    this.#definitions.set(name, true)
    this.#definitions.set(name, this.of(this.#at(pointer), masked))
    return name
  }

  #nameLike(wished: string): string {
    for (let count = 1; ; count++) {
      const name = count === 1 ? wished : `${wished}_${count}`
      if (!this.#definitions.has(name)) return name
    }
  }

  #at(pointer: string): unknown {
    const tokens = parsePointer(pointer) ?? []
    return tokens.reduce<unknown>((part, token) => (part as Keywords | undefined)?.[token], this.#root)
  }
}

/** All of both. */
function joined(some: Keywords, more: Keywords): Keywords {
  const allOf = [some['allOf'], more['allOf']].flatMap((parts) => (Array.isArray(parts) ? (parts as unknown[]) : []))
  return { ...some, ...more, ...(allOf.length > 0 && { allOf }) }
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
