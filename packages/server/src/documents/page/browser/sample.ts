/** Values that fit a JSON Schema, to begin a publish with. */
import { isObject, resolve, type Schema } from './schema.ts'

const DEPTH_MAX = 6

/** Fits where schemas say so in plain words; patterns and bounds are left to whoever edits it. */
export function sampleOf(schema: Schema, root: Schema = schema, depth = 0): unknown {
  const shape = resolve(schema, root)
  if (!isObject(shape) || depth > DEPTH_MAX) return null
  const { examples, enum: values, anyOf, oneOf, type } = shape
  for (const name of ['const', 'default']) if (name in shape) return shape[name]
  for (const given of [examples, values]) if (Array.isArray(given) && given.length > 0) return given[0] as unknown
  for (const choice of [oneOf, anyOf]) if (Array.isArray(choice)) return sampleOf(choice[0] as Schema, root, depth + 1)
  const first: unknown = Array.isArray(type) ? type[0] : type
  if (first === 'object' || 'properties' in shape) return objectOf(shape, root, depth)
  if (first === 'array') return 'items' in shape ? [sampleOf(shape['items'] as Schema, root, depth + 1)] : []
  if (first === 'string') return 'text'
  if (first === 'boolean') return true
  if (first === 'number' || first === 'integer') return typeof shape['minimum'] === 'number' ? shape['minimum'] : 1
  return null
}

function objectOf(shape: Readonly<Record<string, unknown>>, root: Schema, depth: number): object {
  const properties = isObject(shape['properties']) ? shape['properties'] : {}
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, sampleOf(property as Schema, root, depth + 1)]),
  )
}
