/** Elements, made without markup: what comes from the server is only ever text. */

export type Child = Node | string | undefined

/** Makes an element; attributes that are `undefined` are left out. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value)
  element.append(...children.filter((child) => child !== undefined))
  return element
}

/** How it is to be folded. */
export interface Folding {
  readonly class?: string
  readonly id?: string
  readonly isOpen?: boolean
}

/**
 * Something that is shown when it is opened, and made then: schemas may lead back to themselves.
 * @param fill called once
 */
export function folded(
  summary: readonly Child[],
  fill: () => readonly Child[],
  { isOpen = false, ...attributes }: Folding = {},
): HTMLDetailsElement {
  const details = make('details', attributes, make('summary', {}, ...summary))
  const open = (): void => details.append(...fill().filter((child) => child !== undefined))
  if (isOpen) open()
  else details.addEventListener('toggle', open, { once: true })
  details.open = isOpen
  return details
}

/** A value as JSON, to be read. */
export const jsonBlock = (value: unknown): HTMLElement =>
  make('pre', { tabindex: '0' }, make('code', {}, JSON.stringify(value, null, 2)))

/** An element of the page itself. */
export function byId<Type extends HTMLElement>(id: string, type: abstract new () => Type): Type {
  const element = document.getElementById(id)
  if (!(element instanceof type)) throw new Error(`the page has no #${id}`)
  return element
}

/** Where the address points to, once the script has made it: what folds on the way there is opened. */
export function goToAddress(): void {
  const target = document.getElementById(decoded(location.hash.slice(1)))
  if (target === null) return
  for (let at: Element | null = target; at !== null; at = at.parentElement) {
    if (at instanceof HTMLDetailsElement) at.open = true
  }
  const within = target.querySelector(':scope > details')
  if (within instanceof HTMLDetailsElement) within.open = true
  target.scrollIntoView()
}

/** The fragment of an address; as it is, if it is malformed. */
function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}
