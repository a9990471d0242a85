/** A process whose clients are closed ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocketServer } from 'ws'
import { startServer } from './harness.ts'

const SCRIPT = fileURLToPath(new URL('fixtures/closing.mjs', import.meta.url))

/** Takes nothing for now: neither what is published, nor subscriptions. */
async function startBusy(): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '60' })
    response.end('{"type":"/problems/overloaded","detail":"busy"}')
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    const data = { connection: 'x', cursor: 'a.1', heartbeatMs: 15_000, limits: {} }
    socket.send(JSON.stringify({ type: 'welcome', data }))
    socket.on('message', (text: Buffer) => {
      const { id } = JSON.parse(text.toString()) as { id: string }
      const error = { type: '/problems/log-unavailable', message: 'busy', retryAfter: 60 }
      socket.send(JSON.stringify({ type: 'error', re: id, error }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

it('a process ends soon after its clients are closed, whatever they were busy with', async () => {
  const server = await startServer()
  const child = spawn(process.execPath, [SCRIPT, server.url, await startBusy()])
  onTestFinished(() => void child.kill())
  let told = ''
  child.stdout.on('data', (text: Buffer) => (told += text.toString()))
  child.stderr.on('data', (text: Buffer) => (told += text.toString()))
  // What it was busy with would take a minute.
  const [code] = (await once(child, 'exit', { signal: AbortSignal.timeout(30_000) })) as [number]
  expect([code, told.trim().split('\n').toSorted()]).toEqual([0, ['closed', 'overloaded']])
}, 40_000)
