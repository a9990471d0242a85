/** Reads watches to a known event, so that what did not come by then was lost, and what came twice is seen. */
import { isDeepStrictEqual } from 'node:util'
import type { Delivery, Driver, EventDelivery, GapDelivery, NewEvent, Watching, WatchRequest } from './driver.ts'

/** Longer than anything that a case waits for, on a machine that is busy with many of them. */
const DEADLINE_MS = 20_000

export interface Read {
  readonly events: readonly EventDelivery[]
  readonly gaps: readonly GapDelivery[]
  /** Everything, in the order in which it came. */
  readonly deliveries: readonly Delivery[]
}

/** Numbered events of a type. */
export const numbered = (count: number, first = 0, type = 'line'): NewEvent[] =>
  Array.from({ length: count }, (_, i) => ({ type, data: first + i }))

/** The `data` of events, in order. */
export const dataOf = ({ events }: Pick<Read, 'events'>): unknown[] => events.map(({ event }) => event.data)

/** The ids of events, in order. */
export const idsOf = ({ events }: Pick<Read, 'events'>): string[] => events.map(({ event }) => event.id)

/**
 * The next delivery.
 * @throws Error if none comes within 20 s, or the watch ended
 */
export async function nextOf(watching: Watching): Promise<Delivery> {
  let stopTimer: () => void = () => undefined
  const late = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing came within ${DEADLINE_MS} ms`)), DEADLINE_MS)
    stopTimer = () => clearTimeout(timer)
  })
  try {
    const delivery = await Promise.race([watching.next(), late])
    if (delivery === undefined) throw new Error('the watch ended before all of it came')
    return delivery
  } finally {
    stopTimer()
  }
}

/** Handles deliveries until one fits. */
async function readUntil(watching: Watching, fits: (delivery: Delivery) => boolean): Promise<Read> {
  const deliveries: Delivery[] = []
  for (;;) {
    let delivery: Delivery
    try {
      delivery = await nextOf(watching)
    } catch (cause) {
      const came = deliveries.map((each) => (each.kind === 'event' ? each.event.id : each.kind)).join(' ')
      throw new Error(`${(cause as Error).message}; before it came: ${came || 'nothing'}`, { cause })
    }
    deliveries.push(delivery)
    if (!fits(delivery)) continue
    const events = deliveries.filter((each): each is EventDelivery => each.kind === 'event')
    return { events, deliveries, gaps: deliveries.filter((each): each is GapDelivery => each.kind === 'gap') }
  }
}

/** Handles deliveries up to the event with this id. */
export const readThrough = (watching: Watching, id: string | undefined): Promise<Read> =>
  readUntil(watching, (delivery) => delivery.kind === 'event' && delivery.event.id === id)

/** Handles deliveries up to the first event that is not stored and has this data. */
export const readThroughEphemeral = (watching: Watching, data: unknown): Promise<Read> =>
  readUntil(watching, (delivery) => delivery.kind === 'ephemeral' && isDeepStrictEqual(delivery.event.data, data))

/** Handles so many events, and what comes before the last of them. */
export async function readEvents(watching: Watching, count: number): Promise<Read> {
  if (count === 0) return { events: [], gaps: [], deliveries: [] }
  let seen = 0
  return readUntil(watching, ({ kind }) => kind === 'event' && ++seen === count)
}

/** Watches up to the event with this id, and leaves. */
export async function watchThrough(
  { baseUrl, driver }: { readonly baseUrl: string; readonly driver: Driver },
  request: WatchRequest,
  id: string | undefined,
): Promise<Read> {
  const watching = await driver.watch(baseUrl, request)
  try {
    return await readThrough(watching, id)
  } finally {
    await watching.leave()
  }
}
