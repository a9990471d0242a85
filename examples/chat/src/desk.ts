/**
 * The desk at the door: whoever tells a name gets a token for it, which opens some rooms. Your own login stands here.
 *
 * A token that was given out can't be taken back. So a name stays its guest's until the last token for it has ended, a
 * minute after they have signed out too: nobody is given a name that a token of somebody before could still write with.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { SignJWT } from 'jose'
import { z } from 'zod'

/** Rooms, and what they are for. */
export const ROOMS: Readonly<Record<string, string>> = {
  lobby: 'Whoever signs in is welcome here.',
  garden: 'Seeds, weeds and the weather.',
  cellar: 'By invitation only.',
}

const INVITED_ONLY = 'cellar'
const TOKEN_MS = 60_000
/** Signs tokens and checks them. Nobody else needs it, so each start has another. */
export const secret: string = randomBytes(48).toString('base64url')

const KEY = new TextEncoder().encode(secret)

/** Opens the cellar. */
export const invitation: string = randomBytes(12).toString('base64url')

const Guest = z.object({
  name: z.string().regex(/^[A-Za-z][\w-]{0,19}$/, 'A name is a letter, then up to 19 letters, digits, _ or -.'),
  invitation: z.string().default(''),
  /** Random, and known to the guest's tab alone: by it a name that is taken is known to be theirs. It is in no token. */
  sid: z.uuid('Send a random UUID as sid, and the same one each time.'),
})

/** What the desk says: a status of HTTP, and what goes with it; `notice` is for the guest to read. */
export interface Answer {
  readonly status: number
  readonly body:
    | { readonly token: string; readonly rooms: readonly string[]; readonly notice?: string }
    | { readonly message: string }
}

/** Who has which name, and until when: as long as a token for it is good. `Ada` is `ada`. */
const taken = new Map<string, { readonly sid: string; readonly untilMs: number }>()

/** Gives a guest a token, the first or the next one. */
export async function signIn(asked: unknown): Promise<Answer> {
  const parsed = Guest.safeParse(asked)
  if (!parsed.success) return { status: 400, body: { message: parsed.error.issues[0]?.message ?? 'Tell a name.' } }
  const { name, sid, ...guest } = parsed.data
  const nowMs = Date.now()
  for (const [each, { untilMs }] of taken) if (untilMs < nowMs) taken.delete(each)
  const owner = taken.get(name.toLowerCase())
  if (owner !== undefined && !isSame(sid, owner.sid)) {
    return { status: 409, body: { message: `${name} is taken; choose another name.` } }
  }
  const untilMs = nowMs + TOKEN_MS
  taken.set(name.toLowerCase(), { sid, untilMs })

  const isInvited = isSame(guest.invitation, invitation)
  const rooms = Object.keys(ROOMS).filter((room) => room !== INVITED_ONLY || isInvited)
  const grants = {
    watch: rooms.map((room) => `chat/${room}/**`),
    publish: rooms.map((room) => `chat/${room}/${name}`),
  }
  const token = await new SignJWT({ watchpost: grants })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(name)
    .setExpirationTime(new Date(untilMs))
    .sign(KEY)
  // It keeps nobody out: whoever was invited before the server began anew has an invitation that opens nothing now.
  const isUseless = guest.invitation !== '' && !isInvited
  return { status: 200, body: { token, rooms, ...(isUseless && { notice: 'That invitation opens nothing here.' }) } }
}

function isSame(text: string, secretText: string): boolean {
  const [given, ours] = [Buffer.from(text), Buffer.from(secretText)]
  return given.length === ours.length && timingSafeEqual(given, ours)
}
