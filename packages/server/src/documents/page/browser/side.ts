/** The list of topics beside the content, and its filter. */
import { byId, make } from './dom.ts'
import { linkTo, type TopicRow } from './topics.ts'

const fold = byId('side-topics', HTMLDetailsElement)
const list = byId('side-list', HTMLUListElement)
const filter = byId('side-filter', HTMLInputElement)
const count = byId('side-count', HTMLElement)

/** As wide as the style puts the list beside the content from. */
const wide = matchMedia('(min-width: 1000px)')

/** Lists them. */
export function listTopics(rows: readonly TopicRow[]): void {
  list.replaceChildren(...rows.map(itemOf))
  fold.hidden = rows.length === 0
  narrow()
}

function itemOf({ topic, deprecated }: TopicRow): HTMLLIElement {
  const mark = deprecated && make('small', {}, ' deprecated')
  return make('li', {}, make('a', { href: linkTo(topic) }, topic), mark)
}

function narrow(): void {
  const wanted = filter.value.trim().toLowerCase()
  const items = [...list.children].filter((item) => item instanceof HTMLElement)
  for (const item of items) item.hidden = !(item.textContent ?? '').toLowerCase().includes(wanted)
  const shown = items.filter((item) => !item.hidden).length
  count.textContent = wanted === '' ? String(items.length) : `${shown} of ${items.length}`
}

/** Makes the filter work, and folds the list where it would push the content away. */
export function listenToSide(): void {
  const follow = (): void => void (fold.open = wide.matches)
  follow()
  wide.addEventListener('change', follow)
  filter.addEventListener('input', narrow)
  list.addEventListener('click', ({ target }) => {
    if (target instanceof HTMLAnchorElement && !wide.matches) fold.open = false
  })
}
