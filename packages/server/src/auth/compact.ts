/** Tokens in the compact form (RFC 7515, section 7.1), read strictly before anything looks at their signature. */
import { Refused } from './refusal.ts'
import { parseStrictObject } from './strict-json.ts'

/** Past it, nothing of a token is looked at. */
const TOKEN_BYTES_MAX = 8_192

/** A token whose signature nobody has checked yet. */
export interface Unverified {
  readonly token: string
  readonly algorithm: string
  /** Names the key, if the issuer has several. */
  readonly keyId: string | undefined
  /** As the token itself says. */
  readonly issuer: string | undefined
  readonly claims: Readonly<Record<string, unknown>>
}

/** Headers that would have the token itself say what it is checked with, or how. */
const FORBIDDEN = ['jwk', 'jku', 'x5u', 'x5c', 'crit', 'zip', 'b64']

/** Kinds of token that are for access; others, such as those that log out, are signed with the same keys. */
const KINDS: readonly unknown[] = [undefined, 'jwt', 'at+jwt', 'application/at+jwt']

/** @throws Refused */
export function readCompact(token: string): Unverified {
  if (token.length > TOKEN_BYTES_MAX) throw new Refused('the token is too long')
  const segments = token.split('.')
  if (segments.length !== 3) throw new Refused('the token has not three segments')
  const [header, claims] = segments.map(demandBytes).slice(0, 2).map(demandObject) as [Members, Members]
  const { alg: algorithm, kid: keyId, typ } = header as { readonly [name: string]: unknown }
  if (FORBIDDEN.some((name) => Object.hasOwn(header, name))) throw new Refused('a header is not allowed')
  if (typeof algorithm !== 'string') throw new Refused('the token names no algorithm')
  if (keyId !== undefined && typeof keyId !== 'string') throw new Refused('kid is no text')
  if (!KINDS.includes(typeof typ === 'string' ? typ.toLowerCase() : typ)) throw new Refused('typ is not for access')
  const { iss: issuer } = claims as { readonly [name: string]: unknown }
  if (issuer !== undefined && typeof issuer !== 'string') throw new Refused('iss is no text')
  return { token, algorithm, keyId, issuer, claims }
}

type Members = Readonly<Record<string, unknown>>

/** Of base64url without padding, and with nothing in the bits that are left over: so a token has one form only. */
function demandBytes(segment: string): Uint8Array {
  const bytes = Buffer.from(segment, 'base64url')
  if (segment === '' || bytes.toString('base64url') !== segment) throw new Refused('a segment is no base64url')
  return bytes
}

function demandObject(bytes: Uint8Array): Members {
  const value = parseStrictObject(bytes)
  if (value === undefined) throw new Refused('a segment is no JSON object without repeated members')
  return value
}
