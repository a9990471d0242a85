/** A publishing server is killed again and again: nothing acknowledged is lost, nothing is repeated. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { type Child, startChild } from './fixtures/child.ts'
import { Follower, type Seen } from './fixtures/follower.ts'
import { get, post, temporaryDir } from './harness.ts'

const KILLS = 14
const PUBLISHERS = 4

interface Publish {
  readonly name: string
  readonly size: number
  /** The ids of the answer. */
  readonly ids: readonly string[]
  readonly attempts: number
  readonly replayed: boolean
}

it(`a server that is killed ${KILLS} times loses and repeats nothing [WP-2.5] [WP-3.9] [WP-3.10]`, {
  timeout: 120_000,
  retry: 0,
}, async () => {
  const dataDir = await temporaryDir()
  let child: Child = await startChild({ dataDir })
  const killed = new AbortController()
  const watched = new AbortController()
  const acknowledged: Publish[][] = Array.from({ length: PUBLISHERS }, () => [])

  /** Publishes under a key of its own, as often as it takes to be told. */
  const publishOnce = async (publisher: number, n: number): Promise<Publish> => {
    const size = 1 + (n % 3)
    const name = `${publisher}.${n}`
    const events = Array.from({ length: size }, (_, i) => ({ type: 'line', data: `${name}.${i}` }))
    for (let attempts = 1; ; attempts++) {
      try {
        const headers = { 'idempotency-key': name }
        const answer = await post(`${child.url}/v1/topics/log`, events, headers)
        if (answer.status !== 201) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`)
        const ids = answer.body.events.map(({ id }: { id: string }) => id)
        return { name, size, ids, attempts, replayed: answer.headers.get('idempotent-replayed') === 'true' }
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        await sleep(10)
      }
    }
  }
  const publish = async (publisher: number): Promise<void> => {
    for (let n = 0; !killed.signal.aborted; n++) acknowledged[publisher]?.push(await publishOnce(publisher, n))
  }

  /** Watches without a rest, going on from its cursor whenever it was cut off. */
  const watch = async (once: () => Promise<unknown>): Promise<void> => {
    while (!watched.signal.aborted) {
      try {
        await once()
      } catch (error) {
        // A connection that is refused or cut; what a server answers is an Error of another kind.
        if (!(error instanceof TypeError)) throw error
      }
      await sleep(5)
    }
  }
  const stream = new Follower('/v1/topics/log', 'earliest')
  const pages = new Follower('/v1/events?topic=*', 'earliest')
  const busy = [
    ...Array.from({ length: PUBLISHERS }, (_, publisher) => publish(publisher)),
    watch(() => stream.stream(child.url, () => false, watched.signal)),
    watch(() => pages.page(child.url, { limit: 50, waitSeconds: 1 })),
  ]

  for (let round = 0; round < KILLS; round++) {
    await sleep(50 + Math.random() * 250)
    await child.end('SIGKILL')
    expect(child.logged).toEqual([])
    child = await startChild({ dataDir })
  }
  killed.abort()
  await Promise.all(busy.slice(0, PUBLISHERS))
  const all = await readAll(child.url)
  await expect.poll(() => Math.min(stream.seen.length, pages.seen.length), { timeout: 10_000 }).toBe(all.length)
  watched.abort()
  await Promise.all(busy)

  const publishes = acknowledged.flat()
  const data = all.map((event) => event.data as string)
  const ids = all.map(({ id }) => id)
  expect(new Set(ids.map((id) => id.split('.')[0])).size).toBe(1)
  expect(new Set(ids).size).toBe(ids.length)
  // Every publish was acknowledged in the end, so the log holds just those events, each publish in one piece.
  expect(data.length).toBe(publishes.reduce((sum, { size }) => sum + size, 0))
  const placeOf = new Map(ids.map((id, place) => [id, place]))
  for (const { name, size, ids: own } of publishes) {
    const first = placeOf.get(own[0] ?? '') ?? -1
    expect(data.slice(first, first + size)).toEqual(Array.from({ length: size }, (_, i) => `${name}.${i}`))
    expect(ids.slice(first, first + size)).toEqual(own)
  }
  for (const own of acknowledged) {
    const places = own.map((each) => placeOf.get(each.ids[0] ?? '') ?? -1)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  }
  for (const follower of [stream, pages]) {
    expect(follower.seen.map(({ id }) => id)).toEqual(ids)
    expect(follower.control.filter((type) => type === 'gap' || type === 'error')).toEqual([])
  }
  const retried = publishes.filter(({ attempts }) => attempts > 1)
  const replayed = retried.filter((each) => each.replayed)
  console.log(
    `${KILLS} kills: ${publishes.length} publishes of ${all.length} events acknowledged, ${retried.length} of them ` +
      `after a retry across a kill, ${replayed.length} of which had been published without an answer`,
  )
  expect(retried.length).toBeGreaterThan(KILLS / 2)
})

async function readAll(url: string): Promise<Seen[]> {
  const all: Seen[] = []
  for (let after = 'earliest', more = true; more; ) {
    const { body } = await get(`${url}/v1/topics/log?limit=1000&after=${after}`)
    all.push(...(body.events as Seen[]))
    after = body.cursor
    more = body.more
  }
  return all
}
