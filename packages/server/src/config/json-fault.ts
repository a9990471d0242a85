/** Where a text stops being JSON, without saying what stands there. */

const SPACE = /[ \t\r\n]*/y
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)\b/y

/** What may come next. The first of an object or list may also be its end. */
type Expected = 'value' | 'value or ]' | 'name' | 'name or }' | 'colon' | 'comma or end'

/** Of a text that `JSON.parse` refuses. Both count from 1, columns in UTF-16 code units, as editors do. */
export function jsonFault(text: string): { readonly line: number; readonly column: number } {
  const lines = text.slice(0, new Scan(text).stop()).split('\n')
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 }
}

class Scan {
  readonly #text: string
  /** The brackets that are open. */
  readonly #open: string[] = []
  #expected: Expected = 'value'
  #offset = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The offset of the first token that can't be there; all before it can be the beginning of JSON. */
  stop(): number {
    for (;;) {
      this.#passes(SPACE)
      const next = this.#next()
      if (next === undefined) return this.#offset
      this.#expected = next
    }
  }

  /** Passes a token; answers what may come behind it, or `undefined` if it may not be there. */
  #next(): Expected | undefined {
    const character = this.#text[this.#offset] ?? ''
    const expected = this.#expected
    if (this.#mayEnd(character)) {
      this.#open.pop()
      return this.#past('comma or end')
    }
    if (expected === 'colon') return character === ':' ? this.#past('value') : undefined
    if (expected === 'comma or end') {
      if (character !== ',' || this.#open.length === 0) return undefined
      return this.#past(this.#open.at(-1) === '{' ? 'name' : 'value')
    }
    if (expected === 'name' || expected === 'name or }') return this.#passes(STRING) ? 'colon' : undefined
    if (character === '{' || character === '[') {
      this.#open.push(character)
      return this.#past(character === '{' ? 'name or }' : 'value or ]')
    }
    return this.#passes(STRING) || this.#passes(SCALAR) ? 'comma or end' : undefined
  }

  #mayEnd(character: string): boolean {
    const open = this.#open.at(-1)
    if (character === '}') return open === '{' && ['name or }', 'comma or end'].includes(this.#expected)
    return character === ']' && open === '[' && ['value or ]', 'comma or end'].includes(this.#expected)
  }

  #past(next: Expected): Expected {
    this.#offset++
    return next
  }

  #passes(pattern: RegExp): boolean {
    pattern.lastIndex = this.#offset
    const length = pattern.exec(this.#text)?.[0].length ?? 0
    this.#offset += length
    return length > 0
  }
}
