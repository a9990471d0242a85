/** The random steps that the simulation is made of. */
import fc from 'fast-check'
import type { Published, Wish } from './ledger.ts'

/** Where a subscriber starts: a sentinel, the last so many, or a cursor, given as a share of the log, possibly of another one. */
export type StartWish =
  | { readonly at: 'earliest' | 'latest' }
  | { readonly last: number }
  | { readonly share: number; readonly epoch: string }

export type Step =
  | { readonly do: 'publish'; readonly topic: string; readonly events: readonly Pick<Published, 'type' | 'key'>[] }
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

const TOPICS = ['a/1', 'a/2', 'a/1/x', 'b/1', 'c', 'secret/1']
const topic = fc.constantFrom(...TOPICS)
const type = fc.constantFrom('tick', 'tock')
const key = fc.constantFrom('k', 'l', '"\\', undefined)

const wish: fc.Arbitrary<Wish> = fc.record({
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
  types: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.constantFrom(['tick'], ['tock', 'tick'])),
})

const start: fc.Arbitrary<StartWish> = fc.oneof(
  fc.record({ at: fc.constantFrom('earliest' as const, 'latest' as const) }),
  fc.record({ last: fc.nat(8) }),
  fc.record({
    share: fc.double({ min: 0, max: 1.1, noNaN: true }),
    epoch: fc.oneof({ weight: 5, arbitrary: fc.constant('m3m') }, fc.constant('gone')),
  }),
)

const client = fc.nat(9)
const slow = fc.boolean()

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      topic,
      events: fc.array(fc.record({ type, key }), { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('make durable' as const), publishes: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('give turn' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pass time' as const), ms: fc.constantFrom(1, 5, 300, 10_000) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('trim' as const), topic, keep: fc.nat(6) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('subscribe' as const), wish, start, slow }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('client takes' as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('client closes' as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('client closes at next write' as const), client }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('client resumes' as const), client, slow }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('read pages' as const),
      wish,
      start,
      limit: fc.integer({ min: 1, max: 7 }),
    }),
  },
)
