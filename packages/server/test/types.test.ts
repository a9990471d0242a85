/**
 * Types flow from topic definitions into publish() and watch(). The compiler is the judge of most of this file: the
 * tests are built with everything else, and a `@ts-expect-error` without an error fails the build.
 */
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import {
  createWatchpost,
  defineConfig,
  type Event,
  type GapMessage,
  type Json,
  type NewEvent,
  type TopicOf,
  topic,
  type WatchedEvent,
  type Watchpost,
} from 'watchpost'
import { z } from 'zod'
import { temporaryDir } from './harness.ts'

const config = defineConfig({
  logLevel: 'silent',
  topics: {
    stocks: topic({
      events: {
        priceUpdate: z.object({ symbol: z.string(), price: z.number().positive() }),
        halted: z.object({ symbol: z.string(), reason: z.enum(['news', 'volume']).optional() }),
      },
      key: ({ type, data }) => {
        expectTypeOf(type).toEqualTypeOf<'priceUpdate' | 'halted'>()
        expectTypeOf(data.symbol).toEqualTypeOf<string>()
        return data.symbol
      },
      watch: ({ topic: name, params, identity }) => {
        expectTypeOf(name).toEqualTypeOf<string>()
        expectTypeOf(params).toEqualTypeOf<Readonly<Record<string, string>>>()
        return identity.subject === undefined
      },
    }),
    'chat/{room}': topic({ events: { message: z.object({ text: z.string() }) } }),
    'chat/{room}/{thread}': topic({ events: { reply: z.object({ to: z.string() }) } }),
    plain: topic({ events: { line: { type: 'object' } } }),
  },
})
type Topics = typeof config.topics

interface Price {
  symbol: string
  price: number
}

async function start(): Promise<Watchpost<Topics>> {
  const watchpost = await createWatchpost({ ...config, dataDir: await temporaryDir() })
  onTestFinished(() => watchpost.close())
  return watchpost
}

describe('the types of a configuration', () => {
  it('name its topics, templates as whole families [WP-3.3]', () => {
    expectTypeOf<'stocks'>().toExtend<TopicOf<Topics>>()
    expectTypeOf<'chat/lobby'>().toExtend<TopicOf<Topics>>()
    expectTypeOf<'chat/lobby/today'>().toExtend<TopicOf<Topics>>()
    expectTypeOf<'stock'>().not.toExtend<TopicOf<Topics>>()
    expectTypeOf<'chat'>().not.toExtend<TopicOf<Topics>>()
    expect(Object.keys(config.topics)).toEqual(['stocks', 'chat/{room}', 'chat/{room}/{thread}', 'plain'])
  })

  it('give each event type its data, from Zod, and any JSON from JSON Schema [WP-6.2]', () => {
    type Published = NewEvent<Topics, 'stocks'>
    expectTypeOf<Published['type']>().toEqualTypeOf<'priceUpdate' | 'halted'>()
    expectTypeOf<Extract<Published, { type: 'priceUpdate' }>['data']>().toEqualTypeOf<Price | null>()
    expectTypeOf<NewEvent<Topics, 'plain'>['data']>().toEqualTypeOf<Json>()
    type Watched = WatchedEvent<Topics, 'stocks'>
    expectTypeOf<Extract<Watched, { type: 'priceUpdate' }>>().toEqualTypeOf<Event<'priceUpdate', Price | null>>()
    expectTypeOf<WatchedEvent<Topics, '**'>>().toEqualTypeOf<Event>()
    // Both templates could stand for this one, as far as types can tell.
    expectTypeOf<NewEvent<Topics, 'chat/lobby/today'>['type']>().toEqualTypeOf<'message' | 'reply'>()
    expectTypeOf<WatchedEvent<Topics, 'plain'>['data']>().toEqualTypeOf<Json>()
    expect(config.topics.stocks.events.priceUpdate.safeParse({ symbol: 'A', price: -1 }).success).toBe(false)
  })
})

describe('publish() and watch()', () => {
  it('take and give the data of the topic [WP-6.2] [WP-1.1]', async () => {
    const watchpost = await start()
    await watchpost.publish('stocks', { type: 'priceUpdate', data: { symbol: 'MSFT', price: 39.81 } })
    await watchpost.publish('stocks', [
      { type: 'halted', data: { symbol: 'MSFT', reason: 'news' } },
      { type: 'priceUpdate', key: 'MSFT', data: null },
    ])
    await watchpost.publish('chat/lobby', { type: 'message', data: { text: 'hi' }, key: 'k' })
    await watchpost.publish('plain', { type: 'line', data: { any: ['thing'] } })
    const stocks = watchpost.watch('stocks', { after: 'earliest' })
    for await (const message of stocks) {
      if (message.type === 'gap') expectTypeOf(message).toEqualTypeOf<GapMessage>()
      if (message.type !== 'priceUpdate') continue
      if (message.data === null) break
      expectTypeOf(message.data).toEqualTypeOf<Price>()
      expectTypeOf(message.id).toEqualTypeOf<string>()
      expect(message.data.price.toFixed(2)).toBe('39.81')
    }
    for await (const message of watchpost.watch('chat/lobby', { after: 'earliest' })) {
      if (message.type !== 'message') continue
      expectTypeOf(message.data).toEqualTypeOf<{ text: string }>()
      expect(message.data.text).toBe('hi')
      break
    }
    for await (const message of watchpost.watch(['chat/*', 'plain'], { after: 'earliest', last: 2 })) {
      expect(['message', 'line']).toContain(message.type)
      if (message.type === 'line') break
    }
  })

  it('refuse what is not of the topic, before it runs and when it does [WP-6.2]', async () => {
    const watchpost = await start()
    const refused = (act: Promise<unknown>) => expect(act).rejects.toMatchObject({ name: 'ProblemError' })
    // @ts-expect-error: no such topic
    await refused(watchpost.publish('stock', { type: 'priceUpdate', data: { symbol: 'A', price: 1 } }))
    // @ts-expect-error: no such event type
    await refused(watchpost.publish('stocks', { type: 'sold', data: { symbol: 'A', price: 1 } }))
    // @ts-expect-error: an event type of another topic
    await refused(watchpost.publish('stocks', { type: 'message', data: { text: 'hi' } }))
    // @ts-expect-error: the price is a number
    await refused(watchpost.publish('stocks', { type: 'priceUpdate', data: { symbol: 'A', price: '1' } }))
    // @ts-expect-error: the price is missing
    await refused(watchpost.publish('stocks', [{ type: 'priceUpdate', data: { symbol: 'A' } }]))
    // @ts-expect-error: no such member
    await refused(watchpost.publish('stocks', { type: 'priceUpdate', data: { symbol: 'A', price: 1 }, id: '1' }))
    // The compiler can't know this one.
    await refused(watchpost.publish('stocks', { type: 'priceUpdate', data: { symbol: 'A', price: -1 } }))
  })
})
