/**
 * Finds and makes elements. Text becomes text nodes and attributes only, so nothing that a train says is ever markup.
 * Each example has its own, much alike: copy it alone.
 */

type Attributes = Readonly<Record<string, string | number>>

/** The element of index.html with this id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`index.html has no element "${id}"`)
  return element
}

export function html(name: string, attributes: Attributes = {}, ...children: (Node | string)[]): HTMLElement {
  return filled(document.createElement(name), attributes, children)
}

export function svg(name: string, attributes: Attributes = {}, ...children: (Node | string)[]): SVGElement {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children)
}

function filled<E extends Element>(element: E, attributes: Attributes, children: readonly (Node | string)[]): E {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  element.append(...children)
  return element
}
