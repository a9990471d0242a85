/**
 * The dialect of AsyncAPI documents: their schemas are a superset of JSON Schema draft 7, where all else here is in
 * 2020-12. What only the later one can say is left out, so a schema may allow more here, but never less.
 */
import { type JsonSchema, mapParts } from '@watchpost/core'
import { Referred } from '../referred.ts'
import type { Schemas } from '../schemas.ts'

/** Keywords by what they hold: a schema, schemas by name, or a list of schemas. All else is no schema. */
const ONE: ReadonlySet<string> = new Set([
  ...['additionalProperties', 'items', 'additionalItems', 'contains', 'propertyNames', 'not', 'if', 'then', 'else'],
])
const BY_NAME: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  'dependentSchemas',
  '$defs',
  'definitions',
])
const LISTS: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])

/** Keywords that draft 7 does not have, and that are said in another way or not at all. */
const LATER: ReadonlySet<string> = new Set([
  ...['$schema', '$comment', 'prefixItems', 'dependentRequired', 'dependentSchemas', 'minContains', 'maxContains'],
  ...['unevaluatedItems', 'unevaluatedProperties'],
])

type Keywords = Readonly<Record<string, unknown>>

/** Translates schemas that may refer to each other. References are kept as they are. */
export class Dialect {
  readonly #schemas: Schemas
  /** Whether what a reference leads to allows more after it is translated, by the name of the schema. */
  readonly #widened = new Map<string, boolean>()

  /** @param schemas all that can be referred to, by their names in the document */
  constructor(schemas: Schemas = {}) {
    this.#schemas = schemas
  }

  /** A schema of 2020-12 as one of draft 7. */
  inDraft7(schema: JsonSchema): JsonSchema {
    return this.#translated(schema) as JsonSchema
  }

  #translated(schema: unknown): unknown {
    if (!isSchema(schema)) return schema
    const kept: Record<string, unknown> = {}
    const later: Record<string, unknown> = {}
    for (const [keyword, value] of Object.entries(this.#withoutReversed(schema))) {
      const into = LATER.has(keyword) ? later : kept
      into[keyword] = this.#valueOf(keyword, value)
    }
    // Of none, all are few enough.
    if (later['minContains'] === 0) delete kept['contains']
    return besideReference({ ...kept, ...elementsOf(later, kept), ...dependenciesOf(later, kept) })
  }

  #valueOf(keyword: string, value: unknown): unknown {
    if (ONE.has(keyword)) return this.#translated(value)
    if (LISTS.has(keyword)) return (value as readonly unknown[]).map((part) => this.#translated(part))
    if (!BY_NAME.has(keyword) || !isSchema(value)) return value
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, this.#translated(part)]))
  }

  /** Where a part that allows more makes the whole allow less, it is left out, or its branches may overlap. */
  #withoutReversed(schema: JsonSchema): JsonSchema {
    const { not, if: condition, oneOf, ...rest } = schema
    const { then: _then, else: _else, ...unconditional } = rest
    const isUnknown = this.#isWidened(condition)
    const branches = Array.isArray(oneOf) ? (oneOf as readonly unknown[]) : []
    const isOpen = branches.some((part) => this.#isWidened(part))
    const { allOf = [] } = rest as { readonly allOf?: readonly unknown[] }
    return {
      ...(isUnknown ? unconditional : rest),
      ...(condition !== undefined && !isUnknown && { if: condition }),
      ...(not !== undefined && !this.#isWidened(not) && { not }),
      ...(oneOf !== undefined && !isOpen && { oneOf }),
      ...(isOpen && ('anyOf' in rest ? { allOf: [...allOf, { anyOf: branches }] } : { anyOf: branches })),
    }
  }

  /** Whether a schema allows more after it is translated; perhaps, if it refers to one that does. */
  #isWidened(schema: unknown): boolean {
    if (!isSchema(schema)) return false
    if (losesSome(schema)) return true
    return [...namesIn(schema)].some((name) => this.#isWidenedBy(name))
  }

  /** Of all that can be reached, since schemas may refer to each other in a circle. */
  #isWidenedBy(name: string): boolean {
    const known = this.#widened.get(name)
    if (known !== undefined) return known
    const reached = new Set([name])
    for (const each of reached) for (const next of namesIn(this.#schemas[each])) reached.add(next)
    const isWidened = [...reached].some((each) => losesSome(this.#schemas[each]))
    this.#widened.set(name, isWidened)
    return isWidened
  }
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether a schema, or one within it, says what draft 7 has no words for. */
function losesSome(schema: unknown): boolean {
  if (!isSchema(schema)) return false
  const { minContains = 1, maxContains, unevaluatedItems = true, unevaluatedProperties = true } = schema
  if (Number(minContains) > 1 || maxContains !== undefined) return true
  if (unevaluatedItems !== true || unevaluatedProperties !== true) return true
  let isLost = false
  mapParts(schema, (part) => {
    isLost ||= losesSome(part)
    return part
  })
  return isLost
}

/** The names of the schemas of the document that a part of it refers to. */
function namesIn(part: unknown): ReadonlySet<string> {
  const referred = new Referred()
  referred.noteIn(part)
  return referred.names('schemas')
}

/** Draft 7 has the schemas of the first elements in `items`, and that of the rest elsewhere. */
function elementsOf({ prefixItems }: Keywords, { items }: Keywords): Keywords {
  if (prefixItems === undefined) return {}
  return { items: prefixItems, ...(items !== undefined && { additionalItems: items }) }
}

function dependenciesOf({ dependentRequired, dependentSchemas }: Keywords, { dependencies }: Keywords): Keywords {
  if (dependentRequired === undefined && dependentSchemas === undefined) return {}
  const [names, schemas] = [dependentRequired ?? {}, dependentSchemas ?? {}] as [Keywords, Keywords]
  // Of a member that both are about, the list becomes a schema.
  const both = Object.keys(names).filter((name) => Object.hasOwn(schemas, name))
  const joined = both.map((name) => [name, { allOf: [{ required: names[name] }, schemas[name]] }])
  return { dependencies: { ...(dependencies as Keywords), ...names, ...schemas, ...Object.fromEntries(joined) } }
}

/** Draft 7 passes over all that stands beside a reference. */
function besideReference(schema: Keywords): Keywords {
  if (!('$ref' in schema) || Object.keys(schema).length === 1) return schema
  const { $ref, ...others } = schema
  const { allOf = [], ...rest } = others as { readonly allOf?: readonly unknown[] }
  return { ...rest, allOf: [{ $ref }, ...allOf] }
}
