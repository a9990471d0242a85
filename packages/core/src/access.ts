/** Who may watch and publish [WP-6.1]. Everything is denied unless a rule allows it. */

/** Who a request speaks for. Without credentials that is {@link ANONYMOUS}. */
export interface Identity {
  /** Names the identity within the process; equal names see equal things and share feeds. */
  readonly name: string
  /** Absent for the anonymous. */
  readonly subject?: string
}

export const ANONYMOUS: Identity = { name: 'anonymous' }

/** The server's own process, which may do everything. */
export const SERVER: Identity = { name: 'server', subject: 'server' }

export interface AccessContext {
  readonly identity: Identity
  /** The whole topic, such as `chat/lobby`. */
  readonly topic: string
  /** What the template's parameters stand for, such as `{ room: 'lobby' }`. */
  readonly params: Readonly<Record<string, string>>
}

/** `'granted'`, the default, asks for a right in the identity's credentials, so it denies the anonymous. */
export type Access = 'anyone' | 'granted' | ((context: AccessContext) => boolean)

export type Action = 'watch' | 'publish'

export function allows(access: Access, context: AccessContext): boolean {
  if (context.identity === SERVER) return true
  if (typeof access === 'function') {
    const answer: unknown = access(context)
    // A rule in JavaScript may answer anything. A promise is no leave, and must not end the process when it is rejected.
    if (answer instanceof Promise) answer.catch(() => undefined)
    return answer === true
  }
  return access === 'anyone'
}
