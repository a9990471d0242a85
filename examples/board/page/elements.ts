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

/** An element with a class, texts and other elements in it. */
export function make(name: string, className: string, ...children: readonly (Node | string)[]): HTMLElement {
  const element = document.createElement(name)
  element.className = className
  element.append(...children)
  return element
}
