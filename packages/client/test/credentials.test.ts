/** Who the client speaks for, and what becomes of it when that ends or is refused. */
import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryStorage } from '@watchpost/client'
import { eventSource } from '@watchpost/client/event-source'
import { EventSource } from 'eventsource'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { topic } from 'watchpost'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { clientOf, type Heard, hear, numbers, startServer, TRANSPORTS } from './harness.ts'

const SOON = { timeout: 20_000, interval: 10 }
const QUICK = { backoffBaseMs: 20, backoffMsMax: 100, waitSeconds: 1 }

const SECRET = 'a secret of this test alone, of enough bytes'
const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

/** A token that is good for so long. */
function tokenFor(seconds: number, subject = 'ada', watch: readonly string[] = ['log', 'mine']): string {
  const exp = Date.now() / 1_000 + seconds
  const input = `${encoded({ alg: 'HS256' })}.${encoded({ sub: subject, exp, watchpost: { watch, publish: ['log'] } })}`
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`
}

const events = { line: {} }

const startGuarded = (expiringMs = 60_000) =>
  startServer({
    topics: {
      log: topic({ events }),
      mine: topic({ events }),
      // Anybody may know that it is there.
      read: topic({ events, watch: 'granted', publish: 'anyone' }),
    },
    auth: { jwt: { secret: SECRET, clockToleranceSeconds: 0 } },
    expiringMs,
  })

/** Between two polls there is nothing that a cut could be noticed by. */
async function untilCut(proxy: FaultProxy, { statuses }: Heard): Promise<void> {
  const before = statuses.length
  const noticed = (): number => {
    // What comes after it is not to be cut again.
    if (statuses.length === before) proxy.cut()
    return statuses.length
  }
  await expect.poll(noticed, SOON).toBeGreaterThan(before)
}

describe.each(TRANSPORTS)('by %s, credentials', (transport) => {
  it('are asked for on each attempt [WP-6.6]', async () => {
    const server = await startGuarded()
    const proxy = await FaultProxy.start(server.url)
    let asked = 0
    const token = () => {
      asked++
      return Promise.resolve(tokenFor(600))
    }
    const client = clientOf(proxy.url, { ...QUICK, transports: [transport], token })
    const heard = hear(client.watch('log'))
    for (let round = 1; round <= 3; round++) {
      await expect
        .poll(() => heard.statuses.filter((status) => status === 'open').length, SOON)
        .toBeGreaterThanOrEqual(round)
      expect(asked).toBeGreaterThanOrEqual(round)
      await untilCut(proxy, heard)
    }
    await server.publish('log', 0, 3)
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 3))
  })

  it('that have ended are replaced by others, and nothing is lost [WP-6.7]', { timeout: 60_000 }, async () => {
    const server = await startGuarded(1_500)
    let asked = 0
    const client = clientOf(server.url, {
      ...QUICK,
      transports: [transport],
      token: () => {
        asked++
        return tokenFor(2)
      },
    })
    const heard = hear(client.watch('log'))
    await expect.poll(() => heard.statuses, SOON).toContain('open')
    for (let i = 0; i < 20; i++) {
      await server.publish('log', i, 1)
      await sleep(250)
    }
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 20))
    expect(asked).toBeGreaterThan(1)
    expect(heard.errors).toEqual([])
    // A stream or socket went on with them, so it never had to be opened again.
    if (transport !== 'long-poll') expect(heard.statuses).toEqual(['connecting', 'open'])
  })

  it('that are refused are asked for once more, and then it is over [WP-5.1]', async () => {
    const server = await startGuarded()
    const proxy = await FaultProxy.start(server.url)
    let asked = 0
    const token = () => {
      asked++
      return asked === 2 ? tokenFor(600) : 'refused'
    }
    const client = clientOf(proxy.url, { ...QUICK, transports: [transport], token })
    const heard = hear(client.watch('log'))
    await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
    expect(heard.statuses).toEqual(['connecting', 'refreshing', 'connecting', 'open'])
    expect(asked).toBe(2)
    await sleep(1_100)
    await untilCut(proxy, heard)
    await expect.poll(() => heard.errors, SOON).toMatchObject([{ problem: 'unauthorized', status: 401 }])
    expect(heard.statuses.at(-1)).toBe('closed')
    expect(asked).toBe(4)
    const fixed = clientOf(server.url, { ...QUICK, transports: [transport], token: tokenFor(-10) })
    const iterator = fixed.watch('log')[Symbol.asyncIterator]()
    await expect(iterator.next()).rejects.toMatchObject({ problem: 'token-expired' })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  it('that are not enough end what they are not enough for, and nothing else [WP-6.3]', async () => {
    const server = await startGuarded()
    const proxy = await FaultProxy.start(server.url)
    const client = clientOf(proxy.url, { ...QUICK, transports: [transport], token: tokenFor(600) })
    const heard = hear(client.watch('log'))
    const hidden = hear(client.watch('nowhere'))
    const forbidden = hear(client.watch('read'))
    await expect.poll(() => hidden.errors, SOON).toMatchObject([{ problem: 'unknown-topic' }])
    await expect.poll(() => forbidden.errors, SOON).toMatchObject([{ problem: 'forbidden' }])
    await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
    await server.publish('log', 0, 3)
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 3))
    const asked = proxy.requests.filter((line) => line.includes('nowhere') || line.includes('read')).length
    await sleep(500)
    expect(proxy.requests.filter((line) => line.includes('nowhere') || line.includes('read')).length).toBe(asked)
  })

  it('that can not be had yet are waited for', async () => {
    const server = await startGuarded()
    let asked = 0
    const token = async () => {
      if (++asked < 4) throw new Error('offline')
      return tokenFor(600)
    }
    const heard = hear(clientOf(server.url, { ...QUICK, transports: [transport], token }).watch('log'))
    await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
    expect(heard.statuses.filter((status) => status === 'waiting').length).toBe(3)
  })
})

it('that whoever is asked for throws at once, are asked for again', async () => {
  const server = await startGuarded()
  let asked = 0
  const token = () => {
    if (++asked === 1) throw new Error('not yet')
    return tokenFor(600)
  }
  const heard = hear(clientOf(server.url, { ...QUICK, token }).watch('log'))
  await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
  expect(asked).toBe(2)
})

it('that have just ended, by a clock that is not quite right, do not make polls follow each other at once [WP-6.7]', async () => {
  const server = await startServer({ topics: { log: topic({ events }) }, auth: { jwt: { secret: SECRET } } })
  const proxy = await FaultProxy.start(server.url)
  const client = clientOf(proxy.url, { ...QUICK, transports: ['long-poll'], token: () => tokenFor(-1) })
  const heard = hear(client.watch('log'))
  await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
  await sleep(1_500)
  expect(proxy.requests.length).toBeLessThan(50)
  await server.publish('log', 0, 3)
  await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 3))
})

it('whoever can set no header shows a ticket instead, a new one each time [WP-3.15]', async () => {
  const server = await startGuarded()
  const proxy = await FaultProxy.start(server.url)
  const transports = [eventSource(EventSource)]
  const client = clientOf(proxy.url, { ...QUICK, transports, token: () => tokenFor(600) })
  const heard = hear(client.watch('log'))
  for (let round = 1; round <= 3; round++) {
    await expect.poll(() => heard.statuses.filter((status) => status === 'open').length, SOON).toBe(round)
    await server.publish('log', round, 1)
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(1, round))
    proxy.cut()
  }
  expect(proxy.requests.filter((line) => line === 'POST /v1/tickets').length).toBeGreaterThanOrEqual(3)
  expect(proxy.requests.join()).not.toContain('eyJ')
})

it('a token that could not be had says nothing of the transport [WP-6.6]', async () => {
  const server = await startGuarded()
  const storage = memoryStorage()
  let asked = 0
  const token = async () => {
    if (++asked === 1) throw new Error('offline')
    return tokenFor(600)
  }
  const heard = hear(clientOf(server.url, { ...QUICK, storage, token }).watch('log'))
  await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
  expect(storage.get('transport')).toBe('websocket')
})

it('after a new network another token is asked for again, though one was refused long ago [WP-6.7]', async () => {
  const online = new Set<(event: { readonly type: string }) => void>()
  vi.stubGlobal('addEventListener', (type: string, listener: () => void) => type === 'online' && online.add(listener))
  vi.stubGlobal('removeEventListener', () => undefined)
  onTestFinished(() => void vi.unstubAllGlobals())
  const server = await startGuarded()
  let asked = 0
  // The first of each two has ended by then.
  const token = () => (asked++ % 2 === 0 ? 'refused' : tokenFor(600))
  const heard = hear(clientOf(server.url, { ...QUICK, token }).watch('log'))
  await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
  for (const tell of online) tell({ type: 'online' })
  await expect.poll(() => asked, SOON).toBe(4)
  await expect.poll(() => heard.statuses.at(-1), SOON).toBe('open')
  expect(heard.errors).toEqual([])
})
