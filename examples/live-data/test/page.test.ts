import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, it, type TestContext } from 'vitest'
import { chromiumForAll } from '../../../packages/server/test/fixtures/browser.ts'
import { Program } from './program.ts'

const browserOf = chromiumForAll()
let dataDir: string

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'live-data-page-'))
})

afterAll(() => rm(dataDir, { recursive: true, force: true }))

/** Starts the example; it is ended when the test ends. */
function start(ctx: TestContext, port: string, log: string, recordsPerSecond: number): Program {
  const program = new Program(['--port', port, '--data-dir', join(dataDir, log), '--pace', String(recordsPerSecond)])
  ctx.onTestFinished(async () => {
    await program.end('SIGKILL')
  })
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

it.concurrent('draws everything live, without a fault or an outside request, and survives a restart', {
  timeout: 90_000,
}, async (ctx) => {
  const { expect } = ctx
  const browserHere = browserOf(ctx)
  // So slow that there are quakes left for the second run, however long the steps of this one take.
  const running = start(ctx, '0', 'log', 30)
  const url = await running.url()
  const page = await browserHere.newPage({ viewport: { width: 1280, height: 900 } })
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
  const again = start(ctx, new URL(url).port, 'log', 400)
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
  start(ctx, new URL(url).port, 'another-log', 40)
  await text(page, '#notice-text', /new log/)
  await text(page, '#quakes-progress', /^\d+ of 1,707 quakes/)
  expect(await page.locator('.quake').count()).toBeLessThan(1707)

  await page.setViewportSize({ width: 360, height: 800 })
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
})

interface LoggedEvent {
  readonly id: string
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Every event of the log. */
async function logged(url: string): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = []
  for (let after = 'earliest', more = true; more; ) {
    const response = await fetch(`${url}/v1/topics/**?limit=1000&after=${after}`)
    const body = (await response.json()) as { events: LoggedEvent[]; cursor: string; more: boolean }
    events.push(...body.events)
    after = body.cursor
    more = body.more
  }
  return events
}

/** Asserts that the page shows each event of the log, once and in order, as far as it says that it came. */
async function expectAllShown({ expect }: TestContext, page: Page, url: string): Promise<void> {
  const shown = await page.evaluate(() => ({
    cursor: document.getElementById('cursor')?.textContent,
    received: document.getElementById('received')?.textContent?.replaceAll(',', ''),
    quakes: [...document.querySelectorAll('.quake')].map((circle) => [
      Number(circle.getAttribute('cx')),
      -Number(circle.getAttribute('cy')),
    ]),
  }))
  const events = await logged(url)
  expect(Number(shown.received)).toBe(events.findIndex(({ id }) => id === shown.cursor) + 1)
  const quakes = events.filter(({ type }) => type === 'quake').map(({ data }) => [data['longitude'], data['latitude']])
  expect(shown.quakes.length).toBeGreaterThan(0)
  expect(shown.quakes).toEqual(quakes.slice(0, shown.quakes.length))
}

it.concurrent('switches between SSE and WebSocket while events flow, and loses or repeats none [WP-2.1, WP-2.5]', {
  timeout: 120_000,
}, async (ctx) => {
  const { expect } = ctx
  // So slow that there are quakes left for the last of its runs.
  const running = start(ctx, '0', 'switched-log', 20)
  const url = await running.url()
  const page = await browserOf(ctx).newPage({ viewport: { width: 1280, height: 900 } })
  const opened: string[] = []
  const faults: string[] = []
  page.on('websocket', (socket) => void opened.push(socket.url().replace(/\?.*/, '')))
  page.on(
    'request',
    (sent) => void (sent.resourceType() === 'eventsource' && opened.push(sent.url().replace(/\?.*/, ''))),
  )
  page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())))
  page.on('pageerror', (error) => void faults.push(String(error)))
  const moreQuakes = async (): Promise<void> => {
    const shown = await page.locator('.quake').count()
    await page
      .locator('.quake')
      .nth(shown + 10)
      .waitFor({ state: 'attached' })
    await text(page, '#status', /^live$/)
  }
  await page.goto(url)
  await moreQuakes()

  const [bySse, bySocket] = [`${url}/v1/topics/**`, `${url.replace('http', 'ws')}/v1/topics/**`]
  const heights = async (): Promise<(number | undefined)[]> =>
    Promise.all(['header', 'main'].map(async (each) => (await page.locator(each).boundingBox())?.y))
  const before = await heights()
  await page.getByRole('radio', { name: 'SSE' }).focus()
  for (const [key, name] of [
    ['ArrowRight', 'WebSocket'],
    ['ArrowLeft', 'SSE'],
    ['ArrowRight', 'WebSocket'],
  ] as const) {
    await page.keyboard.press(key)
    expect(await page.getByRole('group', { name: 'Watch by' }).getByRole('radio', { name }).isChecked()).toBe(true)
    await moreQuakes()
    expect(await heights()).toEqual(before)
  }
  expect(opened).toEqual([bySse, bySocket, bySse, bySocket])
  // Faster than anything can be connected.
  for (const key of ['ArrowLeft', 'ArrowRight', 'ArrowLeft', 'ArrowRight']) await page.keyboard.press(key)
  await moreQuakes()
  await expectAllShown(ctx, page, url)
  // A switch before the socket is there is a fault to browsers, and to nobody else.
  expect(faults.filter((fault) => !fault.includes('closed before the connection is established'))).toEqual([])

  await running.end('SIGTERM')
  await text(page, '#status', /^reconnecting$/)
  const again = start(ctx, new URL(url).port, 'switched-log', 20)
  await again.url()
  await text(page, '#status', /^live$/)
  await moreQuakes()
  await again.end('SIGKILL')
  await text(page, '#status', /^reconnecting$/)
  start(ctx, new URL(url).port, 'switched-log', 400)
  await text(page, '#quakes-progress', /^all 1,707 quakes/)
  await text(page, '#prices-progress', /^all 560 prices/)
  await expectAllShown(ctx, page, url)
  expect(opened.slice(-2)).toEqual([bySocket, bySocket])
  expect(await page.locator('.quake').count()).toBe(1707)
  expect(await pointsOf(page, '#prices-plot')).toEqual([123, 123, 123, 123, 68])
  expect(await page.locator('#notice').isVisible()).toBe(false)

  // The address keeps the choice.
  await page.reload()
  expect(await page.getByRole('radio', { name: 'WebSocket' }).isChecked()).toBe(true)
  await text(page, '#quakes-progress', /^all 1,707 quakes/)
  expect(opened.at(-1)).toBe(bySocket)
  // The policy of the page lets it through, and none to another server.
  const blocked = await page.evaluate(() => {
    const blocking = new Promise((resolve) => {
      document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective), { once: true })
    })
    new WebSocket('ws://127.0.0.1:9/')
    return blocking
  })
  expect(blocked).toBe('connect-src')
  await page.close()
})

