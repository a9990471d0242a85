/** Reads the header `Forwarded` (RFC 7239, section 4). */

const TOKEN = "[!#$%&'*+.^_`|~\\dA-Za-z-]+"
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"'
/** A pair, and what separates it from the next one; at the end of the header nothing does. */
const PAIR = new RegExp(`[ \\t]*(${TOKEN})=(${TOKEN}|${QUOTED})[ \\t]*(;|,|$)`, 'y')

/**
 * The parameter `for` of each element, in order; empty where an element has none. A header that is malformed anywhere has
 * no hops at all: a client could leave a quotation open, and what a proxy appends would stand within it.
 */
export function forwardedFor(header: string): readonly string[] {
  const hops: string[] = []
  let hop: string | undefined
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < header.length) {
    const [, name = '', value = '', separator] = PAIR.exec(header) ?? []
    if (separator === undefined) return []
    if (name.toLowerCase() === 'for') {
      if (hop !== undefined) return []
      hop = unquoted(value)
    }
    if (separator === ';') continue
    hops.push(hop ?? '')
    hop = undefined
  }
  // It ended in a separator.
  return /[;,][ \t]*$/.test(header) ? [] : hops
}

const unquoted = (value: string): string =>
  value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value
