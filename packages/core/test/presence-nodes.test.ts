/** Who is here, by what several nodes on one log write of it [WP-9.4]. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Append, Table } from '../src/log.ts'
import type { Presence } from '../src/presence/presence.ts'
import { settled } from './manual-clock.ts'
import type { MemoryLog } from './memory-log.ts'
import { anyScript, PresenceScript } from './presence-script.ts'
import { attend, Gate, GRACE_MS, HEARTBEAT_MS, type Presences, presences, RETURN_MS, sizesOf } from './presences.ts'

/** Members of whom one transaction tells, and more than two of these tell of. */
const AT_ONCE = 200
const CROWD = 450

const crowd = (node: Presence): void => {
  for (let n = 0; n < CROWD; n++) attend(node, `m${n}`)
}

describe('the presence of several nodes on one log', () => {
  it('is the sum, and nothing changes when somebody goes from one to the other', async () => {
    const here = presences()
    const [one, other] = [here.node('1'), here.node('2')]
    const before = attend(one, 'a', 'x')
    attend(other, 'b')
    await here.pass(500)
    before.leave()
    await here.pass(1_000)
    const after = attend(other, 'a', 'x')
    await here.pass(GRACE_MS * 3)
    expect(here.told().map(([key]) => key)).toEqual(['a', 'b'])
    attend(one, 'a')
    await here.pass(GRACE_MS + 500)
    expect(here.here()).toEqual({ a: 2, b: 1 })
    after.leave()
    await here.pass(GRACE_MS * 2 + 1_000)
    expect(here.here()).toEqual({ a: 1, b: 1 })
  })

  it('tells the newest info, whoever goes on with an older one, and wherever that is [WP-9.4]', async () => {
    const here = presences()
    const { clock } = here
    const rightly = clock.now.bind(clock)
    const [one, other] = [here.node('1'), here.node('2')]
    const place = { filters: ['room'], key: 'a', info: 'older' }
    const info = () => (here.told().at(-1)?.[1] as { info?: string } | undefined)?.info
    let older = one.attend({ ...place, key: 'b' })
    await here.pass(500)
    attend(other, 'a', 'newer')
    await here.pass(GRACE_MS)
    // Now it is known by its name, and then its rights change.
    for (let times = 0; times < 2; times++) older = one.attend({ ...place, before: older })
    await here.pass(GRACE_MS * 3)
    expect(here.here()).toEqual({ a: 2 })
    expect(info()).toBe('newer')
    const newest = attend(one, 'a', 'newest')
    await here.pass(GRACE_MS)
    older = one.attend({ ...place, before: older })
    await here.pass(GRACE_MS * 3)
    expect([here.here(), info()]).toEqual([{ a: 3 }, 'newest'])
    newest.leave()
    older.leave()
    await here.pass(GRACE_MS * 3)
    // What one process is told is in order there, however the clock of days is set.
    attend(one, 'c', 'before')
    await here.pass(GRACE_MS)
    clock.now = () => rightly() - 3_600_000
    attend(one, 'c', 'after')
    await here.pass(GRACE_MS)
    expect(info()).toBe('after')
  })

  it('knows who comes back while it was still to be told that there was one connection less', async () => {
    const here = presences()
    const [one, other] = [here.node('1'), here.node('2')]
    const [here1, here2] = [attend(one, 'a'), attend(other, 'a')]
    await here.pass(GRACE_MS * 2)
    expect(here.here()).toEqual({ a: 2 })
    here1.leave()
    await here.pass(GRACE_MS + 500)
    attend(one, 'a')
    await here.pass(GRACE_MS * 3)
    expect(here.here()).toEqual({ a: 2 })
    here2.leave()
    await here.pass(GRACE_MS * 3)
    expect(here.here()).toEqual({ a: 1 })
  })

  it.each([
    ['is closed', (_: Presences, node: Presence) => node.close()],
    ['dies', (here: Presences, node: Presence) => here.kill(node)],
  ])('tells that there is one connection less, though the node that was to tell it %s [WP-9.4]', async (_, end) => {
    const here = presences()
    const [one, other] = [here.node('1'), here.node('2')]
    const [gone] = [attend(one, 'a'), attend(other, 'a')]
    await here.pass(GRACE_MS * 2)
    gone.leave()
    await here.pass(GRACE_MS + 500)
    expect(here.here()).toEqual({ a: 2 })
    await end(here, one)
    await here.pass(GRACE_MS + RETURN_MS + HEARTBEAT_MS * 2)
    expect(here.here()).toEqual({ a: 1 })
    expect(here.told()).toHaveLength(3)
  })

  it('that are told of each other are told to be gone only when they are', async () => {
    const here = presences()
    const [one, other] = [here.node('1'), here.node('2', (node) => node === '1')]
    attend(one, 'a')
    attend(one, 'b')
    attend(other, 'b')
    // It only looks gone to the other one.
    await here.pass(HEARTBEAT_MS * 5)
    expect(Object.keys(here.here())).toEqual(['a', 'b'])
    expect(here.told().filter(([, data]) => data === null)).toEqual([])
  })

  it('let go of the members of one that is silent, which tells of them again if it was only asleep', async () => {
    const here = presences()
    let wake: () => void = () => undefined
    let awake = Promise.resolve()
    const slow: MemoryLog = Object.create(here.log, {
      change: { value: (make: (table: Table) => readonly Append[]) => awake.then(() => here.log.change(make)) },
    })
    const asleep = here.node('1', undefined, slow)
    attend(asleep, 'a')
    attend(here.node('2'), 'b')
    await here.pass(500)
    awake = new Promise((resolve) => (wake = resolve))
    await here.pass(HEARTBEAT_MS * 2)
    expect(Object.keys(here.here())).toEqual(['b'])
    wake()
    await here.pass(HEARTBEAT_MS)
    expect(Object.keys(here.here())).toEqual(['a', 'b'])
  })

  it('are counted again when one wakes that another one believed no more, but had not yet removed', async () => {
    const here = presences()
    const { log } = here
    const slow: MemoryLog = Object.create(log, { change: { value: log.change.bind(log), writable: true } })
    const gate = new Gate(slow)
    attend(here.node('1', undefined, slow), 'a')
    await here.pass(1_000)
    const other = here.node('2')
    await here.pass(5_300)
    gate.hold()
    // It looks at the rows as it writes, so that the lease that it counts does not end just as it looks after them.
    attend(other, 'b')
    await here.pass(HEARTBEAT_MS * 1.25 + 100)
    attend(other, 'a')
    await here.pass(200)
    expect(here.here()).toEqual({ a: 1, b: 1 })
    gate.open()
    await here.pass(GRACE_MS * 2)
    expect(here.here()).toEqual({ a: 2, b: 1 })
    expect(here.reported).toEqual([])
  })

  it('stay, when all stood still together, and are gone all the same when they die [WP-9.4]', async () => {
    const here = presences()
    const [one, other] = [here.node('1'), here.node('2')]
    attend(one, 'a')
    attend(other, 'b')
    await here.pass(HEARTBEAT_MS)
    for (const stoodMs of [HEARTBEAT_MS * 2, HEARTBEAT_MS * 10]) {
      // So that it has seen the newest row of the other one, and is the first to look again.
      attend(one, String(stoodMs))
      await here.pass(300)
      const before = here.told()
      here.clock.work(stoodMs)
      await here.pass(HEARTBEAT_MS * 3)
      expect(here.told()).toEqual(before)
    }
    await here.kill(one)
    await here.pass(HEARTBEAT_MS * 2)
    expect(here.here()).toEqual({ b: 1 })
  })

  it('stay, when the clock of days is set, and are gone all the same when they die', async () => {
    const here = presences()
    const { clock } = here
    const rightly = clock.now.bind(clock)
    const [one, other, third] = [here.node('1'), here.node('2'), here.node('3')]
    attend(one, 'a')
    attend(other, 'b')
    attend(third, 'c')
    await here.pass(HEARTBEAT_MS)
    const before = here.told()
    for (const jumpMs of [3_600_000, -3_600_000, 86_400_000]) {
      clock.now = () => rightly() + jumpMs
      await here.pass(HEARTBEAT_MS * 3)
      expect(here.told()).toEqual(before)
    }
    // Of one that dies and leaves a row from a time that is to come again.
    await here.kill(one)
    clock.now = () => rightly() - 86_400_000
    await here.pass(HEARTBEAT_MS * 2)
    expect(here.here()).toEqual({ b: 1, c: 1 })
    expect(here.reported).toEqual([expect.objectContaining({ message: 'dead' }), '1'])
  })

  it('stay, when the clock of days is set just as another one begins', async () => {
    const here = presences()
    const { clock } = here
    const rightly = clock.now.bind(clock)
    const one = here.node('1')
    crowd(one)
    await here.pass(1_000)
    clock.now = () => rightly() + 3_600_000
    here.node('2')
    await here.pass(HEARTBEAT_MS * 3)
    expect(Object.keys(here.here())).toHaveLength(CROWD)
    expect(here.told()).toHaveLength(CROWD)
  })

  it('come back, of whom another one has removed a part before it saw that their node lives', async () => {
    const here = presences()
    const { clock } = here
    const rightly = clock.now.bind(clock)
    const one = here.node('1')
    crowd(one)
    await here.pass(1_000)
    // This one is mistaken twice.
    clock.now = () => rightly() + 3_600_000
    here.node('2', () => true)
    await settled()
    expect(Object.keys(here.here())).toHaveLength(CROWD - AT_ONCE)
    attend(one, 'late')
    await here.pass(HEARTBEAT_MS)
    expect(Object.keys(here.here())).toHaveLength(CROWD + 1)
    expect(here.reported).toEqual([])
  })

  it.each([
    ['at once, if it is known to be gone', true, 50],
    ['within two heartbeats, if it is not', false, HEARTBEAT_MS * 2],
  ])('let go of those of one that died long before they begin: %s [WP-9.4]', async (_, isGone, withinMs) => {
    const here = presences()
    const one = here.node('1')
    crowd(one)
    await here.pass(1_000)
    await here.kill(one)
    here.clock.pass(3_600_000)
    here.reported.splice(0)
    const sizes = sizesOf(here.log)
    here.node('2', () => isGone)
    await here.pass(withinMs)
    expect(here.here()).toEqual({})
    expect(here.reported).toEqual(['1'])
    expect(sizes).toEqual([AT_ONCE, AT_ONCE, CROWD - 2 * AT_ONCE])
  })

  it('tells once of somebody who was at several that died together', async () => {
    const here = presences()
    const died = [here.node('1'), here.node('2')]
    for (const node of died) attend(node, 'a')
    await here.pass(GRACE_MS * 2)
    expect(here.here()).toEqual({ a: 2 })
    for (const node of died) await here.kill(node)
    const { length } = here.told()
    here.node('3')
    await here.pass(HEARTBEAT_MS * 2)
    expect(here.told().slice(length)).toEqual([['a', null]])
  })

  it('is who is connected in the end, whatever came and went, and however nodes died', async () => {
    // What a script does and what must be so: presence-script.ts.
    await fc.assert(
      fc.asyncProperty(anyScript, async (steps) => {
        const script = new PresenceScript()
        for (const step of steps) await script.play(step)
        const { is, hasToBe } = await script.end()
        expect(is).toEqual(hasToBe)
      }),
      { numRuns: 40 },
    )
  }, 60_000)
})
