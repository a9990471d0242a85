/** What moves along the tracks of a line. */
import type { Position } from './geography.ts'

type Track = readonly Position[]

/** Of a degree, as far north as London. */
const METRES = { longitude: 69_200, latitude: 111_200 }

/** The tracks of one station end a few metres from each other. */
const JOINED_WITHIN_METRES = 50

const metresBetween = (from: Position, to: Position): number => Math.hypot(...step(from, to))

const step = (from: Position, to: Position): [eastMetres: number, northMetres: number] => [
  (to[0] - from[0]) * METRES.longitude,
  (to[1] - from[1]) * METRES.latitude,
]

export const lengthMetres = (track: Track): number =>
  track.reduce((sum, point, i) => sum + metresBetween(track[i - 1] ?? point, point), 0)

export class Ride {
  readonly #tracks: readonly Track[]
  /** The track that it is on, in the direction in which it moves, and the point of it that comes next. */
  #track: Track
  #next = 1
  position: Position

  /** Begins at the point of the tracks that is nearest. */
  constructor(tracks: readonly Track[], near: Position) {
    const starts = tracks.flatMap((track) =>
      track.slice(0, -1).map((position, i) => ({ track, position, next: i + 1 })),
    )
    const nearest = starts.reduce((best, start) =>
      metresBetween(start.position, near) < metresBetween(best.position, near) ? start : best,
    )
    this.#tracks = tracks
    this.#track = nearest.track
    this.#next = nearest.next
    this.position = nearest.position
  }

  move(metres: number): void {
    for (let leftMetres = metres; leftMetres > 0; ) {
      const next = this.#track[this.#next]
      if (next === undefined) {
        this.#track = this.#onward()
        this.#next = 1
        continue
      }
      const aheadMetres = metresBetween(this.position, next)
      if (aheadMetres > leftMetres) {
        const part = leftMetres / aheadMetres
        const [x, y] = this.position
        this.position = [x + (next[0] - x) * part, y + (next[1] - y) * part]
        return
      }
      leftMetres -= aheadMetres
      this.position = next
      this.#next++
    }
  }

  /** A track that goes on from here, any of several; where there is none, the same one back. */
  #onward(): Track {
    const back = this.#track.toReversed()
    const ways = this.#tracks
      .flatMap((track) => [track, track.toReversed()])
      .filter(([first]) => first !== undefined && metresBetween(first, this.position) < JOINED_WITHIN_METRES)
      .filter((way) => !isAlong(way, back))
    return ways[Math.floor(Math.random() * ways.length)] ?? back
  }
}

/** Whether a way leaves in the direction from which the train came. */
function isAlong(way: Track, back: Track): boolean {
  const [east, north] = heading(way)
  const [backEast, backNorth] = heading(back)
  return east * backEast + north * backNorth > 0
}

const heading = ([from, to]: Track): [eastMetres: number, northMetres: number] =>
  from === undefined || to === undefined ? [0, 0] : step(from, to)
