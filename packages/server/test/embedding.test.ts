/** Watchpost inside of another server and as a library. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type AttachOptions, createWatchpost, ProblemError, type Watchpost } from 'watchpost'
import { expectProblem } from './fixtures/http.ts'
import { type Answer, get, openSse, post, startServer, TOPICS, temporaryDir } from './harness.ts'

const line = (n: number) => ({ type: 'line' as const, data: { n } })
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

async function makeWatchpost(): Promise<Watchpost<typeof TOPICS>> {
  const config = { topics: TOPICS, logLevel: 'silent', dataDir: await temporaryDir() } as const
  const watchpost = await createWatchpost(config)
  onTestFinished(() => watchpost.close())
  return watchpost
}

async function listenOn(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A host with a route `/hello` that takes GET and POST, with a body, and 404 of its own for all else. */
interface Host {
  readonly name: string
  make(): Promise<Server>
}

const HOSTS: readonly Host[] = [
  {
    name: 'node:http',
    make: async () =>
      createServer((request, response) => {
        const isHello = request.url === '/hello'
        let text = ''
        request.on('data', (chunk: Buffer) => (text += chunk.toString()))
        request.on('end', () => {
          response.writeHead(isHello ? 200 : 404, { 'content-type': 'application/json' })
          response.end(JSON.stringify(isHello ? { hello: text === '' ? null : JSON.parse(text) } : { none: true }))
        })
      }),
  },
  {
    name: 'Express',
    make: async () => {
      const app = express()
      app.use(express.json())
      app.get('/hello', (_request, response) => void response.json({ hello: null }))
      app.post('/hello', (request, response) => void response.json({ hello: request.body as unknown }))
      app.use((_request, response) => void response.status(404).json({ none: true }))
      return createServer(app)
    },
  },
  {
    name: 'Fastify',
    make: async () => {
      const app = fastify()
      app.get('/hello', () => ({ hello: null }))
      app.post('/hello', (request) => ({ hello: request.body }))
      app.setNotFoundHandler((_request, reply) => reply.code(404).send({ none: true }))
      await app.ready()
      onTestFinished(() => app.close())
      return app.server
    },
  },
]

async function embed(host: Host, options?: AttachOptions) {
  const [watchpost, server] = [await makeWatchpost(), await host.make()]
  watchpost.attach(server, options)
  return { watchpost, server, url: await listenOn(server) }
}

async function expectHost(url: string): Promise<void> {
  expect((await get(`${url}/hello`)).body).toEqual({ hello: null })
  expect((await post(`${url}/hello`, { a: [1] })).body).toEqual({ hello: { a: [1] } })
  const isHosts = (answer: Answer) => expect([answer.status, answer.body]).toEqual([404, { none: true }])
  for (const path of ['/', '/other', '/v1/other', '/v2/topics', '/healthz', '/readyz', '/metrics']) {
    isHosts(await get(`${url}${path}`))
  }
}

