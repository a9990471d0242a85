/** Who is connected, and how an admin ends it [WP-3.16]. */
import { describe, expect, it } from 'vitest'
import { SECRET, sign, startGuarded } from './fixtures/auth.ts'
import { expectProblem } from './fixtures/http.ts'
import { openRaw } from './fixtures/raw-socket.ts'
import { type Answer, get, openSse } from './harness.ts'

const AUTH = { jwt: { secret: SECRET } }
const bearer = (token: string): { readonly authorization: string } => ({ authorization: `Bearer ${token}` })
const admin = async (): Promise<{ readonly authorization: string }> =>
  bearer(await sign({ sub: 'root', watchpost: { admin: true } }))

async function remove(url: string, headers: Record<string, string>): Promise<Answer> {
  const response = await fetch(url, { method: 'DELETE', headers })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? '' : JSON.parse(text) }
}

interface Listed {
  readonly id: string
  readonly transport: string
  readonly subject?: string
}

describe('connections', () => {
  it('are listed for admins, with what they are and never with credentials [WP-3.16]', async () => {
    const { url } = await startGuarded(AUTH)
    const token = await sign()
    await openSse(`${url}/v1/events?topic=open&topic=mine`, bearer(token))
    const socket = await openRaw(url)
    socket.ask({ type: 'subscribe', id: '1', data: { topic: 'open' } })
    await socket.next(({ type }) => type === 'subscribed')
    const poll = get(`${url}/v1/topics/open?wait=30`)
    const list = async (query = ''): Promise<Answer> => get(`${url}/v1/connections${query}`, await admin())
    await expect.poll(async () => (await list()).body.connections.length).toBe(3)
    const { body, status } = await list()
    expect(status).toBe(200)
    expect(body.next).toBeUndefined()
    expect(body.connections).toMatchObject([
      {
        transport: 'sse',
        subject: 'ada',
        address: '127.0.0.1',
        since: expect.stringMatching(/Z$/),
        expires: expect.stringMatching(/Z$/),
        topics: ['mine', 'open'],
        bufferedBytes: expect.any(Number),
      },
      { transport: 'websocket', topics: ['open'] },
      { transport: 'long-poll', topics: ['open'] },
    ])
    expect(body.connections[1]).not.toHaveProperty('subject')
    expect(JSON.stringify(body)).not.toContain(token.split('.')[2])
    const pages: Listed[] = []
    for (let next = '0'; next !== undefined; ) {
      const page = await list(`?limit=1&next=${next}`)
      expect(page.body.connections).toHaveLength(1)
      pages.push(...page.body.connections)
      next = page.body.next
    }
    expect(pages.map(({ id }) => id)).toEqual(body.connections.map(({ id }: Listed) => id))
    expect((await list('?subject=ada')).body.connections.map(({ transport }: Listed) => transport)).toEqual(['sse'])
    expectProblem(await list('?limit=0'), 'invalid-parameter')
    expectProblem(await list('?next=x'), 'invalid-parameter')
    await remove(`${url}/v1/connections/${body.connections[2].id}`, await admin())
    expectProblem(await poll, 'forbidden')
  })

  it('are cut one by one, or all of a subject, and told why [WP-3.16] [WP-4.9]', async () => {
    const { url } = await startGuarded(AUTH)
    const headers = { Authorization: `Bearer ${await sign()}` }
    const [one, two, three] = [await openRaw(url, { headers }), await openRaw(url, { headers }), await openRaw(url)]
    const stream = await openSse(`${url}/v1/topics/mine`, headers)
    const { data } = await one.next(({ type }) => type === 'welcome')
    const { connection } = data as { readonly connection: string }
    expect((await remove(`${url}/v1/connections/${connection}`, await admin())).status).toBe(204)
    expect(await one.closed).toEqual({ code: 4403, reason: 'cut' })
    expect(one.messages).toContainEqual(
      expect.objectContaining({ error: { type: '/problems/forbidden', message: 'An admin ended this connection.' } }),
    )
    await expect.poll(async () => (await remove(`${url}/v1/connections/${connection}`, await admin())).status).toBe(404)
    expect(await remove(`${url}/v1/connections?subject=ada`, await admin())).toMatchObject({
      status: 200,
      body: { cut: 2 },
    })
    expect(await two.closed).toEqual({ code: 4403, reason: 'cut' })
    await stream.next(({ event }) => event === 'error')
    await stream.ended
    three.ask({ type: 'ping', id: 'p' })
    await three.next(({ type }) => type === 'pong')
    expectProblem(await remove(`${url}/v1/connections`, await admin()), 'invalid-parameter')
  })

  it('are nobody else`s business [WP-3.16]', async () => {
    const { url } = await startGuarded(AUTH)
    const user = bearer(await sign({ watchpost: { watch: ['**'], publish: ['**'] } }))
    for (const [headers, problem] of [
      [{}, 'unauthorized'],
      [user, 'forbidden'],
    ] as const) {
      expectProblem(await get(`${url}/v1/connections`, headers), problem)
      expectProblem(await remove(`${url}/v1/connections?subject=ada`, headers), problem)
      expectProblem(await remove(`${url}/v1/connections/x`, headers), problem)
    }
  })
})
