/** What is not stored, and who is here. */
import { describe, expect, it } from 'vitest'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { clientOf, startServer } from './harness.ts'

const SOON = { timeout: 20_000, interval: 10 }

const start = () =>
  startServer({
    topics: {
      chat: {
        events: { message: {}, typing: { ephemeral: true, schema: {} } },
        ...({ presence: true, watch: 'anyone', publish: 'anyone' } as const),
      },
    },
  })

describe.each(['websocket', 'sse'] as const)('by %s', (transport) => {
  it('an event that is not stored is handed over, and moves no cursor [WP-9.3]', async () => {
    const server = await start()
    const proxy = await FaultProxy.start(server.url)
    const client = clientOf(proxy.url, { transports: [transport], backoffBaseMs: 20, backoffMsMax: 100 })
    const watch = client.watch('chat')
    const seen: unknown[] = []
    watch.on('event', ({ data }) => seen.push(data))
    await expect.poll(() => watch.status, SOON).toBe('open')
    await server.watchpost.publish('chat', [{ type: 'message', data: 1 }])
    await expect.poll(() => seen, SOON).toEqual([1])
    const { cursor } = watch
    await server.watchpost.publish('chat', [{ type: 'typing', data: 'ada' }])
    await expect.poll(() => seen, SOON).toEqual([1, 'ada'])
    expect(watch.cursor).toBe(cursor)
    proxy.faults.refuses = true
    proxy.cut()
    await server.watchpost.publish('chat', [{ type: 'message', data: 2 }])
    proxy.faults.refuses = false
    await expect.poll(() => seen, SOON).toEqual([1, 'ada', 2])
  })

  it('who is here is a state, also when many come at once [WP-9.4] [WP-9.5]', async () => {
    const server = await start()
    const client = clientOf(server.url, { transports: [transport] })
    let here = 0
    client.watch('$presence/chat', { state: true }).on('state', (state) => (here = state.size))
    const members = Array.from({ length: 30 }, () => clientOf(server.url))
    for (const member of members) member.watch('chat').on('event', () => undefined)
    await expect.poll(() => here, SOON).toBe(30)
  })
})
