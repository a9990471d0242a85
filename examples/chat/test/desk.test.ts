import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { invitation, signIn } from '../dist/desk.js'

const START_MS = Date.parse('2030-01-01T00:00:00.900Z')
const TOKEN_MS = 60_000

/** The desk goes by the clock alone, so a minute need not pass. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: START_MS }))
afterEach(() => void vi.useRealTimers())

/** Whoever comes has a tab of their own, as it is known to the desk. */
const arrive = () => ({ name: `guest-${randomUUID().slice(0, 8)}`, sid: randomUUID() })

it('renews for its tab a token that has ended, and for no other, unless the name was given away meanwhile [WP-6.7]', async () => {
  const ours = arrive()
  const theirs = { ...ours, name: ours.name.toUpperCase(), sid: randomUUID() }
  expect((await signIn(ours)).status).toBe(200)
  expect((await signIn(theirs)).status).toBe(409)

  // Away for an hour, as a laptop with its lid shut: nobody came, so the name is theirs still, and others don't get it.
  vi.setSystemTime(START_MS + 60 * TOKEN_MS)
  expect((await signIn(ours)).status).toBe(200)
  expect((await signIn(theirs)).status).toBe(409)
  // A tab that is its duplicate has the same, so it is the same person.
  expect((await signIn({ ...ours })).status).toBe(200)

  vi.setSystemTime(START_MS + 62 * TOKEN_MS)
  expect((await signIn(theirs)).status).toBe(200)
  expect(await signIn(ours)).toEqual({
    status: 409,
    body: { message: `${ours.name} is taken; choose another name.` },
  })
  // Without the tab's own there is no name at all.
  expect((await signIn({ name: ours.name })).status).toBe(400)
})

it('gives nobody else a name while any token for it is good, but its tab at any time [WP-6.3] [WP-6.7]', async () => {
  const ours = arrive()
  const theirs = { ...ours, sid: randomUUID() }
  await signIn(ours)
  vi.setSystemTime(START_MS + TOKEN_MS / 2)
  const { body } = await signIn(ours)
  if (!('token' in body)) throw new Error(body.message)
  const { exp = 0, ...claims } = decodeJwt(body.token)
  // Whoever has a copy of the token has not what renews it.
  expect(JSON.stringify(claims)).not.toContain(ours.sid)

  // The first token has ended, the second one has not; nothing that a guest does on leaving changes that.
  for (const nowMs of [START_MS + TOKEN_MS + 1, exp * 1_000 - 1]) {
    vi.setSystemTime(nowMs)
    expect((await signIn(theirs)).status).toBe(409)
  }
  vi.setSystemTime(START_MS + 1.5 * TOKEN_MS + 1)
  expect((await signIn(theirs)).status).toBe(200)
  expect(exp * 1_000).toBeLessThanOrEqual(START_MS + 1.5 * TOKEN_MS)
})

it('says that an invitation opens nothing, and still gives what is open to all', async () => {
  const guest = arrive()
  const rooms = ['lobby', 'garden']
  const notice = 'That invitation opens nothing here.'
  for (const wrong of ['wrong', `${invitation}x`, invitation.toLowerCase().replace(/./, '_')]) {
    expect(await signIn({ ...guest, invitation: wrong })).toMatchObject({ status: 200, body: { rooms, notice } })
  }
  for (const [given, opened] of [
    [{}, rooms],
    [{ invitation }, [...rooms, 'cellar']],
  ] as const) {
    const { body } = await signIn({ ...guest, ...given })
    expect(body).toEqual({ rooms: opened, token: expect.any(String) })
  }
})
