/** Programs that others wrote judge the WebSocket: Autobahn|Testsuite, clients in Python and Java, browsers, libraries. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { chromium, type Page } from 'playwright-core'
// A name of its own: what pages run says `WebSocket`, and means theirs.
import { type ErrorEvent, WebSocket as UndiciWebSocket } from 'undici'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { findAutobahn, runAutobahn } from './fixtures/autobahn.ts'
import { startChild } from './fixtures/child.ts'
import { get, post, startServer, temporaryDir } from './harness.ts'

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const require = createRequire(import.meta.url)

/** Skips the test with its reason, except in CI, where it fails. */
function demand<Found>(context: TestContext, found: Found | undefined, reason: string): Found {
  if (found !== undefined) return found
  if (process.env['CI'] === 'true') throw new Error(`${reason}; CI must have it`)
  console.log(`skipped: ${reason}`)
  return context.skip(reason)
}

function program(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** Runs a program to its end; gives what it printed. @throws Error with its errors, if it fails */
function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args)
  onTestFinished(() => void child.kill('SIGKILL'))
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.on('close', (status) => (status === 0 ? resolve(stdout) : reject(new Error(`${status}: ${stdout}${stderr}`))))
  })
}

const socketUrl = (url: string): string => url.replace('http', 'ws')

const linesOf = (count: number) => Array.from({ length: count }, (_, n) => ({ type: 'line', data: { n } }))

describe('Autobahn|Testsuite', () => {
  it('finds no fault in what the transport is made of [WP-4.1] [WP-4.9]', { timeout: 420_000 }, async (context) => {
    const wstest = findAutobahn()
    if (wstest === undefined) {
      // Even in CI: it runs on Python 2.7 only, which no current system offers.
      const reason = 'no wstest on the PATH; name one in WATCHPOST_AUTOBAHN (PyPI autobahntestsuite, Python 2.7)'
      console.log(`skipped: ${reason}`)
      return context.skip(reason)
    }
    const cases = ['1.*', '2.*', '3.*', '4.*', '5.*', '6.*', '7.*', '9.*', '10.*']
    const judged = await runAutobahn(wstest, await temporaryDir(), cases)
    const counts = new Map<string, number>()
    for (const { behavior } of judged.values()) counts.set(behavior, (counts.get(behavior) ?? 0) + 1)
    console.log(`Autobahn: ${[...counts].map(([behavior, count]) => `${count} ${behavior}`).join(', ')}`)
    const passes = new Set(['OK', 'NON-STRICT', 'INFORMATIONAL'])
    const isFault = ({ behavior, behaviorClose }: { behavior: string; behaviorClose: string }) =>
      !passes.has(behavior) || !passes.has(behaviorClose)
    expect([...judged].filter(([, judgement]) => isFault(judgement))).toEqual([])
    expect(judged.size).toBeGreaterThan(290)
  })
})

describe('Python', () => {
  it('`websockets` watches, publishes and resumes [WP-4.2] [WP-4.3] [WP-4.4]', { timeout: 60_000 }, async (context) => {
    // Debian's package is for Debian's own interpreter, which need not be the first on the PATH.
    const python = demand(
      context,
      ['/usr/bin/python3', 'python3'].find((path) => {
        try {
          execFileSync(path, ['-c', 'import websockets'], { stdio: 'ignore' })
          return true
        } catch {
          return false
        }
      }),
      'no python3 has the package `websockets` (Debian python3-websockets)',
    )
    const { url, logged } = await startChild({ dataDir: await temporaryDir() })
    await post(`${url}/v1/topics/log`, linesOf(3))
    expect(JSON.parse(await run(python, [fixture('websockets-client.py'), url]))).toEqual({
      welcome: 'welcome',
      subprotocol: 'watchpost.v1.json',
      extensions: ['permessage-deflate'],
      before: [0, 1, 2],
      published: [true],
      text: true,
      resumed: [3, 4],
      closed: 1000,
    })
    expect(logged).toEqual([])
  })
})

