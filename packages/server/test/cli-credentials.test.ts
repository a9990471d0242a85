/** Tokens of the client commands: from where they are taken, how they are renewed, and that nothing shows them. */
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { folderWith, type RunOptions, runProgram, serveForAll, startProgram, until } from './cli-process.ts'
import { nowSeconds, SECRET, sign } from './fixtures/auth.ts'
import { selfSigned } from './fixtures/tls-files.ts'
import { post, startServer } from './harness.ts'

const CONFIG = JSON.stringify({
  topics: {
    'n/{name}': { events: { n: {} }, watch: 'granted', publish: 'granted' },
    out: { events: { n: {} }, watch: 'anyone' },
  },
  auth: { jwt: { secret: SECRET, clockToleranceSeconds: 0 } },
})

const GRANTS = { watchpost: { watch: ['**'], publish: ['n/*'] } }

const TRANSPORTS = ['page', 'long-poll', 'sse', 'websocket']

const server = serveForAll(CONFIG)

const validFor = (seconds: number): Promise<string> => sign({ ...GRANTS, exp: nowSeconds() + seconds })

const run = (args: readonly string[], options: RunOptions = {}): ReturnType<typeof runProgram> =>
  runProgram([...args, '--url', server.url], options)

const publish = async (topic: string, n: number): Promise<void> => {
  const headers = { authorization: `Bearer ${await validFor(60)}` }
  expect((await post(`${server.url}/v1/topics/${topic}`, { type: 'n', data: n }, headers)).status).toBe(201)
}

const dataIn = (stdout: string): readonly unknown[] =>
  stdout
    .slice(0, stdout.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { data: unknown }).data)

describe.concurrent('a token', () => {
  const commands: readonly (readonly [string, (folder: string) => readonly string[]])[] = [
    ['publish', () => ['publish', 'n/all', '2', '--type', 'n']],
    ['import', (folder) => ['import', 'n/all', join(folder, 'some.ndjson')]],
    ['export', () => ['export', 'n/all']],
    ...TRANSPORTS.map((transport): [string, () => readonly string[]] => [
      `watch by ${transport}`,
      () => ['watch', 'n/all', '--transport', transport, '--after', 'earliest', '--limit', '1'],
    ]),
    ['watch of several', () => ['watch', 'n/all', 'n/other', '--after', 'earliest', '--limit', '1']],
  ]
  it.each(commands)('is sent by %s, from the environment or a file [WP-6.6]', async (_name, argsIn) => {
    await publish('n/all', 1)
    const token = await validFor(60)
    const folder = folderWith({ 'some.ndjson': '{"type":"n"}\n', token: `${token}\n` })
    const file = join(folder, 'token')
    const byEnv = await run(argsIn(folder), { env: { WATCHPOST_TOKEN: token } })
    expect([byEnv.code, byEnv.stderr.includes('/problems/')]).toEqual([0, false])
    // The file counts before the environment.
    const byFile = await run([...argsIn(folder), '--token-file', file], { env: { WATCHPOST_TOKEN: 'nonsense' } })
    expect([byFile.code, byFile.stderr.includes('/problems/')]).toEqual([0, false])
    const without = await run(argsIn(folder), { env: { WATCHPOST_TOKEN: '' } })
    expect(without.code).toBe(1)
    expect(without.stderr).toMatch(/WATCHPOST_TOKEN .* --token-file FILE/)
  })

  it('shows the topics that it is for', async () => {
    const env = { WATCHPOST_TOKEN: await validFor(60) }
    expect((await run(['topics'], { env })).stdout).toMatch(/^n\/\{name\} +watch, publish /m)
    expect((await run(['topics'])).stdout).not.toContain('n/{name}')
  })

  it.each(['sse', 'websocket', 'long-poll'])(
    'that is refused ends a watch by %s with how to mend it [WP-6.6]',
    async (transport) => {
      for (const token of [await validFor(-10), 'nonsense']) {
        const args = ['watch', 'out', '--transport', transport]
        const { code, stdout, stderr } = await run(args, { env: { WATCHPOST_TOKEN: token } })
        expect([code, stdout]).toEqual([1, ''])
        expect(stderr).toMatch(/\/problems\/(?:unauthorized|token-expired).*WATCHPOST_TOKEN .* --token-file FILE/s)
        expect(stderr).not.toContain(token)
      }
    },
  )

  it('that is for less says so', async () => {
    const env = { WATCHPOST_TOKEN: await sign() }
    const { code, stderr } = await run(['publish', 'out', '1', '--type', 'n'], { env })
    expect([code, stderr]).toEqual([1, expect.stringContaining('/problems/forbidden')])
    expect(stderr).toContain('--token-file FILE')
  })
})

