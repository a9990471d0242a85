/** Tells of what is new, for a while; the list has all of it. */
import { byId, face, html } from './elements.ts'

const TOAST_MS = 6_000
/** After a time away, many can come at once. */
const SHOWN_MAX = 3

const toasts = byId('toasts')

document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') toasts.replaceChildren()
})

export function showToast({ from, text }: { readonly from: string; readonly text: string }): void {
  const words = html('p', '', text)
  words.dir = 'auto'
  const toast = html('div', 'toast', face(from), html('div', 'body', html('b', '', from), words))
  toasts.append(toast)
  while (toasts.childElementCount > SHOWN_MAX) toasts.firstElementChild?.remove()
  setTimeout(() => toast.remove(), TOAST_MS)
}