describe('Java', () => {
  it('publishes and reads though it asks for h2c, and watches [WP-4.1] [WP-3.9]', {
    timeout: 90_000,
  }, async (context) => {
    const java = demand(context, program('java'), 'java is not installed')
    const { url, logged } = await startChild({ dataDir: await temporaryDir() })
    const printed = (await run(java, [fixture('JavaClients.java'), url])).trim().split('\n')
    // What is agreed on is printed by another thread than what is heard.
    expect(printed).toContain('speaks watchpost.v1.json')
    expect(printed.filter((text) => !text.startsWith('speaks'))).toEqual([
      ...Array.from({ length: 3 }, () => 'POST 201 HTTP_1_1'),
      ...Array.from({ length: 2 }, () => 'GET 200 HTTP_1_1'),
      ...['welcome', 'subscribed', 'line', 'line', 'line', 'closed 1000'],
    ])
    expect(logged).toEqual([])
  })
})

describe('wscat', () => {
  it('connects, subscribes and sees events [WP-4.3] [WP-4.4]', async () => {
    const { url } = await startServer()
    await post(`${url}/v1/topics/log`, linesOf(2))
    const args = ['--connect', `${socketUrl(url)}/v1`, '--subprotocol', 'watchpost.v1.json']
    const child = spawn(process.execPath, [require.resolve('wscat/bin/wscat'), ...args])
    onTestFinished(() => void child.kill('SIGKILL'))
    const messages: Record<string, unknown>[] = []
    // Before what it prints there may be the prompts for its input.
    createInterface({ input: child.stdout }).on('line', (line) =>
      messages.push(JSON.parse(line.replace(/^(?:> )*/, ''))),
    )
    const types = () => messages.map(({ type }) => type)
    // It takes no input before it is connected.
    await expect.poll(types, { timeout: 15_000 }).toEqual(['welcome'])
    child.stdin.write(`${JSON.stringify({ type: 'subscribe', id: 's', data: { topic: 'log', last: 1 } })}\n`)
    await expect.poll(types, { timeout: 15_000 }).toEqual(['welcome', 'subscribed', 'line'])
    child.stdin.write(`${JSON.stringify({ type: 'publish', data: { topic: 'log', type: 'note', data: '€' } })}\n`)
    await expect.poll(types, { timeout: 15_000 }).toEqual(expect.arrayContaining(['note', 'published']))
    expect(messages.find(({ type }) => type === 'line')).toMatchObject({ data: { n: 1 } })
    expect((await get(`${url}/v1/topics/log`)).body.events).toHaveLength(3)
  })
})

describe('undici', () => {
  it('speaks permessage-deflate with the server, both ways [WP-4.2]', async () => {
    const { url } = await startServer()
    const socket = new UndiciWebSocket(`${socketUrl(url)}/v1`, 'watchpost.v1.json')
    onTestFinished(() => socket.close())
    const messages: { type: string; data: unknown }[] = []
    const errors: unknown[] = []
    socket.addEventListener('message', ({ data }) => messages.push(JSON.parse(String(data))))
    socket.addEventListener('error', (event: ErrorEvent) => errors.push(event.error))
    const types = () => messages.map(({ type }) => type)
    await expect.poll(types).toEqual(['welcome'])
    expect(socket.protocol).toBe('watchpost.v1.json')
    expect(socket.extensions).toMatch(/^permessage-deflate\b/)
    socket.send(JSON.stringify({ type: 'subscribe', data: { topic: 'log' } }))
    await expect.poll(types).toContain('subscribed')
    const texts = [100, 1_024, 5_000, 20_000].map((length) => '€u'.repeat(length / 2))
    for (const data of texts) {
      socket.send(JSON.stringify({ type: 'publish', data: { topic: 'log', type: 'line', data } }))
    }
    const lines = () => messages.filter(({ type }) => type === 'line').map(({ data }) => data)
    await expect.poll(lines).toEqual(texts)
    expect(errors).toEqual([])
  })
})

const CHROMIUM = process.env['CHROME_PATH'] ?? '/usr/bin/chromium'
const ARGS = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']

