/** The source of events that all servers publish: evenly spaced, and with the time at which each was due. */

/**
 * Evenly spaced work: `perSecond` calls, with those that are late made up for at once, as a real source would. Each is
 * given the time it was due, in milliseconds since 1970: a server that can't keep up makes its events late, and that is
 * to be seen in their age.
 */
export function pace(perSecond: number, count: number, call: (n: number, dueMs: number) => void): Promise<void> {
  return new Promise((resolve) => {
    const startMs = performance.now()
    const dueMs = (n: number): number => startMs + ((n + 1) * 1_000) / perSecond
    let made = 0
    const tick = (): void => {
      const due = Math.min(count, Math.floor(((performance.now() - startMs) * perSecond) / 1_000))
      for (; made < due; made++) call(made, performance.timeOrigin + dueMs(made))
      if (made === count) resolve()
      else setTimeout(tick, Math.max(0, dueMs(made) - performance.now()))
    }
    tick()
  })
}

/** The `data` of an event. `t` is when it was due. */
export type Payload = {
  readonly symbol: string
  readonly price: number
  readonly text: string
  readonly t: number
  readonly levels?: readonly (readonly [price: number, size: number])[]
}

/**
 * About 250 bytes as an event. Each of `levels`, prices of an order book, adds about 13 bytes, which compress as such data
 * does.
 */
export function payload(t: number = Date.now(), levels = 0): Payload {
  const data = { symbol: 'MSFT', price: 39.81, text: 'x'.repeat(60), t }
  if (levels === 0) return data
  const level = (_: unknown, n: number): [number, number] => [(3_981 + n) / 100, Math.floor(t * (n + 1)) % 9_973]
  return { ...data, levels: Array.from({ length: levels }, level) }
}

/** A whole event. */
export interface Event {
  readonly type: string
  readonly topic: string
  readonly id: string
  readonly key: string
  readonly data: Payload
  readonly timestamp: string
}

/** Makes an event for a server that makes none of its own; `t` is when it was due. */
export function event(n: number, t: number, levels: number): Event {
  const timestamp = new Date().toISOString()
  return { type: 'priceUpdate', topic: 'stocks', id: `k7f2xabc.${n}`, key: 'MSFT', data: payload(t, levels), timestamp }
}
