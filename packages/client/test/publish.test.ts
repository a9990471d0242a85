/** What the client does beside watching. */
import { describe, expect, it } from 'vitest'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { clientOf, startServer } from './harness.ts'

const QUICK = { backoffBaseMs: 20, backoffMsMax: 100 }

describe('a publish', () => {
  it('whose answers are lost is sent again, and published once [WP-3.10]', async () => {
    const server = await startServer()
    const proxy = await FaultProxy.start(server.url)
    const client = clientOf(proxy.url, QUICK)
    const ids: string[] = []
    for (let n = 0; n < 10; n++) {
      proxy.faults.losesAnswers = { to: /^POST/, times: n % 4 }
      const { events } = await client.publish('log', [
        { type: 'line', data: { n } },
        { type: 'note', data: { n } },
      ])
      for (const { id } of events) ids.push(id)
    }
    const page = await client.page('log', { limit: 100 })
    expect(page.events.map(({ id }) => id)).toEqual(ids)
    expect(page.events.map(({ data }) => (data as { n: number }).n)).toEqual([
      0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9,
    ])
    expect(proxy.requests.filter((line) => line.startsWith('POST')).length).toBe(10 + 13)
  })

  it('that is refused is not sent again, and says what is wrong with it [WP-3.9]', async () => {
    const server = await startServer()
    const proxy = await FaultProxy.start(server.url)
    const client = clientOf(proxy.url, QUICK)
    await expect(client.publish('log', { type: 'nothing', data: 1 })).rejects.toMatchObject({
      ...{ name: 'WatchpostError', problem: 'invalid-event', status: 422 },
      members: { errors: [{ event: 0, path: '/type' }] },
    })
    await expect(client.publish('no where?', { type: 'line', data: 1 })).rejects.toMatchObject({ status: 400 })
    expect(proxy.requests.length).toBe(2)
    const aborted = AbortSignal.abort(new Error('enough'))
    await expect(client.publish('log', { type: 'line', data: 1 }, { signal: aborted })).rejects.toThrow('enough')
  })

  it('is given up when nothing helps', async () => {
    const server = await startServer()
    const proxy = await FaultProxy.start(server.url)
    proxy.faults.status = 503
    const client = clientOf(proxy.url, QUICK)
    await expect(client.publish('log', { type: 'line', data: 1 })).rejects.toMatchObject({ status: 503 })
    expect(proxy.requests.length).toBe(6)
  })
})

describe('a page and a state', () => {
  it('are what is kept, or say why not [WP-3.7] [WP-3.11] [WP-2.3]', async () => {
    const server = await startServer()
    const client = clientOf(server.url, QUICK)
    await server.publish('log', 0, 5)
    const first = await client.page('log', { limit: 2 })
    expect(first).toMatchObject({ more: true, cursor: first.events[1]?.id })
    const rest = await client.page('log', { after: first.cursor, select: '/n' })
    expect(rest.events.map(({ data }) => data)).toEqual([{ n: 2 }, { n: 3 }, { n: 4 }])
    await expect(client.page('log', { after: 'no cursor' })).rejects.toMatchObject({ problem: 'invalid-cursor' })
    await expect(client.state('log')).rejects.toMatchObject({ problem: 'not-keyed', status: 404 })
    const prices = Array.from({ length: 250 }, (_, i) => ({ type: 'price', data: { symbol: `S${i}`, price: i } }))
    await client.publish('stocks', prices)
    const state = await client.state('stocks')
    expect(new Set(state.events.map(({ key }) => key)).size).toBe(250)
  })
})

describe('an option that is wrong', () => {
  it('is named', () => {
    expect(() => clientOf('nowhere')).toThrow(/url: "nowhere"/)
    expect(() => clientOf('ftp://host')).toThrow(/url/)
    expect(() => clientOf('http://host', { transports: [] })).toThrow(/transports/)
    expect(() => clientOf('http://host', { transports: ['websocket', 'see' as 'sse'] })).toThrow(/transports: unknown/)
    const client = clientOf('http://127.0.0.1:1')
    expect(() => client.watch('log', { state: true, last: 3 })).toThrow(/state/)
  })
})
