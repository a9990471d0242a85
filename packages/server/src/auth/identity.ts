/** Who a token, key or certificate speaks for [WP-6.6]. */
import { createHash } from 'node:crypto'
import type { Grants, Identity } from '@watchpost/core'
import { filterFault } from '@watchpost/protocol'
import type { ClientCertificate } from '../http/tls.ts'
import { Refused } from './refusal.ts'

type Claims = Readonly<Record<string, unknown>>

/** The highest that the configuration can choose; filters that are over its own bounds match nothing. */
const BOUNDS = { topicBytesMax: 255, topicSegmentsMax: 64 }

/** Filters of one kind that an identity can be granted. */
const FILTERS_MAX = 128

/** Idempotency keys and presence are kept under it. */
const SUBJECT_BYTES_MAX = 255

/** Claims that differ from one token of the same holder to the next, whatever the holder may do. */
const OF_ONE_TOKEN: ReadonlySet<string> = new Set(['exp', 'iat', 'nbf', 'jti'])

/** The claim that says what TLS has verified, so no token can have it. */
const OF_TLS = 'certificate'

const NO_GRANTS: Grants = { watch: [], publish: [], admin: false }

/** What the configuration gives to who has a key or certificate. */
export interface Rights {
  readonly grants: Partial<Grants>
  readonly scopes?: readonly string[]
}

/**
 * The identity of a token that was verified. It has all claims but those that are of the one token: a rule that looked
 * at them could treat identities of the same name differently, and these share what is made for one of them.
 * @param grantsClaim the claim that holds {@link Grants}
 * @throws Refused if it has no subject
 */
export function identityOfToken(all: Claims, grantsClaim: string): Identity {
  const { sub: subject, iss: issuer } = all as { readonly [name: string]: unknown }
  if (typeof subject !== 'string' || !isSubject(subject)) throw new Refused('sub is no text of 1 to 255 bytes')
  const claims = Object.fromEntries(Object.entries(all).filter(([name]) => !OF_ONE_TOKEN.has(name) && name !== OF_TLS))
  const granted = Object.hasOwn(claims, grantsClaim) ? claims[grantsClaim] : undefined
  const grants = grantsOf(granted) ?? NO_GRANTS
  return {
    // Another configuration can find the grants in another claim.
    name: nameOf(['token', claims, grants]),
    subject,
    holder: nameOf(['token', issuer ?? null, subject]),
    claims,
    scopes: new Set(scopesOf(claims)),
    grants,
  }
}

/** The identity of an API key; keys with the same subject and rights have the same. */
export const identityOfKey = (subject: string, rights: Rights): Identity => identityOf('key', subject, {}, rights)

/**
 * The identity of a client certificate that TLS has verified. Its holder is whoever has a certificate of the same subject,
 * so a new one takes the place of one that ends.
 */
export const identityOfCertificate = ({ subject, fingerprint }: ClientCertificate, rights: Rights): Identity =>
  identityOf('certificate', subject, { [OF_TLS]: { subject, fingerprint } }, rights)

function identityOf(kind: string, subject: string, claims: Claims, { grants: some, scopes = [] }: Rights): Identity {
  const grants = { ...NO_GRANTS, ...some }
  return {
    name: nameOf([kind, subject, claims, grants, [...scopes].sort()]),
    subject,
    holder: nameOf([kind, subject]),
    claims,
    scopes: new Set(scopes),
    grants,
  }
}

/** What every subject must be. Half of a surrogate pair alone would be the same as any other once it is in UTF-8. */
export const isSubject = (text: string): boolean =>
  text !== '' && Buffer.byteLength(text) <= SUBJECT_BYTES_MAX && text.isWellFormed()

/** What a scope can be (RFC 6749, section 3.3): tokens have them as one text with spaces between. */
export const isScope = (text: string): boolean => /^[!#-[\]-~]{1,255}$/.test(text)

/** `undefined` if the value is not exactly of this shape: then it grants nothing. */
function grantsOf(value: unknown): Grants | undefined {
  if (grantsFault(value) !== undefined) return undefined
  const { watch = [], publish = [], admin = false } = value as Partial<Grants>
  return { watch, publish, admin }
}

/** Where a value is no grants, as a path such as `.watch[0]`, and why, which quotes nothing of it. */
export interface GrantsFault {
  readonly path: string
  readonly message: string
}

/** What is wrong with what should be grants; `undefined` if nothing is. */
export function grantsFault(value: unknown): GrantsFault | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { path: '', message: 'must be an object such as { watch: ["chat/*"], publish: ["stocks"], admin: false }' }
  }
  const { watch = [], publish = [], admin = false, ...others } = value as { readonly [name: string]: unknown }
  if (Object.keys(others).length > 0) return { path: '', message: 'has a member that is none of watch, publish, admin' }
  if (typeof admin !== 'boolean') return { path: '.admin', message: 'must be true or false' }
  return filtersFault('.watch', watch) ?? filtersFault('.publish', publish)
}

function filtersFault(path: string, value: unknown): GrantsFault | undefined {
  if (!Array.isArray(value) || value.length > FILTERS_MAX) {
    return { path, message: `must be a list of at most ${FILTERS_MAX} topic filters, such as ["chat/*"]` }
  }
  for (const [index, each] of (value as readonly unknown[]).entries()) {
    const fault = typeof each === 'string' ? filterFault(each, BOUNDS) : 'it must be a text'
    if (fault === undefined) continue
    // Tokens are not to be read from logs, nor what stands by mistake where no secret should.
    const reason = fault.replace(/^segment ".*" may/, 'a segment may')
    return { path: `${path}[${index}]`, message: `is no topic filter, such as "chat/*": ${reason}` }
  }
  return undefined
}

/** A text with spaces between (RFC 8693, section 4.2), or the lists that some issuers use. */
function scopesOf({ scope, scp, scopes }: { readonly [name: string]: unknown }): readonly string[] {
  return [scope, scp, scopes].flatMap((value) => {
    if (typeof value === 'string') return value.split(' ').filter((word) => word !== '')
    const isList = Array.isArray(value) && value.every((word) => typeof word === 'string')
    return isList ? (value as readonly string[]) : []
  })
}

const nameOf = (whatMatters: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(whatMatters)))
    .digest('base64url')

/** The same value always in the same order, however its members came. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, member]): [string, unknown] => [name, sorted(member)])
  return { members: members.sort(([a], [b]) => (a < b ? -1 : 1)) }
}
