import { describe, expect, it } from 'vitest'
import { ANONYMOUS, type Identity, SERVER } from '../src/access.ts'
import type { TopicDefinition } from '../src/definition.ts'
import type { ViewOptions } from '../src/view.ts'
import type { Start, Watch } from '../src/watch.ts'
import { settled } from './manual-clock.ts'
import { countTo, OPEN, plainEncoding, problemOf, RecordingSink, type World, world } from './support.ts'

const watchOf = (here: World, filters: readonly string[], view: ViewOptions = {}): Watch =>
  here.watcher.watch(filters, view, { identity: SERVER })

const many = (n: number, member: object = {}): object[] => countTo(n).map(() => member)

describe('what may be watched', () => {
  const topics: Readonly<Record<string, TopicDefinition>> = {
    open: OPEN,
    paged: { ...OPEN, transports: ['page', 'long-poll'] },
    closed: { events: { tick: {} } },
    writable: { ...OPEN, watch: 'granted' },
  }
  const ANA: Identity = { ...ANONYMOUS, name: 'user ana', subject: 'ana' }

  it.each<[readonly string[], Identity, ViewOptions, string]>([
    [[], ANONYMOUS, {}, 'invalid-parameter'],
    [['a b'], ANONYMOUS, {}, 'invalid-parameter'],
    [['a*'], ANONYMOUS, {}, 'invalid-parameter'],
    [['open', 'missing'], ANONYMOUS, {}, 'unknown-topic'],
    [['closed'], ANA, {}, 'unknown-topic'],
    [['writable'], ANONYMOUS, {}, 'unauthorized'],
    [['**', 'writable'], ANA, {}, 'forbidden'],
    [['open', 'paged'], ANONYMOUS, {}, 'transport-not-offered'],
    [['open'], ANONYMOUS, { select: ['price'] }, 'invalid-parameter'],
  ])('%j for %o with %j meets %s [WP-6.3]', async (filters, identity, view, problem) => {
    const { watcher } = world({ topics })
    const met = await problemOf(() => watcher.watch(filters, view, { identity, transport: 'sse' }))
    expect(met.problem).toBe(problem)
  })

  it('names the transports that there are instead [WP-3.5]', async () => {
    const { watcher } = world({ topics })
    const met = await problemOf(() => watcher.watch(['paged'], {}, { identity: ANONYMOUS, transport: 'sse' }))
    expect(met.members.transports).toEqual(['page', 'long-poll'])
    expect(watcher.watch(['paged'], {}, { identity: ANONYMOUS, transport: 'page' }).selection.has('paged')).toBe(true)
  })

  it('takes a wildcard that matches nothing, since something may come', () => {
    const { watcher } = world({ topics })
    expect(watcher.watch(['none/**'], {}, { identity: ANONYMOUS }).selection.exact).toBeUndefined()
  })
})

describe('where a watch starts [WP-3.4]', () => {
  async function offsets(start: Start, view: ViewOptions = {}, filters = ['a/1']): Promise<number[]> {
    const here = world({ sliceEventsMax: 3 })
    for (const data of countTo(6)) {
      await here.publish('a/1', { data, ...(data % 2 === 0 && { key: 'even' }) })
      await here.publish('b/1', { data })
    }
    const watch = watchOf(here, filters, view)
    const from = await here.clock.until(here.watcher.locate(watch, start))
    const page = await here.clock.until(here.watcher.page(watch, from, 100))
    return page.events.map(({ offset }) => offset)
  }

  it.each<[Start, readonly number[]]>([
    [{ otherwise: 'earliest' }, [1, 3, 5, 7, 9, 11]],
    [{ otherwise: 'latest' }, []],
    [{ after: 'm3m.5', last: 1, otherwise: 'latest' }, [7, 9, 11]],
    [{ after: 'earliest', last: 1, otherwise: 'latest' }, [1, 3, 5, 7, 9, 11]],
    [{ last: 0, otherwise: 'earliest' }, []],
    [{ last: 1, otherwise: 'earliest' }, [11]],
    [{ last: 5, otherwise: 'latest' }, [3, 5, 7, 9, 11]],
    [{ last: 6, otherwise: 'latest' }, [1, 3, 5, 7, 9, 11]],
    [{ last: 1_000, otherwise: 'latest' }, [1, 3, 5, 7, 9, 11]],
  ])('%j shows %j', async (start, expected) => {
    expect(await offsets(start)).toEqual(expected)
  })

  it('counts the last N of what the view shows, over as many slices as it takes', async () => {
    expect(await offsets({ last: 2, otherwise: 'latest' }, { keys: ['even'] })).toEqual([7, 11])
    expect(await offsets({ last: 5, otherwise: 'latest' }, {}, ['**'])).toEqual([8, 9, 10, 11, 12])
  })

  it('ends its search for the last N where a slice is one event', async () => {
    const here = world({ sliceEventsMax: 1 })
    await here.publish('a/1', ...many(4))
    const from = await here.clock.until(here.watcher.locate(watchOf(here, ['a/1']), { last: 3, otherwise: 'latest' }))
    expect(from.position.offset).toBe(1)
  })
})

