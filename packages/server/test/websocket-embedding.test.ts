/** WebSockets on the port of another application, below a base path, and over TLS. */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWatchpost, type Watchpost } from 'watchpost'
import { WebSocket, WebSocketServer } from 'ws'
import { certificate } from './certificate.ts'
import { answerTo, handshake, openRaw } from './fixtures/raw-socket.ts'
import { startServer, TOPICS, temporaryDir } from './harness.ts'

async function makeWatchpost(): Promise<Watchpost<typeof TOPICS>> {
  const watchpost = await createWatchpost({
    topics: TOPICS,
    logLevel: 'silent',
    dataDir: await temporaryDir(),
  } as const)
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

const hello = (): Server => {
  const app = express()
  app.use((_request, response) => void response.json({ hello: true }))
  return createServer(app)
}

describe('attached to another server, WebSockets', () => {
  it('are taken on Watchpost`s own paths, below its base path [WP-4.1] [WP-3.2]', async () => {
    const [server, watchpost] = [hello(), await makeWatchpost()]
    watchpost.attach(server, { basePath: '/live' })
    const url = await listenOn(server)
    const socket = await openRaw(url, { path: '/live/v1/topics/log' })
    await socket.next(({ type }) => type === 'subscribed')
    const { events } = await watchpost.publish('log', { type: 'line', data: { n: 1 } })
    expect(await socket.next(({ id }) => id === events[0]?.id)).toMatchObject({ type: 'line', data: { n: 1 } })
    expect((await answerTo(url, handshake(url, { path: '/live/v1/topics/none' }))).status).toBe(404)
  })

  it('elsewhere are the host`s, who takes them as plain requests if it has none [WP-4.1]', async () => {
    const [server, watchpost] = [hello(), await makeWatchpost()]
    watchpost.attach(server)
    const url = await listenOn(server)
    const { status, body } = await answerTo(url, handshake(url, { path: '/chat' }))
    expect([status, body]).toEqual([200, { hello: true }])
  })

  it.each(['before', 'after'])(
    'of the host`s own are left to it, if it listens %s Watchpost is attached [WP-4.1]',
    async (when) => {
      const [server, watchpost] = [hello(), await makeWatchpost()]
      const own = new WebSocketServer({ noServer: true })
      const listen = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
        if (request.url === '/chat') own.handleUpgrade(request, socket, head, (peer) => peer.send('the host speaks'))
      }
      if (when === 'before') server.on('upgrade', listen)
      watchpost.attach(server)
      if (when === 'after') server.on('upgrade', listen)
      const url = await listenOn(server)
      const host = new WebSocket(`${url.replace('http', 'ws')}/chat`)
      expect(await new Promise((resolve) => host.once('message', (data: Buffer) => resolve(data.toString())))).toBe(
        'the host speaks',
      )
      const socket = await openRaw(url, { path: '/v1/topics/log' })
      expect((await socket.next(({ type }) => type === 'subscribed')).type).toBe('subscribed')
      host.terminate()
    },
  )

  it('end when Watchpost is closed, and then are the host`s to answer [WP-4.9]', async () => {
    const [server, watchpost] = [hello(), await makeWatchpost()]
    watchpost.attach(server)
    const url = await listenOn(server)
    const socket = await openRaw(url, { path: '/v1/topics/log' })
    await socket.next(({ type }) => type === 'subscribed')
    await watchpost.close()
    expect((await socket.closed).code).toBe(1001)
    expect((await answerTo(url, handshake(url, { path: '/v1/topics/log' }))).status).toBe(200)
  })
})

describe('over TLS, beside HTTP/2', () => {
  it('WebSockets are opened on the same port [WP-4.1]', async () => {
    const tls = await certificate()
    const { url, watchpost } = await startServer({ listen: { tls } })
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/topics/log`, { ca: await readFile(tls.cert) })
    const messages: string[] = []
    socket.on('message', (data: Buffer) => messages.push((JSON.parse(data.toString()) as { type: string }).type))
    await expect.poll(() => messages).toEqual(['welcome', 'subscribed'])
    await watchpost.publish('log', { type: 'line', data: {} })
    await expect.poll(() => messages).toEqual(['welcome', 'subscribed', 'line'])
    socket.terminate()
  })
})
