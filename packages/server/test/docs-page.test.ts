/** `/docs` in a real browser, and how it is served. */
import { LIMITS, PROBLEMS } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { topic } from 'watchpost'
import { browserForAll } from './fixtures/browser.ts'
import { chooseTopic, openDocs, openOperation, RICH, watchBy } from './fixtures/docs-page.ts'
import { Contract, type OpenApi } from './fixtures/openapi-contract.ts'
import { contrastFaults, headingLevels } from './fixtures/page-looks.ts'
import { get, startServer } from './harness.ts'

/** As the OpenAPI document names the schema of a problem. */
const problemSchemaName = (name: string): string =>
  `${name.replaceAll(/(?:^|-)([a-z])/g, (_match, letter: string) => letter.toUpperCase())}Problem`

const HTML = { accept: 'text/html' }

/** What a page loads by itself. */
const assetsOf = (html: string): string[] =>
  [...html.matchAll(/(?:src|href)="([^"#]*\/docs\/[^"]+)"/g)].map(([, path = '']) => path)

describe('/docs', () => {
  it('is served with a policy, and again only if it has changed [WP-3.18]', async () => {
    const { url } = await startServer()
    const page = await get(`${url}/docs`, HTML)
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const policy = page.headers.get('content-security-policy') ?? ''
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"]) {
      expect(policy.split('; ')).toContain(part)
    }
    expect(policy).not.toContain('unsafe')
    expect(page.headers.get('cache-control')).toBe('private, no-cache')
    expect(page.body).not.toMatch(/ style="| on[a-z]+="|<script>|<style>/)

    const etag = page.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[\w-]+"$/)
    expect((await get(`${url}/docs`, { ...HTML, 'if-none-match': `"other", ${etag}` })).status).toBe(304)
    expect((await get(`${url}/docs`, { ...HTML, 'if-none-match': '"other"' })).status).toBe(200)
  })

  it('names each problem and each limit, with the value that is in force [WP-5.1] [WP-8.1]', async () => {
    const { url } = await startServer({ limits: { lastMax: 4_321 } })
    const { body } = await get(`${url}/docs`, HTML)
    for (const name of Object.keys(PROBLEMS)) expect(body).toContain(`href="/problems/${name}"`)
    for (const name of Object.keys(LIMITS)) expect(body).toContain(`<code>${name}</code>`)
    expect(body).toContain('4,321 <small>by default 1,000</small>')
  })

  it('explains each problem with an example that is one, and leads back [WP-5.3]', async () => {
    const { url } = await startServer()
    const contract = new Contract((await get(`${url}/openapi.json`)).body as OpenApi)
    for (const name of Object.keys(PROBLEMS)) {
      const { body, headers } = await get(`${url}/problems/${name}`, HTML)
      expect(headers.get('vary')).toBe('Accept')
      for (const path of ['/docs', '/problems']) expect(body).toContain(`<a href="${path}">`)
      const [, example = ''] = /<pre[^>]*><code>([^<]*)/.exec(String(body)) ?? []
      const problem: unknown = JSON.parse(
        example.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&'),
      )
      // One that is of no operation of this document is like all others.
      const own = problemSchemaName(name)
      const schema = own in (contract.document.components['schemas'] ?? {}) ? own : 'Problem'
      expect([name, contract.schemaFault({ $ref: `#/components/schemas/${schema}` }, problem)]).toEqual([
        name,
        undefined,
      ])
    }
    const json = await get(`${url}/problems/forbidden`, { accept: 'application/json' })
    expect(json.headers.get('vary')).toBe('Accept')
  })

  it('loads files that browsers may keep for good, compressed if they like [WP-3.18]', async () => {
    const { url } = await startServer()
    const paths = assetsOf((await get(`${url}/docs`, HTML)).body)
    const names = paths.map((path) => path.split('/').at(-1))
    const styles = ['style.css', 'reference.css', 'try.css', 'viewer.css']
    expect(names.slice(0, 6)).toEqual(['icon.svg', ...styles, 'main.js'])
    // What it imports is fetched meanwhile; the viewer, only when an operation is opened.
    expect(names).toContain('transports.js')
    expect(names).not.toContain('swagger-ui.js')
    const folder = paths[0]?.replace(/[^/]+$/, '') ?? ''
    for (const [path, type] of [
      [`${folder}icon.svg`, 'image/svg+xml; charset=utf-8'],
      [`${folder}style.css`, 'text/css; charset=utf-8'],
      [`${folder}main.js`, 'text/javascript; charset=utf-8'],
      [`${folder}swagger-ui.js`, 'text/javascript; charset=utf-8'],
      [`${folder}LICENSE.txt`, 'text/plain; charset=utf-8'],
    ] as const) {
      const plain = await fetch(`${url}${path}`, { headers: { 'accept-encoding': 'identity' } })
      const coded = await fetch(`${url}${path}`, { headers: { 'accept-encoding': 'gzip' } })
      for (const { status, headers } of [plain, coded]) {
        expect([status, headers.get('content-type')]).toEqual([200, type])
        expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
        expect([headers.get('vary'), headers.get('x-content-type-options')]).toEqual(['Accept-Encoding', 'nosniff'])
      }
      expect(coded.headers.get('content-encoding')).toBe('gzip')
      expect(coded.headers.get('etag')).not.toBe(plain.headers.get('etag'))
      // fetch inflates by itself.
      expect(Buffer.from(await coded.arrayBuffer()).equals(Buffer.from(await plain.arrayBuffer()))).toBe(true)
      const etag = coded.headers.get('etag') ?? ''
      const again = await fetch(`${url}${path}`, { headers: { 'accept-encoding': 'gzip', 'if-none-match': etag } })
      expect(again.status).toBe(304)
    }
    for (const path of [
      `${folder}none.js`,
      '/docs/0000/main.js',
      `${folder}../main.js`,
      `${folder}x/main.js`,
      '/docs/',
    ]) {
      expect((await get(`${url}${path}`)).status).toBe(404)
    }
  })
})

const openPage = browserForAll()

describe('the page in Chromium', () => {
  it('has a card for each topic, with its badges, events and operations [WP-6.8]', {
    timeout: 120_000,
  }, async (ctx) => {
    const { url } = await startServer({ topics: RICH })
    const { page, faults, outside } = await openPage(ctx, url)
    await openDocs(page, url)
    const listed = await page.locator('#side-list a').allTextContents()
    expect(listed).toEqual(['prices', 'reports', 'stocks', expect.stringMatching(/^tenant/)])
    expect(await page.locator('#topics .card h3').allTextContents()).toEqual(listed)

    const stocks = page.locator('[id="topic-stocks"]')
    expect(await stocks.locator('.badge').allTextContents()).toEqual(['version 2.1.0', 'keyed'])
    expect(await stocks.locator('.words li').allTextContents()).toEqual(['one', '<b>two</b>'])
    expect(await stocks.locator('.words a').first().getAttribute('href')).toBe('https://example.com/more')
    expect(await stocks.locator('.schema .member').first().textContent()).toBe('symbol')
    expect(JSON.parse((await stocks.locator('pre').first().textContent()) ?? '')).toMatchObject({ topic: 'stocks' })
    const note = await page.locator('[id="topic-prices"] .ending-note').textContent()
    expect(note).toBe('Deprecated since 2026-01-01, and may be gone from 2037-05-01 on. Use stocks in its place.')

    // The viewer adds an operation, and neither a title nor a way to give credentials that nothing is done with.
    await openOperation(page, 'watch-stocks')
    expect(await page.locator('#operation-watch-stocks .parameters tr[data-param-name=after]').count()).toBe(1)
    expect(await page.getByRole('button', { name: /authori[sz]/i }).count()).toBe(0)
    expect(await page.locator('.viewer :is(input, textarea, .info, .servers, .locked, .unlocked)').count()).toBe(0)
    expect(await page.locator('#operation-watch-stocks').textContent()).toContain('watchpost.v1.json')
    expect(await page.locator('#operation-watch-stocks a[href="/problems/unknown-topic"]').count()).toBe(1)
    await openOperation(page, 'listTopics')
    await page.locator('#message-subscribe > summary').click()
    await page.locator('#message-subscribe .schema .member').first().waitFor()
    // Each control message once, and no event among them.
    const names = await page.locator('#messages .operation > summary .member').allTextContents()
    expect(names).toContain('welcome')
    expect(names).not.toContain('priceUpdate')
    expect([faults, outside]).toEqual([[], []])
  })

  it('can be read by all: contrast, one title, one main part, headings in order', { timeout: 180_000 }, async (ctx) => {
    const { url } = await startServer({ topics: RICH })
    const { page } = await openPage(ctx, url)
    await openDocs(page, url)
    await openOperation(page, 'watch-stocks')
    await openOperation(page, 'publish-stocks')
    for (const more of await page.locator('.viewer .more summary').all()) await more.click()
    await page.locator('#message-welcome > summary').click()
    await chooseTopic(page, 'nothing')
    await watchBy(page, 'SSE')
    await page.locator('#watch-error').waitFor()
    const check = async (): Promise<void> => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        expect(await page.evaluate(contrastFaults)).toEqual([])
      }
      const levels = await page.evaluate(headingLevels)
      expect(levels.filter((level) => level === 1)).toEqual([1])
      for (const [i, level] of levels.entries()) expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1)
      expect(await page.locator('main').count()).toBe(1)
      const ids = await page.locator('[id]:not(.viewer *)').evaluateAll((elements) => elements.map(({ id }) => id))
      expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([])
    }
    await check()
    await page.goto(`${url}/problems/cursor-expired`)
    await check()
  })

  it('follows the system to light and dark, and fits a narrow screen', { timeout: 120_000 }, async (ctx) => {
    const { url } = await startServer({ topics: RICH })
    const { page } = await openPage(ctx, url, { viewport: { width: 390, height: 800 } })
    const brightness = (): Promise<number> =>
      page.evaluate(() =>
        (getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g) ?? [])
          .slice(0, 3)
          .reduce((sum, part) => sum + Number(part), 0),
      )
    for (const path of ['/docs', '/problems', '/problems/cursor-expired']) {
      if (path === '/docs') {
        await openDocs(page, url)
        await openOperation(page, 'watch-stocks')
        await openOperation(
          page,
          'publish-tenant.tenant.site.site.sensor.sensor.with-a-rather-long-name-that-goes-on-and-on',
        )
      } else await page.goto(`${url}${path}`)
      await page.emulateMedia({ colorScheme: 'light' })
      expect(await brightness()).toBeGreaterThan(600)
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await brightness()).toBeLessThan(200)
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    }
  })

  it('is ready soon with 200 topics, in the order in which people count, and finds each', {
    timeout: 180_000,
  }, async (ctx) => {
    const definition = topic({ events: { created: { type: 'object' } }, watch: 'anyone', publish: 'anyone' })
    const names = Array.from({ length: 200 }, (_, i) => `topic-${i}`)
    const { url } = await startServer({ topics: Object.fromEntries(names.map((name) => [name, definition])) })
    const { page, faults } = await openPage(ctx, url)
    await openDocs(page, url)
    expect(await page.locator('#side-list a').allTextContents()).toEqual(names)
    // So many are folded, and nothing of an operation is made before it is asked for.
    expect(await page.locator('.card-body[open]').count()).toBe(0)
    expect(await page.locator('.viewer').count()).toBe(0)
    expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(10_000)

    await page.getByLabel('Filter the topics').fill('c-113')
    expect(await page.locator('#side-list a:visible').allTextContents()).toEqual(['topic-113'])
    await page.locator('#side-list a:visible').click()
    const card = page.locator('[id="topic-topic-113"]')
    await card.locator('pre').waitFor()
    await page.waitForFunction(() => {
      const { top } = document.getElementById('topic-topic-113')?.getBoundingClientRect() ?? { top: -1 }
      return top >= 0 && top < innerHeight
    })
    // The same by its address alone.
    await page.goto(`${url}/docs#topic-topic-150`)
    await page.reload()
    await page.locator('[id="topic-topic-150"] pre').waitFor()
    expect(faults).toEqual([])
  })

  it('tells who has no scripts what is there without them', { timeout: 60_000 }, async (ctx) => {
    const { url } = await startServer()
    const { page } = await openPage(ctx, url, { javaScriptEnabled: false })
    await page.goto(`${url}/docs`)
    for (const note of await page.locator('noscript p').all()) expect(await note.isVisible()).toBe(true)
    expect(await page.locator('noscript p').count()).toBe(4)
    expect(await page.locator('#watch').isVisible()).toBe(false)
    expect(await page.locator('#problems tbody tr').count()).toBe(Object.keys(PROBLEMS).length)
  })
})