describe.concurrent('nothing shows', () => {
  const hidden = 'hunter2-hunter2'
  const wrong: readonly (readonly [string, readonly string[], RunOptions, string])[] = [
    ['a token in the command line', ['topics', '--token', hidden], {}, 'WATCHPOST_TOKEN'],
    ['one in the same word', ['topics', `--token=${hidden}`], {}, '--token-file'],
    ['one that is none', ['topics'], { env: { WATCHPOST_TOKEN: `Bearer ${hidden}` } }, 'without "Bearer"'],
    ['one of two lines', ['topics'], { env: { WATCHPOST_TOKEN: `${hidden}\nx: ${hidden}` } }, 'nothing else'],
    ['one that no header can carry', ['topics'], { env: { WATCHPOST_TOKEN: `${hidden}\u00e9` } }, 'nothing else'],
    ['a user and password', ['topics', '--url', `http://ada:${hidden}@127.0.0.1:1`], {}, 'user and password'],
  ]
  it.each(wrong)('%s', async (_name, args, options, message) => {
    const { code, stdout, stderr } = await runProgram(['--debug', ...args], options)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
    expect(stderr).not.toContain(hidden)
  })

  it('what is in a file that can not be used, and names the file', async () => {
    const folder = folderWith({ empty: ' \n', two: `${hidden} ${hidden}` })
    for (const name of ['empty', 'two', 'absent', '.']) {
      const file = join(folder, name)
      const { code, stderr } = await run(['topics', '--token-file', file])
      expect([name, code, stderr]).toEqual([name, 2, expect.stringContaining(file)])
      expect(stderr).not.toContain(hidden)
    }
  })
})

describe('a server with a certificate of its own', () => {
  it.each(['sse', 'websocket', 'page'])('is trusted by %s if NODE_EXTRA_CA_CERTS says so', async (transport) => {
    const { cert, key } = await selfSigned()
    const topics = { out: { events: { n: {} }, watch: 'anyone' as const, publish: 'anyone' as const } }
    const { url } = await startServer({ topics, listen: { tls: { cert, key } } })
    const send = ['publish', 'out', '1', '--type', 'n', '--url', url]
    const watch = ['watch', 'out', '--transport', transport, '--last', '1', '--limit', '1', '--url', url]
    const untrusted = await runProgram(transport === 'page' ? send : watch)
    expect([untrusted.code, untrusted.stderr]).toEqual([1, expect.stringContaining('NODE_EXTRA_CA_CERTS=FILE')])
    const env = { NODE_EXTRA_CA_CERTS: cert }
    expect((await runProgram(send, { env })).code).toBe(0)
    const { code, stdout } = await runProgram(watch, { env })
    expect([code, dataIn(stdout)]).toEqual([0, [1]])
  })
})

describe('a redirect', () => {
  const servers: Server[] = []

  afterEach(() => {
    for (const each of servers.splice(0)) each.close()
  })

  /** Answers on a port of its own, and tells what it was asked with. */
  async function listener(
    answer: (path: string) => string | undefined,
  ): Promise<{ url: string; seen: IncomingHttpHeaders[] }> {
    const seen: IncomingHttpHeaders[] = []
    const http = createServer((request, response) => {
      seen.push(request.headers)
      const location = answer(request.url ?? '')
      if (location === undefined) response.end('{"topics":[]}')
      else response.writeHead(307, { location }).end()
    })
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'watchpost.v1.json' })
    http.on('upgrade', (request, socket, head) => {
      seen.push(request.headers)
      const location = answer(request.url ?? '')
      if (location === undefined) sockets.handleUpgrade(request, socket, head, (opened) => opened.close(1008, 'enough'))
      else socket.end(`HTTP/1.1 307 Temporary Redirect\r\nLocation: ${location}\r\nConnection: close\r\n\r\n`)
    })
    await new Promise<void>((resolve) => {
      http.listen(0, '127.0.0.1', resolve)
    })
    servers.push(http)
    return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, seen }
  }

  it.each([
    ['a request', ['topics']],
    ['a handshake', ['watch', 'n/x', '--transport', 'websocket']],
  ])('to another host carries no token, and one to the same host does: %s', async (_name, args) => {
    const other = await listener(() => undefined)
    const first = await listener((path) => (path.startsWith('/elsewhere') ? `${other.url}/` : '/elsewhere'))
    await runProgram([...args, '--url', first.url], { env: { WATCHPOST_TOKEN: 'hunter2' } })
    expect(first.seen.map(({ authorization }) => authorization)).toEqual(['Bearer hunter2', 'Bearer hunter2'])
    expect(other.seen).toHaveLength(1)
    expect(JSON.stringify(other.seen)).not.toContain('hunter2')
  })
})

