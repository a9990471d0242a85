import { type EventFault, encodeEvent, type Limits } from '@watchpost/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TopicDefinition } from '../src/definition.ts'
import type { Append, Appended } from '../src/log.ts'
import { Publisher } from '../src/publish.ts'
import { countTo, OPEN, problemOf, type World, world } from './support.ts'

const TOPICS: Readonly<Record<string, TopicDefinition>> = {
  plain: OPEN,
  stocks: {
    ...OPEN,
    key: '/symbol',
    events: { tick: { type: 'object', properties: { symbol: {}, price: { type: 'number' } } } },
  },
  made: { ...OPEN, key: (({ type, data }: { type: string; data: { n: number } }) => `${type}${data.n}`) as never },
  list: { ...OPEN, events: { tick: { type: 'array', items: { type: 'number' } } } },
  'room/{x}': OPEN,
}

const made = (limits: Partial<Limits> = {}): World => world({ topics: TOPICS, limits })

/** What a publish reaches the log with. */
async function appended(topic: string, events: readonly unknown[], limits: Partial<Limits> = {}): Promise<Append> {
  const { log, clock, topic: resolve, limits: all } = made(limits)
  const appends: Append[] = []
  const answer: Appended = { first: 1, timestamps: [], replayed: false }
  const recording = Object.assign(Object.create(log) as typeof log, {
    append: (append: Append) => Promise.resolve((appends.push(append), answer)),
  })
  await new Publisher(recording, all, clock).publish(resolve(topic), events)
  expect(appends).toHaveLength(1)
  return appends[0] as Append
}

/** The faults of a publish, of which nothing may reach the log. */
async function faults(
  topic: string,
  events: readonly unknown[],
  limits: Partial<Limits> = {},
): Promise<readonly EventFault[]> {
  const { log, clock, topic: resolve, limits: all } = made(limits)
  const publisher = new Publisher(log, all, clock)
  const problem = await problemOf(() => publisher.publish(resolve(topic), events))
  expect([problem.problem, log.appended]).toEqual(['invalid-event', 0])
  return problem.members.errors ?? []
}

const NOW = '2026-11-22T12:34:56.789Z'

describe('a publish that is taken [WP-3.9]', () => {
  it('reaches the log as one append, in order, with the times that it gives or the time that it is', async () => {
    const events = [
      { type: 'tick', data: { b: 1, a: [null] } },
      { type: 'tock', timestamp: '2020-02-29T23:59:59.5+01:00' },
    ]
    expect(await appended('plain', events)).toEqual({
      topic: 'plain',
      keyed: false,
      events: [
        { type: 'tick', data: '{"b":1,"a":[null]}', timestamp: NOW },
        { type: 'tock', data: 'null', timestamp: '2020-02-29T22:59:59.500Z' },
      ],
    })
  })

  it('is kept as it was published, whatever it is [WP-6.2]', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (data) => {
        const [event] = (await appended('plain', [{ type: 'tick', data }])).events
        expect(event?.data).toBe(JSON.stringify(data))
      }),
    )
  })

  it('carries its idempotency key, to be kept for a day [WP-3.10]', async () => {
    const { log, clock, topic, limits } = made()
    const appends: Append[] = []
    const recording = Object.assign(Object.create(log) as typeof log, {
      append: (append: Append) => Promise.resolve((appends.push(append), { first: 1, timestamps: [], replayed: true })),
    })
    const idempotency = { key: 'k', fingerprint: 'f' }
    const answer = await new Publisher(recording, limits, clock).publish(topic('plain'), [{ type: 'tick' }], {
      idempotency,
    })
    expect(appends[0]?.idempotency).toEqual({ ...idempotency, keepMs: 86_400_000 })
    expect(answer.replayed).toBe(true)
  })
})

describe('topics of a template', () => {
  it('are bounded in number, and those that are defined by name are not [WP-8.1]', async () => {
    const { publish, log } = made({ topicsMax: 2 })
    for (const name of ['room/1', 'room/2']) await publish(name, {})
    expect((await problemOf(() => publish('room/3', {}))).problem).toBe('reach-maximum-topics')
    for (const name of ['plain', 'list', 'room/1', 'room/2', 'plain']) await publish(name, { data: [] })
    expect((await problemOf(() => publish('room/3', {}))).problem).toBe('reach-maximum-topics')
    expect([...log.topics()].map(({ topic }) => topic)).toEqual(['list', 'plain', 'room/1', 'room/2'])
  })
})

