/** The example as its visitors have it: two processes, and a page in a real browser. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Locator, Page, Route } from 'playwright-core'
import { afterEach, beforeEach, expect, it, type TestContext, vi } from 'vitest'
import { chromiumForAll } from '../../../packages/server/test/fixtures/browser.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const browserOf = chromiumForAll()
let dataDir: string
let program: Program

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'fleet-'))
  program = new Program({ PORT: '0', WATCHPOST_DATA_DIR: dataDir })
})

afterEach(async () => {
  await program.end()
  await rm(dataDir, { recursive: true, force: true })
})

class Program {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown[]>
  #output = ''

  constructor(env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [MAIN], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => void (this.#output += chunk.toString()))
    }
    this.#ended = once(this.#child, 'close')
  }

  /** Resolves to what the group of a pattern matched last, once there are so many matches. */
  printed(pattern: RegExp, times = 1): Promise<string> {
    const last = (): string => {
      const matches = [...this.#output.matchAll(pattern)]
      if (matches.length < times) throw new Error(`has not printed ${pattern} ${times} times:\n${this.#output}`)
      return matches.at(-1)?.[1] ?? ''
    }
    return vi.waitFor(last, { timeout: 40_000 })
  }

  url(): Promise<string> {
    return this.printed(/^The map: (\S+)\n/gm)
  }

  /** Kills one of the two processes, and resolves once it is said to be gone. */
  async kill(name: 'server' | 'fleet', times = 1): Promise<void> {
    process.kill(Number(await this.printed(new RegExp(`^${name}: process (\\d+)\n`, 'gm'), times)), 'SIGKILL')
    await this.printed(new RegExp(`^${name}: (killed)`, 'gm'), times)
  }

  /** Resolves to the code that it ends with. */
  end(): Promise<unknown> {
    this.#child.kill('SIGTERM')
    return this.ended()
  }

  /** Resolves to that code once it has ended by itself. */
  async ended(): Promise<unknown> {
    return (await this.#ended)[0]
  }
}

interface Opened {
  readonly page: Page
  readonly url: string
  /** What the browser had to complain about. */
  readonly faults: string[]
}

async function open(ctx: TestContext): Promise<Opened> {
  const browser = browserOf(ctx)
  const url = await program.url()
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  ctx.onTestFinished(() => page.close())
  const faults: string[] = []
  page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())))
  page.on('pageerror', (error) => void faults.push(String(error)))
  page.on('request', (sent) => void (new URL(sent.url()).origin !== url && faults.push(`asks for ${sent.url()}`)))
  await page.goto(url)
  return { page, url, faults }
}

/** Waits until a text of the page matches. */
const text = (page: Page, selector: string, pattern: RegExp): Promise<void> =>
  page.locator(selector).filter({ hasText: pattern }).waitFor({ timeout: 40_000 })

const places = (page: Page): Promise<string[]> =>
  page
    .locator('.train')
    .evaluateAll((trains) => trains.map((train) => (train as SVGElement).style.getPropertyValue('transform')))

const radio = (page: Page, train: string): Locator => page.locator(`#trains input[value="${train}"]`)

async function tell(page: Page, train: string, order: string): Promise<void> {
  await radio(page, train).press('Space')
  await page.getByRole('button', { name: order }).press('Enter')
}

/** Whether what has the focus is what a finger would find there. */
const isFocusOnTop = (page: Page): Promise<boolean> =>
  page.evaluate(() => {
    const { x, y, width, height } = document.activeElement?.getBoundingClientRect() ?? new DOMRect()
    return document.elementFromPoint(x + width / 2, y + height / 2) === document.activeElement
  })