describe.each(HOSTS)('inside of $name', (host) => {
  it('the host keeps its routes, and all ways to watch and publish work [WP-3.2] [WP-3.14]', async () => {
    const { url, watchpost } = await embed(host)
    await expectHost(url)
    const log = `${url}/v1/topics/log`
    const stream = await openSse(log)
    await stream.next(({ event }) => event === 'welcome')
    const poll = get(`${log}?wait=20`)
    await sleep(50)
    expect((await post(log, [line(0), line(1)])).status).toBe(201)
    await watchpost.publish('log', line(2))
    expect((await poll).body.events[0].data).toEqual({ n: 0 })
    expect((await stream.events(3)).map(({ data }) => data['data'])).toEqual(upTo(3).map((n) => ({ n })))
    expect((await get(log)).body.events).toHaveLength(3)
    expectProblem(await get(`${url}/v1/topics/none`), 'unknown-topic')
    expect((await get(`${url}/problems/unknown-topic`, { accept: 'application/json' })).status).toBe(200)
    await expectHost(url)
  })

  it('closing ends the streams and leaves the host as it was [WP-3.8]', async () => {
    const { url, watchpost, server } = await embed(host)
    const stream = await openSse(`${url}/v1/topics/log`)
    await stream.next(({ event }) => event === 'welcome')
    await watchpost.close()
    await stream.ended
    expect(stream.messages.at(-1)?.event).toBe('goodbye')
    await expectHost(url)
    expect([404, 405]).toContain((await get(`${url}/v1/topics/log`)).status)
    expect((await get(`${url}/v1/topics/log`)).body).toEqual({ none: true })
    expect(server.listenerCount('request')).toBe(1)
  })

  it('a base path takes all of it, the operators` paths if they are asked for [WP-3.2] [WP-3.14]', async () => {
    const { url } = await embed(host, { basePath: '/live/feed', probes: true })
    await expectHost(url)
    const log = `${url}/live/feed/v1/topics/log`
    await post(log, upTo(5).map(line))
    const page = await get(`${log}?limit=2`)
    const next = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1]
    expect((await get(`${url}${next}`)).body.events.map((event: { data: unknown }) => event.data)).toEqual([
      { n: 2 },
      { n: 3 },
    ])
    for (const path of ['healthz', 'readyz', 'metrics', 'v1/topics', 'problems/internal']) {
      expect((await get(`${url}/live/feed/${path}`)).status).toBe(200)
    }
    for (const path of ['/v1/topics/log', '/live/v1/topics/log', '/live/feedv1/topics', '/live/feed']) {
      expect((await get(`${url}${path}`)).body).toEqual({ none: true })
    }
    const stream = await openSse(`${log}?after=earliest`)
    await stream.events(5)
    const { topics } = (await get(`${url}/live/feed/v1/topics`)).body
    const { links } = topics.find(({ topic }: { topic: string }) => topic === 'stocks')
    expect(links).toEqual({ topic: '/live/feed/v1/topics/stocks', state: '/live/feed/v1/state/stocks' })
    const foreign = (await (await makeWatchpost()).publish('log', line(0))).events[0]?.id
    const expired = await get(`${url}${links.topic}?after=${foreign}`)
    expectProblem(expired, 'cursor-expired', { state: links.state })
    expect(expired.headers.get('link')).toBe('</live/feed/problems/cursor-expired>; rel="type"')
  })
})

describe('attaching', () => {
  it.each(['live', '/live/', '/', '/a?b', '//live'])('refuses the base path %j [WP-3.2]', async (basePath) => {
    const watchpost = await makeWatchpost()
    expect(() => watchpost.attach(createServer(), { basePath })).toThrow(/basePath .*must look like "\/live"/)
  })

  it('serves several watchposts on one server, each under its own path [WP-3.2]', async () => {
    const [one, other] = [await makeWatchpost(), await makeWatchpost()]
    const server = createServer((_request, response) => void response.end('host'))
    one.attach(server, { basePath: '/one' })
    other.attach(server, { basePath: '/other' })
    const url = await listenOn(server)
    await one.publish('log', line(1))
    expect((await get(`${url}/one/v1/topics/log`)).body.events).toHaveLength(1)
    expect((await get(`${url}/other/v1/topics/log`)).body.events).toHaveLength(0)
    expect((await get(`${url}/elsewhere`)).body).toBe('host')
  })
})

