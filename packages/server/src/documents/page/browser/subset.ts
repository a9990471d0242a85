/** A part of an OpenAPI document that stands by itself: a viewer takes time for each thing that it is given. */
import { isObject, resolve } from './schema.ts'

type Shape = Readonly<Record<string, unknown>>

/** The document with one operation, and only the components that this needs. */
export function withOneOperation(whole: Shape, path: string, method: string): Shape {
  const paths = isObject(whole['paths']) ? whole['paths'] : {}
  const item = isObject(paths[path]) ? paths[path] : {}
  const { parameters, [method]: operation } = item
  const part = { [path]: { ...(parameters !== undefined && { parameters }), [method]: operation } }
  const { openapi, info } = whole
  return { openapi, info, paths: part, components: componentsOf(part, whole) }
}

/** What is referred to, and all that that refers to, in the places that they have in the whole. */
function componentsOf(part: unknown, whole: Shape): Shape {
  const found = new Map<string, unknown>()
  const waiting = [part]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const pointer of pointersIn(at)) {
      if (found.has(pointer)) continue
      const target = resolve({ $ref: pointer }, whole)
      found.set(pointer, target)
      if (target !== undefined) waiting.push(target)
    }
  }
  const components: Record<string, Record<string, unknown>> = {}
  for (const [pointer, target] of found) {
    const [, place, kind, name] = pointer.split('/')
    if (place !== 'components' || kind === undefined || name === undefined) continue
    components[kind] = { ...components[kind], [nameIn(name)]: target }
  }
  return components
}

const nameIn = (word: string): string => decodeURIComponent(word).replaceAll('~1', '/').replaceAll('~0', '~')

function* pointersIn(value: unknown): Iterable<string> {
  if (isObject(value) && typeof value['$ref'] === 'string') yield value['$ref']
  if (typeof value !== 'object' || value === null) return
  for (const within of Object.values(value)) yield* pointersIn(within)
}
