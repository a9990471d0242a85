/** The machine's CPU and memory as lines that move, with the current figures. */
import { byId, followSize, svg } from './elements.js'
import { gigabytesText, percentText } from './format.js'
import { linear, lineThrough } from './scales.js'

const SHOWN_MS = 120_000
/** A longer silence was no measurement, so no line is drawn across it. */
const SILENCE_MS = 3_500
const MARGIN = { top: 8, right: 8, bottom: 20, left: 30 }

/** @typedef {{ timeMs: number, cpu: number | null, memory: number }} Sample percent */

export class Host {
  #plot = byId('host-plot')
  #size = { widthPx: 400, heightPx: 200 }
  /** Those of the last two minutes. @type {Sample[]} */
  #samples = []
  /** @type {import('./stream.js').Sample | undefined} */
  #last

  /** @param {() => void} onChange asks for a render */
  constructor(onChange) {
    followSize(this.#plot, (widthPx, heightPx) => {
      this.#size = { widthPx, heightPx }
      onChange()
    })
  }

  /** @param {import('./stream.js').Sample} event */
  add(event) {
    const { cpuPercent, memoryUsedBytes, memoryTotalBytes } = event.data
    const timeMs = Date.parse(event.timestamp)
    this.#samples.push({ timeMs, cpu: cpuPercent, memory: (100 * memoryUsedBytes) / memoryTotalBytes })
    while ((this.#samples[0]?.timeMs ?? timeMs) < timeMs - SHOWN_MS) this.#samples.shift()
    this.#last = event
  }

  clear() {
    this.#samples = []
    this.#last = undefined
  }

  render() {
    const { widthPx, heightPx } = this.#size
    this.#plot.setAttribute('viewBox', `0 0 ${widthPx} ${heightPx}`)
    if (this.#last === undefined) return this.#plot.replaceChildren()
    this.#drawFigures(this.#last.data)
    const nowMs = Date.parse(this.#last.timestamp)
    const bottomPx = heightPx - MARGIN.bottom
    const x = linear(nowMs - SHOWN_MS, nowMs, MARGIN.left, widthPx - MARGIN.right)
    const y = linear(0, 100, bottomPx, MARGIN.top)
    this.#plot.replaceChildren(
      ...[0, 25, 50, 75, 100].map((percent) =>
        svg('line', { class: 'grid', x1: MARGIN.left, x2: widthPx - MARGIN.right, y1: y(percent), y2: y(percent) }),
      ),
      ...[0, 50, 100].map((percent) =>
        svg('text', { class: 'tick', x: MARGIN.left - 6, y: y(percent) + 4, 'text-anchor': 'end' }, [String(percent)]),
      ),
      ...timeTicks(x, nowMs, heightPx),
      ...this.#series('memory', ({ memory }) => memory, x, y),
      ...this.#series('cpu', ({ cpu }) => cpu, x, y),
    )
  }

  /** One line and its area for each run of samples without a silence. @param {string} name @param {(sample: Sample) => number | null} valueOf @param {(timeMs: number) => number} x @param {(percent: number) => number} y */
  #series(name, valueOf, x, y) {
    return this.#runs(valueOf).map((run) => {
      const points = run.map(({ timeMs, value }) => /** @type {const} */ ([x(timeMs), y(value)]))
      const line = lineThrough(points)
      const ends = [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0]
      const area = `${line}L${ends[1]} ${y(0)}L${ends[0]} ${y(0)}Z`
      return svg('g', { class: name }, [
        svg('path', { class: 'area', d: area }),
        svg('path', { class: 'line', d: line }),
      ])
    })
  }

  /** @param {(sample: Sample) => number | null} valueOf */
  #runs(valueOf) {
    /** @type {{ timeMs: number, value: number }[][]} */
    const runs = []
    let beforeMs = Number.NEGATIVE_INFINITY
    for (const sample of this.#samples) {
      const value = valueOf(sample)
      if (value === null) continue
      if (sample.timeMs - beforeMs > SILENCE_MS) runs.push([])
      runs.at(-1)?.push({ timeMs: sample.timeMs, value })
      beforeMs = sample.timeMs
    }
    return runs
  }

  /** @param {import('./stream.js').SampleData} data */
  #drawFigures({ cpuPercent, cores, load1m, memoryUsedBytes, memoryTotalBytes }) {
    byId('host-cpu').textContent = percentText(cpuPercent)
    byId('host-cores').textContent = `of ${cores} ${cores === 1 ? 'core' : 'cores'}`
    byId('host-memory').textContent = gigabytesText(memoryUsedBytes)
    byId('host-total').textContent = `of ${gigabytesText(memoryTotalBytes)}`
    byId('host-load').textContent = load1m === null ? 'unknown' : load1m.toFixed(2)
  }
}

/** @param {(timeMs: number) => number} x @param {number} nowMs @param {number} heightPx */
function timeTicks(x, nowMs, heightPx) {
  return [120, 90, 60, 30, 0].map((seconds) => {
    const anchor = seconds === 0 ? 'end' : seconds === 120 ? 'start' : 'middle'
    const text = seconds === 0 ? 'now' : `\u2212${seconds} s`
    return svg('text', { class: 'tick', x: x(nowMs - seconds * 1_000), y: heightPx - 4, 'text-anchor': anchor }, [text])
  })
}
