/** The latest price of each company. To press one makes its line stand out. */
import { byId, html } from './elements.ts'

const month = new Intl.DateTimeFormat('en', { month: 'short', year: 'numeric', timeZone: 'UTC' })

interface Tile {
  readonly button: HTMLElement
  readonly price: HTMLElement
  readonly change: HTMLElement
  readonly month: HTMLElement
  last: number | undefined
}

export class Tiles {
  readonly #tiles = new Map<string, Tile>()
  readonly #onChoice: (symbol: string | undefined) => void
  #chosen: string | undefined

  /** @param onChoice is told which company was pressed, and `undefined` when it is pressed again, or Escape */
  constructor(onChoice: (symbol: string | undefined) => void) {
    this.#onChoice = onChoice
    byId('tiles').addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') this.#choose(undefined)
    })
  }

  add(symbol: string, price: number, timeMs: number): void {
    const tile = this.#tiles.get(symbol) ?? this.#make(symbol)
    tile.price.textContent = price.toFixed(2)
    tile.month.textContent = month.format(timeMs)
    const percent = tile.last === undefined ? 0 : (100 * price) / tile.last - 100
    tile.change.textContent = `${percent < 0 ? '▼ \u2212' : percent > 0 ? '▲ +' : ''}${Math.abs(percent).toFixed(1)} %`
    tile.change.className = percent < 0 ? 'fall' : percent > 0 ? 'rise' : 'quiet'
    tile.last = price
  }

  /** Forgets the prices. The tiles stay where they are, so that whoever is at one stays there. */
  clear(): void {
    for (const tile of this.#tiles.values()) {
      tile.last = undefined
      for (const part of [tile.price, tile.change, tile.month]) part.textContent = '–'
    }
  }

  #make(symbol: string): Tile {
    const parts = { price: html('span', 'price'), change: html('span', 'quiet'), month: html('span', 'month quiet') }
    const name = html('span', 'symbol', symbol)
    name.dataset['symbol'] = symbol
    const button = html('button', 'tile', name, parts.price, parts.change, parts.month)
    const tile: Tile = { ...parts, button, last: undefined }
    button.addEventListener('click', () => this.#choose(this.#chosen === symbol ? undefined : symbol))
    button.setAttribute('aria-pressed', 'false')
    // In the order of the alphabet on every page, whatever came first there.
    const next = [...this.#tiles.keys()].sort().find((other) => other > symbol) ?? ''
    byId('tiles').insertBefore(html('li', '', button), this.#tiles.get(next)?.button.parentElement ?? null)
    this.#tiles.set(symbol, tile)
    return tile
  }

  #choose(symbol: string | undefined): void {
    this.#chosen = symbol
    for (const [each, { button }] of this.#tiles) button.setAttribute('aria-pressed', String(each === symbol))
    this.#onChoice(symbol)
  }
}
