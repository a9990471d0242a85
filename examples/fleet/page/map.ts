/** The map: boroughs and lines are drawn once, trains are moved. */
import type { Feature, Position } from '../src/geography.ts'
import { byId, svg } from './elements.ts'
import type { Train } from './trains.ts'

export interface MapData {
  readonly lines: readonly (Feature & { readonly hasTrains: boolean })[]
  readonly boroughs: readonly Feature[]
  readonly names: readonly { readonly name: string; readonly position: Position }[]
}

/** To units of about 111 metres, in which London looks as it does on other maps. */
const project = ([longitude, latitude]: Position): [x: number, y: number] => [
  longitude * 622.5,
  (51.55 - latitude) * 1_000,
]

const MARGIN = 0.04
/** Of the names of boroughs, half as much again as one has. */
const CHARACTER_PX = 9

export class LondonMap {
  readonly #svg = byId('map')
  readonly #trains = svg('g')
  readonly #markers = new Map<string, SVGElement>()
  readonly #data: MapData
  /** Labels of trains are on the side where there is room for them. */
  #middle = 0
  readonly #names: readonly {
    readonly element: SVGElement
    readonly y: number
    readonly width: number
    readonly characters: number
  }[]

  constructor(data: MapData, onChosen: (id: string) => void) {
    this.#data = data
    this.#names = data.names.map(({ name, position }) => ({
      element: svg(
        'g',
        { transform: `translate(${project(position).join(' ')})` },
        svg('text', { class: 'shape' }, name),
      ),
      y: project(position)[1],
      width: extent(data.boroughs.filter((borough) => borough.name === name)).width,
      characters: name.length,
    }))
    this.#svg.append(
      svg('g', { class: 'boroughs' }, ...data.boroughs.map((each) => svg('path', { d: drawn(each) }))),
      svg(
        'g',
        { class: 'tracks' },
        ...data.lines.map((line) => svg('path', { 'data-line': line.name, d: drawn(line) })),
      ),
      svg('g', { class: 'names', 'aria-hidden': 'true' }, ...this.#names.map(({ element }) => element)),
      this.#trains,
    )
    this.#trains.addEventListener('click', ({ target }) => {
      const id = (target as Element).closest('.train')?.getAttribute('data-train')
      if (id) onChosen(id)
    })
    new ResizeObserver(() => this.#scale()).observe(this.#svg)
    this.show('')
  }

  /** Brings one line to the front, and as near as there is room; `''` is all of them. */
  show(line: string): void {
    const { left, top, width, height } = extent(this.#data.lines.filter(({ name }) => line === '' || name === line))
    const margin = MARGIN * Math.max(width, height)
    const viewBox = [left - margin, top - margin, width + 2 * margin, height + 2 * margin]
    this.#middle = left + width / 2
    this.#svg.setAttribute('viewBox', viewBox.join(' '))
    this.#scale()
    for (const path of this.#svg.querySelectorAll('[data-line]')) {
      path.classList.toggle('dim', line !== '' && path.getAttribute('data-line') !== line)
    }
  }

  render(trains: readonly Train[], line: string, chosen: string): void {
    const gone = new Set(this.#markers.keys())
    for (const train of trains) {
      gone.delete(train.id)
      const marker = this.#markers.get(train.id) ?? this.#add(train)
      const [x, y] = project(train.position)
      marker.style.transform = `translate(${x.toFixed(2)}px, ${y.toFixed(2)}px)`
      marker.classList.toggle('east', x > this.#middle)
      marker.classList.toggle('silent', train.isSilent)
      marker.classList.toggle('held', train.isHeld)
      marker.classList.toggle('dim', line !== '' && train.line !== line)
      if (marker.classList.toggle('chosen', train.id === chosen) && marker !== this.#trains.lastChild) {
        this.#trains.append(marker)
      }
    }
    for (const id of gone) {
      this.#markers.get(id)?.remove()
      this.#markers.delete(id)
    }
  }

  #add({ id, name, line }: Train): SVGElement {
    const label = svg('text', { x: 11, y: 4 }, name)
    const shape = svg(
      'g',
      { class: 'shape' },
      svg('circle', { class: 'target', r: 12 }),
      svg('circle', { r: 5 }),
      label,
    )
    const marker = svg('g', { class: 'train', 'data-train': id, 'data-line': line }, shape)
    this.#markers.set(id, marker)
    this.#trains.append(marker)
    return marker
  }

  /** Tells the style sheet how many units a pixel is, so that circles and names keep their size. */
  #scale(): void {
    const [, top = 0, width = 1, height = 1] = (this.#svg.getAttribute('viewBox') ?? '').split(' ').map(Number)
    const { clientWidth, clientHeight } = this.#svg
    if (clientWidth === 0 || clientHeight === 0) return
    const unit = Math.max(width / clientWidth, height / clientHeight)
    this.#svg.style.setProperty('--unit', String(unit))
    // A borough has its name where there is room for it.
    const halfHeight = (clientHeight / 2 - CHARACTER_PX) * unit
    for (const { element, y, width: room, characters } of this.#names) {
      const isCut = Math.abs(y - top - height / 2) > halfHeight
      element.classList.toggle('hidden', isCut || room < characters * CHARACTER_PX * unit)
    }
  }
}

/** What features cover. */
function extent(features: readonly Feature[]) {
  const points = features.flatMap(({ paths }) => paths.flat().map(project))
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)]
  const [left, top] = [Math.min(...xs), Math.min(...ys)]
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top }
}

const drawn = ({ paths }: Feature): string =>
  paths
    .map(
      (path) =>
        `M${path
          .map((point) =>
            project(point)
              .map((value) => value.toFixed(2))
              .join(' '),
          )
          .join('L')}`,
    )
    .join('')
