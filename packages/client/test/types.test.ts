/**
 * Types flow from a server's configuration, or from an interface that says the same, into the client. The compiler is the
 * judge of this file: a `@ts-expect-error` without an error fails the build.
 */
import {
  type Client,
  createClient,
  type EphemeralEvent,
  type Event,
  type GapMessage,
  type Member,
  type NewEvent,
  type Selected,
  type TopicOf,
  type Watch,
  type WatchedEvent,
} from '@watchpost/client'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { defineConfig, topic } from 'watchpost'
import { z } from 'zod'

const config = defineConfig({
  topics: {
    stocks: topic({
      events: {
        price: z.object({ symbol: z.string(), price: z.number() }),
        halted: z.object({ symbol: z.string(), reason: z.enum(['news', 'volume']).optional() }),
      },
      key: '/symbol',
    }),
    'chat/{room}': topic({ events: { message: z.object({ text: z.string() }) } }),
    'chat/{room}/{thread}': topic({ events: { reply: z.object({ to: z.string() }) } }),
    plain: topic({ events: { line: { type: 'object' } } }),
    pens: topic({
      events: {
        drawn: z.object({ pen: z.string() }),
        hover: { ephemeral: true, schema: z.object({ pen: z.string() }) },
      },
      key: '/pen',
    }),
  },
})
type Config = typeof config

/** The same, as it can be written by hand or generated. */
interface Written {
  topics: {
    stocks: {
      keyed: true
      data: {
        price: { symbol: string; price: number }
        halted: { symbol: string; reason?: 'news' | 'volume' | undefined }
      }
    }
    'chat/{room}': { data: { message: { text: string } } }
    'chat/{room}/{thread}': { data: { reply: { to: string } } }
    plain: { data: { line: unknown } }
    pens: { keyed: true; ephemeral: 'hover'; data: { drawn: { pen: string }; hover: { pen: string } } }
  }
}

interface Price {
  symbol: string
  price: number
}
type PriceEvent = Event<'price', Price | null>
type Message = Event<'message', { text: string }>
type Reply = Event<'reply', { to: string }>

const url = 'http://127.0.0.1:1'
const typed = createClient<Config>({ url })
const written = createClient<Written>({ url })
const untyped = createClient({ url })

/** What a watch gives its listeners. */
type EventOf<W> = W extends Watch<infer E> ? E : never

