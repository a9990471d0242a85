/** Tabs that share a connection: pages of one browser context. */
import { createHmac } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from '@watchpost/client'
import { shared } from '@watchpost/client/shared'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, onTestFinished, type TestContext } from 'vitest'
import { topic } from 'watchpost'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { numbers, type Running, startServer } from './harness.ts'

const CHROMIUM = process.env['CHROME_PATH'] ?? '/usr/bin/chromium'
const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const SOON = { timeout: 30_000, interval: 50 }
const SECRET = 'a secret of this test alone, of enough bytes'

let browser: Browser | undefined
let origin = ''

const pages = createServer((request, response) => {
  const file = join(PACKAGE, normalize(new URL(request.url ?? '', 'http://page').pathname))
  const isScript = file.endsWith('.js') && existsSync(file)
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
  // For frames that have no origin.
  response.setHeader('access-control-allow-origin', '*')
  response.end(isScript ? readFileSync(file) : '<!doctype html><title>tab</title>')
})

beforeAll(async () => {
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
  // In CI a browser that is missing is a fault, and launching says so.
  if (!existsSync(CHROMIUM) && process.env['CI'] !== 'true') return
  // Each tab in a process of its own, so that one can stand still without the others.
  const apart = ['--disable-features=ProcessPerSiteUpToMainFrameThreshold', '--renderer-process-limit=20']
  const args = ['--headless', '--no-sandbox', '--disable-gpu', ...apart]
  browser = await chromium.launch({ executablePath: CHROMIUM, args })
})

afterAll(async () => {
  await browser?.close()
  pages.close()
})

interface Opened {
  readonly server: Running
  readonly proxy: FaultProxy
  /** A tab that runs a script, in which there is a `client`. What it puts into `seen` can be read. */
  readonly tab: (script: string, options?: string) => Promise<Page>
}

async function open(ctx: TestContext): Promise<Opened> {
  if (browser === undefined) {
    const reason = `no Chromium at ${CHROMIUM}; name one in CHROME_PATH`
    console.log(`skipped: ${reason}`)
    return ctx.skip(reason)
  }
  const context: BrowserContext = await browser.newContext()
  onTestFinished(() => context.close())
  const server = await startServer({
    topics: {
      log: topic({ events: { line: {} }, watch: 'anyone' }),
      short: topic({ events: { line: {} }, watch: 'anyone', retention: { events: 5 } }),
      stocks: topic({ events: { price: {} }, key: '/symbol', watch: 'anyone' }),
      team: topic({ events: { line: {} }, watch: 'authenticated' }),
    },
    auth: { jwt: { secret: SECRET } },
    cors: { origins: '*' },
  })
  const proxy = await FaultProxy.start(server.url)
  const tab = async (script: string, options = 'transports: [shared()]'): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(origin)
    await page.evaluate(scriptOf(script, options, proxy.url))
    return page
  }
  return { server, proxy, tab }
}

const scriptOf = (script: string, options: string, url: string): string => `(async () => {
      const { createClient } = await import('/dist/index.js')
      const { shared } = await import('/dist/shared/shared.js')
      const client = createClient({ url: ${JSON.stringify(url)}, backoffBaseMs: 20, backoffMsMax: 100, ${options} })
      const seen = [], gaps = [], errors = []
      Object.assign(globalThis, { client, seen, gaps, errors })
      ${script}
    })()`

const LINES = `
  const watch = client.watch('log', { after: 'earliest' })
  watch.on('event', ({ data }) => seen.push(data.n))
  watch.on('gap', (gap) => gaps.push(gap))
  watch.on('error', (error) => errors.push(error.problem))
  Object.assign(globalThis, { watch })`

const seen = (page: Page): Promise<number[]> => page.evaluate('[...seen]')
const expectAll = (tabs: readonly Page[], count: number): Promise<void[]> =>
  Promise.all(tabs.map((page) => expect.poll(() => seen(page), SOON).toEqual(numbers(0, count))))

it('a tab that has watched nothing for a while watches and publishes again, as do those beside it [WP-2.5]', {
  timeout: 120_000,
}, async (ctx) => {
  const { server, tab } = await open(ctx)
  await server.publish('log', 0, 5)
  const first = await tab(LINES)
  await expectAll([first], 5)
  await first.evaluate('watch.close()')
  // The connection of the tabs is given up two seconds later.
  await first.waitForTimeout(3_500)
  await first.evaluate(`(() => { seen.length = 0; ${LINES} })()`)
  const second = await tab(LINES)
  await expectAll([first, second], 5)
  await server.publish('log', 5, 5)
  await expectAll([first, second], 10)
  expect(await first.evaluate('[watch.status, ...errors]')).toEqual(['open'])
})

