/** Watching and publishing from the page at `/docs`, in a real browser. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWatchpost, topic } from 'watchpost'
import { nowSeconds, SECRET, sign } from './fixtures/auth.ts'
import { browserForAll } from './fixtures/browser.ts'
import { chooseTopic, newest, openDocs, RICH, SAID_BY_BROWSERS, watchBy } from './fixtures/docs-page.ts'
import { startServer, TOPICS, temporaryDir } from './harness.ts'

const openPage = browserForAll()

describe('trying it in Chromium', () => {
  it('shows what is published live, by each transport, and goes on from one to the next [WP-2.1]', {
    timeout: 120_000,
  }, async (ctx) => {
    const { url, watchpost } = await startServer()
    const { page, faults, outside } = await openPage(ctx, url)
    await openDocs(page, url)
    expect(await page.getByRole('radio', { name: 'SSE' }).isChecked()).toBe(true)
    await chooseTopic(page, 'log')
    const say = (text: string): Promise<unknown> => watchpost.publish('log', { type: 'line', data: { text } })
    const status = page.locator('#watch-status')

    await watchBy(page, 'Page')
    await page.locator('#watch-empty', { hasText: 'publish one below' }).waitFor()
    await say('before all')
    await watchBy(page, 'Page')
    await newest(page, 'before all')
    expect(await page.locator('#watch-count').textContent()).toBe('1 event')

    for (const way of ['SSE', 'WebSocket', 'Long poll']) {
      await say(`while away from ${way}`)
      await page.getByRole('radio', { name: way }).check()
      await page.getByRole('button', { name: 'Go on' }).click()
      await status.filter({ hasText: 'live' }).waitFor()
      await newest(page, `while away from ${way}`)
      await say(`<b>live by ${way}</b>`)
      await newest(page, `<b>live by ${way}</b>`)
      expect(await page.locator('#watch-count').textContent()).toBe('2 events')
      await page.getByRole('button', { name: 'Stop' }).click()
      await status.filter({ hasText: 'stopped' }).waitFor()
      expect(await page.locator('#watch-messages .event').count()).toBe(2)
    }

    await page.getByRole('button', { name: 'Try it stocks' }).click()
    await page.getByRole('button', { name: 'Publish', exact: true }).click()
    await page.locator('#publish-status').filter({ hasText: 'published' }).waitFor()
    await watchBy(page, 'State')
    await page.locator('#watch-messages .event').first().waitFor()
    expect([faults, outside]).toEqual([[], []])
  })

  it('offers what the topic does, says when the form is not what is watched, and asks nothing outside of topics', {
    timeout: 120_000,
  }, async (ctx) => {
    const { url } = await startServer({ topics: RICH })
    const { page, faults, outside } = await openPage(ctx, url)
    await openDocs(page, url)
    const offered = async (): Promise<string[]> =>
      (await page.locator('.way:visible').allTextContents()).map(
        (text) => text.trim().split(/\s{2,}| (?=[a-z]+ )/)[0] ?? '',
      )
    await chooseTopic(page, 'stocks')
    expect((await offered()).length).toBe(5)
    await chooseTopic(page, 'reports')
    expect((await offered()).length).toBe(2)
    expect(await page.getByRole('radio', { name: 'Long poll' }).isChecked()).toBe(true)

    await chooseTopic(page, 'stocks')
    await watchBy(page, 'SSE')
    await page.locator('#watch-status', { hasText: 'live' }).waitFor()
    expect(await page.locator('#watch-stale').isVisible()).toBe(false)
    await chooseTopic(page, 'prices')
    await page.locator('#watch-stale', { hasText: 'Still watching stocks by sse' }).waitFor()
    await chooseTopic(page, 'stocks')
    expect(await page.locator('#watch-stale').isVisible()).toBe(false)

    // Why a handshake is refused, browsers don't tell; the page asks.
    await chooseTopic(page, 'nothing')
    await watchBy(page, 'WebSocket')
    await page.locator('#watch-error a[href="/problems/unknown-topic"]').waitFor()
    expect(await page.getByRole('button', { name: 'Go on' }).isEnabled()).toBe(false)

    const asked: string[] = []
    page.on('request', (request) => void asked.push(new URL(request.url()).pathname))
    for (const bad of ['../../other', 'a/./b', 'a//b']) {
      await chooseTopic(page, bad)
      await page.getByRole('button', { name: 'Watch', exact: true }).click()
      expect(await page.locator('#try-topic').evaluate((field: HTMLInputElement) => field.validity.valid)).toBe(false)
    }
    expect(asked).toEqual([])
    await chooseTopic(page, 'a?b#c/%2e%2e')
    await watchBy(page, 'Page')
    await page.locator('#watch-error').waitFor()
    expect(asked).toEqual(['/v1/topics/a%3Fb%23c/%252e%252e'])
    expect(outside).toEqual([])
    expect(faults.filter((fault) => !SAID_BY_BROWSERS.test(fault))).toEqual([])
  })

  it('can be used by keyboard alone', { timeout: 120_000 }, async (ctx) => {
    const { url, watchpost } = await startServer()
    const { page } = await openPage(ctx, url)
    await openDocs(page, url)
    const focused = (): Promise<string | undefined> => page.evaluate(() => document.activeElement?.id)
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => document.activeElement?.id === 'main')
    for (let i = 0; i < 12 && (await focused()) !== 'try-topic'; i += 1) await page.keyboard.press('Tab')
    expect(await focused()).toBe('try-topic')
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.type('log')
    await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowDown')
    expect(await page.getByRole('radio', { name: 'WebSocket' }).isChecked()).toBe(true)
    await page.keyboard.press('Enter')
    await page.locator('#watch-status').filter({ hasText: 'live' }).waitFor()
    await watchpost.publish('log', { type: 'line', data: 'by keyboard' })
    await newest(page, 'by keyboard')
  })

  it('works below a base path, and shows more to who has credentials [WP-6.3]', { timeout: 120_000 }, async (ctx) => {
    const watchpost = await createWatchpost({
      dataDir: await temporaryDir(),
      logLevel: 'silent',
      auth: { jwt: { secret: SECRET } },
      topics: { ...TOPICS, secret: topic({ events: { line: {} }, watch: 'granted' }) },
    })
    const server = createServer((_request, response) => response.writeHead(404).end())
    watchpost.attach(server, { basePath: '/live/feed' })
    onTestFinished(async () => {
      await watchpost.close()
      server.closeAllConnections()
      server.close()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { page, faults, outside } = await openPage(ctx, url)
    await openDocs(page, `${url}/live/feed`)
    const secret = page.locator('[id="topic-secret"]')
    expect(await secret.count()).toBe(0)
    const give = async (token: string): Promise<void> => {
      await page.getByLabel('Token or API key').fill(token)
      await page.getByRole('button', { name: 'Use it' }).click()
    }

    await give(await sign({ watchpost: { watch: ['secret'] } }))
    await secret.waitFor()
    await page.getByText('4 topics are yours to see').waitFor()
    await chooseTopic(page, 'secret')
    for (const way of ['SSE', 'WebSocket']) {
      await watchBy(page, way)
      await page.locator('#watch-status').filter({ hasText: 'live' }).waitFor()
      await watchpost.publish('secret', { type: 'line', data: `for few, by ${way}` })
      await newest(page, `for few, by ${way}`)
      expect(await page.locator('#watch-command').textContent()).toContain('/live/feed/v1/topics/secret')
      expect(await page.locator('#watch-command').textContent()).not.toContain('eyJ')
    }
    expect([faults, outside]).toEqual([[], []])

    // Credentials that end meanwhile, and such as were never good: nothing is louder.
    await give(await sign({ watchpost: { watch: ['secret'] }, exp: nowSeconds() + 6 }))
    await page.locator('#credentials-status', { hasText: 'accepted' }).waitFor()
    await watchBy(page, 'SSE')
    const error = page.locator('#watch-error')
    await error.locator('a[href="/live/feed/problems/token-expired"]').waitFor({ timeout: 60_000 })
    expect(await error.textContent()).toContain('Give new credentials')
    await page.locator('#watch-status', { hasText: 'ended: token-expired' }).waitFor()
    await give('garbage')
    await page.locator('#credentials-error a[href="/live/feed/problems/unauthorized"]').waitFor()
    await page.locator('#topics-reference .error').waitFor()
    await page.locator('#problems a').first().click()
    await page.getByRole('heading', { name: 'Unauthorized access' }).waitFor()
  })
})