describe('the types of a client', () => {
  it('name the topics of a server, templates as whole families [WP-3.3]', () => {
    expectTypeOf<TopicOf<Config>>().toEqualTypeOf<TopicOf<Written>>()
    expectTypeOf<'stocks'>().toExtend<TopicOf<Config>>()
    expectTypeOf<'chat/lobby'>().toExtend<TopicOf<Config>>()
    expectTypeOf<'stock'>().not.toExtend<TopicOf<Config>>()
    const refused = [
      // @ts-expect-error: no such topic
      () => typed.watch('stock'),
      // @ts-expect-error: no such topic
      () => written.state('chat'),
    ]
    expect(refused.length).toBe(2)
  })

  it('give each event its data [WP-6.2]', () => {
    expectTypeOf<Extract<WatchedEvent<Config, 'stocks'>, { type: 'price' }>>().toEqualTypeOf<PriceEvent>()
    expectTypeOf<WatchedEvent<Config, 'stocks'>>().toEqualTypeOf<WatchedEvent<Written, 'stocks'>>()
    expectTypeOf<WatchedEvent<Config, 'chat/lobby'>>().toEqualTypeOf<Message>()
    expectTypeOf<WatchedEvent<Written, 'chat/lobby/today'>>().toEqualTypeOf<Reply>()
    expectTypeOf<WatchedEvent<Config, 'plain'>['data']>().toEqualTypeOf<unknown>()
    const untypedEvent = (): EventOf<ReturnType<typeof untyped.watch<'any', object>>> => {
      throw new Error('only its type is of interest')
    }
    expectTypeOf(untypedEvent).returns.toEqualTypeOf<Event<string, unknown>>()
    const stocks = () => typed.watch('stocks')
    expectTypeOf<EventOf<ReturnType<typeof stocks>>>().toEqualTypeOf<WatchedEvent<Config, 'stocks'>>()
  })

  it('give a wildcard the events of all that it can match [WP-3.3]', () => {
    expectTypeOf<WatchedEvent<Config, 'chat/*'>>().toEqualTypeOf<Message>()
    expectTypeOf<WatchedEvent<Config, 'chat/**'>>().toEqualTypeOf<Message | Reply>()
    expectTypeOf<WatchedEvent<Config, 'chat/*/today'>>().toEqualTypeOf<Reply>()
    expectTypeOf<WatchedEvent<Config, '*/*'>>().toEqualTypeOf<Message>()
    expectTypeOf<WatchedEvent<Config, '**'>['type']>().toEqualTypeOf<
      'price' | 'halted' | 'message' | 'reply' | 'line' | 'drawn' | 'hover'
    >()
    expectTypeOf<WatchedEvent<Written, '*'>['type']>().toEqualTypeOf<'price' | 'halted' | 'line' | 'drawn' | 'hover'>()
    expectTypeOf<WatchedEvent<Config, '**/today'>['type']>().toEqualTypeOf<WatchedEvent<Config, '**'>['type']>()
  })

  it('narrow with the types and members that are asked for [WP-3.6]', () => {
    const prices = () => typed.watch('stocks', { type: 'price', after: 'earliest' })
    expectTypeOf<EventOf<ReturnType<typeof prices>>>().toEqualTypeOf<PriceEvent>()
    const both = () => typed.watch('**', { type: ['price', 'message'] })
    expectTypeOf<EventOf<ReturnType<typeof both>>>().toEqualTypeOf<PriceEvent | Message>()
    const selected = () => typed.watch('stocks', { type: 'price', select: '/price' })
    expectTypeOf<EventOf<ReturnType<typeof selected>>['data']>().toEqualTypeOf<Selected<Price> | null>()
    expectTypeOf<Selected<{ a: { b: 1 }[]; c: string }>>().toEqualTypeOf<{
      readonly a?: readonly { readonly b?: 1 | null }[]
      readonly c?: string | null
    }>()
    const perhaps = (options: { type: 'price'; select?: string }) => typed.watch('stocks', options)
    expectTypeOf<EventOf<ReturnType<typeof perhaps>>['data']>().toEqualTypeOf<Selected<Price> | null>()
    const either = (isWhole: boolean) =>
      typed.watch('stocks', isWhole ? { type: 'price' } : { type: 'price', select: '/price' })
    expectTypeOf<EventOf<ReturnType<typeof either>>['data']>().toEqualTypeOf<Selected<Price> | null>()
    const unknown = () => untyped.watch('any', { type: 'price' })
    expectTypeOf<EventOf<ReturnType<typeof unknown>>>().toEqualTypeOf<Event<string, unknown>>()
    // @ts-expect-error: no event of the topic has this type
    const wrong = () => typed.watch('stocks', { type: 'message' })
    expect(wrong).toBeTypeOf('function')
  })

  it('are those of loops and listeners, with gaps beside the events [WP-2.4]', () => {
    const loop = async () => {
      for await (const event of untyped.watch('any')) {
        if (event.type !== 'gap' && event.id !== undefined) expectTypeOf(event).toEqualTypeOf<Event<string, unknown>>()
      }
      for await (const event of typed.watch('chat/lobby')) {
        if (event.type === 'gap') expectTypeOf(event).toEqualTypeOf<GapMessage>()
        else expectTypeOf(event).toEqualTypeOf<Message>()
      }
      const watch = typed.watch('stocks', { state: true })
      watch.on('event', (event) => expectTypeOf(event).toEqualTypeOf<WatchedEvent<Config, 'stocks'>>())
      watch.on('state', (state) =>
        expectTypeOf(state.get('MSFT')?.type).toEqualTypeOf<'price' | 'halted' | undefined>(),
      )
      const off = watch.on('gap', ({ earliest }) => expectTypeOf(earliest).toEqualTypeOf<string>())
      expectTypeOf(off).toEqualTypeOf<() => void>()
      const page = await typed.page('chat/lobby', { limit: 3 })
      expectTypeOf(page.events).toEqualTypeOf<readonly Message[]>()
      const state = await typed.state('stocks')
      expectTypeOf(state.events).toEqualTypeOf<readonly WatchedEvent<Config, 'stocks'>[]>()
    }
    expect(loop).toBeTypeOf('function')
  })

  it('give what is not stored its data, no id, and no place in a state or page [WP-9.3]', () => {
    type Hover = EphemeralEvent<'hover', { pen: string }>
    type Drawn = Event<'drawn', { pen: string } | null>
    expectTypeOf<WatchedEvent<Config, 'pens'>>().toEqualTypeOf<Drawn | Hover>()
    expectTypeOf<WatchedEvent<Written, 'pens'>>().toEqualTypeOf<Drawn | Hover>()
    expectTypeOf<WatchedEvent<Config, 'pens', { select: '/pen'; type: 'hover' }>>().toEqualTypeOf<
      EphemeralEvent<'hover', Selected<{ pen: string }>>
    >()
    const tried = async () => {
      typed.watch('pens', { state: true }).on('state', (state) => {
        expectTypeOf(state).toEqualTypeOf<ReadonlyMap<string, Drawn>>()
      })
      expectTypeOf((await typed.page('pens')).events).toEqualTypeOf<readonly Drawn[]>()
      expectTypeOf((await typed.state('pens')).events).toEqualTypeOf<readonly Drawn[]>()
      const { events } = await typed.publish('pens', { type: 'hover', data: { pen: 'red' } })
      expectTypeOf(events[0]?.id).toEqualTypeOf<string | undefined>()
      const stored = await typed.publish('chat/lobby', { type: 'message', data: { text: 'hi' } })
      expectTypeOf(stored.events).toEqualTypeOf<readonly { readonly id: string; readonly timestamp: string }[]>()
      // @ts-expect-error: what is not stored removes no key
      await typed.publish('pens', { type: 'hover', data: null })
    }
    expect(tried).toBeTypeOf('function')
  })

  it('give presence the type of what one tells of oneself [WP-9.4]', () => {
    const tried = async () => {
      const presence = typed.presence('chat/lobby', { info: { name: 'Ana' } })
      presence.on('state', (members) => {
        expectTypeOf(members).toEqualTypeOf<ReadonlyMap<string, Member<{ name: string }>>>()
      })
      for await (const members of typed.presence('stocks'))
        expectTypeOf(members.get('a')?.info).toEqualTypeOf<unknown>()
      // @ts-expect-error: no such topic
      typed.presence('stock')
    }
    expectTypeOf<WatchedEvent<Config, '$presence/chat/lobby'>>().toEqualTypeOf<Event<'presence', Member | null>>()
    expect(tried).toBeTypeOf('function')
  })

  it('let nothing be published that the topic does not have [WP-3.9]', () => {
    type New = NewEvent<Config, 'stocks'>
    expectTypeOf<New>().toEqualTypeOf<NewEvent<Written, 'stocks'>>()
    expectTypeOf<Extract<New, { type: 'price' }>['data']>().toEqualTypeOf<Price | null>()
    const tried = (client: Client<Config>) => [
      client.publish('stocks', { type: 'price', data: { symbol: 'A', price: 1 } }),
      client.publish('stocks', [{ type: 'price', key: 'A', data: null }], { idempotencyKey: 'k' }),
      client.publish('chat/lobby', { type: 'message', data: { text: 'hi' } }),
      // @ts-expect-error: no such event type
      client.publish('stocks', { type: 'sold', data: { symbol: 'A', price: 1 } }),
      // @ts-expect-error: the price is a number
      client.publish('stocks', { type: 'price', data: { symbol: 'A', price: '1' } }),
      // @ts-expect-error: only a keyed topic has keys that can be removed
      client.publish('chat/lobby', { type: 'message', data: null }),
    ]
    expect(tried).toBeTypeOf('function')
  })
})
