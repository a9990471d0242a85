/** API keys: long random texts for programs, of which the server knows no more than hashes. */
import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'
import type { Clock } from '@watchpost/core'
import { identityOfKey, type Rights } from './identity.ts'
import type { ApiKey } from './options.ts'
import { Refused } from './refusal.ts'
import type { Session } from './session.ts'

const PREFIX = 'wpk_'

const ID_LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'
const ID_LENGTH = 12
const SECRET_BYTES = 32

export const KEY_ID: RegExp = /^[a-z0-9]{4,32}$/

/** `sha256:` and 32 bytes as base64url; the last letter holds four bits. */
export const KEY_HASH: RegExp = /^sha256:[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** Whether a text is meant as an API key rather than as a token. */
export const isApiKey = (text: string): boolean => text.startsWith(PREFIX)

/** A key that nobody has yet, and what the configuration needs to know of it. */
export function newApiKey(subject: string, rights: Rights): { readonly key: string; readonly entry: ApiKey } {
  const id = Array.from({ length: ID_LENGTH }, () => ID_LETTERS[randomInt(ID_LETTERS.length)]).join('')
  const key = `${PREFIX}${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`
  return { key, entry: { id, hash: `sha256:${hashOf(key).toString('base64url')}`, subject, ...rights } }
}

// Slow hashes are for what people think up; of 256 random bits nothing can be guessed.
const hashOf = (key: string): Buffer => createHash('sha256').update(key).digest()

interface Known {
  /** As the configuration has it. */
  readonly text: string
  readonly hash: Buffer
  readonly session: Session
}

export class ApiKeys {
  readonly #clock: Clock
  readonly #known: readonly Known[]

  constructor(keys: readonly ApiKey[], clock: Clock) {
    this.#clock = clock
    this.#known = keys.map(({ hash, subject, notAfter, ...rights }) => {
      const identity = identityOfKey(subject, rights)
      return {
        text: hash,
        hash: Buffer.from(hash.slice('sha256:'.length), 'base64url'),
        session: {
          identity,
          voucher: { kind: 'apiKey', hash },
          ...(notAfter !== undefined && { expiresMs: Date.parse(notAfter) }),
        },
      }
    })
  }

  /** The session of the key with this hash, as the configuration gives it. */
  sessionOf(hash: string): Session | undefined {
    return this.#known.find((known) => known.text === hash)?.session
  }

  /** @throws Refused */
  verify(key: string): Session {
    const hash = hashOf(key)
    let session: Session | undefined
    // All of them, each in constant time, so that the time tells nothing of which was nearly right.
    for (const known of this.#known) {
      if (timingSafeEqual(known.hash, hash)) session = known.session
    }
    if (session === undefined) throw new Refused('no API key has this hash')
    if (session.expiresMs !== undefined && session.expiresMs <= this.#clock.now()) {
      throw new Refused('the API key is past its notAfter', true)
    }
    return session
  }
}