describe('the key of an event [WP-9.1]', () => {
  it.each<[string, object, string | undefined]>([
    ['plain', { data: {} }, undefined],
    ['plain', { data: {}, key: 'mine' }, 'mine'],
    ['plain', { data: null, key: 'mine' }, 'mine'],
    ['stocks', { data: { symbol: 'MSFT' } }, 'MSFT'],
    ['stocks', { data: { symbol: 'MSFT' }, key: 'MSFT' }, 'MSFT'],
    ['stocks', { data: { symbol: 7 } }, '7'],
    ['stocks', { data: { symbol: 7 }, key: '7' }, '7'],
    ['stocks', { data: null, key: 'MSFT' }, 'MSFT'],
    ['stocks', { key: 'MSFT' }, 'MSFT'],
    ['made', { data: { n: 3 } }, 'tick3'],
  ])('in %s, of %j, is %j', async (topic, event, key) => {
    const { events, keyed } = await appended(topic, [{ type: 'tick', ...event }])
    expect([events[0]?.key, keyed]).toEqual([key, topic !== 'plain'])
  })

  it.each<[string, object, string, string]>([
    ['stocks', { data: { symbol: 'MSFT' }, key: 'AAPL' }, '/key', 'must be "MSFT", which the data gives'],
    ['stocks', { data: {} }, '/data', "does not give the topic's key"],
    ['stocks', { data: { symbol: '' } }, '/data', "does not give the topic's key"],
    ['stocks', { data: { symbol: ['x'] } }, '/data', "does not give the topic's key"],
    ['stocks', { data: null }, '/key', 'must be given when data is null, which removes the key from the state'],
    ['stocks', {}, '/key', 'must be given when data is null, which removes the key from the state'],
    ['plain', { key: '' }, '/key', 'must be a string that is not empty'],
    ['plain', { key: 7 }, '/key', 'must be a string that is not empty'],
    ['plain', { key: null }, '/key', 'must be a string that is not empty'],
    ['plain', { key: '\ud800' }, '/key', 'must be well-formed Unicode'],
    ['stocks', { data: { symbol: 'a\udc00' } }, '/key', 'must be well-formed Unicode'],
  ])('in %s, of %j, is wrong at %s: %s', async (topic, event, path, message) => {
    expect(await faults(topic, [{ type: 'tick', ...event }])).toEqual([{ event: 0, path, message }])
  })

  it('has at most keyBytesMax bytes of UTF-8 [WP-8.1]', async () => {
    const limits = { keyBytesMax: 8 }
    for (const key of ['x'.repeat(8), 'é'.repeat(4), '\u{1f600}'.repeat(2)]) {
      expect((await appended('plain', [{ type: 'tick', key }], limits)).events[0]?.key).toBe(key)
      const [fault] = await faults('plain', [{ type: 'tick', key: `${key}x` }], limits)
      expect(fault).toEqual({ event: 0, path: '/key', message: 'must be at most 8 bytes' })
    }
  })
})

