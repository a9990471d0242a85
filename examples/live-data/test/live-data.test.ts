import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Program } from './program.ts'
import { contentOf, firstEvents, realPrices, realQuakes } from './records.ts'

let dataDir: string
let programs: Program[]

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'live-data-'))
  programs = []
})

afterEach(async () => {
  await Promise.all(programs.map((program) => program.end('SIGKILL')))
  await rm(dataDir, { recursive: true, force: true })
})

function start(...args: string[]): Program {
  const program = new Program(['--port', '0', '--data-dir', dataDir, ...args])
  programs.push(program)
  return program
}

/** GET with a path that is sent as it is; `fetch` would resolve its dots. */
function statusOf(url: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { path }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end()
  })
}

describe('feeds', () => {
  it('publish the real records, whole and in time order, and then end', async () => {
    const program = start('--pace', '5000')
    const url = await program.url()
    const [prices, quakes] = [realPrices(), realQuakes()]
    expect([prices.length, quakes.length]).toEqual([560, 1707])
    expect((await firstEvents(url, 'stocks', prices.length)).map(contentOf)).toEqual(prices)
    expect((await firstEvents(url, 'quakes', quakes.length)).map(contentOf)).toEqual(quakes)

    const state = (await (await fetch(`${url}/v1/state/stocks`)).json()) as { events: { key: string }[] }
    expect(state.events.map(({ key }) => key)).toEqual(['AAPL', 'AMZN', 'GOOG', 'IBM', 'MSFT'])

    // A feed says so a while after its last record can be read.
    await program.printed(/^stocks: all 560 records are in the log/m)
    await program.printed(/^quakes: all 1707 records are in the log/m)
    expect((await program.end('SIGTERM')).code).toBe(0)
  })

  it('go on after a stop and after a kill without repeating or skipping a record', async () => {
    const [prices, quakes] = [realPrices(), realQuakes()]
    // Slow enough that neither of these two comes to the end of the prices, even when this test gets no core for seconds.
    const first = start('--pace', '100')
    await firstEvents(await first.url(), 'quakes', 60)
    expect((await first.end('SIGINT')).code).toBe(0)

    const second = start('--pace', '100')
    const kept = await firstEvents(await second.url(), 'stocks', 200)
    expect(kept.length).toBeLessThan(prices.length)
    await second.end('SIGKILL')

    const third = start('--pace', '5000')
    const url = await third.url()
    expect((await firstEvents(url, 'stocks', prices.length)).map(contentOf)).toEqual(prices)
    expect((await firstEvents(url, 'quakes', quakes.length)).map(contentOf)).toEqual(quakes)
    const { output } = await third.end()
    expect(output).toMatch(/stocks: from record (?:2\d\d|3\d\d|4\d\d|5\d\d) of 560 on/)
  })

  it('measure this machine about once a second', async () => {
    const url = await start().url()
    const samples = await firstEvents(url, 'host', 5)
    const timesMs = samples.map(({ timestamp }) => Date.parse(timestamp))
    // The first sample is taken at the start, and the beat begins with the second. Other tests share the cores: a sample
    // that is late comes nearer to the next one, so only the three beats together are judged.
    const beatsMs = (timesMs.at(-1) ?? 0) - (timesMs[1] ?? 0)
    expect(beatsMs).toBeGreaterThan(1_500)
    expect(beatsMs).toBeLessThan(9_000)
    expect(Math.abs(Date.now() - (timesMs.at(-1) ?? 0))).toBeLessThan(5_000)
    for (const { data } of samples.slice(1)) {
      expect(data).toMatchObject({ cores: cpus().length, memoryTotalBytes: totalmem() })
      expect(data['memoryUsedBytes']).toBeGreaterThan(1e6)
      expect(data['memoryUsedBytes']).toBeLessThan(totalmem())
      expect(data['cpuPercent']).toBeGreaterThanOrEqual(0)
      expect(data['cpuPercent']).toBeLessThanOrEqual(100)
      expect(data['load1m']).toBeGreaterThanOrEqual(0)
    }
    expect(new Set(samples.map(({ data }) => JSON.stringify(data))).size).toBeGreaterThan(1)
  })
})

describe('HTTP', () => {
  const note = (text: string): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'note', data: { text } }),
  })

  it('lets anyone publish a note of up to 280 characters, and nobody a price', async () => {
    const url = await start().url()
    expect((await fetch(`${url}/v1/topics/notes`, note('Hello'))).status).toBe(201)
    expect((await fetch(`${url}/v1/topics/notes`, note('x'.repeat(281)))).status).toBe(422)
    const body = JSON.stringify({ type: 'priceUpdate', data: { symbol: 'MSFT', price: 1 } })
    expect((await fetch(`${url}/v1/topics/stocks`, { ...note(''), body })).status).toBe(401)
    expect((await firstEvents(url, 'notes', 1)).map(({ data }) => data)).toEqual([{ text: 'Hello' }])
  })

  it('serves the page with its types and a strict policy, and no file beside it', async () => {
    const url = await start().url()
    for (const [path, type] of [
      ['/', 'text/html'],
      ['/app.js?x=1', 'text/javascript'],
      ['/style.css', 'text/css'],
      ['/icon.svg', 'image/svg+xml'],
      ['/world-110m.json', 'application/json'],
    ] as const) {
      const response = await fetch(url + path)
      expect([path, response.status, response.headers.get('content-type')]).toEqual([
        path,
        200,
        `${type}; charset=utf-8`,
      ])
      const policy = response.headers.get('content-security-policy')
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toContain('unsafe')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    }
    for (const path of [
      '/../package.json',
      '/%2e%2e/package.json',
      '/..%2fpackage.json',
      '//etc/passwd',
      '/public',
      '/x',
    ]) {
      expect([path, await statusOf(url, path)]).toEqual([path, 404])
    }
    expect((await fetch(url, { method: 'PUT' })).status).toBe(405)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })
})

describe('command line', () => {
  it('keeps the log where WATCHPOST_DATA_DIR says, unless --data-dir says it', async () => {
    const env = { WATCHPOST_DATA_DIR: join(dataDir, 'of-env') }
    for (const [args, kept] of [
      [[], 'of-env'],
      [['--data-dir', join(dataDir, 'of-flag')], 'of-flag'],
    ] as const) {
      const program = new Program(['--port', '0', ...args], env)
      programs.push(program)
      await program.url()
      expect((await program.end()).code).toBe(0)
      expect(await readdir(dataDir)).toEqual([kept])
      await rm(join(dataDir, kept), { recursive: true })
    }
  })

  it('says how to mend a port that is taken or none, and an option that it does not know', async () => {
    const { port } = new URL(await start().url())
    const taken = await start('--port', port).ended()
    expect(taken.code).toBe(1)
    expect(taken.output).toContain(`port ${port} is taken; choose another one: PORT=`)
    const none = await new Program([], { PORT: 'abc' }).ended()
    expect(none).toMatchObject({
      code: 1,
      output: expect.stringContaining('PORT must be a whole number from 0 to 65535'),
    })
    const unknown = await start('--speed', '3').ended()
    expect(unknown.code).toBe(1)
    expect(unknown.output).toContain('--pace N')
  })
})
