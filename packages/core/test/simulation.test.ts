import fc from 'fast-check'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { DeltaMemory } from '../src/delta.ts'
import { keyedStep, plainStep, type Step } from './script.ts'
import { type Played, Simulation } from './simulation.ts'

const STEPS_MAX = 150

/** What the feeds of the simulations count what they remember in, which is nobody else's to see. */
const memories = vi.hoisted(() => new Set<DeltaMemory>())

vi.mock('../src/delta.ts', async (original) => {
  const actual = await original<typeof import('../src/delta.ts')>()
  class Deltas extends actual.Deltas {
    constructor(memory: DeltaMemory) {
      super(memory)
      memories.add(memory)
    }
  }
  return { ...actual, Deltas }
})

beforeEach(() => memories.clear())

const remembered = (): number => [...memories].reduce((sum, { characters }) => sum + characters, 0)

interface Sums {
  readonly count: (of: keyof Played) => number
  /** The most characters that were remembered for deltas at the end of a step. */
  readonly rememberedMost: number
}

/** Plays random scripts; answers what happened in them. */
async function play(step: fc.Arbitrary<Step>, runs: number): Promise<Sums> {
  const all: Played[] = []
  let rememberedMost = 0
  const scripts = fc.array(step, { minLength: 20, maxLength: STEPS_MAX, size: 'max' })
  // When a script fails, fast-check prints its seed and path: give both to the options below to play it again.
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      memories.clear()
      const simulation = new Simulation()
      for (const one of script) {
        await simulation.play(one)
        rememberedMost = Math.max(rememberedMost, remembered())
      }
      all.push(await simulation.end())
      if (remembered() !== 0) throw new Error(`${remembered()} characters are remembered for nobody`)
    }),
    { numRuns: runs },
  )
  return { count: (of) => all.reduce((total, played) => total + played[of], 0), rememberedMost }
}

describe('a random script of publishes, slow clients, trims, cuts and resumes', () => {
  it('gives everyone every matching event once and in order, or announces what is gone [WP-2.4] [WP-2.5] [WP-8.2]', async () => {
    const runs = 400
    const { count } = await play(plainStep, runs)
    // A script in which nothing happens would prove nothing.
    expect(count('steps')).toBeGreaterThan(runs * 20)
    expect(count('events')).toBeGreaterThan(runs * 20)
    expect(count('gaps')).toBeGreaterThan(runs / 10)
  }, 120_000)

  it('makes of states, patches and newest events what was published [WP-4.6] [WP-4.7] [WP-8.2]', async () => {
    const runs = 400
    const { count, rememberedMost } = await play(keyedStep, runs)
    expect(count('events')).toBeGreaterThan(runs * 20)
    expect(count('gaps')).toBeGreaterThan(runs)
    expect(count('patches')).toBeGreaterThan(runs * 2)
    expect(count('parts')).toBeGreaterThan(runs)
    expect(count('passedOver')).toBeGreaterThan(runs / 40)
    expect(count('dismissals')).toBeGreaterThan(runs / 10)
    expect(rememberedMost).toBeGreaterThan(100)
  }, 120_000)
})
