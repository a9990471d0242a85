import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Inbox, type Item } from '../src/inbox.ts'

const BOUNDS = { bufferEventsMax: 8, bufferCharactersMax: 100 }

it('gives what was put in, in order, less bookmarks that another one follows, and counts what is left', () => {
  const put = fc.record({ put: fc.option(fc.nat(30), { nil: undefined }) })
  fc.assert(
    fc.property(fc.array(fc.oneof(put, fc.constant('take' as const))), (steps) => {
      const inbox = new Inbox<number>(BOUNDS)
      const model: Item<number>[] = []
      for (const [i, step] of steps.entries()) {
        if (step === 'take') {
          const { value, cursor, characters } = inbox.take() ?? {}
          expect({ value, cursor, characters }).toEqual({ ...model.shift() })
        } else {
          const characters = step.put ?? 0
          const item = { ...(step.put !== undefined && { value: i }), cursor: String(i), characters }
          if (item.value === undefined && model.length > 0 && model.at(-1)?.value === undefined) model.pop()
          model.push(item)
          inbox.put(item)
        }
        const characters = model.reduce((sum, item) => sum + item.characters, 0)
        expect(inbox.size).toBe(model.length)
        expect(inbox.isFull).toBe(model.length >= 8 || characters >= 100)
        expect(inbox.isLow).toBe(model.length <= 2 && characters <= 25)
      }
    }),
  )
})
