/** Comments before declarations, of text that strangers wrote: nothing of it ends the comment, or becomes a tag. */

/**
 * A comment in lines of its own, as editors show it; nothing if there is nothing to say.
 * @param text such as a description, in CommonMark
 * @param tags lines that stay as they are, but for what would end the comment: `@deprecated since 2026`
 */
export function docstring(text: string | undefined, tags: readonly string[] = []): string {
  const lines = [...linesOf(text ?? ''), ...tags].map((line) => line.replaceAll('*/', '*\\/'))
  const [first, ...others] = lines
  if (first === undefined) return ''
  if (others.length === 0) return `/** ${first} */\n`
  return `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n`
}

/** Without blank lines around them. What begins like a tag is text. */
const linesOf = (text: string): readonly string[] => {
  const all = text.replaceAll('\t', '  ').trim()
  return all === ''
    ? []
    : all.split(/\r\n|[\n\r\u0085\u2028\u2029]/).map((line) => line.replaceAll(/(?<![\w.])@/g, '\\@').trimEnd())
}
