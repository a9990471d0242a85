/** Programs that others wrote judge the server: SSE clients, Prometheus' linter, a tool for slow attacks. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EventSource as EventSourcePackage } from 'eventsource'
import { createEventSource } from 'eventsource-client'
import { EventSource as EventSourceOfUndici } from 'undici'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { type Child, startChild } from './fixtures/child.ts'
import { metric } from './fixtures/http.ts'
import { openSse, post, startServer, temporaryDir } from './harness.ts'

/** The path of a program; without it the test is skipped, except in CI, where it fails. */
function demandProgram(context: TestContext, name: string): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
  if (found !== undefined) return found
  const reason = `${name} is not installed`
  if (process.env['CI'] === 'true') throw new Error(`${reason}; CI must have it`)
  console.log(`skipped: ${reason}`)
  return context.skip(reason)
}

interface Ran {
  readonly status: number | null
  readonly output: string
}

function run(program: string, args: readonly string[], input = ''): Promise<Ran> {
  const child = spawn(program, args)
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stdin.end(input)
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, output })))
}

describe('SSE clients of others', () => {
  /** Each opens a stream and hands over the data of all `welcome` and `line` messages; returns how to close it. */
  type Open = (url: string, take: (type: string, json: string) => void) => () => void
  const clients: Readonly<Record<string, Open>> = {
    'npm eventsource': (url, take) => {
      const source = new EventSourcePackage(url)
      for (const type of ['welcome', 'line', 'gap']) source.addEventListener(type, ({ data }) => take(type, data))
      return () => source.close()
    },
    'eventsource-client': (url, take) => {
      const source = createEventSource({ url, onMessage: ({ event, data }) => take(event ?? '', data) })
      return () => source.close()
    },
    'EventSource of undici': (url, take) => {
      const source = new EventSourceOfUndici(url)
      for (const type of ['welcome', 'line', 'gap']) {
        source.addEventListener(type, (event) => take(type, (event as MessageEvent<string>).data))
      }
      return () => source.close()
    },
  }

  it('resume over restarts of the server without loss or repeat [WP-3.8] [WP-2.5] [WP-3.4]', {
    timeout: 60_000,
  }, async () => {
    const dataDir = await temporaryDir()
    let child: Child = await startChild({ dataDir })
    const { port } = child
    const seen = Object.entries(clients).map(([name, open]) => {
      const types: string[] = []
      const numbers: number[] = []
      const close = open(`${child.url}/v1/topics/log`, (type, json) => {
        types.push(type)
        if (type === 'line') numbers.push((JSON.parse(json) as { data: number }).data)
      })
      onTestFinished(close)
      const count = (wanted: string) => types.filter((type) => type === wanted).length
      return { name, numbers, welcomes: () => count('welcome'), gaps: () => count('gap') }
    })
    let n = 0
    const publish = async (count: number): Promise<void> => {
      const events = Array.from({ length: count }, () => ({ type: 'line', data: n++ }))
      expect((await post(`${child.url}/v1/topics/log`, events)).status).toBe(201)
    }
    const all = (read: (client: (typeof seen)[number]) => number) => () => seen.map(read)
    const expected = (value: number) => seen.map(() => value)
    await expect.poll(all(({ welcomes }) => welcomes())).toEqual(expected(1))
    await publish(5)
    await expect.poll(all(({ numbers }) => numbers.length)).toEqual(expected(n))
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      // Perhaps some of these are still on their way when the server goes.
      await publish(3)
      await child.end(signal)
      child = await startChild({ dataDir }, port)
      await publish(4)
      await expect
        .poll(
          all(({ numbers }) => numbers.length),
          { timeout: 15_000 },
        )
        .toEqual(expected(n))
      await publish(2)
      await expect.poll(all(({ numbers }) => numbers.length)).toEqual(expected(n))
    }
    for (const { name, numbers, welcomes, gaps } of seen) {
      const resumed = [name, numbers, welcomes() >= 3, gaps()]
      expect(resumed).toEqual([name, Array.from({ length: n }, (_, i) => i), true, 0])
    }
  })
})

