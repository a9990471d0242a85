/** JSON from outside. What is wrong with it is said without a word of it: it may be anything. */

const UTF8 = new TextDecoder('utf-8', { fatal: true })

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_SQUARE = 0x5b
const CLOSE_SQUARE = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * The text that bytes are in UTF-8, without a byte order mark. `what` names them, such as "The body".
 * @throws RangeError
 */
export function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw new RangeError(`${what} is not UTF-8.`)
  }
}

/**
 * What a JSON text says. `what` names the text, such as "The body".
 * @throws RangeError which says where the text fails, if that is known
 */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // V8 quotes the text, or else says where it fails in the last words of its message.
    const position = / at position (\d+)(?: \(line \d+ column \d+\))?$/.exec((error as Error).message)?.[1]
    const where = position === undefined ? '' : ` at character ${position}`
    throw new RangeError(`${what} is not JSON: it fails${where}.`)
  }
}

/** Whether arrays and objects nest deeper than `depthMax` levels in a JSON text, which need not be valid. */
export function nestsDeeper(text: string, depthMax: number): boolean {
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) quoted = !quoted
    else if (quoted && unit === BACKSLASH) at++
    else if (!quoted && (unit === OPEN_SQUARE || unit === OPEN_BRACE)) {
      depth++
      if (depth > depthMax) return true
    } else if (!quoted && (unit === CLOSE_SQUARE || unit === CLOSE_BRACE)) depth--
  }
  return false
}