describe.concurrent('a token that ends while it is used', () => {
  it('is renewed from its file on a WebSocket, which stays [WP-6.7]', { timeout: 120_000 }, async () => {
    const file = join(folderWith({ token: await validFor(8) }), 'token')
    const endMs = Date.now() + 8_000
    const args = ['watch', 'n/ws', '--transport', 'websocket', '--token-file', file, '--url', server.url]
    const started = startProgram(args)
    await publishUntilShown('n/ws', started)
    writeFileSync(file, `${await validFor(600)}\n`)
    await until(() => Date.now() > endMs + 1_000)
    const before = dataIn(started.stdout()).length
    await publishUntilShown('n/ws', started, before + 1)
    started.child.kill('SIGINT')
    const { code, stderr } = await started.ended
    expect([code, stderr]).toEqual([130, ''])
  })

  it.each(['sse', 'websocket', 'long-poll'])(
    'is waited for in its file by %s, which then goes on without a loss [WP-6.7] [WP-2.5]',
    { timeout: 120_000 },
    async (transport) => {
      const topic = `n/late-${transport}`
      const first = await validFor(8)
      const file = join(folderWith({ token: first }), 'token')
      const args = ['watch', topic, '--transport', transport, '--token-file', file, '--url', server.url]
      const started = startProgram(args)
      const published = await publishUntilShown(topic, started)
      await until(() => started.stderr().includes(`Waiting for a new token in ${file}`), 40_000)
      await publish(topic, published)
      // As long as it is being written, a file holds half of a token, or nothing.
      writeFileSync(file, '')
      const second = await validFor(600)
      writeFileSync(file, second)
      await until(() => dataIn(started.stdout()).includes(published))
      started.child.kill('SIGINT')
      const { code, stdout, stderr } = await started.ended
      const shown = dataIn(stdout) as readonly number[]
      const from = shown[0] ?? 0
      expect([code, shown]).toEqual([130, shown.map((_n, i) => from + i)])
      for (const token of [first, second]) expect(stderr).not.toContain(token)
    },
  )

  it.each(['sse', 'websocket'])(
    'ends a watch by %s with how to mend it, if it came from the environment [WP-6.7]',
    { timeout: 120_000 },
    async (transport) => {
      const token = await validFor(8)
      const args = ['watch', `n/env-${transport}`, '--transport', transport, '--url', server.url]
      const started = startProgram(args, { env: { WATCHPOST_TOKEN: token } })
      await publishUntilShown(`n/env-${transport}`, started)
      const { code, stderr } = await started.ended
      expect([code, stderr]).toEqual([1, expect.stringMatching(/token-expired.* --token-file FILE/s)])
      expect(stderr).not.toContain(token)
    },
  )

  /** Publishes numbers from 0 on, until `count` are shown in all; answers the next one. */
  async function publishUntilShown(
    topic: string,
    { stdout }: { readonly stdout: () => string },
    count = 1,
  ): Promise<number> {
    for (let n = 0; ; n++) {
      await publish(topic, n)
      const endMs = performance.now() + 200
      await until(() => dataIn(stdout()).length >= count || performance.now() > endMs)
      if (dataIn(stdout()).length >= count) return n + 1
      expect(n).toBeLessThan(100)
    }
  }
})
