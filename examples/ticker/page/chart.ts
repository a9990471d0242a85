/** The prices as one line for each company, by month and logarithmic, drawn at most once a frame. */
import { byId, eachFrame, svg } from './elements.ts'

const FIRST_MS = Date.UTC(2000, 0)
const LAST_MS = Date.UTC(2010, 2)
const YEARS = [2000, 2002, 2004, 2006, 2008, 2010]
const DOLLARS = [5, 10, 20, 50, 100, 200, 500, 1_000]
const MARGIN_PX = { top: 10, right: 54, bottom: 26, left: 38 }
const LABEL_PX = 15

type Point = readonly [timeMs: number, price: number]
interface Size {
  readonly widthPx: number
  readonly heightPx: number
}

export class Chart {
  readonly #plot = byId('chart')
  readonly #companies = new Map<string, Point[]>()
  readonly #draw = eachFrame(() => this.#render())
  #emphasized: string | undefined
  #size: Size = { widthPx: 800, heightPx: 320 }

  constructor() {
    new ResizeObserver(([entry]) => {
      if (entry === undefined) return
      this.#size = { widthPx: entry.contentRect.width, heightPx: entry.contentRect.height }
      this.#draw()
    }).observe(this.#plot)
  }

  add(symbol: string, price: number, timeMs: number): void {
    const points = this.#companies.get(symbol) ?? []
    points.push([timeMs, price])
    this.#companies.set(symbol, points)
    this.#draw()
  }

  /** Makes the lines of all others faint; of none, if there is no symbol. */
  emphasize(symbol: string | undefined): void {
    this.#emphasized = symbol
    this.#draw()
  }

  clear(): void {
    this.#companies.clear()
    this.#draw()
  }

  #render(): void {
    const { widthPx, heightPx } = this.#size
    const rightPx = widthPx - MARGIN_PX.right
    const bottomPx = heightPx - MARGIN_PX.bottom
    const x = (timeMs: number): number => scaled(timeMs, FIRST_MS, LAST_MS, MARGIN_PX.left, rightPx)
    const y = (price: number): number =>
      scaled(Math.log(price), Math.log(DOLLARS[0] ?? 1), Math.log(DOLLARS.at(-1) ?? 1), bottomPx, MARGIN_PX.top)
    this.#plot.setAttribute('viewBox', `0 0 ${widthPx} ${heightPx}`)
    this.#plot.replaceChildren(
      ...DOLLARS.flatMap((price) => [
        svg('line', { class: 'grid', x1: MARGIN_PX.left, x2: rightPx, y1: y(price), y2: y(price) }),
        svg('text', { class: 'tick end', x: MARGIN_PX.left - 8, y: y(price) + 4 }, String(price)),
      ]),
      ...YEARS.map((year) =>
        svg('text', { class: 'tick middle', x: x(Date.UTC(year, 0)), y: heightPx - 6 }, String(year)),
      ),
      ...[...this.#companies].map(([symbol, points]) => this.#line(symbol, points, x, y)),
      ...this.#labels(x, y, bottomPx),
    )
  }

  /** Faint, if another one is emphasized. */
  #shade(symbol: string): string {
    return this.#emphasized === undefined || this.#emphasized === symbol ? '' : 'faint'
  }

  #line(symbol: string, points: readonly Point[], x: (timeMs: number) => number, y: (price: number) => number) {
    const places = points.map(([timeMs, price]) => `${x(timeMs).toFixed(1)} ${y(price).toFixed(1)}`)
    const [endMs, endPrice] = points.at(-1) ?? [0, 1]
    return svg(
      'g',
      { class: this.#shade(symbol), 'data-symbol': symbol },
      svg('path', { class: 'line', d: `M${places.join('L')}` }),
      svg('circle', { class: 'dot', cx: x(endMs), cy: y(endPrice), r: 3.5 }),
    )
  }

  /** The names at the ends of the lines, each with room for itself. */
  #labels(x: (timeMs: number) => number, y: (price: number) => number, bottomPx: number) {
    const ends = [...this.#companies].map(([symbol, points]) => {
      const [timeMs, price] = points.at(-1) ?? [0, 1]
      return { symbol, xPx: x(timeMs) + 8, yPx: y(price) + 4 }
    })
    // One below the other, also while some lines are a month ahead.
    const leftPx = Math.max(...ends.map(({ xPx }) => xPx))
    let belowPx = bottomPx + LABEL_PX
    return ends
      .sort((a, b) => b.yPx - a.yPx)
      .map(({ symbol, yPx }) => {
        belowPx = Math.min(yPx, belowPx - LABEL_PX)
        return svg(
          'text',
          { class: `label ${this.#shade(symbol)}`, 'data-symbol': symbol, x: leftPx, y: belowPx },
          symbol,
        )
      })
  }
}

/** A value's place between two pixels. */
const scaled = (value: number, from: number, to: number, fromPx: number, toPx: number): number =>
  fromPx + ((value - from) / (to - from)) * (toPx - fromPx)
