/** The random steps that the simulation is made of. */
import type { Json } from '@watchpost/protocol'
import fc from 'fast-check'
import { isKeyed, type Published, type Wish } from './wish.ts'

/**
 * Where a subscriber starts: a sentinel, the last so many, a cursor, given as a share of the log, possibly of another one,
 * or the state, where there is one.
 */
export type StartWish =
  | { readonly at: 'earliest' | 'latest' }
  | { readonly last: number }
  | { readonly share: number; readonly epoch: string }
  | { readonly with: 'state' }

/** What becomes of a key, in keyed topics. */
export type Change = 'full' | 'fewer members' | 'with null' | 'removal'

export interface Publishing extends Pick<Published, 'type' | 'key'> {
  readonly change: Change
}

export type Step =
  | { readonly do: 'publish'; readonly topic: string; readonly events: readonly Publishing[] }
  | { readonly do: 'make durable'; readonly publishes: number }
  | { readonly do: 'give turn' }
  | { readonly do: 'pass time'; readonly ms: number }
  | { readonly do: 'trim'; readonly topic: string; readonly keep: number }
  | { readonly do: 'subscribe'; readonly wish: Wish; readonly start: StartWish; readonly slow: boolean }
  | { readonly do: 'client takes'; readonly client: number }
  | { readonly do: 'client closes'; readonly client: number }
  | { readonly do: 'client closes at next write'; readonly client: number }
  | { readonly do: 'client resumes'; readonly client: number; readonly slow: boolean }
  | { readonly do: 'read pages'; readonly wish: Wish; readonly start: StartWish; readonly limit: number }

/** What an event is published with as `offset`: in a keyed topic an object of which little changes. */
export function published(topic: string, { type, key, change }: Publishing, offset: number): Published {
  if (!isKeyed(topic)) return { topic, type, key, data: offset }
  return { topic, type, key: key ?? 'none', data: dataOf(key ?? 'none', change, offset) }
}

function dataOf(k: string, change: Change, n: number): Json {
  switch (change) {
    case 'full':
      return { k, n, filler: 'x'.repeat(30), more: { of: n % 3, same: [null, { it: 'is' }] } }
    case 'fewer members':
      return { k, n, filler: 'x'.repeat(30) }
    case 'with null':
      return { k, n, filler: 'x'.repeat(30), more: null }
    case 'removal':
      return null
  }
}

const type = fc.constantFrom('tick', 'tock')
const client = fc.nat(9)
const slow = fc.boolean()

const start: fc.Arbitrary<StartWish> = fc.oneof(
  fc.record({ at: fc.constantFrom('earliest' as const, 'latest' as const) }),
  fc.record({ last: fc.nat(8) }),
  fc.record({
    share: fc.double({ min: 0, max: 1.1, noNaN: true }),
    epoch: fc.oneof({ weight: 5, arbitrary: fc.constant('m3m') }, fc.constant('gone')),
  }),
)

/** What steps are about: the topics and keys of what is published, and what is asked for. */
interface Subject {
  readonly topics: readonly string[]
  readonly keys: readonly (string | undefined)[]
  readonly wish: fc.Arbitrary<Wish>
  readonly start: fc.Arbitrary<StartWish>
}

function stepsOf({ topics, keys, wish, start: from }: Subject): fc.Arbitrary<Step> {
  const topic = fc.constantFrom(...topics)
  const change = fc.constantFrom<Change>(
    'full',
    'full',
    'full',
    'full',
    'fewer members',
    'with null',
    'removal',
    'removal',
  )
  const event = fc.record({ type, key: fc.constantFrom(...keys), change })
  const weighted = <Value>(weight: number, arbitrary: fc.Arbitrary<Value>) => ({ weight, arbitrary })
  const step = <Do extends Step['do']>(name: Do) => fc.constant(name)
  return fc.oneof(
    weighted(8, fc.record({ do: step('publish'), topic, events: fc.array(event, { minLength: 1, maxLength: 5 }) })),
    weighted(6, fc.record({ do: step('make durable'), publishes: fc.integer({ min: 1, max: 5 }) })),
    weighted(6, fc.record({ do: step('give turn') })),
    weighted(3, fc.record({ do: step('pass time'), ms: fc.constantFrom(1, 5, 300, 10_000) })),
    weighted(2, fc.record({ do: step('trim'), topic, keep: fc.nat(6) })),
    weighted(3, fc.record({ do: step('subscribe'), wish, start: from, slow })),
    weighted(4, fc.record({ do: step('client takes'), client })),
    weighted(1, fc.record({ do: step('client closes'), client })),
    weighted(1, fc.record({ do: step('client closes at next write'), client })),
    weighted(2, fc.record({ do: step('client resumes'), client, slow })),
    weighted(1, fc.record({ do: step('read pages'), wish, start, limit: fc.integer({ min: 1, max: 7 }) })),
  )
}

const types = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.constantFrom(['tick'], ['tock', 'tick']))

/** Topics without keys, or with keys that are just words. */
export const plainStep: fc.Arbitrary<Step> = stepsOf({
  topics: ['a/1', 'a/2', 'a/1/x', 'b/1', 'c', 'secret/1'],
  keys: ['k', 'l', '"\\', undefined],
  wish: fc.record({
    filters: fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(['a/1'], ['c'], ['a/*'], ['**']) },
      {
        weight: 1,
        arbitrary: fc.uniqueArray(fc.constantFrom('a/1', 'a/2', 'b/1', 'c', 'a/*', 'a/**', '*/1', '**', '**/x'), {
          minLength: 1,
          maxLength: 3,
        }),
      },
    ),
    keys: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.constantFrom(['k'], ['k', '"\\'])),
    types,
    select: fc.constant([]),
    delta: fc.constant(false),
  }),
  start,
})

/** Keyed topics, with deltas, states and newest events. */
export const keyedStep: fc.Arbitrary<Step> = stepsOf({
  topics: ['k/1', 'k/1', 'k/1', 'k/2', 'latest/1', 'latest/1', 'c'],
  keys: ['k', 'k', 'l', '"\\', 'm', '\u{1f4c8}'],
  wish: fc.record({
    filters: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(['k/1'], ['k/1'], ['latest/1']) },
      { weight: 2, arbitrary: fc.constantFrom(['**'], ['k/*'], ['k/1', 'latest/1'], ['latest/*', 'c']) },
    ),
    keys: fc.oneof({ weight: 7, arbitrary: fc.constant([]) }, fc.constantFrom(['k'], ['k', 'm', '"\\', 'l', 'none'])),
    types: fc.oneof({ weight: 7, arbitrary: fc.constant([]) }, fc.constantFrom(['tick'], ['tock', 'tick'])),
    select: fc.oneof({ weight: 7, arbitrary: fc.constant([]) }, fc.constantFrom(['filler', 'n'], ['more'])),
    delta: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
  }),
  start: fc.oneof(
    { weight: 2, arbitrary: start },
    { weight: 2, arbitrary: fc.constant({ with: 'state' as const }) },
    { weight: 1, arbitrary: fc.constant({ at: 'latest' as const }) },
  ),
})
