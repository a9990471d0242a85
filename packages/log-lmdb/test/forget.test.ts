/** Topics that may be forgotten once nothing is kept of them, so that names that clients choose do not pile up. */
import { ProblemError } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import type { LmdbLog } from '../src/index.ts'
import { openStore } from '../src/open.ts'
import { append, dataOf, directory, event, openLog, readAll } from './support.ts'

const ALL = { events: 0 }
const come = (log: LmdbLog, topic: string, key: string, topicsMax?: number) =>
  log.append({
    ...append(topic, event('here', key)),
    ...{ keyed: true, transient: true, ...(topicsMax !== undefined && { topicsMax }) },
  })
const go = (log: LmdbLog, topic: string, key: string) =>
  log.append({ ...append(topic, event(null, key)), keyed: true, transient: true })

const names = (log: LmdbLog): string[] => [...log.topics()].map(({ topic }) => topic)

describe('transient topics', () => {
  it('are counted apart, and make room for others when they are forgotten', async () => {
    const log = await openLog()
    await log.append({ ...append('stored', event(1)), topicsMax: 1 })
    await come(log, 't1', 'k', 2)
    await come(log, 't2', 'k', 2)
    await expect(come(log, 't3', 'k', 2)).rejects.toBeInstanceOf(ProblemError)
    await expect(log.append({ ...append('another', event(1)), topicsMax: 1 })).rejects.toBeInstanceOf(ProblemError)
    await log.append({ ...append('another', event(1)), topicsMax: 2 })
    expect(log.transientTopics).toBe(2)
    await go(log, 't1', 'k')
    for (const topic of ['t1', 't2']) await log.trim(topic, ALL, 100)
    // Of the one there is a state.
    await log.forget(['t1', 't2', 'nowhere'])
    expect(names(log)).toEqual(['another', 'stored', 't2'])
    expect(log.transientTopics).toBe(1)
    await come(log, 't3', 'k', 2)
    await expect(come(log, 't4', 'k', 2)).rejects.toBeInstanceOf(ProblemError)
    await log.append({ ...append('stored', event(2)), topicsMax: 1 })
    expect(readAll(log).map(dataOf)).toEqual([1, 1, 'here', 2])
  })

  it('are those that were counted so, whoever asks to forget others', async () => {
    const log = await openLog()
    await come(log, 't1', 'k')
    await come(log, 't2', 'k')
    await log.append(append('named', event(1)))
    // It was named for a while.
    await log.append({ ...append('t1', event(null, 'k')), keyed: true })
    for (const topic of ['named', 't1']) await log.trim(topic, ALL, 100)
    await log.forget(['named', 't1'])
    expect([names(log), log.transientTopics]).toEqual([['named', 't2'], 1])
    await come(log, 't3', 'k', 2)
    await expect(come(log, 't4', 'k', 2)).rejects.toBeInstanceOf(ProblemError)
    await log.append({ ...append('stored', event(1)), topicsMax: 2 })
    await expect(log.append({ ...append('another', event(1)), topicsMax: 2 })).rejects.toBeInstanceOf(ProblemError)
  })

  it('never take the numbers that other topics need, nor does any topic take one that there is not', async () => {
    const dir = directory()
    const made = async (count: number): Promise<void> => {
      const store = await openStore(dir, 'os')
      await store.meta.put('topics', count)
      await store.root.close()
    }
    await made(2 ** 31 - 2)
    const log = await openLog({ dir, durability: 'os' })
    const refused = { problem: 'reach-maximum-topics' }
    await come(log, 't1', 'k', 10)
    await expect(come(log, 't2', 'k', 10)).rejects.toMatchObject(refused)
    await expect(come(log, 't2', 'k')).rejects.toMatchObject(refused)
    await come(log, 't1', 'k2')
    await log.append({ ...append('stored', event(1)), topicsMax: 2 ** 32 })
    await log.close()
    await made(2 ** 32 - 3)
    const late = await openLog({ dir, durability: 'os' })
    await late.append({ ...append('last', event(2, 'k')) })
    await expect(late.append(append('none', event(3)))).rejects.toMatchObject(refused)
    expect(readAll(late).map(dataOf)).toEqual(['here', 'here', 1, 2])
    expect(late.state({ topic: 'last', eventsMax: 10, charactersMax: 1_000 }).events.map(dataOf)).toEqual([2])
    await late.trim('last', ALL, 10)
    expect(late.topic('last')?.events).toBe(0)
  })

  it('leave word of what is lost of them, to every process on the store, and to a topic that comes back', async () => {
    const dir = directory()
    const [log, other] = [await openLog({ dir }), await openLog({ dir })]
    expect(log.forgotten).toEqual({ trimmed: 0, trims: 0 })
    await come(log, 't', 'k')
    await go(log, 't', 'k')
    await log.append(append('stored', event(1)))
    await log.trim('t', ALL, 100)
    expect(log.forgotten).toEqual({ trimmed: 0, trims: 0 })
    other.refresh()
    await other.forget(['t'])
    log.refresh()
    expect(log.topic('t')).toBeUndefined()
    expect(log.forgotten).toEqual({ trimmed: 2, trims: 1 })
    await come(log, 't', 'k')
    other.refresh()
    expect(other.topic('t')).toMatchObject({ events: 1, trimmed: 2, trims: 1, last: 4 })
    expect(log.state({ topic: 't', eventsMax: 10, charactersMax: 1_000 }).events.map(dataOf)).toEqual(['here'])
    expect(readAll(other).map(dataOf)).toEqual([1, 'here'])
  })
})
