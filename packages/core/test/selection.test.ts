import { describe, expect, it } from 'vitest'
import { type AccessContext, ANONYMOUS, type Identity, SERVER } from '../src/access.ts'
import { Registry } from '../src/registry.ts'
import { Selection } from '../src/selection.ts'
import { MemoryLog } from './memory-log.ts'
import { OPEN } from './support.ts'

const ANA: Identity = { ...ANONYMOUS, name: 'user ana', subject: 'ana' }
const BOB: Identity = { ...ANONYMOUS, name: 'user bob', subject: 'bob' }

const registry = new Registry({
  'open/{x}': OPEN,
  'open/{x}/{y}': OPEN,
  'paged/{x}': { ...OPEN, transports: ['page'] },
  'home/{user}': { ...OPEN, watch: ({ identity, params }) => identity.subject === params['user'] },
  granted: { ...OPEN, watch: 'granted' },
  keyed: { ...OPEN, key: '/id' },
})

const selected = (filters: readonly string[], topics: readonly string[], identity: Identity = ANONYMOUS): string[] => {
  const selection = new Selection(filters, registry, { identity, transport: 'sse' })
  return topics.filter((topic) => selection.has(topic))
}

async function logOf(...topics: readonly string[]): Promise<MemoryLog> {
  const log = new MemoryLog()
  const event = { type: 'tick', data: '1', timestamp: '2026-11-22T12:34:56.789Z' }
  for (const topic of topics) await log.append({ topic, keyed: false, events: [event] })
  return log
}

describe('what a selection covers', () => {
  const TOPICS = ['open/1', 'open/1/2', 'paged/1', 'home/ana', 'home/bob', 'granted', 'unknown/1', '$presence/open']

  it.each<[readonly string[], Identity, readonly string[]]>([
    [['open/*'], ANONYMOUS, ['open/1']],
    [['open/**'], ANONYMOUS, ['open/1', 'open/1/2']],
    [['*/1', 'open/1/2'], ANONYMOUS, ['open/1', 'open/1/2']],
    [['**'], ANONYMOUS, ['open/1', 'open/1/2']],
    [['**'], ANA, ['open/1', 'open/1/2', 'home/ana']],
    [['home/*'], BOB, ['home/bob']],
    [['$presence/**'], ANONYMOUS, []],
  ])('%j for %o: just what is offered there and may be watched [WP-6.3] [WP-3.5]', (filters, identity, expected) => {
    expect(selected(filters, TOPICS, identity)).toEqual(expected)
  })

  it('passes over no transport when there is none, and over no rule for the server itself', () => {
    const selection = new Selection(['**'], registry, { identity: SERVER })
    expect(TOPICS.filter((topic) => selection.has(topic))).toEqual([
      ...['open/1', 'open/1/2', 'paged/1', 'home/ana', 'home/bob', 'granted'],
    ])
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new TypeError('no claims')
      },
    ],
    ['answers with a promise', () => Promise.resolve(true)],
    ['answers with anything but true', () => 'yes'],
  ])('leaves out what a rule does not allow that %s [WP-6.1]', (_what, rule) => {
    const rules = new Registry({ 'chat/{room}': { ...OPEN, watch: rule as () => boolean }, open: OPEN })
    const selection = new Selection(['**'], rules, { identity: ANA })
    expect([selection.has('chat/lobby'), selection.has('open')]).toEqual([false, true])
  })

  it('asks a rule once per topic, with all that the rule may go by', () => {
    const asked: AccessContext[] = []
    const watch = (context: AccessContext): boolean => asked.push(context) > 0
    const rules = new Registry({ 'chat/{room}': { ...OPEN, watch } })
    const selection = new Selection(['chat/*'], rules, { identity: ANA })
    expect([selection.has('chat/lobby'), selection.has('chat/lobby')]).toEqual([true, true])
    expect(asked).toEqual([{ identity: ANA, topic: 'chat/lobby', params: { room: 'lobby' } }])
  })
})

