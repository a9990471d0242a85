import { describe, expect, it } from 'vitest'
import { SERVER } from '../src/access.ts'
import { iterate } from '../src/iterate.ts'
import { settled } from './manual-clock.ts'
import { countTo, type World, world } from './support.ts'

type Message = { readonly type: string; readonly data: unknown; readonly id?: string }

interface Iteration {
  readonly texts: AsyncGenerator<string, void, undefined>
  readonly next: () => Promise<Message | undefined>
}

async function iterating(here: World, after: string, signal?: AbortSignal): Promise<Iteration> {
  const watch = here.watcher.watch(['a/1'], {}, { identity: SERVER })
  const from = await here.watcher.locate(watch, { after, otherwise: 'latest' })
  const texts = iterate(here.watcher, watch, from, signal)
  const next = async (): Promise<Message | undefined> => {
    const { value } = await texts.next()
    return value === undefined ? undefined : (JSON.parse(value) as Message)
  }
  return { texts, next }
}

describe('a watch as an async iterable', () => {
  it('gives what there is, then what comes, as messages', async () => {
    const here = world()
    await here.publish('a/1', { data: 1 }, { data: 2 })
    const { next, texts } = await iterating(here, 'earliest')
    expect([(await next())?.data, (await next())?.id]).toEqual([1, 'm3m.2'])
    const third = next()
    await settled()
    await here.publish('a/1', { data: 3 })
    expect((await third)?.data).toBe(3)
    await texts.return()
  })

  it('announces a gap in its place [WP-2.4]', async () => {
    const here = world()
    await here.publish('a/1', {}, {}, {})
    await here.log.trim('a/1', { events: 1 }, 10)
    const { next, texts } = await iterating(here, 'm3m.1')
    expect(await next()).toMatchObject({
      type: 'gap',
      data: { reason: 'trimmed', after: 'm3m.1', earliest: 'm3m.1-1' },
    })
    const kept = next()
    await here.clock.giveTurns()
    expect((await kept)?.id).toBe('m3m.3')
    await texts.return()
  })

  it('has no bookmarks', async () => {
    const here = world({ heartbeatMs: 1_000 })
    const { next, texts } = await iterating(here, 'latest')
    const first = next()
    await settled()
    here.clock.pass(10_000)
    await here.publish('a/1', { data: 1 })
    expect((await first)?.type).toBe('tick')
    await texts.return()
  })

  it('subscribes when it is first asked, and leaves nothing when it is left', async () => {
    const here = world()
    await here.publish('a/1', { data: 1 })
    const { texts } = await iterating(here, 'earliest')
    expect(here.hub.feeds).toBe(0)
    for await (const text of texts) {
      expect([JSON.parse(text)]).toMatchObject([{ data: 1 }])
      expect(here.hub.feeds).toBe(1)
      break
    }
    expect(here.hub.feeds).toBe(0)
  })

  it('ends when its signal aborts: while it waits, before it begins, and between two events', async () => {
    const here = world()
    const waiting = new AbortController()
    const one = await iterating(here, 'latest', waiting.signal)
    const first = one.next()
    await settled()
    waiting.abort()
    expect(await first).toBeUndefined()

    const never = await iterating(here, 'latest', AbortSignal.abort())
    expect(await never.next()).toBeUndefined()

    await here.publish('a/1', {}, {})
    const between = new AbortController()
    const two = await iterating(here, 'earliest', between.signal)
    expect((await two.next())?.id).toBe('m3m.1')
    between.abort()
    expect(await two.next()).toBeUndefined()
    expect(here.hub.feeds).toBe(0)
  })

  it('throws when the log can not be read', async () => {
    const here = world()
    await here.publish('a/1', {})
    const { next } = await iterating(here, 'earliest')
    here.log.failure = new Error('disk')
    await expect(next()).rejects.toThrow('disk')
    expect([await next(), here.hub.feeds]).toEqual([undefined, 0])
  })

  it('holds little for a consumer that is slow, who gets all of it in order nevertheless [WP-8.2]', async () => {
    const here = world({ limits: { bufferedBytesMax: 100_000 } })
    const { texts, next } = await iterating(here, 'latest')
    const first = next()
    await settled()
    const data = 'x'.repeat(20_000)
    for (const _ of countTo(100)) await here.publish('a/1', { data })
    await here.clock.giveTurns()
    // Whoever is not asked reads no more of the log, so what was trimmed by then was not in memory.
    await here.log.trim('a/1', { events: 50 }, 100)
    const ids = [(await first)?.id]
    for (let id: string | undefined; id !== 'm3m.100'; ids.push(id)) {
      const message = next()
      await here.clock.giveTurns()
      id = (await message)?.id
    }
    const held = ids.indexOf(undefined)
    expect(held).toBeGreaterThan(2)
    expect(held * data.length).toBeLessThan(200_000)
    expect(ids).toEqual([
      ...countTo(held).map((offset) => `m3m.${offset}`),
      undefined,
      ...countTo(50).map((offset) => `m3m.${offset + 50}`),
    ])
    await texts.return()
  })
})
