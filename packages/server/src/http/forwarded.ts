/** Reads the header `Forwarded` (RFC 7239, section 4). */

const TOKEN = "[!#$%&'*+.^_`|~\\dA-Za-z-]+"
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"'
/** A pair, and what separates it from the next one; at the end of the header nothing does. */
const PAIR = new RegExp(`[ \\t]*(${TOKEN})=(${TOKEN}|${QUOTED})[ \\t]*(;|,|$)`, 'y')

/** The parameters of one element, by their names in lower case. */
type Element = ReadonlyMap<string, string>

/**
 * The elements, in order. A header that is malformed anywhere has none at all: a client could leave a quotation open, and
 * what a proxy appends would stand within it.
 */
export function forwardedElements(header: string): readonly Element[] {
  const elements: Element[] = []
  let element = new Map<string, string>()
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < header.length) {
    const [, name = '', value = '', separator] = PAIR.exec(header) ?? []
    if (separator === undefined || element.has(name.toLowerCase())) return []
    element.set(name.toLowerCase(), unquoted(value))
    if (separator === ';') continue
    elements.push(element)
    element = new Map()
  }
  // It ended in a separator.
  return /[;,][ \t]*$/.test(header) ? [] : elements
}

/** The parameter `for` of each element; empty where an element has none. */
export const forwardedFor = (header: string): readonly string[] =>
  forwardedElements(header).map((element) => element.get('for') ?? '')

const unquoted = (value: string): string =>
  value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value