describe('the name of a selection', () => {
  const nameOf = (filters: readonly string[], identity = ANONYMOUS, transport?: 'sse' | 'page'): string =>
    new Selection(filters, registry, { identity, ...(transport && { transport }) }).name

  it('is the same for the same filters in any order', () => {
    expect(nameOf(['a', 'b', 'a'])).toBe(nameOf(['b', 'a']))
  })

  it('tells identities and transports apart, who may see different things', () => {
    const all = (identity: Identity, transport?: 'sse' | 'page'): string => nameOf(['**'], identity, transport)
    const names = [all(ANONYMOUS), all(ANA), all(BOB), all(ANA, 'sse'), all(ANA, 'page'), nameOf(['open/1'])]
    expect(new Set(names).size).toBe(names.length)
  })

  it('is the same for identities that see the same, so that they share a feed', () => {
    expect(nameOf(['open/1', 'open/*'], ANA)).toBe(nameOf(['open/1', 'open/*'], BOB))
  })
})

describe('how a selection is read', () => {
  it('by index for topics without wildcard, whether they exist or not', async () => {
    const log = await logOf('open/1')
    const selection = new Selection(['open/2', 'open/1'], registry, { identity: ANONYMOUS })
    expect(selection.indexed(log)).toEqual(['open/1', 'open/2'])
  })

  it('by index for the few existing topics of a wildcard, each once', async () => {
    const log = await logOf('open/1', 'open/2', 'granted', 'home/ana', 'unknown/1')
    const selection = new Selection(['**', 'open/*', '*/1'], registry, { identity: ANONYMOUS })
    expect(selection.indexed(log)).toEqual(['open/1', 'open/2'])
  })

  it('along the whole log for a wildcard of many topics', async () => {
    const topics = Array.from({ length: 33 }, (_, i) => `open/${i}`)
    const few = new Selection(['open/*'], registry, { identity: ANONYMOUS })
    expect(few.indexed(await logOf(...topics.slice(0, 32)))).toHaveLength(32)
    expect(few.indexed(await logOf(...topics))).toBeUndefined()
  })

  it('knows the losses of the topics that it covers, and of no other [WP-2.4]', async () => {
    const log = await logOf('open/1', 'open/1', 'granted', 'open/2', 'granted', 'open/2')
    await log.trim('open/1', { events: 1 }, 10)
    await log.trim('granted', { events: 0 }, 10)
    const lost = (filters: readonly string[], offset: number, trims: number): boolean =>
      new Selection(filters, registry, { identity: ANONYMOUS }).hasLoss(log, { offset, trims })
    expect([['open/1'], ['open/2'], ['**'], ['granted']].map((filters) => lost(filters, 0, 0))).toEqual([
      true,
      false,
      true,
      true,
    ])
    expect([lost(['open/1'], 1, 0), lost(['open/1'], 0, 1), lost(['granted'], 0, 1), lost(['granted'], 0, 2)]).toEqual([
      false,
      false,
      true,
      false,
    ])
  })

  it('reads none of the presence topics that there are for a wildcard that matches none of them [WP-3.3]', async () => {
    const rooms = Array.from({ length: 3_000 }, (_, i) => `$presence/open/${i}`)
    const log = await logOf('!', ...rooms, 'open/1', 'open/2')
    await log.trim('$presence/open/1', { events: 0 }, 10)
    const topics = log.topics.bind(log)
    const listed: string[] = []
    log.topics = function* (...asked) {
      for (const facts of topics(...asked)) {
        listed.push(facts.topic)
        yield facts
      }
    }
    for (const filter of ['**', '*/1', '*/*']) {
      const selection = new Selection([filter], registry, { identity: ANONYMOUS })
      expect(selection.indexed(log)).toEqual(['open/1', 'open/2'].filter((topic) => selection.has(topic)))
      expect(selection.hasLoss(log, { offset: 0, trims: 0 })).toBe(false)
      expect(listed.splice(0)).toEqual(['!', 'open/1', 'open/2', '!', 'open/1', 'open/2'])
    }
    await log.trim('open/1', { events: 0 }, 10)
    expect(new Selection(['**'], registry, { identity: ANONYMOUS }).hasLoss(log, { offset: 0, trims: 1 })).toBe(true)
  })

  it('finds presence topics for a filter that begins as they do, and their losses [WP-9.4]', async () => {
    const log = await logOf('$presence/room/1', '$presence/room/2', 'room/1')
    await log.trim('$presence/room/2', { events: 0 }, 10)
    const rooms = new Registry({ 'room/{x}': { ...OPEN, presence: true } })
    const of = (filter: string): Selection => new Selection([filter], rooms, { identity: ANONYMOUS })
    expect(['$presence/**', '**'].map((filter) => of(filter).indexed(log))).toEqual([
      ['$presence/room/1', '$presence/room/2'],
      ['room/1'],
    ])
    expect(['$presence/**', '**'].map((filter) => of(filter).hasLoss(log, { offset: 0, trims: 0 }))).toEqual([
      ...[true, false],
    ])
  })

  it('has a state when it is one keyed topic', () => {
    const keyedTopic = (...filters: string[]): string | undefined =>
      new Selection(filters, registry, { identity: ANONYMOUS }).keyedTopic
    expect([keyedTopic('keyed'), keyedTopic('keyed', 'open/1'), keyedTopic('*'), keyedTopic('open/1')]).toEqual([
      ...['keyed', undefined, undefined, undefined],
    ])
  })
})