describe('the sentinels [WP-2.2]', () => {
  it('are before the oldest event that is kept, and after the newest, and meet no gap', async () => {
    const here = world()
    await here.publish('a/1', ...many(5))
    await here.log.trim('a/1', { events: 2 }, 10)
    const watch = watchOf(here, ['a/1'])
    const shown: number[][] = []
    for (const after of ['earliest', 'latest']) {
      const from = await here.watcher.locate(watch, { after, otherwise: 'latest' })
      expect(from.gap).toBeUndefined()
      const sink = new RecordingSink()
      here.watcher.subscribe(watch, from, plainEncoding(), sink)
      await here.clock.giveTurns()
      expect(sink.gaps).toEqual([])
      shown.push(
        sink.offsets,
        (await here.watcher.page(watch, from, 10)).events.map(({ offset }) => offset),
      )
    }
    expect(shown).toEqual([[4, 5], [4, 5], [], []])
  })

  it('are there in an empty log too', async () => {
    const here = world()
    const watch = watchOf(here, ['a/1'])
    for (const after of ['earliest', 'latest']) {
      const from = await here.watcher.locate(watch, { after, otherwise: 'latest' })
      expect(await here.watcher.page(watch, from, 10)).toMatchObject({
        events: [],
        more: false,
        position: { offset: 0 },
      })
    }
  })
})

