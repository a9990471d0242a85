/** Who signed in in this tab, and the desk that gives out the tokens. */

/** Both are kept for this tab alone, so that two tabs can be two people. */
const GUEST = 'chat'
const SID = 'chat-sid'

export interface Guest {
  readonly name: string
  /** Empty without one. */
  readonly invitation: string
}

/** What the desk gives a guest; `notice` is for them to read. */
export interface Welcome {
  readonly token: string
  readonly rooms: readonly string[]
  readonly notice?: string
}

/** The desk said no, and why; any other error is that it said nothing. */
export class Refused extends Error {}

/** Who signed in here, and has not signed out. */
export const kept = (): Guest | null => JSON.parse(sessionStorage.getItem(GUEST) ?? 'null') as Guest | null

export const keep = (guest: Guest): void => sessionStorage.setItem(GUEST, JSON.stringify(guest))

/** Forgets who signed in here, but not by what the desk knows them: they can have their name back at once. */
export const forget = (): void => sessionStorage.removeItem(GUEST)

/** Asks the desk for a token, the first or the next one. @throws Refused */
export async function signIn(guest: Guest): Promise<Welcome> {
  const asked = JSON.stringify({ ...guest, sid: ownSid() })
  const response = await fetch('/sign-in', { method: 'POST', body: asked }).catch(() => undefined)
  if (response === undefined || response.status >= 500) {
    throw new Error("The server can't be reached. Try again in a moment.")
  }
  const answer = (await response.json()) as Welcome & { readonly message: string }
  if (!response.ok) throw new Refused(answer.message)
  return answer
}

/** By this the desk knows the tab again. A duplicate of the tab has it too, so the two are one person. */
function ownSid(): string {
  const sid = sessionStorage.getItem(SID) ?? crypto.randomUUID()
  sessionStorage.setItem(SID, sid)
  return sid
}
