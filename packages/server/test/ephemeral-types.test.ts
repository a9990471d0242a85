/** Types of events that are not stored [WP-9.3]: the compiler is the judge of most of this. */
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import { createWatchpost, defineConfig, type EphemeralEvent, type Event, type GapMessage, topic } from 'watchpost'
import { z } from 'zod'
import { temporaryDir } from './harness.ts'

const config = defineConfig({
  logLevel: 'silent',
  topics: {
    chat: topic({
      events: {
        message: z.object({ text: z.string() }),
        typing: { ephemeral: true, schema: z.object({ who: z.string() }) },
      },
    }),
    pens: topic({
      events: { hover: { ephemeral: true, schema: z.object({ pen: z.string() }) } },
      key: ({ data }) => {
        expectTypeOf(data).toEqualTypeOf<{ pen: string }>()
        return data.pen
      },
    }),
    stored: topic({ events: { line: z.string() } }),
  },
})

async function start() {
  const watchpost = await createWatchpost({ ...config, dataDir: await temporaryDir() })
  onTestFinished(() => watchpost.close())
  return watchpost
}

describe('the types of events that are not stored', () => {
  it('have data as their schema says, and no id [WP-9.3]', async () => {
    const watchpost = await start()
    await watchpost.publish('chat', { type: 'message', data: { text: 'first' } })
    const watching = watchpost.watch('chat', { after: 'earliest' })
    const { events } = await watchpost.publish('chat', { type: 'typing', data: { who: 'ana' } })
    expectTypeOf(events[0]?.id).toEqualTypeOf<string | undefined>()
    for await (const event of watching) {
      expectTypeOf(event).toEqualTypeOf<
        Event<'message', { text: string }> | EphemeralEvent<'typing', { who: string }> | GapMessage
      >()
      if (event.type === 'message') expectTypeOf(event.id).toEqualTypeOf<string>()
      if (event.type === 'typing') expectTypeOf(event.id).toEqualTypeOf<undefined>()
      expect(event).toMatchObject({ type: 'message', data: { text: 'first' } })
      break
    }
    // @ts-expect-error who is typing has a name
    await expect(watchpost.publish('chat', { type: 'typing', data: { who: 1 } })).rejects.toThrow('must be string')
  })

  it('leave those of other topics as they are', async () => {
    const watchpost = await start()
    const { events } = await watchpost.publish('stored', { type: 'line', data: 'x' })
    expectTypeOf(events[0]?.id).toEqualTypeOf<string | undefined>()
    expectTypeOf(events[0]).toEqualTypeOf<{ readonly id: string; readonly timestamp: string } | undefined>()
    expect(typeof events[0]?.id).toBe('string')
  })
})
