import { describe, expect, it } from 'vitest'
import { Turns } from '../src/turns.ts'
import { ManualClock, settled } from './manual-clock.ts'
import { countTo } from './support.ts'

/** Readers that each take turns without end, and what they did in which turn of the event loop. */
function reading(readers: number, workMs: number): { readonly clock: ManualClock; readonly read: string[] } {
  const clock = new ManualClock()
  const turns = new Turns(clock)
  const read: string[] = []
  for (const reader of countTo(readers)) {
    void (async () => {
      for (;;) {
        await turns.next()
        read.push(String(reader))
        clock.work(workMs)
      }
    })()
  }
  return { clock, read }
}

/** Who read in each turn of the event loop. */
async function readIn(turns: number, readers: number, workMs: number): Promise<string[]> {
  const { clock, read } = reading(readers, workMs)
  const all: string[] = []
  for (const _ of countTo(turns)) {
    await settled()
    all.push(read.splice(0).join(''))
    await clock.giveTurn()
  }
  return all
}

describe('turns at reading the log', () => {
  it.each([
    [1, 0.1, 1],
    [3, 0.1, 3],
    // A stretch has 5 ms, and what was begun in it is finished.
    [5, 3, 2],
    [5, 2, 3],
    [3, 50, 1],
  ])(
    'go to %i readers by turns: where each takes %d ms, %i read before all else goes on',
    async (readers, workMs, most) => {
      const all = await readIn(60, readers, workMs)
      expect(Math.max(...all.map((read) => read.length))).toBe(most)
      const order = all.join('')
      expect(order.length).toBeGreaterThan(20)
      const counts = countTo(readers).map((reader) => order.split(String(reader)).length - 1)
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
    },
  )

  it('leave nothing behind when nobody waits', async () => {
    const clock = new ManualClock()
    const turns = new Turns(clock)
    await turns.next()
    await clock.giveTurns()
    expect(clock.waiting).toBe(0)
    await turns.next()
    await clock.giveTurns()
    expect(clock.waiting).toBe(0)
  })
})
