/** The table of a connection's states. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Happening, next, type Status } from '../src/machine.ts'

const STATES: readonly Status[] = ['idle', 'connecting', 'open', 'waiting', 'refreshing', 'closed']
const HAPPENINGS: readonly Happening[] = [
  ...(['want', 'ready', 'lost', 'refused', 'renewed', 'elapsed', 'wake', 'end'] as const),
]

/** Every change there is; whatever is not here leaves the state as it is. */
const CHANGES: Readonly<Record<string, Status>> = {
  'idle want': 'connecting',
  'connecting ready': 'open',
  'connecting lost': 'waiting',
  'connecting refused': 'refreshing',
  'open lost': 'waiting',
  'open refused': 'refreshing',
  'open wake': 'connecting',
  'waiting elapsed': 'connecting',
  'waiting wake': 'connecting',
  'refreshing renewed': 'connecting',
  'refreshing lost': 'waiting',
  'idle end': 'closed',
  'connecting end': 'closed',
  'open end': 'closed',
  'waiting end': 'closed',
  'refreshing end': 'closed',
}

describe('the table of states', () => {
  it.each(STATES.flatMap((state) => HAPPENINGS.map((happening) => [state, happening] as const)))(
    'says what becomes of %s when there is %s',
    (state, happening) => {
      expect(next(state, happening)).toBe(CHANGES[`${state} ${happening}`] ?? state)
    },
  )

  it('opens only by connecting, is closed for good, and always finds a way back that needs no luck', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...HAPPENINGS)), (happenings) => {
        let state: Status = 'idle'
        for (const happening of happenings) {
          const before = state
          state = next(state, happening)
          if (state === 'open' && before !== 'open') expect(before).toBe('connecting')
          if (before === 'closed') expect(state).toBe('closed')
        }
        for (const happening of ['want', 'renewed', 'elapsed', 'ready'] as const) state = next(state, happening)
        expect(['open', 'closed']).toContain(state)
      }),
    )
  })
})
