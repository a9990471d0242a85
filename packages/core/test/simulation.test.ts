import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { step } from './script.ts'
import { type Played, Simulation } from './simulation.ts'

const RUNS = 400
const STEPS_MAX = 150

describe('a random script of publishes, slow clients, trims, cuts and resumes', () => {
  it('gives everyone every matching event once and in order, or announces what is gone [WP-2.4] [WP-2.5] [WP-8.2]', async () => {
    const all: Played[] = []
    const scripts = fc.array(step, { minLength: 20, maxLength: STEPS_MAX, size: 'max' })
    // When a script fails, fast-check prints its seed and path: give both to the options below to play it again.
    await fc.assert(
      fc.asyncProperty(scripts, async (script) => {
        const simulation = new Simulation()
        for (const one of script) await simulation.play(one)
        all.push(await simulation.end())
      }),
      { numRuns: RUNS },
    )
    const sum = (of: (played: Played) => number): number => all.reduce((total, played) => total + of(played), 0)
    // A script in which nothing happens would prove nothing.
    expect(sum(({ steps }) => steps)).toBeGreaterThan(RUNS * 20)
    expect(sum(({ events }) => events)).toBeGreaterThan(RUNS * 20)
    expect(sum(({ gaps }) => gaps)).toBeGreaterThan(RUNS / 10)
  }, 60_000)
})
