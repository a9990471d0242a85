import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { chromiumForAll } from '../../../packages/server/test/fixtures/browser.ts'
import { Example } from '../../../packages/server/test/fixtures/example.ts'

/** Longer than any step takes on a busy machine. */
const PATIENCE = { timeout: 60_000 }

const browserOf = chromiumForAll()
let dataDir: string

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ticker-'))
})

afterAll(() => rm(dataDir, { recursive: true, force: true }))

interface Logged {
  readonly id: string
  readonly type: string
  readonly data: { readonly n: number; readonly symbol: string; readonly price: number }
  readonly timestamp: string
}

/** Every price of the log. */
async function loggedPrices(url: string): Promise<Logged[]> {
  const prices: Logged[] = []
  for (let after = 'earliest', more = true; more; ) {
    const response = await fetch(`${url}/v1/topics/ticker?type=price&limit=1000&after=${after}`)
    const body = (await response.json()) as { events: Logged[]; cursor: string; more: boolean }
    prices.push(...body.events)
    after = body.cursor
    more = body.more
  }
  return prices
}

/** The prices of the file in the order of time, read without any of the example's own code. */
function realPrices(): { symbol: string; price: number; timestamp: string }[] {
  const file = new URL('../data/stocks.csv', import.meta.resolve('vega-datasets'))
  const lines = readFileSync(file, 'utf8').trim().split(/\r?\n/).slice(1)
  const prices = lines.map((line) => {
    const [symbol = '', date = '', price = ''] = line.split(',')
    return { symbol, price: Number(price), timestamp: new Date(`${date} UTC`).toISOString() }
  })
  return prices.sort((a, b) => a.timestamp.localeCompare(b.timestamp))
}

const number = async (page: Page, id: string): Promise<number> =>
  Number((await page.locator(`#${id}`).textContent())?.replaceAll(',', ''))

const status = (page: Page) => expect.poll(() => page.locator('#status').textContent(), PATIENCE)

/** Waits until that many prices have come. */
const received = (page: Page, count: number) =>
  expect.poll(() => number(page, 'received'), PATIENCE).toBeGreaterThanOrEqual(count)

/** How many points each company's line has. */
const points = (page: Page): Promise<Record<string, number>> =>
  page
    .locator('#chart g[data-symbol]')
    .evaluateAll((lines) =>
      Object.fromEntries(
        lines.map((line) => [
          line.getAttribute('data-symbol') ?? '',
          line.querySelector('path')?.getAttribute('d')?.split('L').length ?? 0,
        ]),
      ),
    )

it('says how to mend a port that is none', async () => {
  const refused = new Example('ticker', dataDir, 'abc').url()
  await expect(refused).rejects.toThrow('PORT=abc is no port; choose one: PORT=8081 npm start -w examples/ticker')
})

