/**
 * The desk at the door: whoever tells a name gets a token for it, which opens some rooms. Your own login stands here.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'

/** Rooms, and what they are for. */
export const ROOMS: Readonly<Record<string, string>> = {
  lobby: 'Whoever signs in is welcome here.',
  garden: 'Seeds, weeds and the weather.',
  cellar: 'By invitation only.',
}

const INVITED_ONLY = 'cellar'
const TOKEN_SECONDS = 60
/** Signs tokens and checks them. Nobody else needs it, so each start has another. */
export const secret: string = randomBytes(48).toString('base64url')

const KEY = new TextEncoder().encode(secret)

/** Opens the cellar. */
export const invitation: string = randomBytes(12).toString('base64url')

const Guest = z.object({
  name: z.string().regex(/^[A-Za-z][\w-]{0,19}$/, 'A name is a letter, then up to 19 letters, digits, _ or -.'),
  invitation: z.string().default(''),
  /** The guest's last token, by which a name that is taken is known to be theirs. */
  token: z.string().default(''),
})

/** What the desk says: a status of HTTP, and what goes with it. */
export interface Answer {
  readonly status: number
  readonly body: { readonly token: string; readonly rooms: readonly string[] } | { readonly message: string }
}

/** Until when names are taken, in milliseconds: as long as there is a good token for them. `Ada` is `ada`. */
const taken = new Map<string, number>()

/** Gives a guest a token, the first or the next one. */
export async function signIn(asked: unknown): Promise<Answer> {
  const parsed = Guest.safeParse(asked)
  if (!parsed.success) return { status: 400, body: { message: parsed.error.issues[0]?.message ?? 'Tell a name.' } }
  const { name, token, ...guest } = parsed.data
  const nowMs = Date.now()
  for (const [each, untilMs] of taken) if (untilMs < nowMs) taken.delete(each)
  if (taken.has(name.toLowerCase()) && (await ownerOf(token)) !== name) {
    return { status: 409, body: { message: `${name} is taken; choose another name.` } }
  }
  taken.set(name.toLowerCase(), nowMs + TOKEN_SECONDS * 1_000)
  const rooms = Object.keys(ROOMS).filter((room) => room !== INVITED_ONLY || isInvitation(guest.invitation))
  const grants = {
    watch: rooms.map((room) => `chat/${room}/**`),
    publish: rooms.map((room) => `chat/${room}/${name}`),
  }
  const signed = new SignJWT({ watchpost: grants }).setProtectedHeader({ alg: 'HS256' }).setSubject(name)
  return { status: 200, body: { rooms, token: await signed.setExpirationTime(`${TOKEN_SECONDS}s`).sign(KEY) } }
}

/** Lets others have the name. */
export async function signOut(asked: unknown): Promise<Answer> {
  const { token } = Guest.pick({ token: true }).parse(asked)
  taken.delete((await ownerOf(token))?.toLowerCase() ?? '')
  return { status: 200, body: { message: 'Goodbye.' } }
}

/** Whose token it is; nobody's if it is not ours, or past its end. */
const ownerOf = (token: string): Promise<string | undefined> =>
  jwtVerify(token, KEY, { algorithms: ['HS256'] }).then(
    ({ payload }) => payload.sub,
    () => undefined,
  )

function isInvitation(text: string): boolean {
  const [given, ours] = [Buffer.from(text), Buffer.from(invitation)]
  return given.length === ours.length && timingSafeEqual(given, ours)
}
