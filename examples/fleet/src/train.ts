/** A simulated train: it rides on the real tracks of its line, and does as it is told. */
import type { Order } from './config.ts'
import { type Feature, type Position, rounded } from './geography.ts'
import { lengthMetres, Ride } from './ride.ts'

/** At its own speed nobody would see a train move on a map of all London. */
const TIMES_FASTER = 20

const KMH: Readonly<Record<Order, number>> = { go: 40, slow: 15, hold: 0 }
/** How much faster or slower it can become in a second. */
const KMH_PER_SECOND = 15

const METRES_PER_TRAIN = 8_000

/** What a train says of itself. */
export interface Report {
  readonly train: string
  readonly line: string
  readonly longitude: number
  readonly latitude: number
  readonly kmh: number
  readonly order: Order
  readonly obeyed?: string | undefined
}

export class Train {
  readonly name: string
  readonly #line: string
  readonly #ride: Ride
  #kmh: number
  #order: Order
  #obeyed: string | undefined

  /** Goes on from its last report, if there is one. */
  constructor(line: Feature, name: string, start: Position, last: Report | null | undefined) {
    this.name = name
    this.#line = line.name
    this.#ride = new Ride(line.paths, last ? [last.longitude, last.latitude] : start)
    this.#kmh = last?.kmh ?? 0
    this.#order = last?.order ?? 'go'
    this.#obeyed = last?.obeyed
  }

  obey(order: Order, command: string): void {
    this.#order = order
    this.#obeyed = command
  }

  move(seconds: number): void {
    const change = KMH[this.#order] - this.#kmh
    this.#kmh += Math.max(-KMH_PER_SECOND * seconds, Math.min(KMH_PER_SECOND * seconds, change))
    this.#ride.move((this.#kmh / 3.6) * TIMES_FASTER * seconds)
  }

  report(): Report {
    const [longitude, latitude] = this.#ride.position
    return {
      ...{ train: this.name, line: this.#line, longitude: rounded(longitude), latitude: rounded(latitude) },
      ...{ kmh: Math.round(this.#kmh), order: this.#order, obeyed: this.#obeyed },
    }
  }
}

/** As many trains as a line has room for: none, where the data has only a few metres of its own. */
export function trainsMax(line: Feature): number {
  const metres = line.paths.reduce((sum, path) => sum + lengthMetres(path), 0)
  return metres < 1_000 ? 0 : Math.ceil(metres / METRES_PER_TRAIN)
}

/** What the trains of a line are called. */
export const namesOf = (line: Feature): string[] =>
  Array.from({ length: trainsMax(line) }, (_, i) => `${line.name.toLowerCase().replace(/\W+/g, '-')}-${i + 1}`)

/** The trains of a line, spread along it. `lastOf` tells what a train reported last. */
export const trainsOf = (line: Feature, lastOf: (name: string) => Report | null | undefined): Train[] =>
  namesOf(line).map((name, i, { length }) => {
    const start = line.paths[Math.floor(((i + 0.5) * line.paths.length) / length)]?.[0] ?? [0, 0]
    return new Train(line, name, start, lastOf(name))
  })