describe('watch() in the server`s own process', () => {
  it('gives events as they come, and resumes after any of them [WP-2.5] [WP-1.1]', async () => {
    const watchpost = await makeWatchpost()
    const { events } = await watchpost.publish('log', upTo(3).map(line))
    const ids: string[] = []
    for await (const message of watchpost.watch('log', { after: 'earliest' })) {
      if (message.type === 'gap') throw new Error('a gap')
      expect(message).toMatchObject({ topic: 'log', type: 'line', data: { n: ids.length } })
      ids.push(message.id)
      if (ids.length === 3) break
    }
    expect(ids).toEqual(events.map(({ id }) => id))
    const resumed = watchpost.watch('log', { after: ids[1] ?? '' })
    expect((await resumed.next()).value).toMatchObject({ data: { n: 2 } })
    const pending = resumed.next()
    await watchpost.publish('log', line(3))
    expect((await pending).value).toMatchObject({ data: { n: 3 } })
    await resumed.return?.()
  })

  it('takes filters, keys, types, pointers and `last` as requests do [WP-3.3] [WP-3.6] [WP-3.4]', async () => {
    const watchpost = await makeWatchpost()
    for (const n of upTo(3)) {
      await watchpost.publish(`chat/${n}`, { type: 'message', data: { n, text: 'hi' } })
      await watchpost.publish('log', [line(n), { type: 'note', data: { n }, key: `k${n}` }])
    }
    const take = async (watch: AsyncIterable<object>, count: number) => {
      const taken: object[] = []
      for await (const message of watch) if (taken.push(message) === count) break
      return taken
    }
    const wild = await take(watchpost.watch(['chat/*', 'log'], { after: 'earliest', select: '/n' }), 9)
    expect(wild.map((message) => Object.values((message as { data: object }).data)).flat()).toEqual([
      ...[0, 0, 0, 1, 1, 1, 2, 2, 2],
    ])
    const views = [
      [{ after: 'earliest', type: 'note', key: ['k0', 'k2'] }, ['k0', 'k2']],
      [{ last: 1, type: 'note' }, ['k2']],
    ] as const
    for (const [options, keys] of views) {
      const taken = await take(watchpost.watch('log', options), keys.length)
      expect(taken.map((message) => (message as { key?: string }).key)).toEqual(keys)
    }
  })

  it('is told of a gap, and goes on [WP-2.4]', async () => {
    const foreign = (await (await makeWatchpost()).publish('log', line(0))).events[0]?.id ?? ''
    const watchpost = await makeWatchpost()
    await watchpost.publish('log', upTo(2).map(line))
    const messages = watchpost.watch('log', { after: foreign })
    const first = (await messages.next()).value
    expect(first).toMatchObject({ type: 'gap', data: { reason: 'epoch', after: foreign } })
    expect([(await messages.next()).value, (await messages.next()).value]).toMatchObject([
      { data: { n: 0 } },
      { data: { n: 1 } },
    ])
    await messages.return?.()
  })

  it('ends with its signal, and when the server closes, in the midst of waiting or before it began', async () => {
    const watchpost = await makeWatchpost()
    const collect = async (signal?: AbortSignal) => {
      const seen: unknown[] = []
      for await (const message of watchpost.watch('log', { after: 'earliest', ...(signal && { signal }) })) {
        seen.push(message.data)
      }
      return seen
    }
    const controller = new AbortController()
    const [aborted, never, closed] = [collect(controller.signal), collect(AbortSignal.abort()), collect()]
    await watchpost.publish('log', line(0))
    await sleep(50)
    controller.abort()
    expect(await aborted).toEqual([{ n: 0 }])
    expect(await never).toEqual([])
    await watchpost.publish('log', line(1))
    await sleep(50)
    await watchpost.close()
    expect(await closed).toEqual([{ n: 0 }, { n: 1 }])
  })

  it('throws what a request would be answered with [WP-5.1]', async () => {
    const watchpost = await makeWatchpost()
    const problemOf = async (act: () => Promise<unknown>): Promise<string> => {
      const error: unknown = await act().catch((thrown: unknown) => thrown)
      return error instanceof ProblemError ? error.problem : `no problem: ${String(error)}`
    }
    expect(await problemOf(() => watchpost.watch('none').next())).toBe('unknown-topic')
    expect(await problemOf(() => watchpost.watch('a b').next())).toBe('invalid-parameter')
    expect(await problemOf(() => watchpost.watch([]).next())).toBe('invalid-parameter')
    expect(await problemOf(() => watchpost.watch('log', { after: 'x' }).next())).toBe('invalid-cursor')
    expect(await problemOf(() => watchpost.watch('log', { select: 'x' }).next())).toBe('invalid-parameter')
    const wrong = { type: 'priceUpdate', data: { symbol: 'A', price: 'x' } } as const
    expect(await problemOf(() => watchpost.publish('stocks', [wrong]))).toBe('invalid-event')
    expect(await problemOf(() => watchpost.publish('nowhere' as 'log', line(0)))).toBe('unknown-topic')
    expect((await watchpost.publish('log', line(0))).events).toHaveLength(1)
  })

  it('harms nobody and loses nothing when its consumer is slow [WP-8.2]', async () => {
    const { url, watchpost } = await startServer({ limits: { bufferedBytesMax: 100_000 } })
    const slow = watchpost.watch('log', { after: 'earliest' })
    await watchpost.publish('log', line(0))
    await slow.next()
    const quick = openSse(`${url}/v1/topics/log?after=earliest`)
    const text = 'x'.repeat(10_000)
    for (let batch = 0; batch < 50; batch++) {
      const events = upTo(100).map((i) => ({ type: 'line', data: { n: 1 + batch * 100 + i, text } }))
      await watchpost.publish('log', events)
    }
    const { messages } = await quick
    await expect.poll(() => messages.length, { timeout: 20_000 }).toBe(5_002)
    const seen: number[] = []
    for await (const message of slow) {
      seen.push((message.data as { n: number }).n)
      if (seen.length === 5_000) break
    }
    expect(seen).toEqual(upTo(5_000).map((n) => n + 1))
  })
})
