import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { Example, scratch, text, windows } from '../../../packages/server/test/fixtures/example.ts'

const open = windows()

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await page.keyboard.press('Enter')
  await text(page, '#status', /^live$/)
}

async function say(page: Page, words: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(words)
  await page.keyboard.press('Enter')
}

const said = (page: Page): Promise<string[]> => page.locator('.message p').allTextContents()
const here = (page: Page): Promise<string[]> => page.locator('#here b').allTextContents()

const BOUND = { timeout: 30_000 }

it('two people talk: history, who is here, who is typing, and text that stays text [WP-3.4] [WP-9.3] [WP-9.4]', async (ctx) => {
  const url = await new Example('chat', await scratch()).url()
  const ada = await open(ctx, url)
  await signIn(ada.page, 'ada')
  await text(ada.page, '#about', /welcome/)
  await say(ada.page, 'First')
  await expect.poll(() => said(ada.page), BOUND).toEqual(['First'])

  const bob = await open(ctx, url)
  await signIn(bob.page, 'bob')
  await expect.poll(() => said(bob.page), BOUND).toEqual(['First'])
  for (const { page } of [ada, bob]) await expect.poll(() => here(page), BOUND).toEqual(['ada', 'bob'])

  await ada.page.getByRole('textbox', { name: 'Message' }).pressSequentially('Sec')
  await text(bob.page, '#typing', /^ada is typing…$/)
  expect(await ada.page.locator('#typing').textContent()).toBe('')
  // Whoever stops is forgotten, though nothing was said.
  await expect.poll(() => bob.page.locator('#typing').textContent(), BOUND).toBe('')
  await say(ada.page, 'Second')
  await say(bob.page, 'Third')
  const hostile = '<img src=x onerror=alert(1)><script>alert(2)</script>'
  await say(bob.page, hostile)
  for (const { page } of [ada, bob]) {
    await expect
      .poll(() => said(page).then((all) => all.toSorted()), BOUND)
      .toEqual(['First', 'Second', 'Third', hostile].toSorted())
    expect(await page.locator('#messages :is(img, script)').count()).toBe(0)
  }
  // Both show one order: that of the log.
  expect(await said(bob.page)).toEqual(await said(ada.page))
  await expect.poll(() => bob.page.locator('#typing').textContent(), BOUND).toBe('')
  // What would make markup of text can't be called at all.
  const markup = ada.page.evaluate(() => {
    document.body.innerHTML = '<b>markup</b>'
  })
  await expect(markup).rejects.toThrow('TrustedHTML')

  // What can't be sent is not cut short, and stays where it can be changed.
  const long = 'x'.repeat(2_001)
  await say(ada.page, long)
  await text(ada.page, '#fault', /2,001 characters, and a message at most 2,000/)
  expect(await ada.page.getByRole('textbox', { name: 'Message' }).inputValue()).toBe(long)
  expect(await said(bob.page)).toHaveLength(4)

  const other = await open(ctx, url)
  await other.page.getByLabel('Name').fill('Ada')
  await other.page.keyboard.press('Enter')
  await text(other.page, '#door-fault', /is taken/)

  await bob.context.close()
  await expect.poll(() => here(ada.page), BOUND).toEqual(['ada'])
  // The markup of this test.
  expect([...ada.faults, ...bob.faults].filter((fault) => !fault.includes('TrustedHTML'))).toEqual([])
  expect([...ada.outside, ...bob.outside]).toEqual([])
})

