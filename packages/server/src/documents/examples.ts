/**
 * Examples of data, made from its schema: what the schema itself gives as one, else the simplest value that it asks for.
 * Schemas can ask for what is not guessed here, so whoever uses an example checks it first.
 */
import type { JsonSchema, Topic } from '@watchpost/core'
import type { Json } from '@watchpost/protocol'

/** Schemas can refer to themselves without end, and several times at each depth. */
const DEPTH_MAX = 8
const VALUES_MAX = 2_000

/** Longer texts and lists are no examples that anybody reads. */
const CHARACTERS_MAX = 1_000
const ITEMS_MAX = 100

/** An example in the making. */
interface Making {
  readonly root: JsonSchema
  /** How many values it may still be made of, together with those that are dropped. */
  valuesLeft: number
}

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-11-22T12:34:56.789Z',
  date: '2026-11-22',
  time: '12:34:56Z',
  duration: 'PT15M',
  email: 'someone@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  'uri-reference': '/path',
  uuid: '3f2b8c1e-9a4d-4e6f-8b7a-5c0d1e2f3a4b',
  'json-pointer': '/a',
  regex: '^a$',
}

/** Each is asked for by several parts of each document. */
const found = new WeakMap<Topic, Map<string, Json | undefined>>()

/** What the data of one event of a topic can be; `undefined` if none was found that its schema allows. */
export function exampleData(topic: Topic, type: string): Json | undefined {
  const known = found.get(topic) ?? new Map<string, Json | undefined>()
  found.set(topic, known)
  if (!known.has(type)) known.set(type, findExample(topic, type))
  return known.get(type)
}

function findExample(topic: Topic, type: string): Json | undefined {
  const schema = topic.schemas.get(type)
  if (schema === undefined) return undefined
  const { flat } = schema
  const given = flat['examples']
  const made = valueOf(flat, { root: flat, valuesLeft: VALUES_MAX }, 0)
  const candidates = [...(Array.isArray(given) ? (given as readonly Json[]) : []), made]
  return candidates.find((candidate) => candidate !== undefined && isAllowed(topic, type, candidate))
}

/** Whether it may be published, with a key if the topic has one. */
function isAllowed({ schemas, keyOf }: Topic, type: string, data: Json): boolean {
  try {
    const isKeyed = keyOf === undefined || (data !== null && keyOf(type, data) !== undefined)
    return isKeyed && schemas.get(type)?.faults(data).length === 0
  } catch {
    // A key function of a definition may expect more than its schema says.
    return false
  }
}

function valueOf(schema: unknown, making: Making, depth: number): Json | undefined {
  if (!isSchema(schema) || depth > DEPTH_MAX || making.valuesLeft-- <= 0) return undefined
  const { root } = making
  const { const: constant, enum: values, default: preset, examples, $ref } = schema
  if (constant !== undefined) return constant as Json
  if (Array.isArray(values)) return values[0] as Json
  if (Array.isArray(examples)) return examples[0] as Json
  if (preset !== undefined) return preset as Json
  if (typeof $ref === 'string') return valueOf(resolve($ref, root), making, depth + 1)
  for (const choice of ['anyOf', 'oneOf']) {
    const first = Array.isArray(schema[choice]) ? (schema[choice] as readonly unknown[])[0] : undefined
    if (isSchema(first)) return valueOf({ ...schema, ...first, [choice]: undefined }, making, depth + 1)
  }
  if (Array.isArray(schema['allOf'])) return valueOf(merged(schema, schema['allOf'], root), making, depth + 1)
  return typedValue(schema, making, depth)
}

function typedValue(schema: JsonSchema, making: Making, depth: number): Json | undefined {
  const { type } = schema
  switch (Array.isArray(type) ? (type as readonly unknown[])[0] : type) {
    case 'string':
      return textOf(schema)
    case 'integer':
    case 'number':
      return numberOf(schema)
    case 'boolean':
      return true
    case 'null':
      return null
    case 'array':
      return listOf(schema, making, depth)
    case 'object':
      return objectOf(schema, making, depth)
    default:
      return isSchema(schema['properties']) ? objectOf(schema, making, depth) : {}
  }
}

function textOf({ format, minLength = 0, maxLength = CHARACTERS_MAX }: JsonSchema): string | undefined {
  const known = typeof format === 'string' ? FORMATS[format] : undefined
  if (known !== undefined) return known
  return Number(minLength) > CHARACTERS_MAX
    ? undefined
    : 'text'.padEnd(Number(minLength), '.').slice(0, Number(maxLength))
}

function numberOf(schema: JsonSchema): number {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf = 1 } = schema
  const step = Number(multipleOf)
  if (typeof minimum === 'number') return Math.ceil(minimum / step) * step
  if (typeof exclusiveMinimum === 'number') return (Math.floor(exclusiveMinimum / step) + 1) * step
  if (typeof maximum === 'number') return Math.min(step, Math.floor(maximum / step) * step)
  if (typeof exclusiveMaximum === 'number') return Math.min(step, (Math.ceil(exclusiveMaximum / step) - 1) * step)
  return step
}

function listOf({ items, prefixItems, minItems = 0 }: JsonSchema, making: Making, depth: number): Json | undefined {
  if (Number(minItems) > ITEMS_MAX) return undefined
  const first = Array.isArray(prefixItems) ? (prefixItems as readonly unknown[]) : []
  const rest = Array.from({ length: Math.max(0, Math.max(1, Number(minItems)) - first.length) }, () => items)
  const values = [...first, ...rest].map((item) => valueOf(item, making, depth + 1))
  const known = values.filter((value) => value !== undefined)
  return known.length === values.length || Number(minItems) === 0 ? known : undefined
}

function objectOf({ properties, required }: JsonSchema, making: Making, depth: number): Json {
  const schemas = isSchema(properties) ? properties : {}
  const needed = Array.isArray(required) ? (required as readonly string[]) : []
  const names = new Set([...Object.keys(schemas), ...needed])
  return Object.fromEntries(
    [...names].flatMap((name) => {
      // What refers to itself without being needed would only make the example long.
      if (depth > 2 && !needed.includes(name)) return []
      const value = Object.hasOwn(schemas, name) ? valueOf(schemas[name], making, depth + 1) : 'text'
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** A schema that has what it and all of its parts ask for, as far as these are about different members. */
function merged(schema: JsonSchema, parts: readonly unknown[], root: JsonSchema): JsonSchema {
  const { allOf: _merged, ...own } = schema
  return parts.reduce<JsonSchema>((whole, part) => {
    const plain = isSchema(part) && typeof part['$ref'] === 'string' ? resolve(part['$ref'], root) : part
    if (!isSchema(plain)) return whole
    return {
      ...{ ...whole, ...plain },
      properties: { ...(whole['properties'] as object), ...(plain['properties'] as object) },
      required: [whole['required'] ?? [], plain['required'] ?? []].flat(),
    }
  }, own)
}

/** What a reference within the schema leads to, if it is a JSON Pointer. */
function resolve(reference: string, root: JsonSchema): unknown {
  if (!reference.startsWith('#')) return undefined
  const tokens = decodeURIComponent(reference.slice(1)).split('/').slice(1)
  return tokens.reduce<unknown>(
    (part, token) => (isContainer(part) ? part[token.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined),
    root,
  )
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isContainer = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
