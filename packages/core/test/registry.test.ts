import { limitsWith } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { type Action, ANONYMOUS, type Identity, SERVER } from '../src/access.ts'
import { DefinitionError } from '../src/definition-error.ts'
import { Registry } from '../src/registry.ts'
import { OPEN, problemOf } from './support.ts'

const ANA: Identity = { ...ANONYMOUS, name: 'user ana', subject: 'ana' }

describe('the definition that a topic falls under [WP-3.3]', () => {
  const templates = ['chat/{room}', 'chat/lobby', '{any}/lobby', 'chat/{room}/{day}', 'chat/{room}/today', 'stocks']
  const orders = [templates, [...templates].reverse(), [...templates].sort()]

  it.each<[string, string | undefined, Record<string, string>]>([
    ['chat/lobby', 'chat/lobby', {}],
    ['chat/kitchen', 'chat/{room}', { room: 'kitchen' }],
    ['news/lobby', '{any}/lobby', { any: 'news' }],
    ['chat/lobby/today', 'chat/{room}/today', { room: 'lobby' }],
    ['chat/lobby/7', 'chat/{room}/{day}', { room: 'lobby', day: '7' }],
    ['stocks', 'stocks', {}],
    ['chat', undefined, {}],
    ['chat/a/b/c', undefined, {}],
    ['{any}/lobby', undefined, {}],
  ])('%s falls under %s, in whatever order they are written', (name, template, params) => {
    for (const order of orders) {
      const registry = new Registry(Object.fromEntries(order.map((one) => [one, OPEN])))
      const found = registry.resolve(name)
      expect([found?.topic.template, { ...found?.params }]).toEqual([template, params])
      expect(registry.resolve(name)).toBe(found)
    }
  })

  it('is none for a topic of the server itself, whatever the templates are [WP-9.2]', async () => {
    const registry = new Registry({ '{x}': OPEN, '{x}/{y}': OPEN })
    expect([registry.resolve('$presence'), registry.resolve('$presence/chat')]).toEqual([undefined, undefined])
    expect((await problemOf(() => registry.demand('publish', '$presence/chat', SERVER))).problem).toBe('unknown-topic')
    expect(() => new Registry({ '$presence/{x}': OPEN })).toThrow(DefinitionError)
  })

  it('is bounded in what it remembers, and finds the rest anew', () => {
    const registry = new Registry({ 't/{x}': OPEN })
    for (let i = 0; i < 10_050; i++) expect(registry.resolve(`t/${i}`)?.params['x']).toBe(String(i))
    expect(registry.resolve('t/0')?.params['x']).toBe('0')
  })

  it('takes its retention from the server when it has none of its own [WP-6.4]', () => {
    const retention = { events: 100 }
    const registry = new Registry({ a: OPEN, b: { ...OPEN, retention: { ageMs: 1 } } }, { retention })
    expect(registry.topics.map((topic) => topic.retention)).toEqual([retention, { ageMs: 1 }])
  })
})

describe('what is demanded of a topic [WP-6.1] [WP-6.3]', () => {
  const registry = new Registry(
    {
      open: OPEN,
      readable: { ...OPEN, publish: 'granted' },
      writable: { ...OPEN, watch: 'granted' },
      closed: { events: { tick: {} } },
      'home/{user}': {
        ...OPEN,
        watch: ({ identity, params }) => identity.subject === params['user'],
        publish: 'granted',
      },
    },
    { limits: limitsWith({ topicSegmentsMax: 3 }) },
  )

  it.each<[Action, string, Identity]>([
    ['watch', 'open', ANONYMOUS],
    ['publish', 'open', ANA],
    ['watch', 'readable', ANONYMOUS],
    ['publish', 'writable', ANONYMOUS],
    ['watch', 'home/ana', ANA],
    ['publish', 'closed', SERVER],
    ['watch', 'home/bob', SERVER],
  ])('to %s %s is allowed for %o', (action, name, identity) => {
    expect(registry.demand(action, name, identity).name).toBe(name)
  })

  it.each<[Action, string, Identity, string]>([
    ['publish', 'readable', ANONYMOUS, 'unauthorized'],
    ['publish', 'readable', ANA, 'forbidden'],
    ['watch', 'writable', ANONYMOUS, 'unauthorized'],
    ['watch', 'writable', ANA, 'forbidden'],
    ['publish', 'home/ana', ANA, 'forbidden'],
    ['watch', 'closed', ANONYMOUS, 'unknown-topic'],
    ['publish', 'closed', ANA, 'unknown-topic'],
    ['watch', 'home/bob', ANA, 'unknown-topic'],
    ['watch', 'missing', ANA, 'unknown-topic'],
    ['watch', 'a b', ANA, 'invalid-parameter'],
    ['watch', 'open/', ANA, 'invalid-parameter'],
    ['watch', 'a/b/c/d', ANA, 'invalid-parameter'],
    ['publish', 'open/*', ANA, 'invalid-parameter'],
  ])('to %s %s for %o meets %s', async (action, name, identity, problem) => {
    expect((await problemOf(() => registry.demand(action, name, identity))).problem).toBe(problem)
  })

  it('answers for a hidden topic exactly as for one that does not exist', async () => {
    const hidden = await problemOf(() => registry.demand('watch', 'closed', ANA))
    const missing = await problemOf(() => registry.demand('watch', 'zlosed', ANA))
    expect(hidden.message.replace('closed', 'zlosed')).toBe(missing.message)
    expect(hidden.members).toEqual(missing.members)
  })
})

describe('a registry that is defined anew', () => {
  it('resolves by the new definitions, and forgets what it remembers of the old', async () => {
    const registry = new Registry({ a: OPEN, 'b/{x}': OPEN }, { retention: { events: 1 } })
    const before = ['a', 'b/1', 'c'].map((name) => registry.resolve(name)?.topic.template)
    registry.redefine({ 'b/{x}': OPEN, 'b/1': { ...OPEN, watch: 'granted' }, c: OPEN }, { retention: { events: 2 } })
    const after = ['a', 'b/1', 'c'].map((name) => registry.resolve(name)?.topic.template)
    expect([before, after]).toEqual([
      ['a', 'b/{x}', undefined],
      [undefined, 'b/1', 'c'],
    ])
    expect(registry.topics.map(({ retention }) => retention.events)).toEqual([2, 2, 2])
    expect((await problemOf(() => registry.demand('watch', 'a', ANA))).problem).toBe('unknown-topic')
    expect((await problemOf(() => registry.demand('watch', 'b/1', ANA))).problem).toBe('forbidden')
    expect(registry.generation).toBe(1)
  })

  it('stays as it is if any of the definitions can not work', () => {
    const registry = new Registry({ a: OPEN }, { limits: limitsWith({ topicSegmentsMax: 2 }) })
    const topics = registry.topics
    for (const bad of [
      { b: OPEN, a: { events: {} } },
      { b: OPEN, 'a/b/c': OPEN },
    ]) {
      expect(() => registry.redefine(bad)).toThrow(DefinitionError)
    }
    expect([registry.topics, registry.generation, registry.resolve('b')]).toEqual([topics, 0, undefined])
  })
})
