/** Lets a text field and a shared text follow each other. */
import type * as Y from 'yjs'

/** Both ways, and the caret stays where it is in the words. */
export function bind(field: HTMLTextAreaElement, text: Y.Text): void {
  field.value = text.toJSON()
  field.addEventListener('input', () => {
    const { at, gone, added } = change(text.toJSON(), field.value)
    text.doc?.transact(() => {
      text.delete(at, gone)
      text.insert(at, added)
    })
  })
  text.observe(({ delta }) => {
    if (field.value === text.toJSON()) return
    const { selectionStart, selectionEnd } = field
    field.value = text.toJSON()
    if (document.activeElement !== field) return
    field.setSelectionRange(moved(selectionStart, delta), moved(selectionEnd, delta))
  })
}

/** The one place where two texts differ. Never between the halves of a surrogate pair. */
function change(before: string, after: string): { at: number; gone: number; added: string } {
  const most = Math.min(before.length, after.length)
  let at = 0
  while (at < most && before[at] === after[at]) at++
  if (/[\uD800-\uDBFF]/.test(before[at - 1] ?? '')) at--
  let tail = 0
  while (tail < most - at && before.at(-1 - tail) === after.at(-1 - tail)) tail++
  if (tail > 0 && /[\uDC00-\uDFFF]/.test(before.at(-tail) ?? '')) tail--
  return { at, gone: before.length - tail - at, added: after.slice(at, after.length - tail) }
}

/** Where a place in the text is after others have changed it. */
function moved(place: number, delta: Y.YTextEvent['delta']): number {
  let at = 0
  for (const { retain = 0, insert = '', delete: gone = 0 } of delta) {
    at += retain
    if (at > place) break
    // What is no string counts as one character; there is none here.
    const added = typeof insert === 'string' ? insert.length : 1
    place += added
    at += added
    place -= Math.min(gone, Math.max(0, place - at))
  }
  return place
}
