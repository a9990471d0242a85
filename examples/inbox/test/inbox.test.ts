import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest'
import { chromiumForAll } from '../../../packages/server/test/fixtures/browser.ts'
import { Example } from '../../../packages/server/test/fixtures/example.ts'

/** Longer than any step takes on a busy machine. */
const PATIENCE = { timeout: 60_000 }
const MARKUP = '<img src=x onerror=alert(1)>'

const browserOf = chromiumForAll()
let dataDir: string

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'inbox-'))
})

afterAll(() => rm(dataDir, { recursive: true, force: true }))

/** Somebody with a browser of their own, logged in; `faults` is what the browser complains of. */
async function logIn(ctx: TestContext, url: string, name: string, faults: string[]) {
  const context = await browserOf(ctx).newContext({ viewport: { width: 1280, height: 900 } })
  context.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())))
  context.on('weberror', (error) => void faults.push(String(error.error())))
  context.on('dialog', (dialog) => void faults.push(`a dialog: ${dialog.message()}`))
  const page = await context.newPage()
  const policy = (await page.goto(url))?.headers()['content-security-policy']
  expect(policy).toMatch(/default-src 'none'; script-src 'self'; style-src 'self';/)
  await page.getByRole('button', { name }).focus()
  await page.keyboard.press('Enter')
  await live(page)
  return { context, page }
}

async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(url)
  await live(page)
  return page
}

const live = (page: Page) => expect.poll(() => page.locator('#status').textContent(), PATIENCE).toBe('live')

const title = (page: Page, text: string) => expect.poll(() => page.title(), PATIENCE).toBe(text)

/** Tells somebody something, by keyboard. */
async function tell(page: Page, to: string, text: string): Promise<void> {
  await page.getByLabel('To').selectOption(to)
  await page.getByLabel('Text').focus()
  await page.keyboard.type(text)
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect.poll(() => page.locator('#answer').textContent(), PATIENCE).toBe(`${to} was told.`)
}

it('tells all tabs what is new and what was read, and nobody else, and never takes text for markup [WP-6.3]', {
  timeout: 240_000,
}, async (ctx) => {
  const url = await new Example('inbox', join(dataDir, 'page')).url()
  const faults: string[] = []
  const ada = await logIn(ctx, url, 'ada', faults)
  const second = await open(ada.context, url)
  // The application told of the login.
  await title(ada.page, '(1) Inbox')

  const grace = await logIn(ctx, url, 'grace', faults)
  await tell(grace.page, 'ada', MARKUP)
  for (const page of [ada.page, second]) {
    await title(page, '(2) Inbox')
    expect(await page.locator('#badge').textContent()).toBe('2 unread')
    expect(await page.locator('.toast p').textContent()).toBe(MARKUP)
    expect(await page.locator('#list li').first().locator('.text').textContent()).toBe(MARKUP)
  }
  // The badge counts; the toast goes by itself.
  await expect.poll(() => second.locator('.toast').count(), PATIENCE).toBe(0)

  // By keyboard: the one that was read loses its button, and the next one has the focus.
  await ada.page.getByRole('button', { name: `Mark as read: ${MARKUP}` }).focus()
  await ada.page.keyboard.press('Enter')
  await title(second, '(1) Inbox')
  await title(ada.page, '(1) Inbox')
  expect(await ada.page.evaluate('document.activeElement.getAttribute("aria-label")')).toMatch(
    /^Mark as read: New login/,
  )
  await second.getByRole('button', { name: 'Mark all as read' }).click()
  await title(ada.page, 'Inbox')
  expect(await ada.page.locator('#badge').isVisible()).toBe(false)
  // Grace has only the news of her own login.
  expect(await grace.page.locator('#list li').count()).toBe(1)

  await second.reload()
  await live(second)
  await title(second, 'Inbox')
  expect(await second.locator('#list li').count()).toBe(2)
  // What is there already is no news.
  expect(await second.locator('.toast').count()).toBe(0)
  for (const width of [1280, 390]) {
    await second.setViewportSize({ width, height: 844 })
    expect(await second.evaluate('document.documentElement.scrollWidth')).toBe(width)
  }

  expect(faults).toEqual([])
  // What is too long is not cut short, and stays where it can be changed.
  const long = 'x'.repeat(281)
  await grace.page.getByLabel('Text').fill(long)
  await grace.page.getByRole('button', { name: 'Send' }).click()
  await expect.poll(() => grace.page.locator('#answer').textContent(), PATIENCE).toBe('Write at most 280 characters.')
  expect(await grace.page.getByLabel('Text').inputValue()).toBe(long)

  // Another tab of the same login hears that it is over; nobody else does.
  await ada.page.getByRole('button', { name: 'Log out' }).click()
  for (const page of [ada.page, second]) await page.getByRole('button', { name: 'linus' }).waitFor()
  expect(await grace.page.locator('#status').textContent()).toBe('live')
  await Promise.all([ada.context.close(), grace.context.close()])
})

