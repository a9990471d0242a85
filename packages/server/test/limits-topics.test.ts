/** How many topics whoever may publish to a template can make. */
import { describe, expect, it } from 'vitest'
import { topic } from 'watchpost'
import { WebSocket } from 'ws'
import { expectProblem } from './fixtures/http.ts'
import { get, post, startServer, temporaryDir } from './harness.ts'

const events = { line: {} }
const TOPICS = {
  log: topic({ events, watch: 'anyone', publish: 'anyone' }),
  'chat/{room}': topic({ events, watch: 'anyone', publish: 'anyone' }),
}

const publish = (url: string, name: string): ReturnType<typeof post> =>
  post(`${url}/v1/topics/${name}`, [{ type: 'line' }, { type: 'line' }])

describe('topicsMax', () => {
  it('bounds the topics that a template makes, and nothing that there is already [WP-8.1] [WP-3.9]', async () => {
    const dataDir = await temporaryDir()
    const first = await startServer({ topics: TOPICS, limits: { topicsMax: 2 }, dataDir })
    const { url, watchpost } = first
    expect((await get(`${url}/v1/topics`)).body.limits.topicsMax).toBe(2)
    for (const name of ['chat/1', 'chat/2']) expect((await publish(url, name)).status).toBe(201)
    const refused = await publish(url, 'chat/3')
    expectProblem(refused, 'reach-maximum-topics')
    expect(refused.headers.has('retry-after')).toBe(false)
    expect((await get(`${url}/v1/topics/chat/3`)).body.events).toEqual([])
    for (const name of ['chat/1', 'log', 'chat/2', 'log']) expect((await publish(url, name)).status).toBe(201)
    const failed = watchpost.publish('chat/3', { type: 'line', data: 1 })
    await expect(failed).rejects.toMatchObject({ problem: 'reach-maximum-topics' })
    await first.close()

    const second = await startServer({ topics: TOPICS, limits: { topicsMax: 4 }, dataDir })
    expect((await publish(second.url, 'chat/3')).status).toBe(201)
    expectProblem(await publish(second.url, 'chat/4'), 'reach-maximum-topics')
  })

  it('is told of on a WebSocket, which goes on [WP-4.3]', async () => {
    const { url } = await startServer({ topics: TOPICS, limits: { topicsMax: 1 } })
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1`)
    const answers: { re?: string; type: string; error?: { type: string } }[] = []
    const all = new Promise<void>((resolve) => {
      socket.on('message', (data) => {
        const message = JSON.parse((data as Buffer).toString()) as (typeof answers)[number]
        if (message.re !== undefined && answers.push(message) === 3) resolve()
      })
    })
    socket.on('open', () => {
      for (const [id, name] of ['chat/1', 'chat/2', 'log'].entries()) {
        socket.send(JSON.stringify({ type: 'publish', id: `${id}`, data: { topic: name, type: 'line' } }))
      }
    })
    await all
    socket.close()
    expect(Object.fromEntries(answers.map(({ re, type, error }) => [re, error?.type ?? type]))).toEqual({
      0: 'published',
      1: '/problems/reach-maximum-topics',
      2: 'published',
    })
  })
})
