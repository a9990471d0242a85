/** The client as a page of another origin has it, unbundled, in a real browser. */
import { createHmac } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, onTestFinished, type TestContext } from 'vitest'
import { topic } from 'watchpost'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { numbers, type Running, startServer } from './harness.ts'

const CHROMIUM = process.env['CHROME_PATH'] ?? '/usr/bin/chromium'
const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const SECRET = 'a secret of this test alone, of enough bytes'

let browser: Browser | undefined
let origin = ''

/** The package's files, and an empty page. */
const pages = createServer((request, response) => {
  const file = join(PACKAGE, normalize(new URL(request.url ?? '', 'http://page').pathname))
  const isScript = file.endsWith('.js') && existsSync(file)
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
  response.end(isScript ? readFileSync(file) : '<!doctype html><title>empty</title>')
})

beforeAll(async () => {
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
  // In CI a browser that is missing is a fault, and launching says so.
  if (!existsSync(CHROMIUM) && process.env['CI'] !== 'true') return
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
})

afterAll(async () => {
  await browser?.close()
  pages.close()
})

/** A script of the page, as text: what transforms this file would transform its imports too. */
const inPage = (script: string, given: Readonly<Record<string, string>>): string => `(async () => {
  const { createClient, webStorage } = await import('/dist/index.js')
  const { eventSource } = await import('/dist/transports/event-source.js')
  const { ${Object.keys(given).join(', ')} } = ${JSON.stringify(given)}
  void [eventSource, webStorage]
  ${script}
})()`

async function open(ctx: TestContext): Promise<{ page: Page; server: Running; proxy: FaultProxy; token: string }> {
  if (browser === undefined) {
    const reason = `no Chromium at ${CHROMIUM}; name one in CHROME_PATH`
    console.log(`skipped: ${reason}`)
    return ctx.skip(reason)
  }
  const page = await browser.newPage()
  onTestFinished(() => page.close())
  await page.goto(origin)
  const server = await startServer({
    topics: { log: topic({ events: { line: {} }, watch: 'authenticated', publish: 'authenticated' }) },
    auth: { jwt: { secret: SECRET } },
    cors: { origins: [origin] },
  })
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const input = `${encoded({ alg: 'HS256' })}.${encoded({ sub: 'ada', exp: Date.now() / 1_000 + 600 })}`
  const token = `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`
  return { page, server, proxy: await FaultProxy.start(server.url), token }
}

it.for(['websocket', 'sse', 'event-source', 'long-poll'])(
  'by %s, a page gets every event once and in order through cuts, and publishes [WP-2.5] [WP-3.13] [WP-3.15]',
  { timeout: 60_000 },
  async (transport, ctx) => {
    const { page, server, proxy, token } = await open(ctx)
    await page.evaluate(
      inPage(
        `
        const client = createClient({
          url, token: () => token, backoffBaseMs: 20, backoffMsMax: 100, waitSeconds: 1,
          transports: [transport === 'event-source' ? eventSource() : transport],
        })
        const seen = []
        client.watch('log', { after: 'earliest' }).on('event', ({ data }) => seen.push(data.n))
        Object.assign(globalThis, { seen, client })`,
        { url: proxy.url, token, transport },
      ),
    )
    const seen = (): Promise<number[]> => page.evaluate('[...seen]')
    for (let i = 0; i < 50; i += 10) {
      await server.publish('log', i, 10)
      await expect.poll(seen, { timeout: 20_000 }).toEqual(numbers(0, i + 10))
      proxy.cut()
    }
    await page.evaluate("client.publish('log', { type: 'line', data: { n: 50 } })")
    await expect.poll(seen, { timeout: 20_000 }).toEqual(numbers(0, 51))
    expect(proxy.requests.some((line) => line.includes(token))).toBe(false)
  },
)

it('a page finds the best transport by itself, and has one WebSocket for all it watches [WP-4.1]', {
  timeout: 60_000,
}, async (ctx) => {
  const { page, server, proxy, token } = await open(ctx)
  await server.publish('log', 0, 10)
  await page.evaluate(
    inPage(
      `
      const client = createClient({ url, token })
      const seen = (globalThis.seen = [])
      for await (const event of client.watch('log', { after: 'earliest' })) {
        if (event.type !== 'gap' && seen.push(event.data.n) === 10) break
      }`,
      { url: proxy.url, token },
    ),
  )
  expect(await page.evaluate('[...seen]')).toEqual(numbers(0, 10))
  expect(proxy.requests).toEqual(['GET /v1'])
})

it('a page whose proxy lets only long polls through remembers that, goes on when loaded again, and comes back to WebSocket [WP-2.5]', {
  timeout: 60_000,
}, async (ctx) => {
  const { page, server, proxy, token } = await open(ctx)
  const watch = inPage(
    `
    const storage = webStorage(localStorage)
    const quick = { backoffBaseMs: 20, backoffMsMax: 100, probeMs: 700, upgradeMs: 1_000, waitSeconds: 1 }
    const watch = createClient({ url, token, storage, ...quick }).watch('log', { after: 'earliest', remember: 'here' })
    Object.assign(globalThis, { seen: [], errors: [] })
    watch.on('event', ({ data }) => seen.push(data.n))
    watch.on('error', ({ problem }) => errors.push(problem))`,
    { url: proxy.url, token },
  )
  const seen = (): Promise<number[]> => page.evaluate('[...seen]')
  const expectSeen = (all: number[]) => expect.poll(seen, { timeout: 20_000 }).toEqual(all)
  Object.assign(proxy.faults, { upgrades: 'stripped', buffersStreams: 'after the head' })
  await page.evaluate(watch)
  await server.publish('log', 0, 10)
  await expectSeen(numbers(0, 10))
  expect(await page.evaluate("localStorage.getItem('watchpost:transport')")).toBe('long-poll')

  await page.reload()
  proxy.requests.length = 0
  await page.evaluate(watch)
  await server.publish('log', 10, 10)
  await expectSeen(numbers(10, 10))
  expect(proxy.requests[0]).toContain('wait=')
  // A page of another origin is not even told that it was a 502.
  proxy.faults.status = 502
  proxy.cut()
  await server.publish('log', 20, 10)
  await sleep(300)
  delete proxy.faults.status
  await expectSeen(numbers(10, 20))

  delete proxy.faults.upgrades
  const transport = () => page.evaluate("localStorage.getItem('watchpost:transport')")
  await expect.poll(transport, { timeout: 20_000 }).toBe('websocket')
  await server.publish('log', 30, 10)
  await expectSeen(numbers(10, 30))
  expect(await page.evaluate('[...errors]')).toEqual([])
})
