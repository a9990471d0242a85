/** What sessions are worth by the configuration that is in force, which may not be the one that they were found by. */
import { isDeepStrictEqual } from 'node:util'
import type { Session } from './session.ts'

export class CurrentSessions {
  readonly #find: (session: Session) => Session | undefined
  /** Of most that are asked for, nothing has changed since they were found. */
  readonly #found = new WeakSet<Session>()

  /** @param find gives what a session is worth, in whatever object; `undefined` if what vouches for it is trusted no more */
  constructor(find: (session: Session) => Session | undefined) {
    this.#find = find
  }

  /** Remembers a session that was found by this configuration. */
  found(session: Session): Session {
    this.#found.add(session)
    return session
  }

  /** What a session is worth; the same object if that is the same as before. */
  of(session: Session): Session | undefined {
    if (this.#found.has(session)) return session
    const now = this.#find(session)
    if (now === undefined) return undefined
    const isSame = now.expiresMs === session.expiresMs && isDeepStrictEqual(now.identity, session.identity)
    return this.found(isSame ? session : now)
  }
}
