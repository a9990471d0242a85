/** The application's own login: who somebody is, as a signed token in a cookie. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Request } from 'express'
import { jwtVerify, SignJWT } from 'jose'

/** Who can log in. Where you have a database and passwords, this has three names. */
export const USERS: readonly string[] = ['ada', 'grace', 'linus']

export const COOKIE = 'inbox_session'
export const SESSION_MS: number = 8 * 3_600_000

/** Signs tokens. Without one of your own, each start of the server logs everybody out. */
export const SECRET: string = process.env['SESSION_SECRET'] || randomBytes(48).toString('base64url')

const KEY = new TextEncoder().encode(SECRET)

export interface Session {
  /** Names this one login, in the token's claim `sid`. */
  readonly id: string
  readonly user: string
}

/** Logged out before their tokens end, which is when they are forgotten. Where you have a database, they are in there. */
const ended = new Map<string, number>()

/** A token for a user, to be put into the cookie. */
export const tokenOf = (user: string): Promise<string> =>
  new SignJWT({ sid: randomUUID() })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setExpirationTime(new Date(Date.now() + SESSION_MS))
    .sign(KEY)

/** Whose request it is; `undefined` for somebody who is not logged in. */
export async function sessionOf({ headers }: Request): Promise<Session | undefined> {
  const [, token = ''] = (headers.cookie ?? '').match(`(?:^|; )${COOKIE}=([^;]*)`) ?? []
  const verified = await jwtVerify<{ sid: string; sub: string }>(token, KEY, { algorithms: ['HS256'] }).catch(
    () => undefined,
  )
  if (verified === undefined || hasEnded(verified.payload.sid)) return undefined
  return { id: verified.payload.sid, user: verified.payload.sub }
}

export const hasEnded = (id: string): boolean => ended.has(id)

/** From now on its token is worth nothing, whoever has a copy. */
export function endSession(id: string): void {
  const nowMs = Date.now()
  for (const [each, untilMs] of ended) if (untilMs < nowMs) ended.delete(each)
  ended.set(id, nowMs + SESSION_MS)
}
