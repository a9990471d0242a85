/**
 * Finds and makes elements. Text becomes text nodes only, so nothing that somebody wrote is ever markup.
 * Each example has its own, much alike: copy it alone.
 */

/** The element of index.html with this id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`index.html has no element "${id}"`)
  return element
}

export function html(name: string, className: string, ...children: readonly (Node | string)[]): HTMLElement {
  const element = document.createElement(name)
  element.className = className
  element.append(...children)
  return element
}

export function button(text: string, onPress: () => void): HTMLElement {
  const element = html('button', '', text)
  element.setAttribute('type', 'button')
  element.addEventListener('click', onPress)
  return element
}

/** The first letter of a name. */
export function face(name: string): HTMLElement {
  const element = html('span', 'face', name.slice(0, 1).toUpperCase())
  element.setAttribute('aria-hidden', 'true')
  return element
}
