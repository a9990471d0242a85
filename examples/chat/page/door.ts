/** Who signed in in this tab, and the desk that gives out the tokens. */

/** Kept for this tab alone, so that two tabs can be two people. */
const KEPT = 'chat'

export interface Guest {
  readonly name: string
  /** Empty without one. */
  readonly invitation: string
  readonly token?: string
}

/** The desk said no, and why; any other error is that it said nothing. */
export class Refused extends Error {}

/** Who signed in here, and has not signed out. */
export const kept = (): Guest | null => JSON.parse(sessionStorage.getItem(KEPT) ?? 'null') as Guest | null

/** Asks the desk for a token, the first or the next one. @throws Refused */
export async function signIn(guest: Guest): Promise<{ readonly token: string; readonly rooms: readonly string[] }> {
  const response = await fetch('/sign-in', { method: 'POST', body: JSON.stringify(guest) }).catch(() => undefined)
  if (response === undefined || response.status >= 500) {
    throw new Error("The server can't be reached. Try again in a moment.")
  }
  const answer = (await response.json()) as { token: string; rooms: readonly string[]; message: string }
  if (!response.ok) throw new Refused(answer.message)
  sessionStorage.setItem(KEPT, JSON.stringify({ ...guest, token: answer.token }))
  return answer
}

/** Leaves the name to others; if the desk can't be reached, it does when the token has ended. */
export async function signOut(): Promise<void> {
  await fetch('/sign-out', { method: 'POST', body: JSON.stringify(kept()) }).catch(() => undefined)
  sessionStorage.removeItem(KEPT)
}
