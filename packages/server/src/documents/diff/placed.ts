/** Schemas and where they stand, as things that can be told apart and put together. */

/** A schema, and the document that its references point into. */
export interface Placed {
  readonly schema: unknown
  readonly root: unknown
}

/** Schemas that hold all at once, be they of several documents; if there are none, anything goes. */
export type All = readonly Placed[]

/** That a schema can't be looked through; `message` says why, as the rest of a sentence. */
export class Unclear extends Error {}

const names = new WeakMap<object, string>()
let named = 0

/** A text that only this object has. */
function nameOf(object: object): string {
  const known = names.get(object)
  if (known !== undefined) return known
  const name = String(++named)
  names.set(object, name)
  return name
}

const partKey = (part: unknown): string =>
  typeof part === 'object' && part !== null ? nameOf(part) : JSON.stringify(part ?? null)

/** The same for the same schemas in the same documents, in whatever order they are. */
export const keyOf = (all: All): string =>
  all
    .map(({ schema, root }) => `${partKey(schema)}@${partKey(root)}`)
    .sort()
    .join(' ')

/** The schema of one value. Equal values get schemas that are told to be the same. */
export function constant(value: unknown): All {
  const schema = { const: value }
  names.set(schema, `=${JSON.stringify(value)}`)
  return [{ schema, root: NOWHERE }]
}

/** What has no references needs no document. */
const NOWHERE = {}

/** All of these at once, each of them once. */
export function together(lists: readonly All[]): All {
  const [first = [], ...rest] = lists.filter((all) => all.length > 0)
  if (rest.length === 0) return first
  const byKey = new Map([first, ...rest].flat().map((placed) => [keyOf([placed]), placed]))
  return [...byKey.values()]
}

/** A schema where it stands; what allows anything says nothing. */
export const placed = (schema: unknown, root: unknown): All => (schema === true ? [] : [{ schema, root }])

/** Whether it is plainly said that nothing goes. */
export const isNothing = (all: All): boolean => all.some(({ schema }) => schema === false)
