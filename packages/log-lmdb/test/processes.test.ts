/** Several processes on one store, and processes that die. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  append,
  countTo,
  dataOf,
  directory,
  event,
  type Fixture,
  offsets,
  openLog,
  readAll,
  startFixture,
} from './support.ts'

interface Acknowledged {
  readonly n: number
  readonly first: number
  readonly size: number
}

const acknowledged = (fixture: Fixture): Acknowledged[] =>
  fixture.lines.filter((line): line is Acknowledged => typeof line === 'object' && line !== null && 'n' in line)

const has =
  (member: string) =>
  (line: unknown): boolean =>
    typeof line === 'object' && line !== null && member in line

/** Every event as `[offset, name, n, i]`. */
type Seen = [offset: number, name: string, n: number, i: number]

describe('several processes on one store', () => {
  it('append without hole or repeat, keep their own order, and all see everything in order', {
    timeout: 60_000,
    retry: 0,
  }, async () => {
    const dir = directory()
    const log = await openLog({ dir })
    const followed: number[] = []
    let after = 0
    log.onAdvance(() => {
      while (after < log.head) {
        const page = log.scan({ after, upTo: log.head, eventsMax: 50, charactersMax: 100_000 })
        followed.push(...offsets(page.events))
        after = page.through
      }
    })
    const publishes = 150
    const names = ['a', 'b', 'c']
    const children = names.map((name) => startFixture('appender.mjs', dir, name, String(publishes), '4'))
    for (const child of children) expect(await child.line(has('ready'))).toEqual({ ready: log.epoch })
    for (const child of children) child.process.stdin?.write('go\n')
    for (const child of children) await child.line(has('done'))
    const total = names.length * countTo(publishes).reduce((sum, n) => sum + 1 + (n % 3), 0)
    await expect.poll(() => log.head, { timeout: 5_000 }).toBe(total)

    const all = readAll(log).map((one) => [one.offset, ...(dataOf(one) as [string, number, number])] as Seen)
    expect(all.map(([offset]) => offset)).toEqual(countTo(total))
    for (const [i, name] of names.entries()) {
      const own = all.filter(([, who]) => who === name)
      const expected = countTo(publishes).flatMap((n) => countTo(1 + (n % 3)).map((e) => [name, n, e - 1]))
      expect(own.map(([, ...rest]) => rest)).toEqual(expected)
      for (const { n, first, size } of acknowledged(children[i] as Fixture)) {
        expect(all.slice(first - 1, first - 1 + size)).toEqual(
          countTo(size).map((e) => [first + e - 1, name, n, e - 1]),
        )
      }
    }
    await expect.poll(() => followed.length, { timeout: 5_000 }).toBe(total)
    expect(followed).toEqual(countTo(total))
    for (const child of children) {
      child.process.stdin?.write('end\n')
      const { seen } = (await child.line(has('seen'))) as { seen: Seen[] }
      expect(seen).toEqual(all)
      expect(await child.exited).toEqual({ code: 0, signal: null })
    }
  })

  it('learn of each other at once, and not only by looking each second', async () => {
    const dir = directory()
    const log = await openLog({ dir })
    const child = startFixture('appender.mjs', dir, 'a', '30', '1')
    await child.line(has('ready'))
    const heads: number[] = []
    log.onAdvance(() => heads.push(log.head))
    child.process.stdin?.write('go\n')
    await child.line(has('done'))
    await expect.poll(() => log.head, { interval: 5, timeout: 500 }).toBe(60)
    // Publishes that are made one after the other are heard of one after the other.
    expect(heads.length).toBeGreaterThan(5)
  })

  it('see by refresh() what another appended, before any news of it can have come', async () => {
    const dir = directory()
    const log = await openLog({ dir })
    let told = 0
    log.onAdvance(() => told++)
    const appender = fileURLToPath(new URL('fixtures/appender.mjs', import.meta.url))
    // Nothing else runs in this process until the other has ended.
    execFileSync(process.execPath, [appender, dir, 'other', '2', '1'], { input: 'go\nend\n' })
    expect(log.head).toBe(0)
    log.refresh()
    expect(log.head).toBe(5)
    expect(offsets(readAll(log))).toEqual([1, 2, 3, 4, 5])
    await expect.poll(() => told).toBe(1)
  })

  it('make together just as many topics as there may be [WP-8.1]', async () => {
    const dir = directory()
    const children = ['a', 'b', 'c'].map((name) => startFixture('topic-maker.mjs', dir, name, '100', '120'))
    for (const child of children) await child.line(has('ready'))
    for (const child of children) child.process.stdin?.write('go\n')
    const ends = await Promise.all(children.map((child) => child.line(has('made'))))
    const counts = ends as { readonly made: number; readonly refused: number }[]
    expect(counts.reduce((sum, { made }) => sum + made, 0)).toBe(120)
    expect(counts.reduce((sum, { refused }) => sum + refused, 0)).toBe(180)
    expect([...(await openLog({ dir })).topics()]).toHaveLength(120)
  })

  it('answer an idempotency key that another process used', async () => {
    const dir = directory()
    const [one, two] = [await openLog({ dir }), await openLog({ dir })]
    const publish = { ...append('t', event(1)), idempotency: { key: 'k', fingerprint: 'f', keepMs: 10_000 } }
    const answers = await Promise.all([one.append(publish), two.append(publish)])
    expect(answers.map(({ first }) => first)).toEqual([1, 1])
    expect(answers.filter(({ replayed }) => replayed)).toHaveLength(1)
  })
})