/** A page of the server's own origin in a browser; without a browser the test is skipped, except in CI, where it fails. */
async function openPage(context: TestContext, url: string): Promise<Page> {
  const reason = `no Chromium at ${CHROMIUM}; name one in CHROME_PATH`
  const executablePath = demand(context, existsSync(CHROMIUM) ? CHROMIUM : undefined, reason)
  const browser = await chromium.launch({ executablePath, args: ARGS })
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  await page.goto(`${url}/v1/topics`)
  return page
}

describe('a browser', () => {
  it('watches and publishes from a page of the own host, and is refused from elsewhere [WP-4.1] [WP-4.4]', {
    timeout: 60_000,
  }, async (context) => {
    const { url } = await startServer()
    await post(`${url}/v1/topics/log`, linesOf(3))
    const page = await openPage(context, url)
    const types = await page.evaluate(
      (target) =>
        new Promise<string[]>((resolve, reject) => {
          const socket = new WebSocket(target, ['watchpost.v1.json'])
          const seen: string[] = [socket.protocol]
          const ask = (type: string, data: object): void => socket.send(JSON.stringify({ type, data }))
          socket.addEventListener('open', () => ask('subscribe', { topic: 'log', after: 'earliest' }))
          socket.addEventListener('error', () => reject(new Error('refused')))
          socket.addEventListener('close', ({ code }) => resolve([...seen, String(code)]))
          socket.addEventListener('message', ({ data }) => {
            const message = JSON.parse(data) as { type: string; data: { n: number } }
            seen.push(message.type)
            if (message.data?.n === 2) ask('publish', { topic: 'log', type: 'note' })
            if (seen.includes('note') && seen.includes('published')) socket.close(1000)
          })
        }),
      `${socketUrl(url)}/v1`,
    )
    expect(types.slice(0, 6)).toEqual(['', 'welcome', 'subscribed', 'line', 'line', 'line'])
    expect(types.slice(6).toSorted()).toEqual(['1000', 'note', 'published'])
    const elsewhere = await startServer()
    const fromElsewhere = page.evaluate(openOrFail, `${socketUrl(elsewhere.url)}/v1`)
    expect([await fromElsewhere, await page.evaluate(openOrFail, `${socketUrl(url)}/v1`)]).toEqual(['refused', 'open'])
  })

  it('speaks MessagePack [WP-4.2]', { timeout: 60_000 }, async (context) => {
    const { url } = await startServer()
    const events = [{ type: 'line', data: { n: 1, text: '€', list: [null, true, -1.5, 2 ** 40, { a: {} }] } }]
    await post(`${url}/v1/topics/log`, events)
    const page = await openPage(context, url)
    // Beside the build for Node there is the one for browsers, which makes a global of itself.
    await page.addScriptTag({ path: join(dirname(require.resolve('msgpackr')), 'index.min.js') })
    const received = await page.evaluate(
      (target) =>
        new Promise<unknown[]>((resolve, reject) => {
          const { msgpackr } = globalThis as unknown as { msgpackr: typeof import('msgpackr') }
          const packer = new msgpackr.Packr({ useRecords: false })
          const socket = new WebSocket(target, ['watchpost.v1.msgpack'])
          socket.binaryType = 'arraybuffer'
          const messages: { type: string }[] = []
          const subscribe = { type: 'subscribe', id: '1', data: { topic: 'log', after: 'earliest' } }
          socket.addEventListener('open', () => socket.send(new Uint8Array(packer.pack(subscribe))))
          socket.addEventListener('error', () => reject(new Error('refused')))
          socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => {
            messages.push(packer.unpack(new Uint8Array(data)) as { type: string })
            if (messages.length === 3) resolve([socket.protocol, ...messages])
          })
        }),
      `${socketUrl(url)}/v1`,
    )
    const {
      events: [event],
    } = (await get(`${url}/v1/topics/log`)).body
    expect(received).toEqual([
      'watchpost.v1.msgpack',
      expect.objectContaining({ type: 'welcome' }),
      expect.objectContaining({ type: 'subscribed', re: '1' }),
      event,
    ])
    expect(event).toMatchObject(events[0] as object)
  })
})

/** Run in a page: whether a WebSocket can be opened. */
const openOrFail = (target: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = new WebSocket(target)
    socket.addEventListener('open', () => resolve('open'))
    socket.addEventListener('error', () => resolve('refused'))
  })