it('tabs get every event once and in order through one connection [WP-2.5]', { timeout: 120_000 }, async (ctx) => {
  const { server, proxy, tab } = await open(ctx)
  await server.publish('log', 0, 10)
  const tabs = [await tab(LINES), await tab(LINES), await tab(LINES)]
  await expectAll(tabs, 10)
  await server.publish('log', 10, 10)
  await expectAll(tabs, 20)
  expect(proxy.requests).toEqual(['GET /v1'])
  // Of one that came later the past is not there any more, so it has a connection until it has caught up.
  await server.publish('log', 20, 2_000)
  tabs.push(await tab(LINES))
  await expectAll(tabs, 2_020)
  await server.publish('log', 2_020, 1)
  await expectAll(tabs, 2_021)
  await expect.poll(() => proxy.open, SOON).toBe(1)
  proxy.cut()
  await server.publish('log', 2_021, 10)
  await expectAll(tabs, 2_031)
  expect(await Promise.all(tabs.map((page) => page.evaluate('[gaps.length, errors.length]')))).toEqual(
    tabs.map(() => [0, 0]),
  )
})

it('another tab takes over when the one with the connection is closed, and nothing is lost or repeated [WP-2.5]', {
  timeout: 180_000,
}, async (ctx) => {
  const { server, proxy, tab } = await open(ctx)
  const tabs = []
  for (let i = 0; i < 4; i++) tabs.push(await tab(LINES))
  let published = 0
  const publish = async (count: number) => {
    await server.publish('log', published, count)
    published += count
  }
  await publish(5)
  await expectAll(tabs, published)
  while (tabs.length > 1) {
    const first = tabs.shift()
    // Half of it while the tab is being closed.
    await Promise.all([first?.close(), publish(7)])
    await publish(3)
    await expectAll(tabs, published)
  }
  expect(await tabs[0]?.evaluate('[...gaps, ...errors]')).toEqual([])
  await expect.poll(() => proxy.open, SOON).toBe(1)
})

it('another tab takes over when the one with the connection is frozen, which goes on when it thaws [WP-2.5]', {
  timeout: 120_000,
}, async (ctx) => {
  const { server, proxy, tab } = await open(ctx)
  const tabs = [await tab(LINES), await tab(LINES), await tab(LINES)] as const
  const [first, ...others] = tabs
  await server.publish('log', 0, 5)
  await expectAll(tabs, 5)
  const devtools = await first.context().newCDPSession(first)
  await devtools.send('Debugger.enable')
  const paused = new Promise<void>((resolve) => devtools.once('Debugger.paused', () => resolve()))
  await devtools.send('Debugger.pause')
  await paused
  await server.publish('log', 5, 5)
  await expectAll(others, 10)
  await server.publish('log', 10, 5)
  await expectAll(others, 15)
  expect(proxy.requests).toEqual(['GET /v1', 'GET /v1'])
  await devtools.send('Debugger.disable')
  await expectAll(tabs, 15)
  await server.publish('log', 15, 5)
  await expectAll(tabs, 20)
  await expect.poll(() => proxy.open, SOON).toBe(1)
})

it('a state is there for each tab, and what changes is for all [WP-9.1] [WP-3.11]', {
  timeout: 120_000,
}, async (ctx) => {
  const { server, proxy, tab } = await open(ctx)
  const price = (symbol: string, value: number | null) =>
    server.watchpost.publish('stocks', [
      value === null
        ? { type: 'price', key: symbol, data: null }
        : { type: 'price', data: { symbol, price: value, name: `The shares of ${symbol}, in a text that is long` } },
    ])
  const STATE = `
    client.watch('stocks', { state: true, delta: true }).on('state', (state) => {
      globalThis.state = [...state.values()].map(({ key, data }) => key + ' ' + data.price).toSorted()
    })`
  const states = (tabs: readonly Page[]): Promise<unknown[]> =>
    Promise.all(tabs.map((page) => page.evaluate('globalThis.state')))
  for (const symbol of ['A', 'B', 'C']) await price(symbol, 1)
  const tabs = [await tab(STATE), await tab(STATE)]
  await expect.poll(() => states(tabs), SOON).toEqual(tabs.map(() => ['A 1', 'B 1', 'C 1']))
  await price('A', 2)
  await price('B', null)
  tabs.push(await tab(STATE))
  await expect.poll(() => states(tabs), SOON).toEqual(tabs.map(() => ['A 2', 'C 1']))
  expect(proxy.requests).toEqual(['GET /v1'])
  await tabs.shift()?.close()
  await price('D', 4)
  await expect.poll(() => states(tabs), SOON).toEqual(tabs.map(() => ['A 2', 'C 1', 'D 4']))
})

