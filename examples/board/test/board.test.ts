import { randomUUID } from 'node:crypto'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { Example, scratch, text, type Window, windows } from '../../../packages/server/test/fixtures/example.ts'

const open = windows()

const BOUND = { timeout: 30_000 }

/** What the board shows: the text of each note and where it is, in one order. */
const shown = (page: Page): Promise<string[]> =>
  page.locator('.note').evaluateAll((notes) =>
    notes
      .map((note) => {
        const place = ['--x', '--y'].map((name) =>
          Number((note as HTMLElement).style.getPropertyValue(name)).toFixed(3),
        )
        return `${note.querySelector('textarea')?.value} at ${place.join(', ')}`
      })
      .sort(),
  )

const texts = (page: Page): Promise<string[]> =>
  page
    .locator('.note textarea')
    .evaluateAll((fields) => fields.map((field) => (field as HTMLTextAreaElement).value).sort())

async function write(page: Page, words: string): Promise<void> {
  await page.getByRole('button', { name: 'Add note' }).click()
  await page.keyboard.type(words)
}

const hasNoFaultBut = ({ faults }: Window, pattern: RegExp): void =>
  expect(faults.filter((fault) => !pattern.test(fault))).toEqual([])

it('two people edit one board at once, and what each did offline merges on return [WP-2.5] [WP-9.1] [WP-9.3]', async (ctx) => {
  const url = await new Example('board', await scratch()).url()
  const [ada, bob] = [await open(ctx, url), await open(ctx, url)]
  const leaving = new AbortController()
  for (const { page } of [ada, bob]) await text(page, '#status', /^live$/)
  await text(ada.page, '#here', /^Guest \d+, Guest \d+$/)
  // The compactor watches too, and is nobody.
  const { events } = (await (await fetch(`${url}/v1/state/$presence/board`)).json()) as { events: unknown[] }
  expect(events).toHaveLength(2)

  await write(ada.page, 'tea')
  await expect.poll(() => texts(bob.page), BOUND).toEqual(['tea'])
  // By keyboard: out of the text, and the note moves.
  const [before] = await shown(bob.page)
  await ada.page.keyboard.press('Escape')
  await ada.page.keyboard.press('ArrowDown')
  await expect.poll(() => shown(bob.page), BOUND).not.toContain(before)
  await ada.page.keyboard.press('Control+z')
  await expect.poll(() => shown(bob.page), BOUND).toEqual([before])
  await ada.page.locator('.note textarea').focus()
  await ada.page.keyboard.press('End')
  // Both write in one note at one time.
  await bob.page.locator('.note textarea').focus()
  await bob.page.keyboard.press('Home')
  await Promise.all([ada.page.keyboard.type(' and milk'), bob.page.keyboard.type('green ')])
  for (const { page } of [ada, bob]) await expect.poll(() => texts(page), BOUND).toEqual(['green tea and milk'])

  await ada.page.mouse.move(300, 400)
  await ada.page.mouse.move(310, 410)
  await text(bob.page, '.pointer', /^Guest \d+$/)
  expect(await ada.page.locator('.pointer').count()).toBe(0)
  await ada.page.getByRole('button', { name: 'Delete note: green tea and milk' }).waitFor()

  // Whoever watches can tell anything of themselves, and is shown with a name or not at all.
  const told = ['null', '{}', '{"name":null}', '{"name":{"a":1}}', '{"name":" "}', `{"name":"${'long'.repeat(100)}"}`]
  for (const info of told) {
    const { status } = await fetch(`${url}/v1/topics/board?info=${encodeURIComponent(info)}`, {
      headers: { accept: 'text/event-stream' },
      signal: leaving.signal,
    })
    expect(status).toBe(200)
  }
  await ada.page.locator('#name').fill(' ')
  await ada.page.keyboard.press('Enter')
  expect(await ada.page.locator('#name').inputValue()).toMatch(/^Guest \d+$/)
  await ada.page.locator('#name').fill('Ada')
  await ada.page.keyboard.press('Enter')
  for (const { page } of [ada, bob]) await text(page, '#here', /^(?=.*\bAda\b)((Guest \d+|Ada|(long){5})(, |$)){3}$/)
  leaving.abort()

  await bob.context.setOffline(true)
  // One edit before anybody knows of it, and one after that.
  await write(bob.page, 'from the tunnel')
  await text(bob.page, '#status', /^offline/)
  await bob.page.locator('.note textarea').first().focus()
  await bob.page.keyboard.press('End')
  await bob.page.keyboard.type(', please')
  await write(ada.page, 'from the office')
  await ada.page.locator('.grip').first().focus()
  for (let i = 0; i < 5; i++) await ada.page.keyboard.press('ArrowDown')
  await ada.page.locator('.note textarea').first().focus()
  await ada.page.keyboard.press('Home')
  await ada.page.keyboard.type('hot ')
  await expect.poll(() => texts(ada.page), BOUND).toEqual(['from the office', 'hot green tea and milk'])
  expect(await texts(bob.page)).toEqual(['from the tunnel', 'green tea and milk, please'])
  await text(bob.page, '#status', /your edits wait here/)

  await bob.context.setOffline(false)
  const merged = ['from the office', 'from the tunnel', 'hot green tea and milk, please']
  for (const { page } of [ada, bob]) await expect.poll(() => texts(page), BOUND).toEqual(merged)
  expect(await shown(bob.page)).toEqual(await shown(ada.page))
  await text(bob.page, '#status', /^live$/)

  // What bob takes back is bob's.
  await bob.page.getByRole('button', { name: 'Undo' }).click()
  await expect.poll(() => texts(ada.page).then((all) => all.join()), BOUND).not.toContain('please')
  expect((await texts(ada.page)).join()).toContain('hot ')

  // What the server will not have is said to be here alone, at any size of the window, and nothing of it is given up.
  await ada.page.route('**/v1/topics/board', (route) => route.fulfill({ status: 413 }))
  await write(ada.page, 'too much')
  await text(ada.page, '#status', /^not saved: /)
  for (const [width, height] of [
    [390, 844],
    [1280, 800],
  ] as const) {
    await ada.page.setViewportSize({ width, height })
    const size = await ada.page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.scrollHeight,
    ])
    expect(size).toEqual([width, height])
  }
  await ada.page.unroute('**/v1/topics/board')
  await ada.page.keyboard.type(' for some')
  await expect.poll(() => texts(bob.page), BOUND).toContain('too much for some')
  await text(ada.page, '#status', /^live$/)

  // Nor is what was really too large for it for good: what was shortened is sent as it is now.
  const field = ada.page.locator('.note textarea').last()
  const replace = (words: string): Promise<void> =>
    field.evaluate((area: HTMLTextAreaElement, value) => {
      area.value = value
      area.dispatchEvent(new Event('input'))
    }, words)
  await replace('too large '.repeat(90_000))
  await text(ada.page, '#status', /^not saved: /)
  expect((await texts(bob.page)).join()).not.toContain('too large')
  await replace('small again')
  await expect.poll(() => texts(bob.page), BOUND).toContain('small again')
  await text(ada.page, '#status', /^live$/)

  expect([...ada.outside, ...bob.outside]).toEqual([])
  // The browser says what the connection did; there must be nothing else.
  hasNoFaultBut(ada, /status of 413/)
  hasNoFaultBut(bob, /ERR_INTERNET_DISCONNECTED/)
})

