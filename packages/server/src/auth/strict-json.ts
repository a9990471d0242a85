/** JSON that means the same to every reader: in UTF-8, not nested deeply, and without a member that is there twice. */

const DEPTH_MAX = 32

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The object that the bytes hold; `undefined` if they hold anything else, or JSON that readers could understand
 * differently. Of a member that is there twice, some take the first and some the last.
 */
export function parseStrictObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const text = decoder.decode(bytes)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !isStrict(text)) return undefined
    return value as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}

/** Strings, brackets, and what comes behind the name of a member; all else is of no interest here. */
const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g

/** Of a text that is JSON. */
function isStrict(text: string): boolean {
  const open: Set<string>[] = []
  for (const [token, colon] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') {
      if (open.push(new Set()) > DEPTH_MAX) return false
    } else if (token === '}' || token === ']') {
      open.pop()
    } else if (colon !== undefined) {
      const name = JSON.parse(token.slice(0, -colon.length)) as string
      const names = open.at(-1)
      if (names?.has(name) === true) return false
      names?.add(name)
    }
  }
  return true
}
