import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  CONFIG,
  eventsOf,
  folderWith,
  runAndLeave,
  runProgram,
  serveForAll,
  serveIn,
  startProgram,
  until,
} from './cli-process.ts'
import { post } from './harness.ts'

const server = serveForAll()

async function publish(topic: string, ...numbers: readonly number[]): Promise<void> {
  const body = JSON.stringify(numbers.map((n) => ({ type: 'n', key: `k${n % 2}`, data: { n, m: 0 } })))
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${server.url}/v1/topics/${topic}`, { method: 'POST', headers, body })
  if (!response.ok) throw new Error(await response.text())
}

const numbersIn = (stdout: string): readonly number[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { data: { n: number } }).data.n)

const watchArgs = (...args: readonly string[]): readonly string[] => ['watch', ...args, '--url', server.url]

describe.concurrent('watch', () => {
  it.each(['page', 'long-poll', 'sse', 'websocket'])(
    'by %s shows events in order and ends at the limit',
    async (transport) => {
      const topic = `n/limit-${transport}`
      await publish(topic, 1, 2, 3)
      const { code, stdout } = await runProgram(
        watchArgs(topic, '--transport', transport, '--after', 'earliest', '--limit', '2'),
      )
      expect([code, numbersIn(stdout)]).toEqual([0, [1, 2]])
    },
  )

  it.each(['long-poll', 'sse', 'websocket'])(
    'by %s shows what comes, and Ctrl-C ends it with 130',
    async (transport) => {
      const topic = `n/live-${transport}`
      await publish(topic, 1)
      const started = startProgram(watchArgs(topic, '--transport', transport, '--last', '1'))
      await until(() => numbersIn(started.stdout()).length === 1)
      await publish(topic, 2)
      await until(() => numbersIn(started.stdout()).length === 2)
      started.child.kill('SIGINT')
      const { code, stdout, stderr } = await started.ended
      expect([code, numbersIn(stdout), stderr]).toEqual([130, [1, 2], ''])
    },
  )

  it('shows just the view that was asked for, of several filters', async () => {
    await publish('n/view', 1, 2, 3, 4)
    const args = watchArgs('n/view', 'any/*', '--until-now', '--key', 'k1', '--type', 'n', '--select', '/n')
    const { stdout } = await runProgram(args)
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { data: unknown })
    expect(events.map(({ data }) => data)).toEqual([{ n: 1 }, { n: 3 }])
  })

  it('shows lines for people, with nothing that could steer a terminal', async () => {
    const body = JSON.stringify({ type: 'any', key: 'a\u001b[2J', data: { text: '\u009b2J\u202e' } })
    const headers = { 'content-type': 'application/json' }
    await fetch(`${server.url}/v1/topics/any/pretty`, { method: 'POST', headers, body })
    const { stdout } = await runProgram(watchArgs('any/pretty', '--until-now', '--format', 'pretty'))
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} any\/pretty any a\\u001b\[2J \{"text":"\\u009b2J\\u202e"\}\n$/)
  })

  it('goes on where the cursor file says', async () => {
    const file = join(folderWith(), 'seen.cursor')
    const args = watchArgs('n/file', '--until-now', '--cursor-file', file)
    await publish('n/file', 1, 2, 3)
    const some = await runProgram([...args, '--limit', '2'])
    const rest = await runProgram([...args, '--after', 'earliest'])
    await publish('n/file', 4)
    const live = await runProgram(watchArgs('n/file', '--cursor-file', file, '--transport', 'sse', '--limit', '1'))
    expect([some, rest, live].map(({ stdout }) => numbersIn(stdout))).toEqual([[1, 2], [3], [4]])
    const events = await eventsOf(server.url, 'n/file')
    expect(readFileSync(file, 'utf8').trim()).toBe(events.at(-1)?.id)
  })

  it.each(['page', 'long-poll', 'sse', 'websocket'])('by %s tells of a gap and goes on', async (transport) => {
    const topic = `n/gap-${transport}`
    await publish(topic, 1)
    const args = watchArgs(topic, '--transport', transport, '--after', 'another.5', '--limit', '1')
    const { code, stdout, stderr } = await runProgram(args)
    expect([code, numbersIn(stdout)]).toEqual([0, [1]])
    expect(stderr).toContain("gap: events after another.5 can't be delivered")
  })

  const refused: readonly (readonly [string, readonly string[], string])[] = [
    ['an unknown topic', ['nope'], '/problems/unknown-topic'],
    ['an unknown topic by page', ['nope', '--until-now'], '/problems/unknown-topic'],
    ['what is no cursor', ['n/x', '--after', '!'], '/problems/invalid-cursor'],
    ['a bad pointer', ['n/x', '--select', 'n'], '/problems/invalid-parameter'],
  ]
  it.each(refused)('ends with 1 for %s', async (_name, args, problem) => {
    const { code, stderr } = await runProgram(watchArgs(...args))
    expect(code).toBe(1)
    expect(stderr).toContain(problem)
  })

  it.each(['sse', 'websocket'])('by %s ends quietly when its reader has enough', async (transport) => {
    const topic = `n/pipe-${transport}`
    await publish(topic, ...Array.from({ length: 5_000 }, (_each, i) => i))
    const { code, stderr } = await runAndLeave(watchArgs(topic, '--after', 'earliest', '--transport', transport))
    expect([code, stderr]).toEqual([0, ''])
  })

  it.each(['long-poll', 'sse', 'websocket'])('by %s lives through a restart of the server', async (transport) => {
    const cwd = folderWith({ 'watchpost.config.json': CONFIG })
    const first = await serveIn(cwd)
    const add = async (n: number): Promise<void> => {
      const { status } = await post(`${first.url}/v1/topics/n/restart`, { type: 'n', data: { n } })
      expect(status).toBe(201)
    }
    const started = startProgram([
      'watch',
      'n/restart',
      '--transport',
      transport,
      '--after',
      'earliest',
      '--url',
      first.url,
    ])
    await add(1)
    await until(() => numbersIn(started.stdout()).length === 1)
    await first.stop()
    const second = await serveIn(cwd, first.port)
    await add(2)
    await until(() => numbersIn(started.stdout()).length === 2)
    started.child.kill('SIGTERM')
    const { code, stdout, stderr } = await started.ended
    await second.stop()
    expect([code, numbersIn(stdout)]).toEqual([130, [1, 2]])
    expect(stderr).toContain('again in')
  })
})

describe.concurrent('watch of a server that misbehaves', () => {
  const fakes: Server[] = []

  afterAll(() => {
    for (const fake of fakes) {
      fake.closeAllConnections()
      fake.close()
    }
  })

  async function serveFake(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const fake = createServer(handle)
    fakes.push(fake)
    await new Promise<void>((resolve) => {
      fake.listen(0, '127.0.0.1', resolve)
    })
    return `http://127.0.0.1:${(fake.address() as AddressInfo).port}`
  }

  const frame = (id: string, event: string, message: object): string =>
    `${id === '' ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(message)}\n\n`

  const welcome = (cursor: string): string =>
    `retry: 20\n${frame(cursor, 'welcome', { type: 'welcome', data: { connection: 'c', cursor, heartbeatMs: 100, server: '0' } })}`

  const event = (n: number): string =>
    frame(`e.${n}`, 'n', { type: 'n', topic: 'n/x', id: `e.${n}`, data: { n }, timestamp: '2026-11-22T12:34:56.789Z' })

  const events = { 'content-type': 'text/event-stream' }

  it('leaves a stream that is silent for too long, and goes on from its cursor', async () => {
    const asked: (string | null)[] = []
    const url = await serveFake((request, response) => {
      asked.push(new URL(request.url ?? '', 'http://x').searchParams.get('after'))
      response.writeHead(200, events)
      response.write(welcome('e.0') + event(asked.length))
    })
    const { stdout, stderr } = await runProgram(['watch', 'n/x', '--limit', '2', '--url', url])
    expect([asked, numbersIn(stdout)]).toEqual([
      [null, 'e.1'],
      [1, 2],
    ])
    expect(stderr).toContain('silent for too long')
  })

  it('tries again after a problem that passes, as patiently as it is told', async () => {
    let requests = 0
    const url = await serveFake((_request, response) => {
      requests++
      if (requests === 2) {
        response.writeHead(503, { 'content-type': 'application/problem+json' })
        response.end(JSON.stringify({ type: '/problems/going-away', detail: 'Bye.' }))
        return
      }
      response.writeHead(200, events)
      response.end(welcome('e.0') + event(requests))
    })
    const { code, stdout } = await runProgram(['watch', 'n/x', '--limit', '2', '--url', url])
    expect([code, requests, numbersIn(stdout)]).toEqual([0, 3, [1, 3]])
  })

  it('ends with the text of an error that does not pass', async () => {
    const url = await serveFake((_request, response) => {
      response.writeHead(200, events)
      const error = { type: '/problems/forbidden', message: 'No more.' }
      response.write(welcome('e.0') + frame('', 'error', { type: 'error', error }))
    })
    const { code, stderr } = await runProgram(['watch', 'n/x', '--url', url])
    expect(code).toBe(1)
    expect(stderr).toContain('No more. (/problems/forbidden)')
  })

  it('says that what answers is no stream', async () => {
    const url = await serveFake((_request, response) => response.end('<html>'))
    const { code, stderr } = await runProgram(['watch', 'n/x', '--url', url])
    expect(code).toBe(1)
    expect(stderr).toContain('does not answer with a stream')
  })
})

