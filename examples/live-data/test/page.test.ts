import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Program } from './program.ts'

const CHROMIUM = process.env['CHROME_PATH'] ?? '/usr/bin/chromium'
const ARGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

let browser: Browser | undefined
let program: Program | undefined
let dataDir: string

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'live-data-page-'))
  // In CI a browser that is missing is a fault, and launching says so.
  if (existsSync(CHROMIUM) || process.env['CI'] === 'true') {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS })
  }
})

afterAll(async () => {
  await browser?.close()
  await program?.end('SIGKILL')
  await rm(dataDir, { recursive: true, force: true })
})

const start = (port: string, log: string, recordsPerSecond: number): Program => {
  program = new Program(['--port', port, '--data-dir', join(dataDir, log), '--pace', String(recordsPerSecond)])
  return program
}

/** Waits until a text of the page matches. */
async function text(page: Page, selector: string, pattern: RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: pattern }).waitFor({ state: 'attached', timeout: 30_000 })
}

/** How many points each line of a plot has. */
const pointsOf = (page: Page, plot: string): Promise<number[]> =>
  page
    .locator(`${plot} path.line`)
    .evaluateAll((lines) => lines.map((line) => (line.getAttribute('d') ?? '').split('L').length))

it('draws everything live, without a fault or an outside request, and survives a restart', {
  timeout: 90_000,
}, async (ctx) => {
  if (browser === undefined) {
    const reason = `no Chromium at ${CHROMIUM}; name one in CHROME_PATH`
    console.log(`skipped: ${reason}`)
    return ctx.skip(reason)
  }
  // So slow that there are quakes left for the second run, however long the steps of this one take.
  const running = start('0', 'log', 40)
  const url = await running.url()
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  const faults: string[] = []
  const outside: string[] = []
  page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())))
  page.on('pageerror', (error) => void faults.push(String(error)))
  page.on('request', (sent) => void (new URL(sent.url()).origin !== url && outside.push(sent.url())))
  await page.goto(url)

  await text(page, '#status', /^live$/)
  await page.locator('.quake').nth(100).waitFor({ state: 'attached' })
  await page.locator('#host-plot .cpu path.line[d*="L"]').waitFor({ state: 'attached' })
  await text(page, '#host-cpu', /^\d+ %$/)
  await text(page, '#cursor', /^\w+\.\d+$/)
  // The fifth company comes to the market in 2004.
  expect((await pointsOf(page, '#prices-plot')).length).toBeGreaterThanOrEqual(4)
  expect((await page.locator('.land').getAttribute('d'))?.length).toBeGreaterThan(10_000)
  expect(await page.locator('#quakes-latest li').count()).toBe(8)
  expect(await page.locator('#message').textContent()).toContain('"timestamp"')

  await page.locator('#notes-text').fill('<img src=x onerror=alert(1)>')
  await page.keyboard.press('Enter')
  await text(page, '#notes-list li', /<img src=x onerror=alert\(1\)>/)
  await page.locator('#prices-plot').focus()
  await page.keyboard.press('Home')
  await text(page, '#prices-readout', /Jan 2000.*39\.81/)
  await page.locator('#quakes-strongest button').first().focus()
  await text(page, '#quakes-readout', /^Magnitude .* km deep/)
  expect(faults).toEqual([])

  expect((await running.end('SIGTERM')).code).toBe(0)
  await text(page, '#status', /^reconnecting$/)
  const again = start(new URL(url).port, 'log', 400)
  await text(page, '#status', /^live$/)
  await text(page, '#quakes-progress', /^all 1,707 quakes/)
  await text(page, '#prices-progress', /^all 560 prices/)

  expect(await page.locator('.quake').count()).toBe(1707)
  expect(await pointsOf(page, '#prices-plot')).toEqual([123, 123, 123, 123, 68])
  expect(await page.locator('#notice').isVisible()).toBe(false)
  expect(outside).toEqual([])
  // While the server was away, the browser says that it could not connect; there must be nothing else.
  expect(faults.filter((fault) => !fault.includes('Failed to load resource'))).toEqual([])

  expect((await again.end('SIGTERM')).output).toMatch(/quakes: from record \d{2,4} of 1707 on/)
  start(new URL(url).port, 'another-log', 40)
  await text(page, '#notice-text', /new log/)
  await text(page, '#quakes-progress', /^\d+ of 1,707 quakes/)
  expect(await page.locator('.quake').count()).toBeLessThan(1707)

  await page.setViewportSize({ width: 360, height: 800 })
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
})
