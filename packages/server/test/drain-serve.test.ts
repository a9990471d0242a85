/** Programs that drain: `watchpost serve` when it is told to end, and a host that embeds a server. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { CONFIG, cleanUp, eventsOf, folderWith, type Serving, serveIn, until } from './cli-process.ts'
import { SECRET } from './fixtures/auth.ts'
import { FOR_EACH_MS, gone, goodbyeOf, openSockets, openStreams, postDrain } from './fixtures/drain-crowd.ts'
import { dial, expectProblem, untilClose } from './fixtures/http.ts'
import { ONE_ADDRESS } from './fixtures/one-address.ts'
import { get, openSse, post, startServer } from './harness.ts'

const line = (data: unknown) => ({ type: 'line', data })

describe('SIGTERM', () => {
  afterAll(cleanUp)

  const config = { ...JSON.parse(CONFIG), auth: { jwt: { secret: SECRET } }, limits: ONE_ADDRESS }
  config.topics.log = { events: { line: {} }, watch: 'anyone', publish: 'anyone' }
  const folder = (): string => folderWith({ 'watchpost.config.json': JSON.stringify(config) })
  const drains = (serving: Serving): boolean => serving.stdout().includes('"msg":"draining"')

  it('drains the program, and ends it when all are gone [WP-3.17]', async () => {
    const serving = await serveIn(folder())
    const { url } = serving
    const clients = [...(await openStreams(url, 80)), ...(await openSockets(url, 120))]
    const ended = serving.stop()
    await until(() => drains(serving))
    expect((await get(`${url}/readyz`)).status).toBe(503)
    expect((await post(`${url}/v1/topics/log`, line('meanwhile'))).status).toBe(201)
    expectProblem(await get(`${url}/v1/topics/log?wait=60`), 'going-away')
    expect((await ended).code).toBe(0)
    await gone(clients)
    const saidMs = clients.map((client) => goodbyeOf(client).saidMs)
    expect(Math.max(...saidMs) - Math.min(...saidMs)).toBeGreaterThan((clients.length - 2) * FOR_EACH_MS)
    expect(JSON.stringify(clients.at(-1)?.messages)).toContain('meanwhile')
  })

  it('lets what is being published finish [WP-3.17] [WP-3.9]', async () => {
    const cwd = folder()
    const serving = await serveIn(cwd)
    const socket = await dial(serving.url)
    const answered = untilClose(socket)
    const body = JSON.stringify(line('in flight'))
    socket.write(`POST /v1/topics/log HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 9)}`)
    // Connections are taken in the order in which they come, so the server has begun to read that one.
    await get(`${serving.url}/healthz`)
    const ended = serving.stop()
    await until(() => drains(serving))
    await sleep(200)
    socket.write(body.slice(9))
    const { status, body: published } = await answered
    expect(status).toBe(201)
    expect((await ended).code).toBe(0)
    const again = await serveIn(cwd)
    expect(await eventsOf(again.url, 'log')).toMatchObject([{ id: published.events[0].id, data: 'in flight' }])
  })

  it('ends the program at once when it comes again, with 130 [WP-3.17]', async () => {
    const serving = await serveIn(folder())
    const clients = await openSockets(serving.url, 200)
    const ended = serving.stop()
    await until(() => drains(serving))
    serving.child.kill('SIGTERM')
    expect((await ended).code).toBe(130)
    await gone(clients)
    const told = clients.filter(({ messages }) => messages.at(-1)?.type === 'goodbye')
    expect(told.length).toBeLessThan(clients.length)
    expect(serving.stdout()).not.toContain('"msg":"closed"')
  })

  it('ends a program that was drained by POST, or is [WP-3.17]', async () => {
    const serving = await serveIn(folder())
    const clients = await openSockets(serving.url, 40)
    const asked = await postDrain(serving.url)
    expect([asked.status, asked.body]).toEqual([202, { connections: 40, drainMs: 40 * FOR_EACH_MS }])
    expect((await serving.stop()).code).toBe(0)
    await gone(clients)
    for (const client of clients) goodbyeOf(client)
    const other = await serveIn(folder())
    await postDrain(other.url)
    await sleep(300)
    expect((await get(`${other.url}/healthz`)).status).toBe(200)
    expect((await other.stop()).code).toBe(0)
  })
})

it('a host that embeds the server drains its streams, and its own requests stay its own [WP-3.17]', async () => {
  const host = createServer((_request, response) => response.end('mine'))
  const { watchpost } = await startServer()
  watchpost.attach(host, { basePath: '/live' })
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void host.close())
  const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}`
  const stream = await openSse(`${url}/live/v1/topics/log`)
  await stream.next(({ event }) => event === 'welcome')
  await watchpost.drain()
  await stream.ended
  goodbyeOf(stream)
  expectProblem(await get(`${url}/live/v1/topics/log?wait=60`), 'going-away')
  expect((await post(`${url}/live/v1/topics/log`, line(1))).status).toBe(201)
  const mine = await get(url)
  expect([mine.body, mine.headers.get('connection')]).toEqual(['mine', 'keep-alive'])
})
