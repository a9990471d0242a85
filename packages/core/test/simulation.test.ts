import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyedStep, plainStep, type Step } from './script.ts'
import { type Played, Simulation } from './simulation.ts'

const RUNS = Number(process.env['RUNS'] ?? 400)
const STEPS_MAX = 150

/** Plays random scripts; answers what happened in them. */
async function play(step: fc.Arbitrary<Step>, seed?: number): Promise<(of: keyof Played) => number> {
  const all: Played[] = []
  const scripts = fc.array(step, { minLength: 20, maxLength: STEPS_MAX, size: 'max' })
  // When a script fails, fast-check prints its seed and path: give both to the options below to play it again.
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const simulation = new Simulation()
      for (const one of script) await simulation.play(one)
      all.push(await simulation.end())
    }),
    { numRuns: RUNS, endOnFailure: process.env['NOSHRINK'] === '1', ...(seed !== undefined && { seed }) },
  )
  return (of) => all.reduce((total, played) => total + played[of], 0)
}

describe('a random script of publishes, slow clients, trims, cuts and resumes', () => {
  it('gives everyone every matching event once and in order, or announces what is gone [WP-2.4] [WP-2.5] [WP-8.2]', async () => {
    const count = await play(plainStep)
    // A script in which nothing happens would prove nothing.
    expect(count('steps')).toBeGreaterThan(RUNS * 20)
    expect(count('events')).toBeGreaterThan(RUNS * 20)
    expect(count('gaps')).toBeGreaterThan(RUNS / 10)
  }, 1_200_000)

  it('makes of states, patches and newest events what was published [WP-4.6] [WP-4.7] [WP-8.2]', async () => {
    const count = await play(keyedStep)
    console.log(Object.fromEntries(['steps','events','gaps','patches','parts','passedOver','dismissals'].map(k => [k, count(k as keyof Played)])))
    expect(count('events')).toBeGreaterThan(RUNS * 20)
  }, 1_200_000)
})
