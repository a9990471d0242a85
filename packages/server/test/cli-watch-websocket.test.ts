/** `watchpost watch --transport websocket`, beside what it shows by other transports, and with servers that misbehave. */
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import {
  CONFIG,
  type Ended,
  eventsOf,
  folderWith,
  runProgram,
  serveForAll,
  serveIn,
  startProgram,
  until,
} from './cli-process.ts'

const server = serveForAll()

async function publish(url: string, topic: string, ...numbers: readonly number[]): Promise<void> {
  const body = JSON.stringify(numbers.map((n) => ({ type: 'n', key: `k${n % 2}`, data: { n, 'm\u00e9': 0 } })))
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/topics/${topic}`, { method: 'POST', headers, body })
  if (!response.ok) throw new Error(await response.text())
}

const numbersIn = (stdout: string): readonly number[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { data: { n: number } }).data.n)

const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_each, i) => from + i)

const watchArgs = (...args: readonly string[]): readonly string[] => ['watch', ...args, '--url', server.url]

describe.concurrent('watch by websocket, beside sse', () => {
  const byBoth = (args: readonly string[]): Promise<[Ended, Ended]> =>
    Promise.all([
      runProgram(watchArgs(...args, '--transport', 'sse')),
      runProgram(watchArgs(...args, '--transport', 'websocket')),
    ])

  const views: readonly (readonly [string, readonly string[]])[] = [
    ['a topic', ['n/whole', '--after', 'earliest', '--limit', '300']],
    ['a pattern', ['n/*', '--after', 'earliest', '--limit', '250']],
    ['a view', ['n/viewed', '--last', '40', '--key', 'k1', '--type', 'n', '--select', '/n', '--limit', '40']],
    ['people', ['n/read', '--last', '3', '--limit', '3', '--format', 'pretty']],
  ]
  it.each(views)('shows the same bytes of %s [WP-4.4]', async (_name, args) => {
    const [filter = ''] = args
    // Of its own, since those beside it publish at the same time.
    await publish(server.url, filter.replace('*', 'some'), ...range(0, 300))
    const [byStream, bySocket] = await byBoth(args)
    expect(bySocket).toEqual(byStream)
    expect(bySocket.stdout.length).toBeGreaterThan(100)
  })

  const refused: readonly (readonly [string, readonly string[]])[] = [
    ['an unknown topic', ['nope']],
    ['what is no cursor', ['n/x', '--after', '!']],
    ['a bad pointer', ['n/x', '--select', 'n']],
    ['too many last', ['n/x', '--last', '1000000']],
  ]
  it.each(refused)('shows the same problem of %s, and ends with the same code [WP-4.1]', async (_name, args) => {
    const [byStream, bySocket] = await byBoth(args)
    expect(bySocket).toEqual(byStream)
    expect([bySocket.code, bySocket.stderr]).toEqual([1, expect.stringContaining('/problems/')])
  })

  it('says the same when nobody answers', async () => {
    const [byStream, bySocket] = await Promise.all(
      ['sse', 'websocket'].map((transport) =>
        runProgram(['watch', 'n/x', '--transport', transport, '--url', 'http://127.0.0.1:9']),
      ),
    )
    expect([bySocket?.code, bySocket?.stderr]).toEqual([1, expect.stringContaining('http://127.0.0.1:9')])
    expect(byStream?.code).toBe(1)
  })

  it('goes on where another transport stopped, and the other way round [WP-2.5]', async () => {
    const file = join(folderWith(), 'seen.cursor')
    await publish(server.url, 'n/turns', ...range(0, 40))
    const shown: number[] = []
    for (const [i, transport] of ['websocket', 'sse', 'websocket', 'long-poll', 'websocket', 'page'].entries()) {
      const start = i === 0 ? ['--after', 'earliest'] : []
      const args = ['n/turns', '--cursor-file', file, '--transport', transport, '--limit', '5', ...start]
      const { code, stdout } = await runProgram(watchArgs(...args))
      expect([transport, code]).toEqual([transport, 0])
      shown.push(...numbersIn(stdout))
    }
    expect(shown).toEqual(range(0, 30))
    const events = await eventsOf(server.url, 'n/turns')
    expect(readFileSync(file, 'utf8')).toBe(`${events[29]?.id}\n`)
  })

  it('remembers where it began before there is an event', async () => {
    const file = join(folderWith(), 'seen.cursor')
    await publish(server.url, 'n/began', 1)
    const args = watchArgs('n/began', '--cursor-file', file, '--transport', 'websocket')
    const started = startProgram(args)
    await until(() => /^\S+\n$/.test(readable(file)))
    started.child.kill('SIGINT')
    expect((await started.ended).code).toBe(130)
    await publish(server.url, 'n/began', 2)
    const { stdout } = await runProgram([...args, '--limit', '1'])
    expect(numbersIn(stdout)).toEqual([2])
  })

  it('takes one topic or pattern, and says what to do with several', async () => {
    const { code, stdout, stderr } = await runProgram(watchArgs('n/a', 'n/b', '--transport', 'websocket'))
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('pass --transport sse')
  })
})

const readable = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

describe('watch by websocket of a server that is killed', () => {
  it('shows every event once, in order, over two kills [WP-2.5]', { timeout: 90_000 }, async () => {
    const cwd = folderWith({ 'watchpost.config.json': CONFIG })
    const file = join(cwd, 'seen.cursor')
    let running = await serveIn(cwd)
    const { url, port } = running
    const options = ['--transport', 'websocket', '--after', 'earliest', '--cursor-file', file, '--url', url]
    const started = startProgram(['watch', 'n/kill', ...options])
    const shown = (): readonly number[] => numbersIn(whole(started.stdout()))
    for (const round of [0, 1, 2]) {
      const first = round * 200
      for (let n = first; n < first + 200; n += 20) {
        await publish(url, 'n/kill', ...range(n, n + 20))
        // The watch is there for the first of each round, and the kill comes amid the rest.
        if (n === first) await until(() => shown().length > first, 60_000)
      }
      if (round === 2) break
      running.child.kill('SIGKILL')
      await running.ended
      running = await serveIn(cwd, port)
    }
    await until(() => shown().length >= 600, 60_000)
    started.child.kill('SIGINT')
    const { code, stdout, stderr } = await started.ended
    await running.stop()
    expect([code, numbersIn(stdout)]).toEqual([130, range(0, 600)])
    expect(stderr).toContain('connecting again in')
  })
})

/** What was written up to the last line end. */
const whole = (stdout: string): string => stdout.slice(0, stdout.lastIndexOf('\n') + 1)

describe.concurrent('watch by websocket of a server that misbehaves', () => {
  const closing: (() => void)[] = []

  afterAll(() => {
    for (const close of closing.splice(0)) close()
  })

  /** @param connect is handed each socket, and which one it is, from 1 on */
  async function serveFake(
    connect: (socket: WebSocket, count: number, query: URLSearchParams) => void,
    answer: RequestListener = (_request, response) => response.end('<html>'),
  ): Promise<string> {
    const http = createServer(answer)
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'watchpost.v1.json' })
    let count = 0
    http.on('upgrade', (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (opened) => {
        connect(opened, ++count, new URL(request.url ?? '', 'http://x').searchParams)
      })
    })
    await new Promise<void>((resolve) => {
      http.listen(0, '127.0.0.1', resolve)
    })
    closing.push(() => {
      for (const each of sockets.clients) each.terminate()
      http.closeAllConnections()
      http.close()
    })
    return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  }

  const timestamp = '2026-11-22T12:34:56.789Z'

  const send = (socket: WebSocket, type: string, data: object): void =>
    socket.send(JSON.stringify({ type, data, timestamp }))

  /** The head of the log is ahead of where the subscription begins. */
  function greet(socket: WebSocket, cursor: string, heartbeatMs = 10_000): void {
    send(socket, 'welcome', { connection: 'c', cursor: 'e.99', heartbeatMs, server: '0' })
    send(socket, 'subscribed', { topic: 'n/x', cursor })
  }

  const event = (n: number, more: object = {}): string =>
    JSON.stringify({ type: 'n', topic: 'n/x', id: `e.${n}`, data: { n, ...more }, timestamp })

  const args = (url: string, ...more: readonly string[]): readonly string[] => [
    'watch',
    'n/x',
    '--transport',
    'websocket',
    '--url',
    url,
    ...more,
  ]

  it('leaves a socket that is silent for too long, and goes on from its cursor [WP-4.10]', async () => {
    const asked: (string | null)[] = []
    const url = await serveFake((socket, count, query) => {
      asked.push(query.get('after'))
      greet(socket, 'e.0', 1_000)
      socket.send(event(count))
    })
    const { stdout, stderr } = await runProgram(args(url, '--limit', '2'))
    expect([asked, numbersIn(stdout)]).toEqual([
      [null, 'e.1'],
      [1, 2],
    ])
    expect(stderr).toContain('silent for too long')
  })

  it('begins again where its subscription began, not where the socket did', async () => {
    const asked: (string | null)[] = []
    const url = await serveFake((socket, count, query) => {
      asked.push(query.get('after'))
      greet(socket, 'e.4')
      if (count === 1) socket.close(1001)
      else socket.send(event(5))
    })
    await runProgram(args(url, '--last', '1', '--limit', '1'))
    expect(asked).toEqual([null, 'e.4'])
  })

  it('stays while there are pings, however long nothing else comes [WP-4.10]', async () => {
    let connections = 0
    const url = await serveFake((socket, count) => {
      connections = count
      greet(socket, 'e.0', 1_000)
      const pings = setInterval(() => socket.ping(), 200)
      // Longer than it would stay without them.
      setTimeout(() => socket.send(event(1)), 5_000)
      socket.on('close', () => clearInterval(pings))
    })
    const { stdout, stderr } = await runProgram(args(url, '--limit', '1'))
    expect([connections, numbersIn(stdout), stderr]).toEqual([1, [1], ''])
  })

  it('tells the server that it is there while its reader takes its time [WP-4.10]', async () => {
    let pongs = 0
    const count = 3_000
    const url = await serveFake((socket) => {
      greet(socket, 'e.0', 1_000)
      socket.on('pong', () => pongs++)
      for (let n = 1; n <= count; n++) socket.send(event(n, { text: 'x'.repeat(1_000) }))
    })
    const started = startProgram(args(url, '--limit', String(count)))
    started.child.stdout?.pause()
    await until(() => pongs >= 3)
    started.child.stdout?.resume()
    const { code, stdout, stderr } = await started.ended
    expect([code, numbersIn(stdout), stderr]).toEqual([0, range(1, count + 1), ''])
  })

  it('waits as long as a goodbye says [WP-1.3]', async () => {
    const url = await serveFake((socket, count) => {
      greet(socket, 'e.0')
      if (count > 1) return socket.send(event(1))
      send(socket, 'goodbye', { retryAfter: 0.3 })
      socket.close(1001)
    })
    const { code, stdout, stderr } = await runProgram(args(url, '--limit', '1'))
    expect([code, numbersIn(stdout)]).toEqual([0, [1]])
    expect(stderr).toBe('the stream ended; connecting again in 0.3 s\n')
  })

  it.each([4408, 4429, 1011, 1006])('connects again after %i [WP-4.9]', async (code) => {
    const asked: (string | null)[] = []
    const url = await serveFake((socket, count, query) => {
      asked.push(query.get('after'))
      greet(socket, 'e.0')
      socket.send(event(count))
      if (count > 1) return
      if (code === 1006) socket.terminate()
      else socket.close(code, 'why')
    })
    const ended = await runProgram(args(url, '--limit', '2', '--after', 'e.0'))
    // What was on its way when the connection broke comes anew.
    expect([ended.code, asked.length]).toEqual([0, 2])
    if (code !== 1006) expect(asked).toEqual(['e.0', 'e.1'])
    expect(ended.stderr).toContain(code === 1006 ? '' : `closed with ${code}: why`)
  })

  it.each([1008, 1009, 4400, 4999])('does not connect again after %i [WP-4.9]', async (code) => {
    let connections = 0
    const url = await serveFake((socket, count) => {
      connections = count
      greet(socket, 'e.0')
      socket.close(code, 'why')
    })
    const ended = await runProgram(args(url))
    expect([ended.code, connections]).toEqual([1, 1])
    expect(ended.stderr).toContain(`closed with ${code}: why`)
    expect(ended.stderr).toContain('pass --transport sse')
  })

  it('ends with the text of an error that does not pass', async () => {
    const url = await serveFake((socket) => {
      greet(socket, 'e.0')
      socket.send(JSON.stringify({ type: 'error', error: { type: '/problems/forbidden', message: 'No more.' } }))
    })
    const { code, stderr } = await runProgram(args(url))
    expect([code, stderr]).toEqual([1, expect.stringContaining('No more. (/problems/forbidden)')])
  })

  it('gives a server up that is full at first, and waits for one that was not [WP-4.1]', async () => {
    const full = { type: '/problems/reach-maximum-connections', message: 'Full.' }
    const refuse = (socket: WebSocket): void => {
      socket.send(JSON.stringify({ type: 'error', error: full, timestamp }))
      socket.close(4429)
    }
    const atFirst = await runProgram(args(await serveFake(refuse)))
    expect([atFirst.code, atFirst.stderr]).toEqual([1, expect.stringContaining('Full.')])
    const url = await serveFake((socket, count) => {
      if (count === 2) return refuse(socket)
      greet(socket, 'e.0')
      socket.send(event(count))
      if (count === 1) socket.close(1001)
    })
    const later = await runProgram(args(url, '--limit', '2'))
    expect([later.code, numbersIn(later.stdout)]).toEqual([0, [1, 3]])
    expect(later.stderr).toContain('Full.')
  })

  it('says that what answers is no WebSocket', async () => {
    const http = createServer((_request, response) => response.end('<html>'))
    await new Promise<void>((resolve) => {
      http.listen(0, '127.0.0.1', resolve)
    })
    closing.push(() => http.close())
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    const { code, stderr } = await runProgram(args(url))
    expect([code, stderr]).toEqual([1, expect.stringContaining('does not answer with a WebSocket')])
  })
})