it('edits made while the server is gone come to it on its return, also through a reload of the page, and to another log [WP-2.4] [WP-9.1]', async (ctx) => {
  const dataDir = await scratch()
  const first = new Example('board', dataDir)
  const url = await first.url()
  const [ada, bob] = [await open(ctx, url), await open(ctx, url)]
  await write(ada.page, 'kept')
  await expect.poll(() => texts(bob.page), BOUND).toEqual(['kept'])
  await first.end('SIGKILL')
  for (const { page } of [ada, bob]) {
    await text(page, '#status', /^offline/)
    await write(page, 'made in the dark')
  }
  const second = new Example('board', dataDir, new URL(url).port)
  await second.url()
  await ada.page.reload()
  const all = ['kept', 'made in the dark', 'made in the dark']
  for (const { page } of [ada, bob]) await expect.poll(() => texts(page), BOUND).toEqual(all)

  // A log that has nothing of it is given all, for those who come later.
  await second.end('SIGKILL')
  await new Example('board', await scratch(), new URL(url).port).url()
  const { page: newcomer } = await open(ctx, url)
  await expect.poll(() => texts(newcomer), BOUND).toEqual(all)
  await write(bob.page, 'after that')
  await expect.poll(() => texts(newcomer), BOUND).toContain('after that')
})

