/** What clients can ask for: parameters and bodies, as one schema, in which only bounds and words of the protocol are. */
import type { Placed } from './placed.ts'
import { isObject, resolved } from './pointed.ts'

type Node = Readonly<Record<string, unknown>>

/** Parts of a request by name: `query`, `header` and `body`. */
export type RequestParts = Readonly<Record<string, unknown>>

/** One schema of a whole request. */
export const requestOf = (parts: RequestParts, root: unknown): Placed => ({
  schema: { type: 'object', required: Object.keys(parts), properties: parts },
  root,
})

/** The names of all parameters, such as `query/limit`. */
export function parameterNames({ schema, root }: Placed): readonly string[] {
  const parts = Object.entries(nodeOf(nodeOf(schema)['properties']))
  return parts.flatMap(([part, each]) =>
    Object.keys(nodeOf(nodeOf(resolved(root, each))['properties'])).map((name) => `${part}/${name}`),
  )
}

/** Parameters of OpenAPI by where they are. What a path has is told by its template. */
export function parametersIn(document: Node, list: unknown): RequestParts {
  const parts: Record<string, { readonly properties: Record<string, unknown>; readonly required: string[] }> = {}
  for (const each of Array.isArray(list) ? (list as readonly unknown[]) : []) {
    const { name, in: where, required, schema = true } = nodeOf(resolved(document, each))
    if (typeof name !== 'string' || typeof where !== 'string' || where === 'path') continue
    const part = (parts[where] ??= { properties: {}, required: [] })
    part.properties[name] = schema
    if (required === true) part.required.push(name)
  }
  return Object.fromEntries(Object.entries(parts).map(([where, part]) => [where, { type: 'object', ...part }]))
}

/** Members of events whose bounds are limits of the server; `data` is compared by itself. */
const MEMBERS = ['key', 'timestamp'] as const

/** What is said of bodies beside what `data` is: one event counts as a list of one. */
export function bodyIn(schema: unknown, root: unknown): Node {
  const found = { lists: [] as Node[], members: {} as Record<string, unknown> }
  look(schema, root, found, new Set())
  const [list] = found.lists
  const { minItems = 1, maxItems } = list ?? { maxItems: 1 }
  return {
    ...{ type: 'array', minItems, ...(maxItems !== undefined && { maxItems }) },
    items: { type: 'object', properties: found.members },
  }
}

interface Found {
  readonly lists: Node[]
  readonly members: Record<string, unknown>
}

function look(schema: unknown, root: unknown, found: Found, seen: Set<unknown>): void {
  const here = resolved(root, schema)
  if (!isObject(here) || seen.has(here)) return
  seen.add(here)
  if (here['type'] === 'array') found.lists.push(here)
  const properties = nodeOf(here['properties'])
  for (const name of MEMBERS) if (name in properties) found.members[name] ??= properties[name]
  for (const each of [here['anyOf'], here['oneOf']].flat()) look(each, root, found, seen)
}

const nodeOf = (value: unknown): Node => (isObject(value) ? value : {})