it('a token opens the rooms that it grants, and lets nobody write as another [WP-6.1] [WP-6.3]', async (ctx) => {
  const program = new Example('chat', await scratch())
  const url = await program.url()
  const { page } = await open(ctx, `${url}/#garden`)
  await signIn(page, 'ada')
  await text(page, '#room', /^garden$/)
  expect(await page.locator('#rooms a').allTextContents()).toEqual(['lobby', 'garden'])
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  page.on('websocket', (socket) => asked.push(socket.url()))
  for (const room of ['cellar', 'nowhere', '*', 'lobby/ada', '<img src=x onerror=alert(1)>']) {
    await page.evaluate((hash) => {
      location.hash = hash
    }, room)
    await text(page, '#room', new RegExp(`^${encodeURI(room).replace(/[*()]/g, '\\$&')}$`))
    await text(page, '#refused', /^There is no such room, or you aren't invited to it/)
    expect(await page.getByRole('textbox', { name: 'Message' }).isVisible()).toBe(false)
    expect(await page.locator('.message').count()).toBe(0)
  }
  // It is said once, and not asked again and again.
  expect(asked.length).toBeLessThan(10)
  const atDesk = (guest: object): Promise<Response> =>
    fetch(`${url}/sign-in`, { method: 'POST', body: JSON.stringify(guest) })
  const sid = await page.evaluate(() => sessionStorage.getItem('chat-sid'))
  const { token } = (await (await atDesk({ name: 'ada', sid })).json()) as { token: string }
  const statusOf = async (topic: string): Promise<number> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ type: 'message', data: { text: 'I am bob' } })
    return (await fetch(`${url}/v1/topics/${topic}`, { method: 'POST', headers, body })).status
  }
  expect(await statusOf('chat/lobby/ada')).toBe(201)
  expect(await statusOf('chat/lobby/bob')).toBe(403)
  expect(await statusOf('chat/cellar/ada')).toBe(404)

  const invited = await open(ctx, await program.printed(/\S+#invitation=\S+(?=\n)/))
  await signIn(invited.page, 'cleo')
  await invited.page.getByRole('link', { name: 'cellar' }).click()
  await text(invited.page, '#about', /^By invitation only/)
  await say(invited.page, 'Cold here')
  await expect.poll(() => said(invited.page), BOUND).toEqual(['Cold here'])
  await text(invited.page, '#here', /cleo/)

  // Whoever signs out takes the name along: a token is good until it ends, and it must not write as somebody else.
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.locator('#door').waitFor()
  expect((await atDesk({ name: 'ada', sid: crypto.randomUUID() })).status).toBe(409)
  expect(await statusOf('chat/lobby/ada')).toBe(201)
  // But they can come back, here with an invitation that is none.
  await page.getByLabel('Invitation').fill('wrong')
  await signIn(page, 'Ada')
  await text(page, '#fault', /^That invitation opens nothing here\.$/)
  for (const [width, height] of [
    [390, 844],
    [1280, 800],
  ] as const) {
    await page.setViewportSize({ width, height })
    const size = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.scrollHeight,
    ])
    expect(size).toEqual([width, height])
  }
})

it('goes on after a restart of the server, with each message once, also what was said meanwhile [WP-2.5] [WP-3.10]', async (ctx) => {
  const dataDir = await scratch()
  const first = new Example('chat', dataDir)
  const url = await first.url()
  const [ada, bob] = [await open(ctx, url), await open(ctx, url)]
  await signIn(ada.page, 'ada')
  await signIn(bob.page, 'bob')
  // A duplicate of the tab is the same person.
  const [twin] = await Promise.all([
    ada.page.waitForEvent('popup'),
    ada.page.evaluate(() => void window.open(location.href)),
  ])
  await text(twin, '#me', /^ada$/)
  const cleo = await open(ctx, `${url}/#garden`)
  await signIn(cleo.page, 'cleo')
  await say(ada.page, 'Before')
  await expect.poll(() => said(bob.page), BOUND).toEqual(['Before'])
  await cleo.context.setOffline(true)
  await first.end('SIGKILL')
  await text(ada.page, '#status', /^reconnecting$/)
  await say(ada.page, 'While it was away')
  await say(ada.page, 'and some more')
  await expect.poll(() => ada.page.locator('.unsent').count(), BOUND).toBe(2)
  // To sign out now would lose them; this window declines whatever it is asked.
  await ada.page.getByRole('button', { name: 'Sign out' }).click()
  expect(ada.faults).toContain('2 messages were not sent. Sign out all the same?')
  await say(cleo.page, 'Never sent')
  await new Example('chat', dataDir, new URL(url).port).url()
  for (const { page } of [ada, bob]) await text(page, '#status', /^live$/)
  const sent = ['Before', 'While it was away', 'and some more']
  for (const { page } of [ada, bob]) await expect.poll(() => said(page), BOUND).toEqual(sent)
  expect(await ada.page.locator('.unsent').count()).toBe(0)
  await say(bob.page, 'After')
  for (const { page } of [ada, bob]) await expect.poll(() => said(page), BOUND).toEqual([...sent, 'After'])
  await text(twin, '#status', /^live$/)
  expect(await said(twin)).toEqual([...sent, 'After'])

  // Somebody else has the name by now. What is lost by that is told.
  const body = JSON.stringify({ name: 'cleo', sid: crypto.randomUUID() })
  expect((await fetch(`${url}/sign-in`, { method: 'POST', body })).status).toBe(200)
  await cleo.context.setOffline(false)
  await text(cleo.page, '#door-fault', /^cleo is taken; choose another name\. A message was not sent\.$/)

  await ada.page.reload()
  await expect.poll(() => said(ada.page), BOUND).toEqual([...sent, 'After'])
  for (const { page } of [ada, bob]) await expect.poll(() => here(page), BOUND).toEqual(['ada', 'bob'])
})
