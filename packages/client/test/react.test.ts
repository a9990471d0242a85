/** The hooks, in a real browser, and on a server. */
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createClient } from '@watchpost/client'
import { type Browser, chromium, type Page } from 'playwright-core'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, it, onTestFinished, type TestContext } from 'vitest'
import { topic } from 'watchpost'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { Lines } from './fixtures/react-lines.ts'
import { type Running, startServer } from './harness.ts'

const CHROMIUM = process.env['CHROME_PATH'] ?? '/usr/bin/chromium'
const ENTRY = fileURLToPath(new URL('fixtures/react-page.ts', import.meta.url))
const SOON = { timeout: 20_000, interval: 20 }

let browser: Browser | undefined
let origin = ''
let script = ''

const pages = createServer((request, response) => {
  const isScript = request.url === '/page.js'
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
  response.end(
    isScript ? script : '<!doctype html><title>hooks</title><body><script type="module" src="/page.js"></script>',
  )
})

beforeAll(async () => {
  // In CI a browser that is missing is a fault, and launching says so.
  if (!existsSync(CHROMIUM) && process.env['CI'] !== 'true') return
  const bundle = await rolldown({
    input: ENTRY,
    platform: 'browser',
    transform: { define: { 'process.env.NODE_ENV': '"development"' } },
    logLevel: 'silent',
  })
  const { output } = await bundle.generate({ format: 'esm' })
  await bundle.close()
  script = output[0].code
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
})

afterAll(async () => {
  await browser?.close()
  pages.close()
})

interface Opened {
  readonly page: Page
  readonly server: Running
  readonly proxy: FaultProxy
  /** What the page wrote of its faults. */
  readonly faults: string[]
}

async function open(ctx: TestContext): Promise<Opened> {
  if (browser === undefined) {
    const reason = `no Chromium at ${CHROMIUM}; name one in CHROME_PATH`
    console.log(`skipped: ${reason}`)
    return ctx.skip(reason)
  }
  const page = await browser.newPage()
  onTestFinished(() => page.close())
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && message.text().includes('React')) faults.push(message.text())
  })
  await page.goto(origin)
  await page.waitForFunction('globalThis.counted !== undefined')
  const server = await startServer({
    topics: {
      log: topic({ events: { line: {}, note: {} }, watch: 'anyone', publish: 'anyone' }),
      other: topic({ events: { line: {} }, watch: 'anyone' }),
      stocks: topic({ events: { price: {} }, key: '/symbol', watch: 'anyone' }),
    },
    cors: { origins: [origin] },
  })
  const proxy = await FaultProxy.start(server.url)
  await page.evaluate(`Object.assign(globalThis, counted(${JSON.stringify(proxy.url)}))`)
  return { page, server, proxy, faults }
}

const shown = (page: Page, name: string): Promise<Record<string, unknown>> => page.evaluate(`({ ...shown['${name}'] })`)
const watches = (page: Page): Promise<{ begun: number; open: number }> => page.evaluate('({ ...watches })')
const renders = (page: Page, name: string): Promise<number> => page.evaluate(`renders['${name}'] ?? 0`)

it('equal watches of several components are one, also in StrictMode, and end with the last of them [WP-2.5]', async (ctx) => {
  const { page, server, proxy, faults } = await open(ctx)
  await server.publish('log', 0, 3)
  await page.evaluate('void (globalThis.root = strict(client))')
  await expect.poll(() => shown(page, 'a'), SOON).toMatchObject({ numbers: [0, 1, 2], status: 'open' })
  expect(await shown(page, 'b')).toEqual(await shown(page, 'a'))
  expect(await watches(page)).toEqual({ begun: 1, open: 1 })
  await server.publish('log', 3, 20)
  await expect.poll(() => shown(page, 'b'), SOON).toMatchObject({ numbers: [18, 19, 20, 21, 22] })
  proxy.cut()
  await server.publish('log', 23, 1)
  await expect.poll(() => shown(page, 'a'), SOON).toMatchObject({ numbers: [19, 20, 21, 22, 23], status: 'open' })
  await page.evaluate('root.unmount()')
  await expect.poll(() => watches(page), SOON).toEqual({ begun: 1, open: 0 })
  await page.evaluate('void (globalThis.root = strict(client))')
  await expect.poll(() => shown(page, 'a'), SOON).toMatchObject({ numbers: [19, 20, 21, 22, 23] })
  expect(await watches(page)).toEqual({ begun: 2, open: 1 })
  expect(faults).toEqual([])
})

