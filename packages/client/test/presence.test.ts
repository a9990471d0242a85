/** Who is here, as a client tells it. */
import { createHmac } from 'node:crypto'
import type { Member } from '@watchpost/client'
import { describe, expect, it } from 'vitest'
import { topic } from 'watchpost'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { clientOf, startServer, TRANSPORTS } from './harness.ts'

const SOON = { timeout: 20_000, interval: 20 }
const SECRET = 'a secret of this test alone, of enough bytes'

const tokenOf = (sub: string): string => {
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const input = `${encoded({ alg: 'HS256' })}.${encoded({ sub, exp: Math.floor(Date.now() / 1_000) + 600 })}`
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`
}

const start = (limits: object = {}) =>
  startServer({
    topics: {
      'chat/{room}': topic({
        events: { message: {} },
        ...({ presence: true, watch: 'authenticated', publish: 'authenticated' } as const),
      }),
      plain: topic({ events: { message: {} }, watch: 'authenticated' }),
    },
    auth: { jwt: { secret: SECRET } },
    limits: { presenceGraceMs: 300, ...limits },
  })

const namesOf = (members: ReadonlyMap<string, Member<{ name: string }>>): string[] =>
  [...members].map(([subject, { info }]) => `${subject}=${info?.name}`).toSorted()

describe.each(TRANSPORTS)('presence by %s', (transport) => {
  it('joins with what one tells of oneself, gives who is here, and leaves when it is closed [WP-9.4]', async () => {
    const { url } = await start()
    const by = (sub: string) =>
      clientOf(url, { transports: [transport], token: tokenOf(sub), waitSeconds: 1, backoffBaseMs: 20 })
    const told: string[][] = []
    const ana = by('ana').presence('chat/lobby', { info: { name: 'Ana' } })
    ana.on('state', (members) => told.push(namesOf(members)))
    await expect.poll(() => told.at(-1), SOON).toEqual(['ana=Ana'])
    const bob = by('bob').presence('chat/lobby', { info: { name: 'Bob' } })
    await expect.poll(() => told.at(-1), SOON).toEqual(['ana=Ana', 'bob=Bob'])
    await bob.close()
    await expect.poll(() => told.at(-1), SOON).toEqual(['ana=Ana'])
    const seen: string[][] = []
    for await (const members of by('eve').presence('chat/lobby', { info: { name: 'Eve' } })) {
      seen.push(namesOf(members))
      if (members.has('eve')) break
    }
    expect(seen.at(-1)).toEqual(['ana=Ana', 'eve=Eve'])
    await expect.poll(() => told.at(-1), SOON).toEqual(['ana=Ana'])
  })

  it('counts a watch with info as one who is here, and only looks when asked to [WP-3.6] [WP-4.3]', async () => {
    const { url, watchpost } = await start()
    const client = clientOf(url, { transports: [transport], token: tokenOf('ana'), waitSeconds: 1 })
    const seen: unknown[] = []
    client.watch('chat/lobby', { info: { name: 'Ana' } }).on('event', ({ data }) => seen.push(data))
    const looking = client.presence<{ name: string }>('chat/lobby', { join: false })
    let here: string[] = []
    looking.on('state', (members) => (here = namesOf(members)))
    await expect.poll(() => here, SOON).toEqual(['ana=Ana'])
    await watchpost.publish('chat/lobby', [{ type: 'message', data: 1 }])
    await expect.poll(() => seen, SOON).toEqual([1])
  })
})

it('is one that goes on through cuts: who comes back in time has not left [WP-9.4]', async () => {
  const { url } = await start({ presenceGraceMs: 60_000 })
  const proxy = await FaultProxy.start(url)
  const sizes: number[] = []
  const watching = clientOf(url, { token: tokenOf('ana') }).presence('chat/lobby', { info: 1 })
  watching.on('state', (members) => sizes.push(members.size))
  await expect.poll(() => sizes.at(-1), SOON).toBe(1)
  const client = clientOf(proxy.url, { token: tokenOf('bob'), backoffBaseMs: 20, backoffMsMax: 100 })
  const statuses: string[] = []
  const bob = client.presence('chat/lobby', { info: 2 })
  bob.on('status', (status) => statuses.push(status))
  await expect.poll(() => sizes.at(-1), SOON).toBe(2)
  for (let cut = 1; cut <= 3; cut++) {
    proxy.cut()
    await expect.poll(() => statuses.filter((status) => status === 'open').length, SOON).toBe(cut + 1)
  }
  // From then on nobody was told that somebody left.
  expect(new Set(sizes.slice(sizes.indexOf(2)))).toEqual(new Set([2]))
})

it('ends with what only the caller can mend: no presence, or too much told [WP-9.4]', async () => {
  const { url } = await start()
  const client = clientOf(url, { token: tokenOf('ana') })
  const errors: string[] = []
  client.presence('plain').on('error', ({ problem }) => errors.push(problem))
  await expect.poll(() => errors, SOON).toEqual(['unknown-topic'])
  const tooMuch = async () => {
    for await (const members of client.presence('chat/lobby', { info: 'x'.repeat(2_000) })) void members
  }
  await expect(tooMuch()).rejects.toMatchObject({ problem: 'invalid-parameter' })
  const aborted = client.presence('chat/lobby', { signal: AbortSignal.abort() })
  for await (const members of aborted) expect(members).toBe('nobody')
})