it.concurrent('leaves a WebSocket that is silent, waits as a goodbye says, and tells of an end for good [WP-1.3, WP-4.9, WP-4.10]', {
  timeout: 90_000,
}, async (ctx) => {
  const { expect } = ctx
  const url = await start(ctx, '0', 'ended-log', 20).url()
  const page = await browserOf(ctx).newPage()
  const { cursor } = (await (await fetch(`${url}/v1/topics/stocks?limit=1`)).json()) as { cursor: string }
  const asked: { readonly after: string | null; readonly atMs: number }[] = []
  await page.routeWebSocket(/\/v1\/topics/, (socket) => {
    asked.push({ after: new URL(socket.url()).searchParams.get('after'), atMs: performance.now() })
    const send = (type: string, data: object): void => socket.send(JSON.stringify({ type, data }))
    // Only the first one is to be left for its silence, however busy the machine is.
    const heartbeatMs = asked.length === 1 ? 200 : 15_000
    send('welcome', { connection: 'c', cursor: 'beyond', heartbeatMs, server: '0' })
    if (asked.length === 1) return send('subscribed', { topic: '**', cursor })
    send('goodbye', { retryAfter: 4 })
    void socket.close({ code: asked.length === 2 ? 1001 : 4400 })
  })
  await page.goto(`${url}/#websocket`)
  await text(page, '#status', /^stopped$/)
  await text(page, '#notice-text', /^The server ended the WebSocket for good/)
  expect(asked.map(({ after }) => after)).toEqual(['earliest', cursor, cursor])
  // By itself it would have waited for a second at most.
  expect((asked[2]?.atMs ?? 0) - (asked[1]?.atMs ?? 0)).toBeGreaterThan(3_900)
  await page.getByRole('radio', { name: 'SSE' }).check()
  await text(page, '#status', /^live$/)
  await page.locator('.quake').nth(10).waitFor({ state: 'attached' })
  expect(new URL(page.url()).hash).toBe('')
  await page.close()
})
