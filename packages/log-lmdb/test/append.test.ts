import { ProblemError, parseCursor } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { AT, append, countTo, dataOf, directory, event, offsets, openLog, readAll, transactions } from './support.ts'

describe('append', () => {
  it('gives dense offsets from 1, contiguous within a publish, to concurrent publishes', async () => {
    const log = await openLog()
    const publishes = countTo(200).map((n) => ({ n, size: 1 + (n % 7), topic: `t${n % 5}` }))
    const answers = await Promise.all(
      publishes.map(({ n, size, topic }) => log.append(append(topic, ...countTo(size).map((i) => event([n, i]))))),
    )
    const all = readAll(log)
    expect(offsets(all)).toEqual(countTo(log.head))
    expect(log.head).toBe(publishes.reduce((sum, { size }) => sum + size, 0))
    for (const [i, { n, size }] of publishes.entries()) {
      const first = answers[i]?.first ?? 0
      expect(all.slice(first - 1, first - 1 + size).map(dataOf)).toEqual(countTo(size).map((e) => [n, e]))
    }
  })

  it('keeps the order in which one process called it', async () => {
    const log = await openLog()
    const answers = await Promise.all(countTo(300).map((n) => log.append(append('t', event(n)))))
    expect(answers.map(({ first }) => first)).toEqual(countTo(300))
  })

  it('stores the message that goes on the wire, with the cursor as its id', async () => {
    const log = await openLog()
    const answer = await log.append(append('stocks', event({ price: 39.81 }, 'MSFT')))
    expect(answer).toEqual({ first: 1, timestamps: [AT], replayed: false })
    const [logged] = readAll(log)
    const message = JSON.parse(logged?.json ?? '') as Record<string, unknown>
    expect(message).toEqual({
      type: 'change',
      topic: 'stocks',
      id: `${log.epoch}.1`,
      key: 'MSFT',
      data: { price: 39.81 },
      timestamp: AT,
    })
    expect(parseCursor(String(message['id']))).toEqual({ epoch: log.epoch, offset: 1, trims: 0 })
  })

  it('commits publishes that come together in few transactions', async () => {
    const dir = directory()
    const log = await openLog({ dir })
    const before = transactions(dir)
    await Promise.all(countTo(1_000).map((n) => log.append(append(`t${n % 3}`, event(n)))))
    const taken = transactions(dir) - before
    expect(taken).toBeGreaterThan(0)
    expect(taken).toBeLessThan(10)
  })

  it('bounds a transaction, so that a flood does not become one', async () => {
    const dir = directory()
    const log = await openLog({ dir })
    const before = transactions(dir)
    await Promise.all(countTo(20).map(() => log.append(append('t', ...countTo(1_000).map((n) => event(n))))))
    expect(transactions(dir) - before).toBeGreaterThanOrEqual(10)
    expect(log.head).toBe(20_000)
  })

  it('takes a publish that is larger than the bound of a transaction', async () => {
    const log = await openLog()
    const { first } = await log.append(append('t', ...countTo(10_000).map((n) => event(n))))
    expect(first).toBe(1)
    expect(readAll(log)).toHaveLength(10_000)
  })

  it('refuses a publish without events and a key that can not be stored, and takes the others', async () => {
    const log = await openLog()
    const [empty, long, fine] = await Promise.allSettled([
      log.append(append('t')),
      log.append(append('t', event(1, 'é'.repeat(1_000)))),
      log.append(append('t', event(2))),
    ])
    expect(empty).toMatchObject({ status: 'rejected', reason: { name: 'RangeError' } })
    expect(long).toMatchObject({ status: 'rejected', reason: { name: 'RangeError' } })
    expect(fine).toMatchObject({ status: 'fulfilled', value: { first: 1 } })
    expect(readAll(log).map(dataOf)).toEqual([2])
  })

  it('refuses what would make one topic too many, and nothing else [WP-8.1]', async () => {
    const dir = directory()
    const log = await openLog({ dir })
    const make = (topic: string, topicsMax = 3): Promise<unknown> =>
      log.append({ ...append(topic, event(topic), event(topic)), topicsMax }).then(
        ({ first }) => first,
        (error: unknown) => (error as ProblemError).problem,
      )
    const over = 'reach-maximum-topics'
    // All at once, so that they share a transaction.
    expect(await Promise.all(['a', 'b', 'a', 'c', 'd', 'b', 'e', 'c'].map((topic) => make(topic)))).toEqual([
      ...[1, 3, 5, 7, over, 9, over, 11],
    ])
    expect([await make('d'), await make('a'), (await log.append(append('own', event(1)))).first]).toEqual([
      over,
      13,
      15,
    ])
    expect([await make('d', 4), await make('d', 5), await make('e', 5)]).toEqual([over, 16, over])
    await log.trim('a', { events: 0 }, 1_000)
    await log.close()
    const again = await openLog({ dir })
    await expect(again.append({ ...append('e', event(1)), topicsMax: 5 })).rejects.toThrow('"e" would be a new one')
    expect([...again.topics()].map(({ topic }) => topic)).toEqual(['a', 'b', 'c', 'd', 'own'])
    expect(again.head).toBe(17)
  })

  it('leaves the idempotency key of what it refused unused, and answers a repetition at any time [WP-3.10]', async () => {
    const log = await openLog()
    const idempotency = { key: 'k', fingerprint: 'f', keepMs: 60_000 }
    await log.append({ ...append('a', event(1)), topicsMax: 1 })
    await expect(log.append({ ...append('b', event(2)), topicsMax: 1, idempotency })).rejects.toThrow(ProblemError)
    const made = { ...append('b', event(2)), idempotency }
    expect(await log.append({ ...made, topicsMax: 2 })).toMatchObject({ first: 2, replayed: false })
    expect(await log.append({ ...made, topicsMax: 1 })).toMatchObject({ first: 2, replayed: true })
  })

  it.each(['disk', 'os'] as const)('has everything after it is opened again (%s)', async (durability) => {
    const dir = directory()
    const first = await openLog({ dir, durability })
    await first.append(append('a', event(1), event(2)))
    await first.close()
    const second = await openLog({ dir, durability })
    expect(second.epoch).toBe(first.epoch)
    expect(second.head).toBe(2)
    expect((await second.append(append('b', event(3)))).first).toBe(3)
    expect(readAll(second).map(dataOf)).toEqual([1, 2, 3])
  })

  it('gives each store an epoch of its own', async () => {
    const [one, two] = [await openLog(), await openLog()]
    expect(one.epoch).not.toBe(two.epoch)
    expect(one.epoch).toMatch(/^[a-z0-9]{1,16}$/)
  })
})

