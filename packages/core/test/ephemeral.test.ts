/** How the hub hands out events that are not stored [WP-9.3]. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SERVER } from '../src/access.ts'
import { offsetsOf } from '../src/appended.ts'
import { inOrder } from '../src/ephemeral.ts'
import type { PassingEvent } from '../src/log.ts'
import type { Start } from '../src/watch.ts'
import { countTo, plainEncoding, RecordingSink, type World, type WorldOptions, world } from './support.ts'

const TOPICS = { a: { events: { tick: {}, pass: { ephemeral: true, schema: {} } } } } as const

const start = (options: WorldOptions = {}): World => world({ topics: TOPICS, ...options })

const tick = (data: unknown): object => ({ type: 'tick', data })
const pass = (data: unknown): object => ({ type: 'pass', data })

async function subscribe(here: World, { slow = false, from = { otherwise: 'latest' } as Start } = {}) {
  const watch = here.watcher.watch(['a'], {}, { identity: SERVER })
  const sink = new RecordingSink(slow)
  const located = await here.watcher.locate(watch, from)
  const subscription = here.watcher.subscribe(watch, located, plainEncoding(), sink)
  await here.clock.giveTurns()
  return { sink, subscription }
}

const dataOf = ({ events }: RecordingSink): unknown[] =>
  events.map(({ json }) => (JSON.parse(json) as { data: unknown }).data)

describe('events that are not stored', () => {
  it('come in their place, however many turns of the event loop it takes [WP-9.3]', async () => {
    const here = start()
    const { sink } = await subscribe(here)
    const sent = countTo(2_500)
    // Mostly of one kind, so that each kind fills turns of its own.
    await here.publish('a', ...sent.map((n) => (n < 1_300 === (n % 100 === 0) ? tick(n) : pass(n))))
    await here.clock.giveTurns()
    expect(dataOf(sink)).toEqual(sent)
    expect(here.log.head).toBe(sink.events.filter(({ passing }) => passing === undefined).length)
  })

  it('are missed by whoever is catching up, and by nobody else', async () => {
    const here = start()
    const live = await subscribe(here)
    await here.publish('a', tick(1))
    const late = await subscribe(here, { slow: true, from: { after: 'earliest', otherwise: 'latest' } })
    // So that it waits for its client, and reads on when that has taken what there was.
    late.sink.bufferedBytes = 1_000_000
    await here.publish('a', pass(2), tick(3))
    await here.clock.giveTurns()
    expect(dataOf(live.sink)).toEqual([1, 2, 3])
    late.sink.take()
    await here.clock.giveTurns()
    await here.publish('a', pass(4))
    await here.clock.giveTurns()
    expect(dataOf(late.sink).filter((data) => data !== 2)).toEqual([1, 3, 4])
  })

  it('are missed by a client for whom too much waits, which goes on with all that is stored', async () => {
    const here = start({ limits: { bufferedBytesMax: 65_536 } })
    const { sink, subscription } = await subscribe(here, { slow: true })
    await here.publish('a', tick('x'.repeat(60_000)), tick('y'.repeat(10_000)))
    await here.clock.giveTurns()
    expect(subscription.state).toBe('catching up')
    await here.publish('a', pass('missed'), tick('kept'))
    await here.clock.giveTurns()
    sink.take()
    await here.clock.giveTurns()
    expect(subscription.state).toBe('live')
    await here.publish('a', pass('seen'))
    await here.clock.giveTurns()
    expect(dataOf(sink).slice(2)).toEqual(['kept', 'seen'])
  })

  it('that the log let go before they were handed out are missed, and hold up nothing', async () => {
    const here = start()
    const { sink } = await subscribe(here)
    const letGo = here.log.onAdvance(() => here.log.letGo())
    letGo()
    here.hub.reconsider()
    await here.publish('a', pass(1), tick(2))
    await here.clock.giveTurns()
    expect(dataOf(sink)).toEqual([1, 2])
    // The hub is told of what is gone by the time that it looks.
    here.log.passed += 5
    await here.publish('a', tick(3), pass(4))
    await here.clock.giveTurns()
    expect(dataOf(sink)).toEqual([1, 2, 3, 4])
  })

  it('have no offset of their own', () => {
    const appended = { first: 7, timestamps: ['', '', '', ''], replayed: false }
    expect(offsetsOf(appended)).toEqual([7, 8, 9, 10])
    expect(offsetsOf({ ...appended, ephemeral: [0, 2] })).toEqual([undefined, 7, undefined, 8])
  })

  it('stand behind the stored event that they come after, in order', () => {
    const offsets = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 30 })
    const after = fc.array(fc.integer({ min: 0, max: 45 }), { maxLength: 30 })
    fc.assert(
      fc.property(offsets, after, (stored, passing) => {
        const events = stored.toSorted((a, b) => a - b).map((offset) => ({ offset, json: '' }))
        const passed = passing
          .toSorted((a, b) => a - b)
          .map((offset, i): PassingEvent => ({ offset, json: '', passing: i + 1 }))
        const ordered = inOrder(events, passed)
        expect(ordered.filter((event) => event.passing === undefined)).toEqual(events)
        expect(ordered.filter((event) => event.passing !== undefined)).toEqual(passed)
        const place = (event: { offset: number; passing?: number }) =>
          event.offset + (event.passing === undefined ? 0 : 0.5)
        expect(ordered.map(place)).toEqual(ordered.map(place).toSorted((a, b) => a - b))
      }),
    )
  })
})
