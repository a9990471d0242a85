/** Who is here, where several processes have one log, and where one of them dies [WP-9.4]. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { cleanUp, folderWith, type Serving, serveIn } from './cli-process.ts'
import { ONE_ADDRESS } from './fixtures/one-address.ts'
import { AUTH, present, Watching } from './fixtures/presence.ts'
import { get } from './harness.ts'

const HEARTBEAT_MS = 3_000

const folder = (limits: object = {}): string =>
  folderWith({
    'watchpost.config.json': JSON.stringify({
      auth: AUTH,
      heartbeatMs: HEARTBEAT_MS,
      limits: { ...ONE_ADDRESS, presenceGraceMs: 500, ...limits },
      topics: { room: { events: { message: {} }, presence: true, watch: 'anyone', publish: 'anyone' } },
    }),
  })

async function kill({ child, ended }: Serving): Promise<void> {
  child.kill('SIGKILL')
  await ended
}

/** Longer than two heartbeats, by what a busy machine may take for the rest. */
const TWO_HEARTBEATS_MS = 2 * HEARTBEAT_MS + 20_000

describe('processes on one log', () => {
  afterAll(cleanUp)

  it('tell together who is here, with the connections of both [WP-9.4]', async () => {
    const cwd = folder()
    const [one, other] = [await serveIn(cwd), await serveIn(cwd)]
    const watching = await Promise.all([one, other].map(({ url }) => Watching.open(url, 'room')))
    const tabs = [
      await present(one.url, 'room', 'ana', { info: 1 }),
      await present(other.url, 'room', 'ana', { info: 2 }),
    ]
    await present(other.url, 'room', 'bob')
    for (const each of watching) {
      await each.until(({ here }) => here.get('ana')?.connections === 2 && here.has('bob'))
      expect(each.here.get('ana')?.info).toBe(2)
    }
    await tabs[0]?.close()
    for (const each of watching) await each.until(({ here }) => here.get('ana')?.connections === 1)
    await tabs[1]?.close()
    for (const each of watching) await each.until(({ here }) => !here.has('ana'))
    expect([...(watching[0]?.here ?? [])]).toEqual([...(watching[1]?.here ?? [])])
    expect(watching[1]?.told).toEqual(watching[0]?.told)
  })

  it('tell nothing of who goes from one to the other in time [WP-9.4]', async () => {
    const cwd = folder({ presenceGraceMs: 6_000 })
    const [one, other] = [await serveIn(cwd), await serveIn(cwd)]
    const watching = await Watching.open(other.url, 'room')
    const before = await present(one.url, 'room', 'ana')
    await watching.until(({ here }) => here.has('ana'))
    await before.close()
    await sleep(500)
    await present(other.url, 'room', 'ana')
    await sleep(8_000)
    expect(watching.told).toHaveLength(1)
  })

  it('tell of a process that was killed that its members left, and of nobody else, within two heartbeats [WP-9.4]', async () => {
    const cwd = folder()
    const [one, other] = [await serveIn(cwd), await serveIn(cwd)]
    const watching = await Watching.open(other.url, 'room')
    for (const name of ['ana', 'bob', 'eve']) await present(one.url, 'room', name)
    await present(other.url, 'room', 'eve')
    await present(other.url, 'room', 'kim')
    await watching.until(({ here }) => here.size === 4 && here.get('eve')?.connections === 2)
    const killedMs = performance.now()
    await kill(one)
    // One of them comes to the other process at once, as clients do.
    await present(other.url, 'room', 'bob')
    await watching.until(({ here }) => !here.has('ana') && here.get('eve')?.connections === 1, TWO_HEARTBEATS_MS)
    const tookMs = performance.now() - killedMs
    console.log(`members of a killed process left after ${(tookMs / HEARTBEAT_MS).toFixed(1)} heartbeats`)
    expect([...watching.here.keys()].sort()).toEqual(['bob', 'eve', 'kim'])
    expect(watching.of('bob')).toHaveLength(1)
    expect(watching.of('kim')).toHaveLength(1)
  }, 60_000)

  it('that was the only one, and was killed, is made good by the next one [WP-9.4]', async () => {
    const cwd = folder()
    const killed = await serveIn(cwd)
    const before = await Watching.open(killed.url, 'room')
    for (const name of ['ana', 'bob']) await present(killed.url, 'room', name)
    await before.until(({ here }) => here.size === 2)
    await kill(killed)
    const next = await serveIn(cwd)
    const watching = await Watching.open(next.url, 'room')
    await watching.until(({ here }) => here.has('ana') && here.has('bob'))
    await present(next.url, 'room', 'ana')
    await watching.until(({ here }) => !here.has('bob'), TWO_HEARTBEATS_MS)
    // Who came back in time has not left, nor been counted twice.
    expect(watching.told).toEqual([{ key: 'bob', data: null }])
    expect(watching.here.get('ana')).toEqual(before.here.get('ana'))
  }, 60_000)

  it('that is ended as it should be keeps those who come back to the next one [WP-9.4]', async () => {
    const cwd = folder()
    const first = await serveIn(cwd)
    const before = await Watching.open(first.url, 'room')
    for (const name of ['ana', 'bob']) await present(first.url, 'room', name)
    await before.until(({ here }) => here.size === 2)
    const { since } = before.here.get('ana') ?? {}
    first.child.kill('SIGTERM')
    await first.ended
    const next = await serveIn(cwd)
    const watching = await Watching.open(next.url, 'room')
    await present(next.url, 'room', 'ana')
    await watching.until(({ here }) => here.size === 1 && here.has('ana'), TWO_HEARTBEATS_MS)
    expect(watching.of('ana').every(({ data }) => data?.connections === 1)).toBe(true)
    expect(since).toBeDefined()
    expect((await get(`${next.url}/v1/state/$presence/room`)).body.events).toHaveLength(1)
  }, 60_000)
})