describe('head and onAdvance', () => {
  it('has the events readable when the publish is acknowledged, and tells listeners once per growth', async () => {
    const log = await openLog()
    const heads: number[] = []
    const stop = log.onAdvance(() => heads.push(log.head))
    expect(log.head).toBe(0)
    await log.append(append('t', event(1), event(2)))
    expect(log.head).toBe(2)
    expect(readAll(log)).toHaveLength(2)
    await log.append(append('t', event(3)))
    expect(heads).toEqual([2, 3])
    stop()
    await log.append(append('t', event(4)))
    expect(heads).toEqual([2, 3])
  })
})

describe('close', () => {
  it('finishes what is queued and refuses what comes later', async () => {
    const dir = directory()
    const log = await openLog({ dir })
    const queued = countTo(50).map((n) => log.append(append('t', event(n))))
    const closing = log.close()
    const late = log.append(append('t', event('late')))
    await expect(late).rejects.toBeInstanceOf(ProblemError)
    await expect(late).rejects.toMatchObject({
      problem: 'log-unavailable',
      message: 'The log can not take events now; none of these were appended.',
    })
    await Promise.all(queued)
    await closing
    await expect(log.append(append('t', event('later')))).rejects.toMatchObject({ problem: 'log-unavailable' })
    expect(() => log.scan({ after: 0, upTo: 1, eventsMax: 1, charactersMax: 1 })).toThrow(
      expect.objectContaining({ problem: 'log-unavailable', message: 'The log can not be read now.' }),
    )
    const again = await openLog({ dir })
    expect(readAll(again).map(dataOf)).toEqual(countTo(50))
  })

  it('may be called twice', async () => {
    const log = await openLog()
    await Promise.all([log.close(), log.close()])
    await expect(log.close()).resolves.toBeUndefined()
  })
})
