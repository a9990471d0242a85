/** A crowd joins while events are published at full speed, and goes from transport to transport by its cursors. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startChild } from './fixtures/child.ts'
import { Follower } from './fixtures/follower.ts'
import { get, post, temporaryDir } from './harness.ts'

const WATCHERS = 100
const EVENTS = 5_000
const PER_PUBLISH = 5
const PUBLISHERS = 4

/** Whole numbers below `bound`, the same in each run. */
function numbersFrom(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}

it(`${WATCHERS} watchers on mixed transports each see every event once, in order [WP-2.5] [WP-2.1]`, {
  timeout: 90_000,
}, async () => {
  const child = await startChild({ dataDir: await temporaryDir() })
  const log = `${child.url}/v1/topics/log`
  const used = { page: 0, 'long poll': 0, stream: 0 }
  const progress = { published: 0 }
  let joinedBeforeEnd = 0

  const publish = async (publisher: number): Promise<void> => {
    for (let n = 0; n < EVENTS / PUBLISHERS; n += PER_PUBLISH) {
      const events = Array.from({ length: PER_PUBLISH }, (_, i) => ({ type: 'line', data: [publisher, n + i] }))
      expect((await post(log, events)).status).toBe(201)
      progress.published += PER_PUBLISH
    }
  }

  /** Joins at a random moment; each fifth only hears what comes from then on. */
  const follow = async (watcher: number): Promise<Follower> => {
    const random = numbersFrom(watcher + 1)
    const joinsAt = random(EVENTS)
    while (progress.published < joinsAt) await sleep(5)
    if (progress.published < EVENTS) joinedBeforeEnd++
    const follower = new Follower('/v1/topics/log', watcher % 5 === 4 ? 'latest' : 'earliest')
    let isAtEnd = false
    while (!isAtEnd) {
      const transport = (['page', 'long poll', 'stream', 'stream'] as const)[random(4)] ?? 'page'
      used[transport]++
      if (transport === 'stream') {
        const enough = follower.seen.length + 1 + random(EVENTS / 4)
        const deadline = AbortSignal.timeout(500)
        await follower.stream(child.url, () => follower.seen.length >= enough, deadline)
      } else {
        const limit = 1 + random(1_000)
        const { events, more } = await follower.page(child.url, {
          limit,
          ...(transport === 'long poll' && { waitSeconds: 1 }),
        })
        isAtEnd = events.length === 0 && !more && progress.published === EVENTS
      }
    }
    return follower
  }

  const startMs = performance.now()
  const [followers] = await Promise.all([
    Promise.all(Array.from({ length: WATCHERS }, (_, watcher) => follow(watcher))),
    Promise.all(Array.from({ length: PUBLISHERS }, (_, publisher) => publish(publisher))),
  ])
  const seconds = (performance.now() - startMs) / 1_000

  const all: string[] = []
  for (let after = 'earliest', more = true; more; ) {
    const { body } = await get(`${log}?limit=1000&after=${after}`)
    all.push(...(body.events as { id: string; data: number[] }[]).map(({ id, data }) => `${id} ${data.join()}`))
    after = body.cursor
    more = body.more
  }
  expect(new Set(all).size).toBe(EVENTS)
  let delivered = 0
  for (const [watcher, follower] of followers.entries()) {
    const seen = follower.seen.map(({ id, data }) => `${id} ${(data as number[]).join()}`)
    delivered += seen.length
    expect(follower.control.filter((type) => type !== 'welcome' && type !== 'bookmark')).toEqual([])
    if (watcher % 5 === 4) expect(seen).toEqual(all.slice(all.length - seen.length))
    else expect(seen).toEqual(all)
  }
  console.log(
    `${EVENTS} events in ${EVENTS / PER_PUBLISH} publishes, ${delivered} deliveries to ${WATCHERS} watchers, ` +
      `${joinedBeforeEnd} of whom joined meanwhile, by ${JSON.stringify(used)}, in ${seconds.toFixed(1)} s`,
  )
  expect(joinedBeforeEnd).toBeGreaterThan(WATCHERS / 2)
  expect(Math.min(...Object.values(used))).toBeGreaterThan(20)
  expect(child.logged).toEqual([])
})