describe('Prometheus', () => {
  it('finds nothing to complain of in the metrics [WP-3.14]', async (context) => {
    const promtool = demandProgram(context, 'promtool')
    const { url } = await startServer()
    const stream = await openSse(`${url}/v1/topics/log`)
    await post(`${url}/v1/topics/log`, { type: 'line', data: 1 })
    await post(`${url}/v1/topics/log`, { type: 'other' })
    await stream.events(1)
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toContain('watchpost_events_published_total{topic="log"} 1')
    expect(await run(promtool, ['check', 'metrics'], metrics)).toEqual({ status: 0, output: '' })
  })
})

describe('slowhttptest', () => {
  const connections = 200
  const modes: Readonly<Record<string, readonly string[]>> = {
    'slow headers': ['-H', '-i', '1'],
    'slow bodies': ['-B', '-i', '1', '-t', 'POST', '-f', 'application/json', '-s', '100000'],
    'slow reading': ['-X', '-w', '64', '-y', '128', '-n', '2', '-z', '16'],
  }

  it(`does no harm to others with ${connections} connections of each kind [WP-8.1] [WP-8.2]`, {
    timeout: 60_000,
  }, async (context) => {
    const slowhttptest = demandProgram(context, 'slowhttptest')
    const child = await startChild({ dataDir: await temporaryDir() })
    const chat = `${child.url}/v1/topics/chat/lobby`
    const filler = { type: 'line', data: 'x'.repeat(2_000) }
    await post(
      `${child.url}/v1/topics/log`,
      Array.from({ length: 200 }, () => filler),
    )
    const stream = await openSse(chat)
    await stream.next(({ event }) => event === 'welcome')
    const attacked = new AbortController()
    let openMax = 0
    const attacks = Object.entries(modes).map(async ([name, mode]) => {
      const target = `${child.url}/v1/topics/log?limit=200`
      const rates = ['-c', String(connections), '-r', '100', '-l', '10', '-p', '5', '-v', '1']
      return { name, ...(await run(slowhttptest, [...mode, ...rates, '-u', target])) }
    })
    const over = Promise.all(attacks).finally(() => attacked.abort())
    const latenciesMs: number[] = []
    for (let n = 0; !attacked.signal.aborted; n++) {
      const startMs = performance.now()
      expect((await post(chat, { type: 'message', data: n })).status).toBe(201)
      await stream.next(({ data }) => data['data'] === n)
      latenciesMs.push(performance.now() - startMs)
      if (n % 20 === 0)
        openMax = Math.max(openMax, (await metric(child.url, 'nodejs_active_handles{type="Socket"}')) ?? 0)
      await sleep(20)
    }
    for (const { name, status, output } of await over) {
      expect([name, status]).toEqual([name, 0])
      // It colours what it prints.
      const plain = output.replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, '')
      const answers = [...plain.matchAll(/service available:\s*(YES|NO)/g)].map(([, answer]) => answer)
      expect([name, new Set(answers)]).toEqual([name, new Set(['YES'])])
    }
    const worstMs = Math.max(...latenciesMs)
    const medianMs = latenciesMs.toSorted((a, b) => a - b)[latenciesMs.length >> 1] ?? 0
    console.log(
      `publish to delivery beside ${openMax} connections: ${latenciesMs.length} times, ` +
        `median ${medianMs.toFixed(1)} ms, worst ${worstMs.toFixed(1)} ms`,
    )
    expect(openMax).toBeGreaterThan(connections * 2)
    expect(worstMs).toBeLessThan(2_000)
    expect(stream.messages.filter(({ event }) => event === 'message')).toHaveLength(latenciesMs.length)
    expect(child.logged).toEqual([])
  })
})
