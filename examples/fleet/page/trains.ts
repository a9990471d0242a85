/** What the page makes of the events of `trains`. */
import type { WatchedEvent } from '@watchpost/client'
import type { Order, Topics } from '../src/config.ts'

export interface Server {
  readonly topics: Topics
}

export type TrainEvent = WatchedEvent<Server, 'trains'>

/** A train as it is shown. */
export interface Train {
  readonly id: string
  readonly name: string
  readonly line: string
  readonly position: readonly [longitude: number, latitude: number]
  readonly order: Order
  /** The `id` of the command that it obeyed last. */
  readonly obeyed: string | undefined
  readonly isSilent: boolean
  readonly isHeld: boolean
  /** What it does, in a few words. */
  readonly text: string
}

const SILENT_AFTER_MS = 5_000

/**
 * `sinceMs` is when the page could hear trains again; what they did not say before then is not their fault. The clocks of
 * page and server are taken to agree to a second or so.
 */
export function trainOf({ data, timestamp }: TrainEvent, sinceMs: number): Train | undefined {
  if (data === null) return undefined
  const { train, line, longitude, latitude, kmh, order, obeyed } = data
  const unheardMs = Date.now() - Math.max(Date.parse(timestamp), sinceMs)
  const isSilent = unheardMs >= SILENT_AFTER_MS
  return {
    ...{ id: train, name: `${line} ${train.slice(train.lastIndexOf('-') + 1)}`, line, order, obeyed, isSilent },
    position: [longitude, latitude],
    isHeld: order === 'hold' && kmh === 0,
    text: isSilent ? `silent for ${Math.floor(unheardMs / 1_000)} s` : textOf(order, kmh),
  }
}

function textOf(order: Order, kmh: number): string {
  if (order === 'hold') return kmh === 0 ? 'held' : `stopping, ${kmh} km/h`
  return order === 'slow' ? `slow, ${kmh} km/h` : `${kmh} km/h`
}
