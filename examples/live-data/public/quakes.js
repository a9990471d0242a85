/** The quakes on a map of the world, and as lists of the latest and the strongest. */
import { byId, html, svg } from './elements.js'
import { magnitudeText, momentText, progressText } from './format.js'
import { ringsOf } from './topojson.js'

const LATEST = 8
const STRONGEST = 4
/** More at a time are history, which is not news to point out. */
const NEWS_MAX = 10

/** @typedef {import('./stream.js').Quake} Quake */

/** Degrees of the map; the energy of a quake grows far faster, but a circle for it would hide half the world. @param {number} magnitude */
const radiusOf = (magnitude) => 0.35 * 1.55 ** Math.max(0, magnitude)

export class Quakes {
  #map = byId('quakes-map')
  #readout = byId('quakes-readout')
  #progress = byId('quakes-progress')
  #lists = { latest: byId('quakes-latest'), strongest: byId('quakes-strongest') }
  #land = svg('path', { class: 'land' })
  #circles = svg('g', { class: 'circles' })
  #ring = svg('circle', { class: 'ring', r: 0 })
  /** @type {Quake[]} */
  #quakes = []
  /** How many of the quakes have their circle. */
  #drawn = 0
  /** @type {Quake[]} */
  #strongest = []
  /** @type {number | undefined} */
  #records

  constructor() {
    this.#map.setAttribute('viewBox', '-180 -90 360 180')
    this.#map.append(svg('path', { class: 'graticule', d: graticule(30) }), this.#land, this.#circles, this.#ring)
    this.#map.addEventListener('pointerover', (event) => this.#pointAt(event.target))
    this.#map.addEventListener('pointerleave', () => this.#pointAt(null))
    for (const list of Object.values(this.#lists)) {
      for (const type of ['pointerover', 'focusin']) list.addEventListener(type, (event) => this.#pointAt(event.target))
      for (const type of ['pointerleave', 'focusout']) list.addEventListener(type, () => this.#pointAt(null))
    }
  }

  /** @param {import('./topojson.js').Topology} topology */
  setLand(topology) {
    const rings = ringsOf(topology, 'land')
    const draw = (/** @type {readonly [number, number][]} */ ring) =>
      `M${ring.map(([longitude, latitude]) => `${longitude.toFixed(2)} ${(-latitude).toFixed(2)}`).join('L')}Z`
    this.#land.setAttribute('d', rings.map(draw).join(''))
  }

  /** @param {import('./prices.js').Extent} extent */
  setExtent(extent) {
    this.#records = extent.records
  }

  /** @param {Quake} event */
  add(event) {
    this.#quakes.push(event)
    const toBeat = this.#strongest[STRONGEST - 1]
    if (toBeat !== undefined && event.data.magnitude <= toBeat.data.magnitude) return
    this.#strongest = [...this.#strongest, event]
      .sort((a, b) => b.data.magnitude - a.data.magnitude)
      .slice(0, STRONGEST)
  }

  clear() {
    this.#quakes = []
    this.#strongest = []
    this.#drawn = 0
    this.#circles.replaceChildren()
    this.#pointAt(null)
  }

  /** Adds the circles that are missing. */
  render() {
    const news = this.#quakes.slice(this.#drawn)
    const className = news.length > NEWS_MAX ? 'quake' : 'quake news'
    this.#circles.append(...news.map((quake, i) => this.#circle(quake, this.#drawn + i, className)))
    this.#drawn = this.#quakes.length
    this.#progress.textContent = progressText(this.#quakes.length, this.#records, 'quakes')
  }

  /** Renews the lists; while somebody points at one, it stands still. */
  renderLists() {
    const latest = this.#quakes.slice(-LATEST).reverse()
    this.#fill(this.#lists.latest, latest)
    this.#fill(this.#lists.strongest, this.#strongest)
  }

  /** @param {Quake} quake @param {number} index @param {string} className */
  #circle({ data }, index, className) {
    const place = { cx: data.longitude, cy: -data.latitude, r: radiusOf(data.magnitude).toFixed(2) }
    return svg('circle', { class: className, ...place, 'data-index': index })
  }

  /** @param {HTMLElement} list @param {readonly Quake[]} quakes */
  #fill(list, quakes) {
    const shown = quakes.map(({ id }) => id).join(' ')
    if (list.dataset['shown'] === shown || list.matches(':hover, :focus-within')) return
    list.dataset['shown'] = shown
    list.replaceChildren(
      ...quakes.map((quake) => {
        const { magnitude, place } = quake.data
        const index = this.#quakes.indexOf(quake)
        return html('li', {}, [
          html('button', { type: 'button', 'data-index': index }, [
            html('span', { class: 'magnitude' }, [magnitudeText(magnitude)]),
            html('span', { class: 'place' }, [place]),
          ]),
        ])
      }),
    )
  }

  /** Rings the quake that an element of map or list stands for. @param {EventTarget | null} target */
  #pointAt(target) {
    const index = target instanceof Element ? target.closest('[data-index]')?.getAttribute('data-index') : undefined
    const quake = this.#quakes[Number(index ?? Number.NaN)]
    if (quake === undefined) {
      this.#ring.setAttribute('r', '0')
      this.#readout.textContent = 'Point at a circle or at an entry of the lists.'
      return
    }
    const { longitude, latitude, magnitude, depthKm, place, kind } = quake.data
    this.#ring.setAttribute('cx', String(longitude))
    this.#ring.setAttribute('cy', String(-latitude))
    this.#ring.setAttribute('r', String(radiusOf(magnitude) + 2))
    const what = `Magnitude ${magnitudeText(magnitude)}${kind === 'earthquake' ? '' : `, ${kind}`}, ${place}`
    this.#readout.textContent = `${what}; ${depthKm.toFixed(0)} km deep, ${momentText(quake.timestamp)}`
  }
}

/** @param {number} everyDegrees */
function graticule(everyDegrees) {
  let path = ''
  for (let longitude = -180; longitude <= 180; longitude += everyDegrees) path += `M${longitude} -90V90`
  for (let latitude = -90; latitude <= 90; latitude += everyDegrees) path += `M-180 ${latitude}H180`
  return path
}
