/** What the tab that holds the connection keeps for those that come later. */
import { expect, it } from 'vitest'
import { settingsOf } from '../src/options.ts'
import { Line } from '../src/shared/line.ts'
import type { News } from '../src/shared/messages.ts'
import type { Start, Subscription } from '../src/subscription.ts'

/** A line whose events come from the test. */
async function lineFrom(start: Start): Promise<{
  readonly line: Line
  readonly event: (n: number, pad: string) => void
  readonly told: News[]
  readonly carried: Subscription | undefined
}> {
  const told: News[] = []
  let carried: Subscription | undefined
  const owner = {
    tell: (_to: unknown, news: News) => told.push(news),
    passed: () => undefined,
    failed: () => undefined,
  }
  const home = { attach: (subscription: Subscription) => (carried = subscription), detach: () => undefined }
  const asked = { filter: 'log', view: {}, delta: false, info: undefined, start }
  const line = new Line('log', asked, settingsOf({ url: 'http://127.0.0.1:1' }), home, owner)
  await expect.poll(() => carried).toBeDefined()
  carried?.carriedBy({ status: 'open', full: () => undefined, restart: () => undefined })
  carried?.begun()
  const event = (n: number, pad: string): void => {
    const sent = { type: 'line', topic: 'log', id: `c${n}`, timestamp: '2026-01-01T00:00:00.000Z', data: pad }
    carried?.event(sent, pad.length)
  }
  return { line, event, told, carried }
}

it('who joins while the state is on its way is told that the connection is open', async () => {
  const { line, told } = await lineFrom({ state: true })
  told.length = 0
  line.join('late', { state: true })
  expect(told).toContainEqual({ type: 'status', status: 'open', cause: undefined })
  expect(told.map(({ type }) => type)).not.toContain('snapshot')
})

it('members are told where they stand as soon as it is open, so that who loses it then misses nothing [WP-2.5]', async () => {
  const { line, told, carried } = await lineFrom({})
  line.join('first', {})
  carried?.tellStatus('connecting')
  told.length = 0
  carried?.begun()
  carried?.bookmark('c7')
  await expect.poll(() => told.at(-1)).toEqual({ type: 'bookmark', cursor: 'c7' })
  expect(told.map(({ type }) => type)).toEqual(['status', 'bookmark'])
})

it('what a line can tell again is bounded in events and in characters, and leads to where it stands', async () => {
  for (const { count, pad } of [
    { count: 1_500, pad: '' },
    { count: 20, pad: 'x'.repeat(100_000) },
    { count: 3, pad: 'x'.repeat(3_000_000) },
  ]) {
    const { line, event, told } = await lineFrom({ after: 'c0' })
    for (let n = 1; n <= count; n++) {
      event(n, pad)
      expect(line.takes({ after: `c${n}` })).toBe(true)
    }
    expect(line.takes({ after: 'c0' })).toBe(false)
    const first = Array.from({ length: count }, (_, i) => i + 1).find((n) => line.takes({ after: `c${n}` })) ?? 0
    // Whoever comes from as long ago as it knows is told all since then, which is no more than that.
    told.length = 0
    line.join('late', { after: `c${first}` })
    const events = told.flatMap((news) => (news.type === 'event' ? [news] : []))
    expect(events.map(({ event: { id } }) => id)).toEqual(
      Array.from({ length: count - first }, (_, i) => `c${first + 1 + i}`),
    )
    expect(events.length).toBeLessThanOrEqual(1_000)
    expect(events.reduce((sum, { characters }) => sum + characters, 0)).toBeLessThanOrEqual(1_048_576)
  }
})