describe('a gap [WP-2.4]', () => {
  /** Nine events in turns: of a/1 1, 4, 7; of a/2 2, 5, 8; of b/1 3, 6, 9. Of a/1 only 7 is kept. */
  async function trimmedWorld(): Promise<World> {
    const here = world()
    for (const _ of countTo(3)) for (const topic of ['a/1', 'a/2', 'b/1']) await here.publish(topic, {})
    await here.log.trim('a/1', { events: 1 }, 10)
    return here
  }

  it.each<[readonly string[], string, string | undefined]>([
    [['a/1'], 'm3m.0', 'm3m.0-1'],
    [['a/1'], 'm3m.3', 'm3m.3-1'],
    [['a/1'], 'm3m.4', undefined],
    [['a/1'], 'm3m.3-1', undefined],
    [['a/2', 'b/1'], 'm3m.0', undefined],
    [['a/1', 'a/2'], 'm3m.1', 'm3m.1-1'],
    [['b/*'], 'm3m.0', undefined],
    [['**'], 'm3m.0', 'm3m.0-1'],
  ])('of %j after %s: %s', async (filters, after, earliest) => {
    const here = await trimmedWorld()
    const watch = watchOf(here, filters)
    const from = await here.watcher.locate(watch, { after, otherwise: 'latest' })
    const sink = new RecordingSink()
    here.watcher.subscribe(watch, from, plainEncoding(), sink)
    await here.clock.giveTurns()
    if (earliest === undefined) {
      expect(sink.gaps).toEqual([])
      expect((await here.watcher.page(watch, from, 10)).events).toEqual(sink.events)
      return
    }
    expect(sink.gaps.map((gap) => [gap.reason, gap.earliest])).toEqual([['trimmed', earliest]])
    const problem = await problemOf(() => here.watcher.page(watch, from, 10))
    expect([problem.problem, problem.members.earliest]).toEqual(['cursor-expired', earliest])
  })

  it('is announced once: going on from earliest repeats nothing, skips nothing and announces nothing', async () => {
    const here = await trimmedWorld()
    const watch = watchOf(here, ['a/*'])
    const first = await here.watcher.locate(watch, { after: 'm3m.1', otherwise: 'latest' })
    const { members } = await problemOf(() => here.watcher.page(watch, first, 10))
    const from = await here.watcher.locate(watch, { after: members.earliest, otherwise: 'latest' })
    const page = await here.watcher.page(watch, from, 2)
    expect(page.events.map(({ offset }) => offset)).toEqual([2, 5])
    const next = await here.watcher.locate(watch, { after: here.watcher.cursor(page.position), otherwise: 'latest' })
    expect((await here.watcher.page(watch, next, 10)).events.map(({ offset }) => offset)).toEqual([7, 8])
  })

  it('is none of a cursor from another process whose events were not heard of yet [WP-2.3]', async () => {
    const here = world({ byHand: true })
    void here.publish('a/1', {})
    here.log.isUnheard = true
    const from = await here.watcher.locate(watchOf(here, ['a/1']), { after: 'm3m.1', otherwise: 'latest' })
    expect(from).toEqual({ position: { offset: 1, trims: 0 } })
  })

  it.each(['gone.3', 'm3m.10', 'm3m.10-12'])('of a log that has no %s starts from what there is', async (after) => {
    const here = await trimmedWorld()
    const watch = watchOf(here, ['a/1'])
    const from = await here.watcher.locate(watch, { after, otherwise: 'latest' })
    const sink = new RecordingSink()
    here.watcher.subscribe(watch, from, plainEncoding(), sink)
    await here.clock.giveTurns()
    expect(sink.gaps).toEqual([{ reason: 'epoch', after, earliest: 'm3m.0-1' }])
    expect(sink.offsets).toEqual([7])
    const problem = await problemOf(() => here.watcher.page(watch, from, 10))
    expect([problem.problem, problem.members.earliest]).toEqual(['cursor-expired', 'm3m.0-1'])
  })

  it('names the state, if one keyed topic is watched', async () => {
    const here = world({ topics: { stocks: { ...OPEN, key: '/s' }, b: OPEN } })
    await here.publish('stocks', { data: { s: 'A' } })
    const states: (string | undefined)[] = []
    for (const filters of [['stocks'], ['stocks', 'b'], ['*'], ['b']]) {
      const watch = watchOf(here, filters)
      const from = await here.watcher.locate(watch, { after: 'gone.1', otherwise: 'latest' })
      states.push((await problemOf(() => here.watcher.page(watch, from, 10))).members.state)
    }
    expect(states).toEqual(['/v1/state/stocks', undefined, undefined, undefined])
  })

  it('is announced for each loss, also for one that lies below an earlier one', async () => {
    const here = world({ sliceEventsMax: 2 })
    for (const _ of countTo(6)) await here.publish('a/2', {})
    for (const _ of countTo(4)) await here.publish('a/1', {})
    await here.log.trim('a/1', { events: 1 }, 100)
    const watch = watchOf(here, ['a/1', 'a/2'])
    const from = await here.watcher.locate(watch, { after: 'm3m.0', otherwise: 'latest' })
    const sink = new RecordingSink()
    here.watcher.subscribe(watch, from, plainEncoding(), sink)
    while (sink.offsets.length < 2) await here.clock.giveTurn()
    await here.log.trim('a/2', { events: 1 }, 100)
    await here.clock.giveTurns()
    expect(sink.offsets).toEqual([1, 2, 6, 10])
    expect(sink.gaps.map(({ earliest }) => earliest)).toEqual(['m3m.0-1', 'm3m.2-2'])
  })

  it('that a page meets after its first events comes with the next page, not in their place', async () => {
    const here = world({ sliceEventsMax: 1 })
    await here.publish('a/1', {}, {})
    await here.publish('a/2', {}, {}, {})
    const watch = watchOf(here, ['a/*'])
    const from = await here.watcher.locate(watch, { otherwise: 'earliest' })
    const reading = here.watcher.page(watch, from, 10)
    await settled()
    await here.log.trim('a/2', { events: 1 }, 10)
    const page = await here.clock.until(reading)
    expect([page.events.map(({ offset }) => offset), page.position, page.more]).toEqual([
      [1, 2],
      { offset: 2, trims: 0 },
      true,
    ])
    const problem = await problemOf(() => here.watcher.page(watch, { position: page.position }, 10))
    expect(problem.members.earliest).toBe('m3m.2-1')
  })
})