it('what did not change is not rendered again [WP-9.1]', async (ctx) => {
  const { page, server, proxy, faults } = await open(ctx)
  const price = (symbol: string, value: number) =>
    server.watchpost.publish('stocks', [{ type: 'price', data: { symbol, price: value } }])
  await price('A', 1)
  await price('B', 1)
  await page.evaluate('void prices(client)')
  await expect.poll(() => shown(page, 'list'), SOON).toEqual({ keys: ['A', 'B'], status: 'open' })
  await expect.poll(() => page.textContent('#one'), SOON).toBe('1')
  const before = { one: await renders(page, 'one'), a: await renders(page, 'price A') }
  for (let value = 2; value <= 4; value++) await price('B', value)
  await expect.poll(() => page.textContent('li:nth-child(2)'), SOON).toBe('B 4')
  await price('C', 1)
  await expect.poll(() => page.textContent('li:nth-child(3)'), SOON).toBe('C 1')
  expect({ one: await renders(page, 'one'), a: await renders(page, 'price A') }).toEqual(before)
  proxy.cut()
  await price('A', 5)
  await expect.poll(() => page.textContent('#one'), SOON).toBe('5')
  await expect.poll(() => page.textContent('li'), SOON).toBe('A 5')
  expect(await renders(page, 'price C')).toBe(1)
  expect(faults).toEqual([])
})

it('begins nothing for a component that is rendered and not shown', async (ctx) => {
  const { page, faults } = await open(ctx)
  await page.evaluate('void Object.assign(globalThis, late(client))')
  await expect.poll(() => page.textContent('p'), SOON).toBe('early')
  await page.evaluate('showLate()')
  await expect.poll(() => renders(page, 'late'), SOON).toBeGreaterThan(0)
  expect(await page.textContent('p')).toBe('early')
  expect(await watches(page)).toEqual({ begun: 0, open: 0 })
  await page.evaluate('tell()')
  await expect.poll(() => page.textContent('#late'), SOON).toBe('here')
  await expect.poll(() => watches(page), SOON).toEqual({ begun: 1, open: 1 })
  await page.evaluate('root.unmount()')
  await expect.poll(() => watches(page), SOON).toEqual({ begun: 1, open: 0 })
  expect(faults).toEqual([])
})

it('shows why a watch is over, and goes on when the component asks for another one [WP-5.1]', async (ctx) => {
  const { page, server } = await open(ctx)
  await server.publish('log', 0, 1)
  await page.evaluate("void lines(client, 'none', 'nowhere')")
  await expect.poll(() => shown(page, 'none'), SOON).toMatchObject({ status: 'closed', problem: 'unknown-topic' })
  await page.evaluate("void lines(client, 'some', 'log')")
  await expect.poll(() => shown(page, 'some'), SOON).toMatchObject({ status: 'open', numbers: [0] })
})

it('renders a burst of events a few times, and keeps all of them where it is asked to', async (ctx) => {
  const { page, server, faults } = await open(ctx)
  await server.publish('log', 0, 2_000)
  await page.evaluate('void all(client)')
  await expect.poll(() => page.evaluate("shown['all']?.numbers.length"), SOON).toBe(2_000)
  await server.publish('log', 2_000, 1)
  await expect.poll(() => page.evaluate("shown['all']?.numbers.at(-1)"), SOON).toBe(2_000)
  expect(await renders(page, 'all')).toBeLessThan(1_000)
  expect(faults).toEqual([])
})

it('begins a watch anew for a component that takes the place of the one that was shown its end [WP-5.1]', async (ctx) => {
  const { page } = await open(ctx)
  await page.evaluate('void tries(client)')
  for (let begun = 1; begun <= 3; begun++) {
    await expect.poll(() => watches(page), SOON).toMatchObject({ begun })
    await expect.poll(() => shown(page, 'tries'), SOON).toMatchObject({ status: 'closed', problem: 'unknown-topic' })
    await page.evaluate('tryAgain()')
  }
})

it('is shown on a server as before the first event, and taken on in the browser as it was', async (ctx) => {
  const client = createClient({ url: 'http://127.0.0.1:1' })
  const html = renderToString(createElement(Lines, { client, name: 'hydrated' }))
  expect(html).toBe('<p id="hydrated"></p>')
  const { page, server, faults } = await open(ctx)
  await server.publish('log', 0, 2)
  await page.evaluate(`void (globalThis.errors = hydrate(client, ${JSON.stringify(html)}))`)
  await expect.poll(() => page.textContent('#hydrated'), SOON).toBe('0 1')
  expect(await page.evaluate('errors')).toEqual([])
  expect(faults).toEqual([])
})