it('goes on by itself after the server was killed [WP-2.5]', { timeout: 240_000 }, async (ctx) => {
  const folder = join(dataDir, 'killed')
  const env = { SESSION_SECRET: 'a secret of this test alone, of enough bytes' }
  const program = new Example('inbox', folder, '0', env)
  const url = await program.url()
  const { context, page } = await logIn(ctx, url, 'ada', [])
  await program.end('SIGKILL')
  await expect.poll(() => page.locator('#status').textContent(), PATIENCE).toBe('reconnecting')
  await new Example('inbox', folder, new URL(url).port, env).url()
  await live(page)
  await tell(page, 'ada', 'still here')
  await title(page, '(2) Inbox')
  await context.close()
})

it('on one URL, answers a page, a long poll or a stream, and takes what is told [WP-2.1] [WP-3.5] [WP-6.6]', {
  timeout: 120_000,
}, async () => {
  const url = await new Example('inbox', join(dataDir, 'url')).url()
  const inbox = `${url}/api/inbox/ada`
  const post = (path: string, body: object, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${url}/api/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url, ...headers },
      body: JSON.stringify(body),
    })
  /** As the browser of somebody who is logged in asks from a page of the application's own. */
  const as = async (user: string): Promise<Record<string, string>> => {
    const cookie = (await post('session', { user })).headers.getSetCookie()[0] ?? ''
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict/)
    return { cookie: cookie.split(';')[0] ?? '', 'sec-fetch-site': 'same-origin' }
  }
  const [ada, grace] = [await as('ada'), await as('grace')]
  const told = (await (await post('inbox/ada', { text: 'one' }, grace)).json()) as { id: string }

  const page = (await (await fetch(inbox, { headers: ada })).json()) as {
    events: { id: string; data: unknown }[]
    cursor: string
  }
  expect(page.events.at(-1)).toMatchObject({ id: told.id, type: 'notification', data: { from: 'grace', text: 'one' } })

  // Express takes a path in capitals for the same one; so it is the same inbox, and as closed.
  const capitals = `${url}/API/inbox/ada`
  expect(await (await fetch(`${capitals}?limit=1000`, { headers: ada })).json()).toEqual(page)
  for (const each of [inbox, capitals]) {
    const refused = await fetch(each)
    expect(refused.status).toBe(404)
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  }

  const polled = fetch(`${inbox}?wait=20&after=${page.cursor}`, { headers: ada })
  expect((await post('inbox/ada', { text: 'two' }, grace)).status).toBe(201)
  expect(await (await polled).json()).toMatchObject({ events: [{ data: { text: 'two' } }] })

  const ending = new AbortController()
  const stream = await fetch(inbox, {
    headers: { ...ada, accept: 'text/event-stream', 'last-event-id': page.cursor },
    signal: ending.signal,
  })
  expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/)
  expect((await post('inbox/ada/read', { ids: [told.id] }, ada)).status).toBe(204)
  let text = ''
  for await (const chunk of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    if (text.includes('event: read')) break
  }
  ending.abort()
  expect([...text.matchAll(/^event: (\w+)$/gm)].map(([, type]) => type)).toEqual(['welcome', 'notification', 'read'])

  // A login that is over ends what it has open, and a copy of its cookie is worth nothing; another login is as before.
  const [stays, ends] = [await as('ada'), await as('ada')]
  const streams = [stays, ends].map((headers) =>
    fetch(inbox, { headers: { ...headers, accept: 'text/event-stream' }, signal: AbortSignal.timeout(60_000) }),
  )
  const [kept, cut] = await Promise.all(streams)
  expect((await fetch(`${url}/api/session`, { method: 'DELETE', headers: ends })).status).toBe(204)
  expect(await cut?.text()).toContain('event: error')
  expect((await fetch(inbox, { headers: ends })).status).toBe(404)
  expect((await post('inbox/ada', { text: 'three' }, ends)).status).toBe(401)
  expect((await post('inbox/ada', { text: 'three' }, stays)).status).toBe(201)
  for await (const chunk of kept?.body?.pipeThrough(new TextDecoderStream()) ?? []) if (chunk.includes('three')) break

  // Nothing is served but the page.
  for (const name of ['', 'style.css', 'icon.svg', 'app.js']) expect((await fetch(`${url}/${name}`)).status).toBe(200)
  for (const name of ['app.ts', 'index.html']) expect((await fetch(`${url}/${name}`)).status).toBe(404)

  // Whose it is not may neither see it nor mark it; who is not logged in may tell nobody; and what is told has a form.
  expect((await fetch(inbox, { headers: grace })).status).toBe(404)
  expect((await fetch(inbox)).status).toBe(404)
  expect((await post('inbox/ada/read', { ids: [told.id] }, grace)).status).toBe(404)
  expect((await post('inbox/ada', { text: 'three' })).status).toBe(401)
  expect((await post('inbox/ada', { text: 'three' }, { cookie: `${ada['cookie']}x` })).status).toBe(401)
  expect((await post('inbox/nobody', { text: 'three' }, ada)).status).toBe(404)
  expect((await post('session', { user: 'nobody' })).status).toBe(422)
  const refused = await post('inbox/ada', { text: ' ' }, ada)
  expect(refused.status).toBe(422)
  expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  // Only the application publishes.
  expect(
    (await post('v1/topics/inbox/ada', { type: 'notification', data: { from: 'ada', text: 'x' } }, ada)).status,
  ).toBe(403)
})