it('draws real prices by SSE, and after two kills has each of them once [WP-2.5] [WP-3.8]', {
  timeout: 240_000,
}, async (ctx) => {
  const page = await browserOf(ctx).newPage({ viewport: { width: 1280, height: 900 } })
  const watched: string[] = []
  const faults: string[] = []
  const outside: string[] = []
  page.on('websocket', (socket) => void faults.push(`a WebSocket: ${socket.url()}`))
  page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())))
  page.on('pageerror', (error) => void faults.push(String(error)))
  page.on('request', (sent) => {
    const { origin, pathname } = new URL(sent.url())
    if (pathname.startsWith('/v1/')) watched.push(`${pathname} ${sent.headers()['accept']}`)
    if (origin !== url) outside.push(sent.url())
  })

  let program = new Example('ticker', dataDir, '0', { PACE: '20' })
  const url = await program.url()
  const policy = (await page.goto(url))?.headers()['content-security-policy']
  expect(policy).toMatch(/default-src 'none'; script-src 'self'; style-src 'self';/)
  await status(page).toBe('live')
  await received(page, 30)
  expect(faults).toEqual([])

  for (const starts of [2, 3]) {
    const before = await number(page, 'received')
    expect(await program.end('SIGKILL')).toBe(null)
    await status(page).toBe('reconnecting')
    // The last one publishes a single price, so that the page and the log can be compared.
    program = new Example('ticker', dataDir, new URL(url).port, { PACE: starts === 3 ? '0.001' : '20' })
    await program.url()
    await status(page).toBe('live')
    await received(page, before + (starts === 3 ? 1 : 30))
    await expect.poll(() => page.locator('#starts li').count(), PATIENCE).toBe(starts)
  }

  const prices = await loggedPrices(url)
  await received(page, prices.length)
  expect(await number(page, 'received')).toBe(prices.length)
  expect(await number(page, 'missing')).toBe(0)
  expect(await number(page, 'repeated')).toBe(0)
  expect(await number(page, 'reconnected')).toBeGreaterThanOrEqual(2)
  // What the log has is what the file has, with no price left out or repeated by the feed either.
  const real = realPrices()
  expect(real.length).toBe(560)
  expect(prices.map(({ data: { symbol, price }, timestamp }) => ({ symbol, price, timestamp }))).toEqual(
    prices.map((_, n) => real[n % real.length]),
  )
  expect(prices.map(({ data }) => data.n)).toEqual(prices.map((_, n) => n))
  // And the chart has what the log has of this round, each once.
  const round = prices.slice(Math.floor((prices.length - 1) / real.length) * real.length)
  const counts: Record<string, number> = {}
  for (const { data } of round) counts[data.symbol] = (counts[data.symbol] ?? 0) + 1
  expect(await points(page)).toEqual(counts)

  expect(await page.locator('#notice').isVisible()).toBe(false)
  expect(outside).toEqual([])
  expect(new Set(watched)).toEqual(new Set(['/v1/events text/event-stream']))
  // While the server was away, the browser says that it could not connect, or that a stream broke; nothing else.
  expect(faults.filter((fault) => !/Failed to load resource|ERR_INCOMPLETE_CHUNKED/.test(fault))).toEqual([])
  await page.close()
})

it('starts over with a new log, is used by keyboard, and fits a telephone', { timeout: 240_000 }, async (ctx) => {
  const page = await browserOf(ctx).newPage({ viewport: { width: 390, height: 844 } })
  const env = { PACE: '200' }
  const program = new Example('ticker', join(dataDir, 'other'), '0', env)
  const url = await program.url()
  await page.goto(url)
  await received(page, 560)

  // After the last month of the file comes the first one again, on an empty chart.
  await received(page, 1_020)
  expect(await number(page, 'missing')).toBe(0)
  // Who comes now is given no more than the last 1,000 events, and is told all the same which process to kill.
  await page.reload()
  await received(page, 990)
  expect(await page.locator('#kill').textContent()).toMatch(/^kill -9 \d+$/)
  expect(await page.locator('#starts li').count()).toBe(1)
  expect(await page.locator('.tile .symbol').allTextContents()).toEqual(['AAPL', 'AMZN', 'GOOG', 'IBM', 'MSFT'])

  const tile = page.getByRole('button', { name: 'IBM' })
  await tile.focus()
  await page.keyboard.press('Enter')
  expect(await tile.getAttribute('aria-pressed')).toBe('true')
  await expect.poll(() => page.locator('#chart g.faint').count(), PATIENCE).toBeGreaterThanOrEqual(3)
  await page.keyboard.press('Space')
  expect(await tile.getAttribute('aria-pressed')).toBe('false')
  await page.keyboard.press('Space')
  expect(await tile.getAttribute('aria-pressed')).toBe('true')
  await page.keyboard.press('Escape')
  expect(await tile.getAttribute('aria-pressed')).toBe('false')
  await expect.poll(() => page.locator('#chart .faint').count(), PATIENCE).toBe(0)

  expect(await program.end('SIGTERM')).toBe(0)
  await new Example('ticker', join(dataDir, 'new'), new URL(url).port, env).url()
  await expect.poll(() => page.locator('#notice').textContent(), PATIENCE).toMatch(/new log/)
  await expect.poll(() => page.locator('#starts li').count(), PATIENCE).toBe(2)
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  await page.close()
})
