/** Who may watch and publish, and what they see of it [WP-6.1]. Everything is denied unless a rule allows it. */
import { filtersOverlap, type Json, matchesFilter } from '@watchpost/protocol'
import { filterOf, type Topic } from './definition.ts'

/** What a token says of whoever holds it. */
export interface Claims {
  // Whatever its issuer puts there; a rule knows what to expect, and denies when that is not there.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly [name: string]: any
}

/** Rights that credentials carry by themselves: topic filters, and whether the operators' routes are open. */
export interface Grants {
  readonly watch: readonly string[]
  readonly publish: readonly string[]
  readonly admin: boolean
}

/** Who a request speaks for. Without credentials that is {@link ANONYMOUS}. */
export interface Identity {
  /** Names the identity within the process; equal names have equal rights. */
  readonly name: string
  /** As the credentials have it, so two issuers can mean two people by it. Absent for the anonymous. */
  readonly subject?: string
  /**
   * Names whoever the credentials belong to: the same for all that one issuer gives one subject, whatever rights come with
   * them, and never the same for two issuers or two kinds of credentials. Absent for the anonymous.
   */
  readonly holder?: string
  readonly claims: Claims
  readonly scopes: ReadonlySet<string>
  readonly grants: Grants
}

const NOTHING: Grants = { watch: [], publish: [], admin: false }

export const ANONYMOUS: Identity = { name: 'anonymous', claims: {}, scopes: new Set(), grants: NOTHING }

/** The server's own process, which may do everything. */
export const SERVER: Identity = { ...ANONYMOUS, name: 'server', subject: 'server', holder: 'server' }

export interface AccessContext {
  readonly identity: Identity
  /** The whole topic, such as `chat/lobby`. */
  readonly topic: string
  /** What the template's parameters stand for, such as `{ room: 'lobby' }`. */
  readonly params: Readonly<Record<string, string>>
}

/** A rule of the server's own, which answers at once. */
export type AccessRule = (context: AccessContext) => boolean

/** `'granted'`, the default, asks for a right in the identity's credentials, so it denies the anonymous. */
export type Access = 'anyone' | 'authenticated' | 'granted' | { readonly scope: string } | AccessRule

/** What of `data` an identity may not see, as JSON Pointers below it. */
export type Mask = readonly string[] | ((context: AccessContext) => readonly string[])

export type Action = 'watch' | 'publish'

/** @throws whatever a rule of the server's own throws */
export function allows(access: Access, action: Action, context: AccessContext): boolean {
  const { identity, topic } = context
  if (identity === SERVER) return true
  if (typeof access === 'function') {
    const answer: unknown = access(context)
    // A rule in JavaScript may answer anything. A promise is no leave, and must not end the process when it is rejected.
    if (answer instanceof Promise) answer.catch(() => undefined)
    return answer === true
  }
  if (access === 'granted') return identity.grants[action].some((filter) => matchesFilter(filter, topic))
  return allowsAlways(access, identity)
}

/**
 * Whether a definition can allow it for some of its topics. One whose rule is a function may be open for some and closed
 * for others; each use is decided on its own.
 */
export function mayAllow({ template, access }: Topic, action: Action, identity: Identity): boolean {
  const rule = access[action]
  if (typeof rule === 'function' || identity === SERVER) return true
  if (rule !== 'granted') return allowsAlways(rule, identity)
  return identity.grants[action].some((filter) => filtersOverlap(filter, filterOf(template)))
}

/** Of a rule that is the same for all topics. */
function allowsAlways(access: Exclude<Access, 'granted' | AccessRule>, identity: Identity): boolean {
  if (access === 'anyone') return true
  if (access === 'authenticated') return identity.subject !== undefined
  return identity.scopes.has(access.scope)
}

/**
 * What decides which topics of a definition an identity may use: identities for which this is equal may use the same ones,
 * so they can share what is made for one of them.
 */
export function decidedBy(access: Access, action: Action, identity: Identity): Json {
  if (typeof access === 'function') return identity.name
  return access === 'granted' ? [...identity.grants[action]].sort() : allowsAlways(access, identity)
}