describe('a selection whose topics are defined anew', () => {
  const see = (selection: Selection, ...topics: readonly string[]): boolean[] =>
    topics.map((topic) => selection.has(topic))

  it('goes by the new definitions, and has no name in common with those of before', () => {
    const changing = new Registry({ a: OPEN, 'b/{x}': OPEN })
    const viewer = { identity: ANA, transport: 'sse' } as const
    const [wild, exact] = [new Selection(['**'], changing, viewer), new Selection(['a', 'c'], changing, viewer)]
    expect(see(wild, 'a', 'b/1', 'c')).toEqual([true, true, false])
    changing.redefine({ a: { ...OPEN, watch: 'granted' }, 'b/{x}': { ...OPEN, transports: ['page'] }, c: OPEN })
    expect(see(wild, 'a', 'b/1', 'c')).toEqual([false, false, true])
    expect(see(exact, 'a', 'c')).toEqual([false, true])
    expect(exact.indexed(new MemoryLog())).toEqual(['c'])
    for (const before of [wild, exact]) {
      expect(new Selection(before.filters, changing, viewer).name).not.toBe(before.name)
    }
    changing.redefine({ a: OPEN })
    expect([see(wild, 'a', 'c'), see(exact, 'a', 'c')]).toEqual([
      [true, false],
      [true, false],
    ])
  })

  it('hides what a new mask hides, and all if the mask fails or the topic went [WP-6.5]', async () => {
    const changing = new Registry({ a: OPEN })
    const log = new MemoryLog()
    const events = [{ type: 'tick', data: '{"ip":"::1","n":1}', timestamp: '2026-11-22T12:34:56.789Z' }]
    await log.append({ topic: 'a', keyed: false, events })
    const [event] = log.scan({ after: 0, upTo: 1, eventsMax: 1, charactersMax: 1 }).events
    for (const filter of ['a', '*']) {
      changing.redefine({ a: OPEN })
      const selection = new Selection([filter], changing, { identity: ANA })
      const shown = (): unknown => event && (JSON.parse(selection.masked(event).json) as { data: unknown }).data
      expect(shown()).toEqual({ ip: '::1', n: 1 })
      changing.redefine({ a: { ...OPEN, mask: ['/ip'] } })
      expect(shown()).toEqual({ n: 1 })
      const mask = (): string[] => {
        throw new TypeError('no claims')
      }
      changing.redefine({ a: { ...OPEN, mask } })
      expect([shown(), selection.has('a')]).toEqual([null, false])
      changing.redefine({ b: OPEN })
      expect([shown(), selection.has('a')]).toEqual([null, false])
    }
  })
})