describe('a process that is killed', () => {
  it('loses nothing that it acknowledged, and harms nothing', { timeout: 120_000, retry: 0 }, async () => {
    const dir = directory()
    const first = await openLog({ dir })
    const { epoch } = first
    await first.close()
    const kept: { readonly name: string; readonly one: Acknowledged }[] = []
    for (const round of countTo(10)) {
      const name = `round ${round}`
      const child = startFixture('appender.mjs', dir, name, '0', '8')
      await child.line(has('ready'))
      child.process.stdin?.write('go\n')
      await child.line(has('n'))
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 150))
      child.process.kill('SIGKILL')
      expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' })
      kept.push(...acknowledged(child).map((one) => ({ name, one })))
    }
    const log = await openLog({ dir })
    expect(log.epoch).toBe(epoch)
    const all = readAll(log)
    expect(offsets(all)).toEqual(countTo(log.head))
    expect(kept.length).toBeGreaterThan(10)
    for (const { name, one } of kept) {
      const found = all.slice(one.first - 1, one.first - 1 + one.size).map(dataOf)
      expect(found).toEqual(countTo(one.size).map((i) => [name, one.n, i - 1]))
    }
    const identities = all.map((logged) => JSON.stringify(dataOf(logged)))
    expect(new Set(identities).size).toBe(identities.length)
    expect((await log.append(append('t0', event('after')))).first).toBe(all.length + 1)
  })

  it('does not stop the others, even while it held the write lock', { timeout: 60_000, retry: 0 }, async () => {
    const dir = directory()
    const log = await openLog({ dir })
    for (const round of countTo(5)) {
      const child = startFixture('appender.mjs', dir, `round ${round}`, '0', '8')
      await child.line(has('ready'))
      child.process.stdin?.write('go\n')
      await child.line(has('n'))
      const mine = countTo(20).map((n) => log.append(append('mine', event([round, n]))))
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
      child.process.kill('SIGKILL')
      await child.exited
      await Promise.all(mine)
    }
    const all = readAll(log)
    expect(offsets(all)).toEqual(countTo(log.head))
    const mine = all.filter(({ json }) => json.includes('"topic":"mine"')).map(dataOf)
    expect(mine).toEqual(countTo(5).flatMap((round) => countTo(20).map((n) => [round, n])))
  })
})
