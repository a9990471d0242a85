/**
 * Finds and makes elements. Text becomes text nodes and attributes only, so nothing from the log is ever markup.
 * Each example has its own, much alike: copy it alone.
 */

const SVG = 'http://www.w3.org/2000/svg'

/** @typedef {Readonly<Record<string, string | number>>} Attributes */

/** The element of index.html with this id. @param {string} id */
export function byId(id) {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`index.html has no element "${id}"`)
  return element
}

/**
 * @param {string} name
 * @param {Attributes} [attributes]
 * @param {readonly (Node | string)[]} [children]
 */
export function html(name, attributes = {}, children = []) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value))
  element.append(...children)
  return element
}

/**
 * @param {string} name
 * @param {Attributes} [attributes]
 * @param {readonly (Node | string)[]} [children]
 */
export function svg(name, attributes = {}, children = []) {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value))
  element.append(...children)
  return element
}

/** Follows an element's size in CSS pixels. @param {Element} element @param {(widthPx: number, heightPx: number) => void} use */
export function followSize(element, use) {
  new ResizeObserver(([entry]) => {
    if (entry !== undefined) use(entry.contentRect.width, entry.contentRect.height)
  }).observe(element)
}
