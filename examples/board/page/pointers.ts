/** Where the others point. What was not heard of for a while is gone. */
import type { Pointer } from '../src/config.ts'
import { byId, make } from './elements.ts'

const FORGOTTEN_MS = 10_000

const shown = new Map<string, { readonly element: HTMLElement; timer: ReturnType<typeof setTimeout> }>()

/** Shows somebody's pointer where it is now. */
export function showPointer({ id, name, hue, x, y }: Pointer): void {
  const before = shown.get(id)
  clearTimeout(before?.timer)
  const element = before?.element ?? make('div', 'pointer', make('span', ''))
  const label = element.firstElementChild
  if (label !== null) label.textContent = name
  for (const [property, value] of Object.entries({ hue, x, y }))
    element.style.setProperty(`--${property}`, String(value))
  if (before === undefined) byId('pointers').append(element)
  const forget = (): void => {
    element.remove()
    shown.delete(id)
  }
  shown.set(id, { element, timer: setTimeout(forget, FORGOTTEN_MS) })
}
