/** Two server processes on one data directory. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startChild } from './fixtures/child.ts'
import { Follower } from './fixtures/follower.ts'
import { headOf } from './fixtures/http.ts'
import { get, openSse, post, temporaryDir } from './harness.ts'

async function twoServers() {
  const dataDir = await temporaryDir()
  return Promise.all([startChild({ dataDir }), startChild({ dataDir })])
}

const line = (data: unknown) => ({ type: 'line', data })

describe('two servers on one log', () => {
  it('order what both are sent at once in one way, and send it to the subscribers of both [WP-2.5] [WP-3.9]', async () => {
    const servers = await twoServers()
    const streams = await Promise.all(servers.map(({ url }) => openSse(`${url}/v1/topics/log`)))
    for (const stream of streams) await stream.next(({ event }) => event === 'welcome')
    const publishes = 60
    const atOnce = 4
    const startMs = performance.now()
    await Promise.all(
      servers.flatMap(({ url }, server) =>
        Array.from({ length: atOnce }, async (_, lane) => {
          for (let n = 0; n < publishes; n++) {
            const events = [0, 1, 2].map((i) => line([server, lane, n, i]))
            expect((await post(`${url}/v1/topics/log`, events)).status).toBe(201)
          }
        }),
      ),
    )
    const total = servers.length * atOnce * publishes * 3
    const seen = await Promise.all(
      streams.map(async (stream) => (await stream.events(total)).map(({ id, data }) => ({ id, data: data['data'] }))),
    )
    console.log(`${total} events of two servers in ${((performance.now() - startMs) / 1_000).toFixed(1)} s`)
    expect(seen[0]).toHaveLength(total)
    expect(seen[1]).toEqual(seen[0])
    const places = new Map(seen[0]?.map(({ data }, place) => [JSON.stringify(data), place]))
    expect(places.size).toBe(total)
    for (const [server] of servers.entries()) {
      for (let lane = 0; lane < atOnce; lane++) {
        const own = Array.from({ length: publishes }, (_, n) => places.get(JSON.stringify([server, lane, n, 0])) ?? -1)
        expect(own).toEqual(own.toSorted((a, b) => a - b))
        for (const [n, first] of own.entries()) {
          expect(places.get(JSON.stringify([server, lane, n, 2]))).toBe(first + 2)
        }
      }
    }
    // Offsets are dense: as many as events, with none in between that a watcher could wait for.
    const offsets = seen[0]?.map(({ id }) => Number(id.split('.')[1]))
    expect(offsets).toEqual(Array.from({ length: total }, (_, i) => i + 1))
    for (const { url, logged } of servers) {
      expect(await headOf(url)).toBe(total)
      expect(logged).toEqual([])
    }
  })

  it('know at once a cursor that the other gave out [WP-2.1] [WP-2.3]', async () => {
    const [one, other] = await twoServers()
    const loops = Array.from({ length: 16 }, async () => {
      for (let n = 0; n < 25; n++) {
        const { body } = await post(`${one.url}/v1/topics/log`, line(n))
        const page = await get(`${other.url}/v1/topics/log?after=${body.events[0].id}`)
        expect(page.status).toBe(200)
      }
    })
    await Promise.all(loops)
  })

  it('share cursors, state and idempotency keys [WP-2.1] [WP-3.10] [WP-3.11]', async () => {
    const [one, other] = await twoServers()
    const poll = get(`${other.url}/v1/topics/stocks?wait=20`)
    await sleep(100)
    const price = { type: 'priceUpdate', data: { symbol: 'A', price: 1 } }
    const startMs = performance.now()
    const first = await post(`${one.url}/v1/topics/stocks`, price, { 'idempotency-key': 'k' })
    expect((await poll).body.cursor).toBe(first.body.events[0].id)
    // Learned by a file that is watched; looking each second would be too late.
    expect(performance.now() - startMs).toBeLessThan(900)
    const again = await post(`${other.url}/v1/topics/stocks`, price, { 'idempotency-key': 'k' })
    expect([again.headers.get('idempotent-replayed'), again.body]).toEqual(['true', first.body])
    const states = await Promise.all([one, other].map(({ url }) => get(`${url}/v1/state/stocks`)))
    expect(states[0]?.body).toEqual(states[1]?.body)
  })

  it('do not need each other: when one is killed, its subscribers go on at the other [WP-2.5]', async () => {
    const [one, other] = await twoServers()
    const follower = new Follower('/v1/topics/log', 'earliest')
    const stays = new Follower('/v1/topics/log', 'earliest')
    const ended = new AbortController()
    const staying = stays.stream(other.url, () => false, ended.signal)
    const over = new AbortController()
    let acknowledged = 0
    const publish = async (url: string, name: string) => {
      for (let n = 0; !over.signal.aborted; n++) {
        // Whoever publishes to the one that is killed is cut off.
        const answer = await post(`${url}/v1/topics/log`, line([name, n])).catch(() => undefined)
        if (answer === undefined) return
        expect(answer.status).toBe(201)
        acknowledged++
      }
    }
    const publishing = [publish(one.url, 'one'), publish(one.url, 'one too'), publish(other.url, 'other')]
    const cutOff = follower.stream(one.url, () => false).catch(() => undefined)
    await expect.poll(() => follower.seen.length, { timeout: 10_000 }).toBeGreaterThan(50)
    await one.end('SIGKILL')
    await cutOff
    const seenBefore = follower.seen.length
    const going = follower.stream(other.url, () => false, ended.signal)
    await expect.poll(() => follower.seen.length, { timeout: 10_000 }).toBeGreaterThan(seenBefore + 50)
    over.abort()
    await Promise.all(publishing)
    const head = await headOf(other.url)
    await expect.poll(() => [follower.seen.length, stays.seen.length], { timeout: 10_000 }).toEqual([head, head])
    ended.abort()
    await Promise.all([going, staying])
    const ids = stays.seen.map(({ id }) => id)
    expect(new Set(ids).size).toBe(head)
    expect(follower.seen.map(({ id }) => id)).toEqual(ids)
    expect(follower.control).not.toContain('gap')
    // At most one publish of each of the two that were cut off was not acknowledged, and yet is in the log.
    expect(head - acknowledged).toBeGreaterThanOrEqual(0)
    expect(head - acknowledged).toBeLessThanOrEqual(2)
    expect(other.logged).toEqual([])
  })
})