it('shows trains that move on the lines, and has one obey from the keyboard', async (ctx) => {
  const { page, url, faults } = await open(ctx)
  await text(page, '#status', /^live$/)
  await text(page, '#count', /^59$/)
  expect(await page.locator('.tracks path').count()).toBe(12)
  const before = await places(page)
  expect(before).toHaveLength(59)
  await expect
    .poll(async () => (await places(page)).filter((place) => !before.includes(place)).length, { timeout: 40_000 })
    .toBe(59)

  // By keyboard alone: from the list to the orders and back. Another page sees what comes of it.
  const { page: other } = await open(ctx)
  await radio(page, 'victoria-2').focus()
  for (const key of ['Enter', 'Tab', 'Tab', 'Enter']) await page.keyboard.press(key)
  await text(page, '#answer', /^“hold”: Victoria 2 obeys\.$/)
  await text(other, '#trains .held', /^Victoria 2 held$/)
  await page.keyboard.press('Escape')
  expect(await radio(page, 'victoria-2').evaluate((input) => input === document.activeElement)).toBe(true)
  expect(page.url()).toBe(`${url}/`)
  await text(page, '#train-text', /^Now: held$/)
  await text(page, '#trains .held', /^Victoria 2 held$/)
  expect(await page.getByRole('button', { name: 'Hold' }).getAttribute('aria-pressed')).toBe('true')
  await page.getByRole('button', { name: 'Slow' }).press('Enter')
  await text(page, '#train-text', /^Now: slow, 15 km\/h$/)
  // Another one's order follows at once: the train obeys both before this page has heard that its own was taken.
  const overtake = async (route: Route): Promise<void> => {
    const response = await route.fetch()
    await tell(other, 'victoria-2', 'Hold')
    await text(other, '#answer', /^“hold”: Victoria 2 obeys\.$/)
    await route.fulfill({ response })
  }
  await page.route('**/v1/topics/commands/*', overtake, { times: 1 })
  await page.getByRole('button', { name: 'Go' }).press('Enter')
  await text(page, '#answer', /^“go” was sent, but Victoria 2 obeys another order\.$/)
  // The arrow keys choose the next one.
  await radio(page, 'victoria-2').press('ArrowDown')
  await text(page, '#train-title', /^Victoria 3$/)

  await page.getByRole('radio', { name: 'Bakerloo', exact: true }).check()
  await text(page, '#count', /^3$/)
  expect(await page.locator('#trains label:visible').count()).toBe(3)
  await page.getByRole('radio', { name: 'All lines' }).check()

  const durationOf = (): Promise<string> =>
    page
      .locator('.train')
      .first()
      .evaluate((train) => getComputedStyle(train).transitionDuration)
  expect(await durationOf()).toBe('1s')
  await page.emulateMedia({ reducedMotion: 'reduce' })
  expect(await durationOf()).toBe('0s')

  for (const width of [1280, 375]) {
    await page.setViewportSize({ width, height: 812 })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
  }
  // Nor does anything lie over the train that has the focus.
  await page.evaluate(() => scrollTo(0, 0))
  await radio(page, 'bakerloo-1').focus()
  for (let row = 1; row <= 12; row++) {
    await page.keyboard.press('ArrowDown')
    expect(await isFocusOnTop(page), `row ${row}`).toBe(true)
  }
  expect(faults).toEqual([])
  const policy = (await fetch(url)).headers.get('content-security-policy')
  expect(policy).toContain("default-src 'none'")
  expect(policy).not.toContain('unsafe')
  expect(await program.end()).toBe(0)
  const refused = new Program({ PORT: 'abc' })
  await refused.printed(/^PORT=abc is no port; (choose one): PORT=\d+ npm start/gm)
  expect(await refused.ended()).toBe(1)
})

it('gives a new page the whole state at once, then patches [WP-4.6, WP-4.7]', async (ctx) => {
  const { page } = await open(ctx)
  await text(page, '#count', /^59$/)
  const messages: Record<string, unknown>[] = []
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => void messages.push(JSON.parse(String(payload)))),
  )
  await page.reload()
  await text(page, '#count', /^59$/)
  await expect
    .poll(() => messages.filter(({ type }) => type === 'train').length, { timeout: 40_000 })
    .toBeGreaterThan(59)
  const snapshots = messages.filter(({ type }) => type === 'snapshot')
  expect(snapshots.flatMap(({ data }) => (data as { events: unknown[] }).events)).toHaveLength(59)
  expect(messages.findIndex(({ type }) => type === 'train')).toBeGreaterThan(messages.indexOf(snapshots.at(-1) ?? {}))
  expect(messages.find(({ patch }) => patch !== undefined)?.['patch']).toHaveProperty('longitude')
})

it('goes on after the server was killed, from the same page', async (ctx) => {
  const { page, faults } = await open(ctx)
  await text(page, '#count', /^59$/)
  await tell(page, 'jubilee-1', 'Hold')
  await text(page, '#answer', /^“hold”: Jubilee 1 obeys\.$/)
  await program.kill('server')
  await text(page, '#status', /^reconnecting/)
  await text(page, '#status', /^live$/)
  const before = await places(page)
  await expect
    .poll(async () => (await places(page)).filter((place) => !before.includes(place)).length, { timeout: 40_000 })
    .toBe(58)
  await text(page, '#train-text', /^Now: held$/)
  await tell(page, 'jubilee-1', 'Go')
  await text(page, '#answer', /^“go”: Jubilee 1 obeys\.$/)
  expect(faults.filter((fault) => !/WebSocket connection|Failed to load resource/.test(fault))).toEqual([])
})