describe('what is no cursor [WP-2.3]', () => {
  it.each(['', 'yesterday', 'm3m', 'm3m.01', 'm3m.5-0', 'LATEST'])('%j', async (after) => {
    const here = world()
    const problem = await problemOf(() => here.watcher.locate(watchOf(here, ['a/1']), { after, otherwise: 'latest' }))
    expect(problem.problem).toBe('invalid-cursor')
  })
})

describe('a page [WP-3.7]', () => {
  it('ends at its limit, and says whether there may be more', async () => {
    const here = world({ sliceEventsMax: 2 })
    await here.publish('a/1', ...many(5))
    await here.publish('b/1', ...many(3))
    const watch = watchOf(here, ['a/1'])
    const pages: [number[], boolean, number][] = []
    for (let after = 'earliest', more = true; more; ) {
      const from = await here.watcher.locate(watch, { after, otherwise: 'latest' })
      const page = await here.clock.until(here.watcher.page(watch, from, 2))
      pages.push([page.events.map(({ offset }) => offset), page.more, page.position.offset])
      more = page.more
      after = here.watcher.cursor(page.position)
    }
    expect(pages).toEqual([
      [[1, 2], true, 2],
      [[3, 4], true, 4],
      [[5], false, 8],
    ])
  })

  it('ends rather than grow past pageBytesMax, but has one event at least [WP-8.1]', async () => {
    const here = world({ limits: { pageBytesMax: 1_000 } })
    const sizes = [10, 500, 350, 350, 2_000, 10]
    for (const size of sizes) await here.publish('a/1', { data: 'x'.repeat(size) })
    const watch = watchOf(here, ['a/1'])
    const pages: number[][] = []
    for (let position = { offset: 0, trims: 0 }, more = true; more; ) {
      const page = await here.watcher.page(watch, { position }, 100)
      pages.push(page.events.map(({ offset }) => offset))
      ;({ position, more } = page)
    }
    expect(pages).toEqual([[1, 2], [3, 4], [5], [6]])
  })

  it('ends its search after a while, without events but with its place', async () => {
    const here = world({ sliceEventsMax: 1 })
    await here.publish('a/1', ...many(250))
    const watch = watchOf(here, ['a/1'], { types: ['tock'] })
    const places: [number, boolean][] = []
    for (let position = { offset: 0, trims: 0 }, more = true; more; ) {
      const page = await here.clock.until(here.watcher.page(watch, { position }, 100))
      expect(page.events).toEqual([])
      ;({ position, more } = page)
      places.push([position.offset, more])
    }
    expect(places).toEqual([
      [100, true],
      [200, true],
      [250, false],
    ])
  })

  it('shows what was durable when it was asked for, and no more', async () => {
    const here = world({ byHand: true })
    void here.publish('a/1', {}, {})
    void here.publish('a/1', {})
    here.log.advance(1)
    const page = await here.watcher.page(watchOf(here, ['a/1']), { position: { offset: 0, trims: 0 } }, 10)
    expect([page.events.length, page.position.offset, page.more]).toEqual([2, 2, false])
    here.log.advance()
  })
})
