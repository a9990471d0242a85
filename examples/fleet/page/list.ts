/** The trains as a list of radio buttons: one stop for the tabulator key, and the arrow keys go through them. */
import { byId, html } from './elements.ts'
import type { Train } from './trains.ts'

interface Row {
  readonly label: HTMLElement
  readonly text: HTMLElement
  readonly name: string
}

export class List {
  readonly #form = byId('trains')
  readonly #rows = new Map<string, Row>()

  /** @param onEntered is called when Enter is pressed at a train, which is then chosen */
  constructor(onChosen: (id: string) => void, onEntered: () => void) {
    this.#form.addEventListener('change', ({ target }) => onChosen((target as HTMLInputElement).value))
    this.#form.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return
      event.preventDefault()
      ;(event.target as HTMLInputElement).click()
      onEntered()
    })
  }

  /** Goes to the train that is chosen. */
  focus(): void {
    this.#form.querySelector<HTMLInputElement>(':checked')?.focus()
  }

  /** Chooses a train as if it had been done in the list. */
  choose(id: string): void {
    const label = this.#rows.get(id)?.label
    label?.querySelector('input')?.click()
    // Of the list alone: what was pressed on the map stays where it is.
    if (label !== undefined) this.#form.scrollTop = label.offsetTop - this.#form.clientHeight / 2
  }

  render(trains: readonly Train[], line: string): void {
    const gone = new Set(this.#rows.keys())
    let isLonger = false
    for (const train of trains) {
      gone.delete(train.id)
      isLonger ||= !this.#rows.has(train.id)
      const { label, text } = this.#rows.get(train.id) ?? this.#add(train)
      label.hidden = line !== '' && train.line !== line
      label.classList.toggle('silent', train.isSilent)
      label.classList.toggle('held', train.isHeld)
      if (text.textContent !== train.text) text.textContent = train.text
    }
    for (const id of gone) {
      this.#rows.get(id)?.label.remove()
      this.#rows.delete(id)
    }
    if (isLonger) this.#form.append(...[...this.#rows.values()].sort(byName).map(({ label }) => label))
    const shown = trains.filter((train) => line === '' || train.line === line)
    const silent = shown.filter(({ isSilent }) => isSilent).length
    byId('count').textContent = silent > 0 ? `${silent} of ${shown.length} silent` : String(shown.length)
  }

  #add({ id, name, line, text: words }: Train): Row {
    const text = html('span', { class: 'text' }, words)
    const input = html('input', { type: 'radio', name: 'train', value: id })
    const label = html('label', { 'data-line': line }, input, html('span', { class: 'swatch' }), name, ' ', text)
    const row = { label, text, name }
    this.#rows.set(id, row)
    return row
  }
}

const byName = (a: Row, b: Row): number => a.name.localeCompare(b.name, 'en', { numeric: true })