it('shows trains as silent when the fleet was killed, and has them obey what they were told meanwhile', async (ctx) => {
  const { page } = await open(ctx)
  await text(page, '#count', /^59$/)
  await program.kill('fleet')
  await text(page, '#count', /^59 of 59 silent$/)
  expect(await page.locator('.train.silent').count()).toBe(59)
  await text(page, '#trains', /Central 4 silent for \d+ s/)
  await tell(page, 'central-4', 'Hold')
  // On a busy machine the fleet may be back before the order is given.
  await text(page, '#answer', /^“hold”(?: waits for Central 4 to come back|: Central 4 obeys)\.$/)
  const [last] = await places(page)
  expect(last).toMatch(/^translate/)

  await program.printed(/^fleet: (process) \d+\n/gm, 2)
  await text(page, '#count', /^59$/)
  await text(page, '#answer', /^“hold”: Central 4 obeys\.$/)
  await text(page, '#train-text', /^Now: held$/)
  expect(await page.locator('.train.silent').count()).toBe(0)
})

type Place = readonly [longitude: number, latitude: number]

/** In metres, as far north as London. */
const apart = (from: Place, to: Place): [east: number, north: number] => [
  (to[0] - from[0]) * 69_200,
  (to[1] - from[1]) * 111_200,
]

/** How far a place is from the nearest point of a path, in metres. */
function metresFrom(path: readonly Place[], place: Place): number {
  const distances = path.slice(1).map((to, i) => {
    const from = path[i] ?? to
    const [[x, y], [east, north]] = [apart(from, to), apart(from, place)]
    const part = Math.max(0, Math.min(1, (east * x + north * y) / (x * x + y * y || 1)))
    return Math.hypot(east - part * x, north - part * y)
  })
  return Math.min(...distances)
}

it('has trains on the tracks of their own lines, and lets nobody but the fleet publish positions or watch commands, nor command other trains [WP-6.1, WP-6.3]', async () => {
  const url = await program.url()
  const json = async <T>(path: string): Promise<T> => (await (await fetch(`${url}${path}`)).json()) as T
  const map = await json<{ lines: { name: string; paths: Place[][] }[] }>('/map.json')
  const paths = new Map(map.lines.map(({ name, paths: its }) => [name, its]))
  // Brixton and Walthamstow Central, where the Victoria line ends.
  for (const end of [
    [-0.1146, 51.4627],
    [-0.0195, 51.583],
  ] as const) {
    expect(Math.min(...(paths.get('Victoria') ?? []).map((path) => metresFrom(path, end)))).toBeLessThan(300)
  }
  const seen = new Set<string>()
  const look = async (): Promise<number> => {
    const { events } = await json<{ events: { data: { line: string; longitude: number; latitude: number } }[] }>(
      '/v1/state/trains?limit=100',
    )
    for (const { data } of events) {
      const place: Place = [data.longitude, data.latitude]
      seen.add(place.join())
      // From one track to the next one it can be some steps.
      expect(Math.min(...(paths.get(data.line) ?? []).map((path) => metresFrom(path, place)))).toBeLessThan(50)
    }
    return seen.size
  }
  // Five places of each.
  await expect.poll(look, { timeout: 60_000, interval: 500 }).toBeGreaterThan(295)

  const asked = { headers: { 'content-type': 'application/json' }, method: 'POST' }
  const position = { type: 'train', data: { train: 'x', line: 'x', longitude: 0, latitude: 0, kmh: 0, order: 'go' } }
  const refused = await fetch(`${url}/v1/topics/trains`, { ...asked, body: JSON.stringify(position) })
  expect(refused.status).toBe(401)
  expect((await fetch(`${url}/v1/topics/commands/victoria-1`)).status).toBe(401)
  const command = JSON.stringify({ type: 'command', data: { order: 'fly' } })
  const wrong = await fetch(`${url}/v1/topics/commands/victoria-1`, { ...asked, body: command })
  expect(wrong.status).toBe(422)
  expect(await wrong.text()).toMatch(/go.+slow.+hold/)
  // A train that does not exist is answered as a topic that nobody defined.
  const hold = JSON.stringify({ type: 'command', data: { order: 'hold' } })
  for (const topic of ['commands/victoria-99', 'nosuch']) {
    const unknown = await fetch(`${url}/v1/topics/${topic}`, { ...asked, body: hold })
    expect(unknown.status).toBe(404)
    expect(await unknown.json()).toMatchObject({ type: '/problems/unknown-topic' })
  }
  expect((await fetch(`${url}/src/main.ts`)).status).toBe(404)
})
