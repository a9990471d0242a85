/** Finding the events that a schema of a document is made of, wherever they stand in it. */
import { RESERVED_TYPES } from '@watchpost/protocol'
import type { Placed } from './placed.ts'
import { isObject, resolved } from './pointed.ts'

/** Tells by the schema of an event's `topic` whether the event counts. */
type IsOwn = (topic: unknown) => boolean

/** The schemas of `data` by event type, of all events that values of a schema can be or hold and that count. */
export function eventsIn(schema: unknown, root: unknown, isOwn: IsOwn = () => true): ReadonlyMap<string, Placed> {
  const found = new Map<string, Placed>()
  collect(schema, root, { found, isOwn, seen: new Set() })
  return found
}

interface Search {
  readonly found: Map<string, Placed>
  readonly isOwn: IsOwn
  readonly seen: Set<unknown>
}

function collect(schema: unknown, root: unknown, search: Search): void {
  const { found, isOwn, seen } = search
  const here = resolved(root, schema)
  if (!isObject(here) || seen.has(here)) return
  seen.add(here)
  const { properties } = here
  const type = isObject(properties) ? typeOf(resolved(root, properties['type'])) : undefined
  if (isObject(properties) && type !== undefined && !RESERVED_TYPES.has(type)) {
    const data = dataIn(resolved(root, properties['data']), root)
    // An event that is told as a change has no data; one that removes a key comes after the others of its type.
    if (data !== undefined && !found.has(type) && isOwn(properties['topic'])) found.set(type, { schema: data, root })
    return
  }
  const { allOf, anyOf, oneOf, items } = here
  for (const each of [allOf, anyOf, oneOf, items].flat()) collect(each, root, search)
  // A page has events as its member.
  if (isObject(properties)) collect(properties['events'], root, search)
}

/** An event says of what type it is by a constant. */
function typeOf(schema: unknown): string | undefined {
  if (!isObject(schema)) return undefined
  const { const: constant, enum: values } = schema
  const value = constant ?? (Array.isArray(values) && values.length === 1 ? (values[0] as unknown) : undefined)
  return typeof value === 'string' ? value : undefined
}

/** What `select` and masks leave of data is anything, so it is not compared. */
const PART = /\/PartOfData$/

function dataIn(schema: unknown, root: unknown): unknown {
  if (!isObject(schema) || !Array.isArray(schema['anyOf'])) return schema
  const whole = (schema['anyOf'] as readonly unknown[]).filter((each) => !isPart(each))
  return whole.length === 1 ? resolved(root, whole[0]) : { ...schema, anyOf: whole }
}

const isPart = (schema: unknown): boolean =>
  isObject(schema) && typeof schema['$ref'] === 'string' && PART.test(schema['$ref'])
