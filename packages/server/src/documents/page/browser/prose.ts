/** What people wrote, as elements: CommonMark's paragraphs, lists, code, emphasis and links. Markup stays text. */
import { type Child, make } from './dom.ts'

const MARKS = new RegExp(
  [
    '`([^`]+)`',
    String.raw`\*\*([^*]+)\*\*`,
    // A star within a word, or of a topic filter, is a star.
    String.raw`(?<![\w/*])\*([^\s*](?:[^*]*[^\s*])?)\*(?![\w*])`,
    String.raw`\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)`,
    String.raw`(https?:\/\/[^\s<>]*[^\s<>.,;:!?)'"])`,
  ].join('|'),
  'g',
)

/** One line of text. */
export function phrase(text: string): Child[] {
  const parts: Child[] = []
  let end = 0
  for (const match of text.matchAll(MARKS)) {
    const [whole, code, strong, emphasis, words, href, bare] = match
    parts.push(text.slice(end, match.index))
    end = match.index + whole.length
    if (code !== undefined) parts.push(make('code', {}, code))
    else if (strong !== undefined) parts.push(make('strong', {}, strong))
    else if (emphasis !== undefined) parts.push(make('em', {}, emphasis))
    else parts.push(make('a', { href: href ?? bare }, words ?? bare))
  }
  return [...parts, text.slice(end)]
}

/** A text of several paragraphs. */
export function prose(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment()
  fragment.append(...text.split(/\n\s*\n/).flatMap(blockOf))
  return fragment
}

function blockOf(block: string): Node[] {
  const lines = block.split('\n').filter((line) => line.trim() !== '')
  const items = lines.map((line) => /^\s*(?:[-*]|\d+[.)])\s+(.*)$/.exec(line)?.[1])
  if (lines.length === 0) return []
  if (!items.every((item) => item !== undefined)) return [make('p', {}, ...phrase(lines.join('\n')))]
  const isNumbered = /^\s*\d/.test(block)
  return [make(isNumbered ? 'ol' : 'ul', {}, ...items.map((item) => make('li', {}, ...phrase(item))))]
}
