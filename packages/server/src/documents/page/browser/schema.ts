/** JSON Schemas as lists that fold. */
import { folded, make } from './dom.ts'
import { prose } from './prose.ts'

export type Schema = Readonly<Record<string, unknown>> | boolean

type Shape = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is Shape =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A member that is a text; empty if it is not. */
export const textIn = (shape: unknown, name: string): string => {
  const value = isObject(shape) ? shape[name] : undefined
  return typeof value === 'string' ? value : ''
}

/** What a reference into `root` leads to; anything else stays as it is. */
export function resolve(value: unknown, root: unknown): unknown {
  let found = value
  // References that lead in a circle lead nowhere.
  for (let steps = 0; isObject(found) && typeof found['$ref'] === 'string' && steps < 32; steps += 1) {
    found = lookUp(found['$ref'], root)
  }
  return found
}

const lookUp = (pointer: string, root: unknown): unknown =>
  pointer
    .replace(/^#\/?/, '')
    .split('/')
    .map((word) => decodeURIComponent(word).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((at, word) => (isObject(at) || Array.isArray(at) ? (at as Shape)[word] : undefined), root)

/** The name at the end of a reference, if it is one. */
export const nameOf = (value: unknown): string | undefined =>
  isObject(value) && typeof value['$ref'] === 'string' ? value['$ref'].split('/').at(-1) : undefined

const SAID_OTHERWISE = new Set([
  ...[
    '$ref',
    '$schema',
    '$id',
    '$defs',
    'type',
    'title',
    'description',
    'properties',
    'required',
    'items',
    'prefixItems',
  ],
  ...['anyOf', 'oneOf', 'allOf', 'not', 'const', 'enum', 'examples', 'additionalProperties', 'patternProperties'],
])

const json = (value: unknown): string => JSON.stringify(value) ?? ''

/** What kind of value it is, in a few words. */
function kindOf(schema: unknown, root: unknown): string {
  const shape = resolve(schema, root)
  if (shape === false) return 'nothing'
  if (!isObject(shape)) return 'anything'
  const { type, enum: values, anyOf, oneOf } = shape
  if ('const' in shape) return json(shape['const'])
  if (Array.isArray(values)) return values.map(json).join(' or ')
  const choices = Array.isArray(oneOf) ? oneOf : anyOf
  if (type === undefined && Array.isArray(choices))
    return [...new Set(choices.map((choice) => kindOf(choice, root)))].join(' or ')
  if (type === 'array') return `array of ${'items' in shape ? kindOf(shape['items'], root) : 'anything'}`
  return Array.isArray(type) ? type.join(' or ') : typeof type === 'string' ? type : (nameOf(schema) ?? 'anything')
}

/** Bounds, patterns and whatever else a schema demands, as it says them. */
const boundsOf = (shape: Shape): string =>
  Object.entries(shape)
    .flatMap(([name, value]) => (SAID_OTHERWISE.has(name) || name.startsWith('x-') ? [] : [`${name} ${json(value)}`]))
    .join(', ')

/** Schemas within a schema, by what they are to it. */
function partsOf(shape: Shape): (readonly [name: string, schema: unknown, isRequired: boolean])[] {
  const required = Array.isArray(shape['required']) ? shape['required'] : []
  const members = Object.entries(isObject(shape['properties']) ? shape['properties'] : {})
  const patterns = Object.entries(isObject(shape['patternProperties']) ? shape['patternProperties'] : {})
  const lists = ['allOf', 'anyOf', 'oneOf', 'prefixItems'].flatMap((word) =>
    (Array.isArray(shape[word]) ? shape[word] : []).map((part, i) => [`${word} ${i + 1}`, part, false] as const),
  )
  const single = [
    ['items', 'each element'] as const,
    ['not', 'but not'] as const,
    ['additionalProperties', 'any other'] as const,
  ]
  return [
    ...members.map(([name, part]) => [name, part, required.includes(name)] as const),
    ...patterns.map(([pattern, part]) => [`names like ${pattern}`, part, false] as const),
    ...lists,
    ...single.flatMap(([word, name]) => (isObject(shape[word]) ? [[name, shape[word], false] as const] : [])),
  ]
}

/**
 * The rows of a schema: its members, choices and elements.
 * @param root what its references lead into
 */
export function schemaRows(schema: unknown, root: unknown): readonly Node[] {
  const shape = resolve(schema, root)
  const parts = isObject(shape) ? partRows(shape, root) : []
  const kind = parts.length > 0 ? [] : [make('p', { class: 'kind' }, kindOf(schema, root))]
  return [...kind, ...notesOf(shape), ...parts]
}

function partRows(shape: Shape, root: unknown): readonly Node[] {
  const rows = partsOf(shape).map(([name, part, isRequired]) => rowOf(name, part, isRequired, root))
  const rest = shape['additionalProperties'] === false ? [make('li', { class: 'bounds' }, 'No other members.')] : []
  return rows.length + rest.length === 0 ? [] : [make('ul', { class: 'schema' }, ...rows, ...rest)]
}

/** What people wrote of it, and its bounds. */
function notesOf(shape: unknown): readonly Node[] {
  if (!isObject(shape)) return []
  const bounds = boundsOf(shape)
  return [
    ...(typeof shape['description'] === 'string' ? [make('div', { class: 'words' }, prose(shape['description']))] : []),
    ...(bounds === '' ? [] : [make('p', { class: 'bounds' }, bounds)]),
  ]
}

function rowOf(name: string, schema: unknown, isRequired: boolean, root: unknown): HTMLLIElement {
  const shape = resolve(schema, root)
  const mark = isRequired ? make('small', {}, ' required') : undefined
  const head = [
    make('code', { class: 'member' }, name),
    ' ',
    make('span', { class: 'kind' }, kindOf(schema, root)),
    mark,
  ]
  const inner = innerOf(shape, root)
  const hasMore = isObject(inner) && partsOf(inner).length > 0
  const row = hasMore ? folded(head, () => partRows(inner, root)) : make('p', {}, ...head)
  return make('li', {}, row, ...notesOf(shape))
}

/** Of an array, what its elements are: the row says already that it is one. */
function innerOf(shape: unknown, root: unknown): unknown {
  if (!isObject(shape) || shape['type'] !== 'array' || !isObject(shape['items'])) return shape
  const items = resolve(shape['items'], root)
  return isObject(items) && partsOf(items).length > 0 ? items : shape
}
