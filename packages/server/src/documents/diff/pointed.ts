/** Following references within a document. */

/**
 * What a reference such as `#/components/schemas/Cursor` points to.
 * @throws RangeError if it points nowhere, or out of the document
 */
export function pointed(root: unknown, reference: string): unknown {
  if (!reference.startsWith('#')) throw new RangeError(`${reference} points out of the document`)
  let found = root
  for (const token of decodeURIComponent(reference.slice(1)).split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined
  }
  if (found === undefined) throw new RangeError(`${reference} points nowhere`)
  return found
}

/** Objects and arrays. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** What stands at this place itself, or where the reference there points to; references that lead to others too. */
export function resolved(root: unknown, value: unknown): unknown {
  let found = value
  for (let steps = 0; isObject(found) && typeof found['$ref'] === 'string'; steps++) {
    if (steps > 64) throw new RangeError(`${found['$ref']} leads round in a circle`)
    found = pointed(root, found['$ref'])
  }
  return found
}
