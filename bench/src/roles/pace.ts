/** Evenly spaced work: `perSecond` calls, with those that are late made up for at once, as a real source would. */
export function pace(perSecond: number, count: number, call: (n: number) => void): Promise<void> {
  return new Promise((resolve) => {
    const startMs = performance.now()
    let made = 0
    const tick = (): void => {
      const due = Math.min(count, Math.floor(((performance.now() - startMs) * perSecond) / 1_000))
      while (made < due) call(made++)
      if (made === count) resolve()
      else setTimeout(tick, Math.max(0, startMs + ((made + 1) * 1_000) / perSecond - performance.now()))
    }
    tick()
  })
}

/** About 250 bytes as an event, with the time of its making, so that a client can tell its age. */
export const payload = (): {
  readonly symbol: string
  readonly price: number
  readonly text: string
  readonly t: number
} => ({
  symbol: 'MSFT',
  price: 39.81,
  text: 'x'.repeat(60),
  t: performance.timeOrigin + performance.now(),
})