it('many updates become one, and who was away for longer than the log reaches merges all the same [WP-2.4] [WP-3.9] [WP-9.1]', async (ctx) => {
  const url = await new Example('board', await scratch()).url()
  const away = await open(ctx, url)
  await text(away.page, '#status', /^live$/)
  await away.context.setOffline(true)
  await write(away.page, 'from the tunnel')
  const { cursor } = (await (await fetch(`${url}/v1/topics/board?after=latest`)).json()) as { cursor: string }
  const post = (events: object): Promise<Response> =>
    fetch(`${url}/v1/topics/board`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events),
    })
  const doc = new Y.Doc()
  const notes = doc.getMap<Y.Map<number | Y.Text>>('notes')
  const updates: string[] = []
  doc.on('update', (update: Uint8Array) => void updates.push(Buffer.from(update).toString('base64')))
  const secret = 'a long word that was deleted '.repeat(20)
  for (let i = 0; i < 120; i++) {
    const members: [string, number | Y.Text][] = [
      // No places, which are shown where the board has some.
      ['x', 50],
      ['y', Number.NaN],
      ['hue', i],
      ['text', new Y.Text(`${secret}${i}`)],
    ]
    notes.set(`note ${i}`, new Y.Map<number | Y.Text>(members))
    if (i > 0) notes.delete(`note ${i - 1}`)
  }
  // What is no note, and what is no update at all: anyone can publish here.
  doc.getMap<unknown>('notes').set('no note', 'but words')
  const publish = async (all: readonly string[]): Promise<void> => {
    const answer = await post(all.map((bytes) => ({ type: 'update', data: { id: randomUUID(), bytes } })))
    expect(answer.status).toBe(201)
  }
  for (const bytes of updates) await publish([bytes])
  await publish(['AAAA', 'A', '////'])
  const state = async (): Promise<string[]> => {
    const answer = await fetch(`${url}/v1/state/board?limit=1000`)
    const { events } = (await answer.json()) as { events: { data: { bytes: string } }[] }
    return events.map(({ data }) => data.bytes)
  }
  // 239 updates of about 600 bytes each, of which one note is left.
  expect(updates.length).toBe(240)
  await expect.poll(async () => (await state()).length, BOUND).toBeLessThanOrEqual(50)
  expect((await state()).join('').length).toBeLessThan(updates.join('').length / 2)

  // The log no longer has what the one in the tunnel has missed.
  const missed = async (): Promise<number> => (await fetch(`${url}/v1/topics/board?after=${cursor}`)).status
  while ((await missed()) !== 410) await publish(updates)
  await away.context.setOffline(false)
  const { page } = await open(ctx, url)
  const merged = [`${secret}119`, 'from the tunnel']
  for (const each of [page, away.page]) await expect.poll(() => texts(each), BOUND).toEqual(merged)
  expect((await shown(page)).join()).toContain(`${secret}119 at 1.000, 0.000`)
  hasNoFaultBut(away, /ERR_INTERNET_DISCONNECTED/)
})