describe.concurrent('export', () => {
  const exportArgs = (...args: readonly string[]): readonly string[] => ['export', ...args, '--url', server.url]

  it('writes what was published, so that it can be imported again', async () => {
    const file = join(folderWith(), 'out.ndjson')
    await publish('n/from', ...Array.from({ length: 2_500 }, (_each, i) => i))
    const exported = await runProgram(exportArgs('n/from', '--out', file))
    expect([exported.code, exported.stderr]).toEqual([0, expect.stringContaining('exported 2,500 events')])
    const imported = await runProgram(['import', 'n/to', file, '--url', server.url])
    expect(imported.code).toBe(0)
    const [from, to] = [await eventsOf(server.url, 'n/from'), await eventsOf(server.url, 'n/to')]
    const essence = from.map(({ type, key, data, timestamp }) => ({ type, key, data, timestamp }))
    expect(to.map(({ type, key, data, timestamp }) => ({ type, key, data, timestamp }))).toEqual(essence)
  })

  it('writes CSV that can be imported again', async () => {
    const data = [
      { a: 'x,"y"\nz', b: { c: 1.5, d: true }, e: '007' },
      { a: '', b: { c: -2, d: false }, e: 'é' },
    ]
    const body = JSON.stringify(data.map((each) => ({ type: 'any', key: '12', data: each })))
    const headers = { 'content-type': 'application/json' }
    await fetch(`${server.url}/v1/topics/any/csv`, { method: 'POST', headers, body })
    const file = join(folderWith(), 'out.csv')
    const exported = await runProgram(exportArgs('any/csv', '--format', 'csv', '--out', file))
    expect(exported.code).toBe(0)
    expect(readFileSync(file, 'utf8').split('\n')[0]).toBe(
      'type,topic,id,key,timestamp,data.a,data.b.c,data.b.d,data.e',
    )
    await runProgram(['import', 'any/csv-back', file, '--url', server.url])
    const back = await eventsOf(server.url, 'any/csv-back')
    // An empty cell is left out, since CSV can't tell it from a member that is not there.
    expect(back.map((event) => event.data)).toEqual([data[0], { b: { c: -2, d: false }, e: 'é' }])
    expect(back.map(({ key }) => key)).toEqual(['12', '12'])
  })

  it('writes the columns that were asked for, and tells of data that has none', async () => {
    await publish('n/columns', 1)
    const some = await runProgram(exportArgs('n/columns', '--format', 'csv', '--columns', 'data.n,key'))
    expect([some.stdout, some.stderr]).toEqual(['data.n,key\n1,k1\n', expect.stringContaining('data.m')])
  })

  it('leaves no file when there was nothing to write', async () => {
    const file = join(folderWith(), 'out.ndjson')
    const { code, stderr } = await runProgram(exportArgs('nope', '--out', file))
    expect([code, stderr]).toEqual([1, expect.stringContaining('/problems/unknown-topic')])
    expect(existsSync(file)).toBe(false)
  })

  it('goes on where it was interrupted', async () => {
    const cwd = folderWith()
    const file = join(cwd, 'out.ndjson')
    await publish('n/resume', ...Array.from({ length: 3_000 }, (_each, i) => i))
    const events = await eventsOf(server.url, 'n/resume')
    const lines = events.map((event) => `${JSON.stringify(event)}\n`)
    const done = lines.slice(0, 1_000).join('')
    // As after a crash: a line that was half written, and a checkpoint that knows nothing of it.
    writeFileSync(file, `${done}{"type":"n","to`)
    const view = { topic: [], key: [], type: [], select: [] }
    const options = JSON.stringify([['n/resume'], view, 'ndjson', null, null])
    const checkpoint = { cursor: events[999]?.id, events: 1_000, options, bytes: Buffer.byteLength(done) }
    writeFileSync(`${file}.watchpost-export`, JSON.stringify(checkpoint))
    const other = await runProgram(exportArgs('n/resume', '--key', 'k1', '--out', file))
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('other filters or options')])
    const { code, stderr } = await runProgram(exportArgs('n/resume', '--out', file))
    expect([code, stderr]).toEqual([0, expect.stringContaining('going on after 1000 events')])
    expect(readFileSync(file, 'utf8')).toBe(lines.join(''))
    const again = await runProgram(exportArgs('n/resume', '--out', file))
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('--force')])
  })
})
