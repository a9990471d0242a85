/** Takes JSON apart without parsing what is inside, so that texts can be compared byte for byte. */

/** Whatever can hold brackets or commas that mean nothing, and those that mean something. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{},]/g

/**
 * The texts of the elements of the first array in an object, such as the events of a page.
 * @param json well-formed JSON
 */
export function elementTexts(json: string): readonly string[] {
  const texts: string[] = []
  const first = json.indexOf('[') + 1
  let start = first
  let depth = 1
  TOKEN.lastIndex = first
  for (let token = TOKEN.exec(json); token !== null; token = TOKEN.exec(json)) {
    const sign = token[0]
    if (sign === '[' || sign === '{') depth++
    if (sign === ']' || sign === '}') depth--
    const isEnd = depth === 0
    if (!isEnd && (sign !== ',' || depth > 1)) continue
    const text = json.slice(start, token.index).trim()
    if (text !== '') texts.push(text)
    start = token.index + 1
    if (isEnd) break
  }
  return texts
}
