/** The random steps of clients that have several subscriptions each. */
import fc from 'fast-check'
import type { Change, Publishing, StartWish } from './script.ts'
import type { Wish } from './wish.ts'

export type SiblingStep =
  | { readonly do: 'publish'; readonly topic: string; readonly events: readonly Publishing[] }
  | { readonly do: 'make durable'; readonly publishes: number }
  | { readonly do: 'give turn' }
  | { readonly do: 'pass time'; readonly ms: number }
  | { readonly do: 'trim'; readonly topic: string; readonly keep: number }
  | { readonly do: 'subscribe'; readonly client: number; readonly wish: Wish; readonly start: StartWish }
  | { readonly do: 'unsubscribe'; readonly client: number; readonly nth: number }
  | { readonly do: 'renew'; readonly client: number; readonly transport: 'sse' | 'websocket' }
  | { readonly do: 'client takes'; readonly client: number }
  | { readonly do: 'client turns'; readonly client: number; readonly slow: boolean }

export const CLIENTS = 2

const topic = fc.constantFrom('a/1', 'a/1', 'a/2', 'b/1', 'latest/1')
const client = fc.nat(CLIENTS - 1)
const type = fc.constantFrom('tick', 'tock')
const key = fc.constantFrom('k', 'l', 'm')
const change = fc.constantFrom<Change>('full', 'full', 'full', 'removal')

const wish: fc.Arbitrary<Wish> = fc.record({
  filters: fc.constantFrom('a/1', 'a/*', '*/1', '**', 'a/**', 'a/2', 'latest/1').map((filter) => [filter]),
  keys: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.constantFrom(['k'], ['l', 'k'])),
  types: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.constantFrom(['tick'], ['tock'])),
  select: fc.constant([]),
  delta: fc.constant(false),
})

const start: fc.Arbitrary<StartWish> = fc.oneof(
  fc.record({ at: fc.constantFrom('earliest' as const, 'latest' as const, 'latest' as const) }),
  fc.record({ last: fc.nat(8) }),
  fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), epoch: fc.constant('m3m') }),
  fc.record({ share: fc.constant(0), epoch: fc.constant('gone') }),
)

const step = <Do extends SiblingStep['do']>(name: Do) => fc.constant(name)
const weighted = <Value>(weight: number, arbitrary: fc.Arbitrary<Value>) => ({ weight, arbitrary })

export const siblingStep: fc.Arbitrary<SiblingStep> = fc.oneof(
  weighted(
    8,
    fc.record({
      do: step('publish'),
      topic,
      events: fc.array(fc.record({ type, key, change }), { minLength: 1, maxLength: 5 }),
    }),
  ),
  weighted(6, fc.record({ do: step('make durable'), publishes: fc.integer({ min: 1, max: 5 }) })),
  weighted(8, fc.record({ do: step('give turn') })),
  weighted(3, fc.record({ do: step('pass time'), ms: fc.constantFrom(1, 5, 300, 10_000) })),
  weighted(2, fc.record({ do: step('trim'), topic, keep: fc.nat(6) })),
  weighted(5, fc.record({ do: step('subscribe'), client, wish, start })),
  weighted(2, fc.record({ do: step('unsubscribe'), client, nth: fc.nat(5) })),
  weighted(2, fc.record({ do: step('renew'), client, transport: fc.constantFrom('sse', 'websocket') })),
  weighted(4, fc.record({ do: step('client takes'), client })),
  weighted(2, fc.record({ do: step('client turns'), client, slow: fc.boolean() })),
)