describe('a publish that is refused [WP-3.9]', () => {
  it('is so whole, with every fault of every event and the path to it', async () => {
    const events = [
      { type: 'tick', data: { symbol: 'a' } },
      { type: 'tick', data: { symbol: 'a', price: 'x' }, timestamp: 'noon', 'a/b~': 1 },
      7,
      { data: {} },
      { type: 'welcome', data: {} },
      null,
      ['tick'],
    ]
    expect((await faults('stocks', events)).map(({ event, path }) => [event, path])).toEqual([
      [1, '/a~1b~0'],
      [1, '/timestamp'],
      [1, '/data/price'],
      [2, ''],
      [3, '/type'],
      [4, '/type'],
      [5, ''],
      [6, ''],
    ])
  })

  it('says which types there are, and why a type of the protocol is none [WP-1.2]', async () => {
    const found = await faults('plain', [{ type: 'tack' }, { type: 'gap' }, { type: 7 }, { type: '__proto__' }])
    expect(found.map(({ message }) => message)).toEqual([
      'must be one of "tick", "tock"',
      '"gap" is reserved for control messages',
      'must be one of "tick", "tock"',
      'must be one of "tick", "tock"',
    ])
  })

  it('takes a member __proto__ for what it is: one that no event has', async () => {
    const events = [JSON.parse('{"type":"tick","__proto__":{"data":1}}') as unknown]
    expect((await faults('plain', events)).map(({ path }) => path)).toEqual(['/__proto__'])
  })

  it('names its first fault in words', async () => {
    const { log, clock, topic, limits } = made()
    const publisher = new Publisher(log, limits, clock)
    const message = async (event: unknown): Promise<string> =>
      (await problemOf(() => publisher.publish(topic('plain'), [{ type: 'tick' }, event]))).message
    expect(await message({ type: 'tack' })).toBe('Event 1, /type: must be one of "tick", "tock".')
    expect(await message(7)).toBe('Event 1: must be an object with "type" and "data".')
  })

  it('lists 100 faults at most, be they of many events or of one', async () => {
    const ofMany = await faults(
      'plain',
      countTo(150).map(() => ({ type: 'none' })),
    )
    expect([ofMany.length, ofMany.at(-1)?.event]).toEqual([100, 99])
    const ofOne = await faults('list', [{ type: 'tick', data: countTo(150).map(() => 'x') }])
    expect([ofOne.length, ofOne.at(-1)?.path]).toEqual([100, '/data/99'])
  })

  it('needs events, and no more than publishEventsMax [WP-8.1]', async () => {
    const { log, clock, topic, limits } = made({ publishEventsMax: 3 })
    const publisher = new Publisher(log, limits, clock)
    const events = (n: number): object[] => countTo(n).map(() => ({ type: 'tick' }))
    expect((await problemOf(() => publisher.publish(topic('plain'), []))).problem).toBe('invalid-message')
    expect((await publisher.publish(topic('plain'), events(3))).first).toBe(1)
    const problem = await problemOf(() => publisher.publish(topic('plain'), events(4)))
    expect([problem.problem, log.appended]).toEqual(['message-too-large', 3])
  })

  it('nests no deeper than eventDepthMax [WP-8.1]', async () => {
    const nested = (depth: number): unknown => JSON.parse(`${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`)
    expect((await appended('plain', [{ type: 'tick', data: nested(100) }])).events).toHaveLength(1)
    for (const depth of [102, 4_000, 1_000_000]) {
      expect(await faults('plain', [{ type: 'tick' }, { type: 'tick', data: nested(depth) }])).toEqual([
        { event: 1, path: '/data', message: 'must not nest deeper than 100 levels' },
      ])
    }
    const wide = countTo(2_000).map(() => [])
    expect((await appended('plain', [{ type: 'tick', data: wide }])).events).toHaveLength(1)
  })
})

describe('the size of an event [WP-8.1]', () => {
  const bytesOf = (data: unknown, key?: string): number =>
    Buffer.byteLength(
      encodeEvent({ type: 'tick', topic: 'plain', id: '', key, data: JSON.stringify(data), timestamp: NOW }),
    )
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: fc.constantFrom('\0', '"', 'é', '漢', '\u{1f600}', '\ud800', 'x'), maxLength: 400 }),
  )
  const key = fc.option(fc.string({ unit: fc.constantFrom('\0', 'k'), minLength: 1, maxLength: 255 }), {
    nil: undefined,
  })

  it('is counted in bytes of UTF-8, without its id, and may be just eventBytesMax', async () => {
    await fc.assert(
      fc.asyncProperty(text, key, fc.integer({ min: -2, max: 1 }), async (data, word, spare) => {
        const eventBytesMax = bytesOf(data, word) + spare
        const event = { type: 'tick', data, ...(word !== undefined && { key: word }) }
        if (spare >= 0) {
          expect((await appended('plain', [event], { eventBytesMax })).events).toHaveLength(1)
        } else {
          const { log, clock, topic, limits } = made({ eventBytesMax })
          const problem = await problemOf(() => new Publisher(log, limits, clock).publish(topic('plain'), [event]))
          expect([problem.problem, log.appended]).toEqual(['message-too-large', 0])
          expect(problem.message).toBe(`An event may have ${eventBytesMax} bytes, not ${bytesOf(data, word)}.`)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is counted also when most of it is a key that needs escapes', async () => {
    const word = '\0'.repeat(255)
    const data = '漢'.repeat(5_000)
    const eventBytesMax = bytesOf(data, word) - 1
    const { log, clock, topic, limits } = made({ eventBytesMax })
    const event = { type: 'tick', data, key: word }
    const problem = await problemOf(() => new Publisher(log, limits, clock).publish(topic('plain'), [event]))
    expect(problem.problem).toBe('message-too-large')
  })
})
