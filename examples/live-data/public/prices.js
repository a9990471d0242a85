/** The prices as one line per company, with a read-out of one month that pointer and arrow keys move. */
import { byId, followSize, html, svg } from './elements.js'
import { countText, monthText, priceText, progressText } from './format.js'
import { linear, lineThrough, logarithmic, roundTicks, spread, yearTicks } from './scales.js'

const MARGIN = { top: 10, right: 50, bottom: 24, left: 40 }
const LABEL_PX = 14

/** @typedef {{ records: number, first: string, last: string }} Extent */

export class Prices {
  #plot = byId('prices-plot')
  #readout = byId('prices-readout')
  #progress = byId('prices-progress')
  /** Prices by month, for each company, in the order in which they came. @type {Map<string, Map<number, number>>} */
  #companies = new Map()
  /** @type {number[]} */
  #months = []
  /** The month that is read out; the newest one, if undefined. @type {number | undefined} */
  #chosen
  /** @type {Extent | undefined} */
  #extent
  #size = { widthPx: 600, heightPx: 300 }
  #x = linear(0, 1, 0, 1)

  /** @param {() => void} onChange asks for a render */
  constructor(onChange) {
    followSize(this.#plot, (widthPx, heightPx) => {
      this.#size = { widthPx, heightPx }
      onChange()
    })
    /** @param {number | undefined} index */
    const choose = (index) => {
      this.#chosen = index
      onChange()
    }
    this.#plot.addEventListener('pointermove', (event) =>
      choose(this.#nearest(event.clientX - this.#plot.getBoundingClientRect().left)),
    )
    this.#plot.addEventListener('pointerleave', () => choose(undefined))
    this.#plot.addEventListener('blur', () => choose(undefined))
    this.#plot.addEventListener('keydown', (event) => {
      const index = this.#afterKey(event.key)
      if (index === null) return
      event.preventDefault()
      choose(index)
    })
  }

  /** @param {Extent} extent */
  setExtent(extent) {
    this.#extent = extent
  }

  /** @param {import('./stream.js').PriceUpdate} event */
  add({ data, timestamp }) {
    const timeMs = Date.parse(timestamp)
    const company = this.#companies.get(data.symbol) ?? new Map()
    company.set(timeMs, data.price)
    this.#companies.set(data.symbol, company)
    if (timeMs > (this.#months.at(-1) ?? Number.NEGATIVE_INFINITY)) this.#months.push(timeMs)
  }

  clear() {
    this.#companies.clear()
    this.#months = []
    this.#chosen = undefined
  }

  render() {
    const count = [...this.#companies.values()].reduce((sum, company) => sum + company.size, 0)
    this.#progress.textContent = progressText(count, this.#extent?.records, 'prices')
    this.#drawPlot()
    this.#drawReadout()
  }

  #drawPlot() {
    const { widthPx, heightPx } = this.#size
    this.#plot.setAttribute('viewBox', `0 0 ${widthPx} ${heightPx}`)
    const prices = [...this.#companies.values()].flatMap((company) => [...company.values()])
    const months = this.#months
    if (prices.length === 0) return this.#plot.replaceChildren()
    const firstMs = Date.parse(this.#extent?.first ?? '') || (months[0] ?? 0)
    const lastMs = Date.parse(this.#extent?.last ?? '') || (months.at(-1) ?? 1)
    const ticks = roundTicks(Math.min(...prices), Math.max(...prices))
    const bottomPx = heightPx - MARGIN.bottom
    this.#x = linear(firstMs, lastMs, MARGIN.left, widthPx - MARGIN.right)
    const y = logarithmic(ticks[0] ?? 1, ticks.at(-1) ?? 10, bottomPx, MARGIN.top)
    const years = yearTicks(firstMs, lastMs, widthPx < 480 ? 4 : 2)
    this.#plot.replaceChildren(
      ...ticks.flatMap((tick) => this.#priceLine(tick, y(tick))),
      ...years.map((timeMs) =>
        svg('text', { class: 'tick', x: this.#x(timeMs), y: heightPx - 6, 'text-anchor': 'middle' }, [
          String(new Date(timeMs).getUTCFullYear()),
        ]),
      ),
      ...this.#cursorLine(bottomPx),
      ...[...this.#companies.values()].map((company, i) => this.#companyLine(company, i, y)),
      ...this.#labels(y, bottomPx),
    )
  }

  /** @param {number} tick @param {number} yPx */
  #priceLine(tick, yPx) {
    return [
      svg('line', { class: 'grid', x1: MARGIN.left, x2: this.#size.widthPx - MARGIN.right, y1: yPx, y2: yPx }),
      svg('text', { class: 'tick', x: MARGIN.left - 6, y: yPx + 4, 'text-anchor': 'end' }, [countText(tick)]),
    ]
  }

  /** @param {Map<number, number>} company @param {number} index @param {(price: number) => number} y */
  #companyLine(company, index, y) {
    const points = [...company].map(([timeMs, price]) => /** @type {const} */ ([this.#x(timeMs), y(price)]))
    const dot = this.#pointShown(company)
    const children = [svg('path', { class: 'line', d: lineThrough(points) })]
    if (dot !== undefined) children.push(svg('circle', { class: 'dot', cx: this.#x(dot[0]), cy: y(dot[1]), r: 3.5 }))
    return svg('g', { class: `series-${index + 1}` }, children)
  }

  /** @param {number} bottomPx */
  #cursorLine(bottomPx) {
    if (this.#chosen === undefined) return []
    const x = this.#x(this.#monthShown() ?? 0)
    return [svg('line', { class: 'cursor', x1: x, x2: x, y1: MARGIN.top, y2: bottomPx })]
  }

  /** The companies' names at the ends of their lines. @param {(price: number) => number} y @param {number} bottomPx */
  #labels(y, bottomPx) {
    const ends = [...this.#companies]
      .map(([symbol, company], i) => {
        const [timeMs, price] = [...company].at(-1) ?? [0, 1]
        return { symbol, className: `label series-${i + 1}`, xPx: this.#x(timeMs) + 7, yPx: y(price) + 4 }
      })
      .sort((a, b) => a.yPx - b.yPx)
    const places = spread(
      ends.map(({ yPx }) => yPx),
      LABEL_PX,
      bottomPx,
    )
    return ends.map(({ symbol, className, xPx }, i) =>
      svg('text', { class: className, x: xPx, y: places[i] ?? 0 }, [symbol]),
    )
  }

  #drawReadout() {
    const month = this.#monthShown()
    if (month === undefined) return this.#readout.replaceChildren()
    const rows = [...this.#companies].map(([symbol, company], i) => {
      const point = this.#pointShown(company)
      const text = point === undefined ? '–' : priceText(point[1])
      return html('div', { class: `series-${i + 1}` }, [html('dt', {}, [symbol]), html('dd', {}, [text])])
    })
    this.#readout.replaceChildren(
      html('div', { class: 'month' }, [
        html('dt', {}, [this.#chosen === undefined ? 'Latest' : 'Month']),
        html('dd', {}, [monthText(month)]),
      ]),
      ...rows,
    )
    const prices = [...this.#companies].map(
      ([symbol, company]) => `${symbol} ${this.#pointShown(company)?.[1] ?? 'none'}`,
    )
    this.#plot.setAttribute('aria-valuemax', String(this.#months.length - 1))
    this.#plot.setAttribute('aria-valuenow', String(this.#indexShown()))
    this.#plot.setAttribute('aria-valuetext', `${monthText(month)}: ${prices.join(', ')}`)
  }

  #indexShown() {
    return Math.min(this.#chosen ?? Number.POSITIVE_INFINITY, this.#months.length - 1)
  }

  #monthShown() {
    return this.#months[this.#indexShown()]
  }

  /** A company's price of the month that was chosen, or else its latest. @param {Map<number, number>} company */
  #pointShown(company) {
    if (this.#chosen === undefined) return [...company].at(-1)
    const timeMs = this.#monthShown() ?? 0
    const price = company.get(timeMs)
    return price === undefined ? undefined : /** @type {const} */ ([timeMs, price])
  }

  /** @param {number} xPx */
  #nearest(xPx) {
    if (this.#months.length === 0) return undefined
    const distances = this.#months.map((timeMs) => Math.abs(this.#x(timeMs) - xPx))
    return distances.indexOf(Math.min(...distances))
  }

  /** The month that a key leads to; `undefined` follows the newest, `null` is no key of ours. @param {string} key */
  #afterKey(key) {
    const last = this.#months.length - 1
    const steps = new Map([
      ['ArrowLeft', -1],
      ['ArrowDown', -1],
      ['ArrowRight', 1],
      ['ArrowUp', 1],
      ['PageDown', -12],
      ['PageUp', 12],
    ])
    const step = steps.get(key)
    if (step !== undefined) return Math.max(0, Math.min(last, this.#indexShown() + step))
    if (key === 'Home') return 0
    return key === 'End' || key === 'Escape' ? undefined : null
  }
}