it('a gap is a gap in every tab, and what only the caller can mend ends the watch in each [WP-2.4]', {
  timeout: 120_000,
}, async (ctx) => {
  const { server, tab } = await open(ctx)
  await server.publish('short', 0, 1)
  const { cursor } = (await (await fetch(`${server.url}/v1/topics/short`)).json()) as { cursor: string }
  await server.publish('short', 1, 20)
  const left = async (): Promise<number> => {
    const page = (await (await fetch(`${server.url}/v1/topics/short`)).json()) as { events: unknown[] }
    return page.events.length
  }
  await expect.poll(left, SOON).toBe(5)
  const script = `
    const watch = client.watch('short', { after: ${JSON.stringify(cursor)} })
    watch.on('event', ({ data }) => seen.push(data.n))
    watch.on('gap', ({ after }) => gaps.push(after))
    client.watch('nowhere').on('error', ({ problem }) => errors.push(problem))`
  for (const page of [await tab(script), await tab(script)]) {
    await expect.poll(() => seen(page), SOON).toEqual(numbers(16, 5))
    expect(await page.evaluate('[...gaps]')).toEqual([cursor])
    await expect.poll(() => page.evaluate('[...errors]'), SOON).toEqual(['unknown-topic'])
  }
})

const tokenOf = (sub: string): string => {
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const input = `${encoded({ alg: 'HS256' })}.${encoded({ sub, exp: Date.now() / 1_000 + 600 })}`
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`
}

it('credentials that are refused to the tab with the connection are its own, and not those of others [WP-6.6]', {
  timeout: 120_000,
}, async (ctx) => {
  const { server, tab } = await open(ctx)
  await server.publish('team', 0, 3)
  const TEAM = LINES.replace("'log'", "'team'")
  const wrong = await tab(TEAM, "token: 'wrong', transports: [shared({ name: 'ada' }), 'sse']")
  await expect.poll(() => wrong.evaluate('[...errors]'), SOON).toEqual(['unauthorized'])
  // Holds the connection still, for what anyone may watch.
  await wrong.evaluate("void client.watch('log').on('event', () => undefined)")
  const good = await tab(TEAM, `token: '${tokenOf('ada')}', transports: [shared({ name: 'ada' }), 'sse']`)
  await expectAll([good], 3)
})

it('a client that has a token says whose it is, since one token is used for all tabs [WP-6.6]', () => {
  const made = (token: string | (() => string)) => () =>
    createClient({ url: 'http://127.0.0.1:1', token, transports: [shared(), 'sse'] })
  expect(made('t')).toThrow('shared({ name: userId })')
  expect(made(() => 't')).toThrow(TypeError)
})

it('tabs share with those of the same server, and ask in words that can be cloned', {
  timeout: 120_000,
}, async (ctx) => {
  const { server, proxy, tab } = await open(ctx)
  const other = await startServer({ cors: { origins: '*' } })
  await server.publish('log', 0, 3)
  await other.publish('log', 100, 3)
  // As frameworks give whoever reads of their states.
  const script = LINES.replace(
    "after: 'earliest'",
    "after: 'earliest', type: new Proxy(['line'], {}), info: new Proxy({}, {})",
  )
  const here = await tab(script, "transports: [shared({ name: 'ada' })]")
  await expectAll([here], 3)
  const there = await tab(script, `url: '${other.url}', transports: [shared({ name: 'ada' })]`)
  await expect.poll(() => seen(there), SOON).toEqual([100, 101, 102])
  // What comes of a tab that is gone would be watched for ever.
  await there.evaluate(`(async () => {
    const channel = new BroadcastChannel('watchpost 1 ${proxy.url} ada')
    const hub = await new Promise((resolve) => {
      channel.onmessage = ({ data }) => data.kind === 'pong' && resolve(data.hub)
      channel.postMessage({ kind: 'ping', session: 'gone' })
    })
    const asked = { filter: '**', view: {}, delta: false, start: {} }
    channel.postMessage({ kind: 'watch', hub, session: 'gone', member: 'gone 1', asked })
  })()`)
  await server.publish('log', 3, 3)
  await expectAll([here], 6)
  expect(proxy.requests).toEqual(['GET /v1'])
})

it('a frame without an origin, which can hold no locks, takes the next transport', {
  timeout: 120_000,
}, async (ctx) => {
  const { server, proxy, tab } = await open(ctx)
  await server.publish('log', 0, 3)
  const page = await tab('')
  await page.evaluate(`(() => {
    const frame = document.createElement('iframe')
    frame.sandbox = 'allow-scripts'
    frame.src = ${JSON.stringify(`${origin}/frame`)}
    document.body.append(frame)
  })()`)
  await expect.poll(() => page.frames().length, SOON).toBe(2)
  const frame = page.frames()[1]
  await frame?.waitForLoadState()
  await frame?.evaluate(scriptOf(LINES, "transports: [shared(), 'websocket'], probeMs: 60_000", proxy.url))
  await expect.poll(() => frame?.evaluate('[...seen]'), SOON).toEqual(numbers(0, 3))
})
