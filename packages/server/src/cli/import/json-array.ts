/**
 * The elements of one large JSON array, without holding it whole: only brackets and quotes are followed to find where an
 * element ends, and what is between is then parsed by itself.
 */
import { CliFailure } from '../failure.ts'
import { checked, type FileRecord, RECORD_LENGTH_MAX } from './record.ts'

const QUOTE = 34
const BACKSLASH = 92
const COMMA = 44
const OPEN_SQUARE = 91
const CLOSE_SQUARE = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125

/** @throws CliFailure if it is no array, or has no end */
export async function* arrayElements(texts: AsyncIterable<string>): AsyncGenerator<FileRecord, void, void> {
  const splitter = new ArraySplitter()
  let number = 0
  for await (const text of texts) {
    for (const element of splitter.push(text)) yield checked(oneLine(element), `element ${++number}`)
  }
  splitter.end()
}

/** Line ends within JSON can only be white space. */
const oneLine = (json: string): string => json.replace(/[\r\n]+/g, ' ').trim()

class ArraySplitter {
  #state: 'before' | 'inside' | 'after' = 'before'
  #rest = ''
  #depth = 0
  #inString = false
  #escaped = false
  #elements = 0

  push(text: string): readonly string[] {
    let from = 0
    if (this.#state === 'before') {
      const first = text.search(/\S/)
      if (first < 0) return []
      if (text[first] !== '[') throw new CliFailure('is not a JSON array; for one record per line pass --format ndjson')
      this.#state = 'inside'
      from = first + 1
    }
    const elements: string[] = []
    for (let at = from; at < text.length && this.#state === 'inside'; at++) {
      if (!this.#ends(text.charCodeAt(at))) continue
      this.#take(this.#rest + text.slice(from, at), elements)
      this.#rest = ''
      from = at + 1
    }
    if (this.#state === 'after') demandBlank(text.slice(from))
    else this.#keep(text.slice(from))
    return elements
  }

  end(): void {
    if (this.#state !== 'after') throw new CliFailure('the JSON array has no end; is the file cut off?')
  }

  /** Follows one character; whether an element ends just before it. */
  #ends(code: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false
      else if (code === BACKSLASH) this.#escaped = true
      else if (code === QUOTE) this.#inString = false
      return false
    }
    if (code === QUOTE) this.#inString = true
    else if (code === OPEN_BRACE || code === OPEN_SQUARE) this.#depth++
    else if (this.#depth === 0 && code === CLOSE_SQUARE) this.#state = 'after'
    else if (code === CLOSE_BRACE || code === CLOSE_SQUARE) this.#depth--
    return this.#state === 'after' || (this.#depth === 0 && code === COMMA)
  }

  /** An empty array has no element, though it has an end. */
  #take(element: string, elements: string[]): void {
    if (this.#state === 'after' && this.#elements === 0 && element.trim() === '') return
    this.#elements++
    elements.push(element)
  }

  #keep(text: string): void {
    this.#rest += text
    if (this.#rest.length > RECORD_LENGTH_MAX) throw new CliFailure('an element of the array has no end; is this JSON?')
  }
}

function demandBlank(text: string): void {
  if (text.trim() !== '') throw new CliFailure('there is more after the end of the JSON array')
}
