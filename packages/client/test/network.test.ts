/** What the client makes of what a browser says about its network and its page. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { clientOf, hear, numbers, startServer, TRANSPORTS } from './harness.ts'

const SOON = { timeout: 20_000, interval: 10 }
const QUICK = { backoffBaseMs: 20, backoffMsMax: 100, probeMs: 1_000 }

type Listener = (event: { readonly type: string }) => void

/** As much of a `window` as tells of the network; what was listened to is heard as long as it is. */
function page(): { readonly tell: (type: string) => void; readonly count: number } {
  const listeners = new Map<string, Set<Listener>>()
  vi.stubGlobal('addEventListener', (type: string, listener: Listener) =>
    listeners.set(type, (listeners.get(type) ?? new Set()).add(listener)),
  )
  vi.stubGlobal('removeEventListener', (type: string, listener: Listener) => listeners.get(type)?.delete(listener))
  return {
    tell: (type) => {
      for (const listener of listeners.get(type) ?? []) listener({ type })
    },
    get count() {
      return [...listeners.values()].reduce((sum, { size }) => sum + size, 0)
    },
  }
}

afterEach(() => vi.unstubAllGlobals())

describe.each(TRANSPORTS)('by %s, a browser that is offline', (transport) => {
  it('has its dead connection noticed soon, and not by heartbeats, and comes back by itself', async () => {
    const { tell } = page()
    const server = await startServer()
    const proxy = await FaultProxy.start(server.url)
    const heard = hear(clientOf(proxy.url, { ...QUICK, transports: [transport] }).watch('log'))
    await expect.poll(() => heard.statuses, SOON).toEqual(['connecting', 'open'])
    proxy.halfOpen()
    await server.publish('log', 0, 3)
    const beganMs = Date.now()
    tell('offline')
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 3))
    // Heartbeats, or the wait of a poll, would have told after 37 or 22 seconds.
    expect(Date.now() - beganMs).toBeLessThan(15_000)
  })

  it('keeps what still works, such as what goes to this machine', async () => {
    const { tell } = page()
    vi.stubGlobal('navigator', { onLine: false })
    const server = await startServer()
    const proxy = await FaultProxy.start(server.url)
    const heard = hear(clientOf(proxy.url, { ...QUICK, transports: [transport] }).watch('log'))
    await expect.poll(() => heard.statuses, SOON).toEqual(['connecting', 'open'])
    tell('offline')
    await sleep(2_500)
    await server.publish('log', 0, 3)
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 3))
    expect(heard.statuses).not.toContain('waiting')
    if (transport === 'websocket') expect(proxy.connections).toBe(1)
  })
})

it('what fails while the browser is offline is held against no transport, and tried at once when it is online', async () => {
  const { tell } = page()
  vi.stubGlobal('navigator', { onLine: false })
  const server = await startServer()
  const proxy = await FaultProxy.start(server.url)
  const heard = hear(clientOf(proxy.url, { ...QUICK, backoffMsMax: 600_000 }).watch('log'))
  await expect.poll(() => heard.statuses, SOON).toEqual(['connecting', 'open'])
  proxy.requests.length = 0
  proxy.faults.status = 502
  proxy.cut()
  // From then on it would wait for many seconds.
  await expect.poll(() => heard.statuses.filter((status) => status === 'waiting').length, SOON).toBeGreaterThan(8)
  expect(new Set(proxy.requests)).toEqual(new Set(['GET /v1']))
  delete proxy.faults.status
  await server.publish('log', 0, 3)
  vi.stubGlobal('navigator', { onLine: true })
  tell('online')
  await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 3))
})

it.each(['pageshow', 'resume', 'visibilitychange'])(
  'a page that comes back (%s) has its WebSocket looked after',
  async (type) => {
    const browser = page()
    const server = await startServer()
    const proxy = await FaultProxy.start(server.url)
    const client = clientOf(proxy.url, QUICK)
    const heard = hear(client.watch('log'))
    await expect.poll(() => heard.statuses, SOON).toEqual(['connecting', 'open'])
    browser.tell(type)
    await sleep(2_500)
    expect(heard.statuses).toEqual(['connecting', 'open'])
    proxy.halfOpen()
    await server.publish('log', 0, 3)
    const beganMs = Date.now()
    browser.tell(type)
    await expect.poll(() => heard.numbers, SOON).toEqual(numbers(0, 3))
    expect(Date.now() - beganMs).toBeLessThan(15_000)
    await client.close()
    expect(browser.count).toBe(0)
  },
)
