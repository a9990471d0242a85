/**
 * What vouches for clients and for the server itself. Documents tell of which kinds it is and not what it is, and are made
 * where it is not at hand: so it is taken away from a configuration before anything looks at it.
 */
import { type CredentialKinds, credentialKinds } from '../../auth/authenticator.ts'
import type { ApiKey, AuthOptions } from '../../auth/options.ts'
import { isObject } from '../../config/checkers.ts'

/** A configuration, and what was known of the rest. */
export interface Parted {
  /** Without `auth` and `listen.tls`. */
  readonly rest: unknown
  /** The ways in which clients can say who they are; `undefined` if nobody is asked. */
  readonly credentials: CredentialKinds | undefined
  readonly hasTls: boolean
}

/** Takes it away from what a file of a configuration has. What is no configuration at all stays as it is. */
export function setAside(value: unknown): Parted {
  if (!isObject(value)) return { rest: value, credentials: undefined, hasTls: false }
  const { auth, listen, ...rest } = value
  const { tls, ...listening } = isObject(listen) ? listen : {}
  const hasCa = isObject(tls) && tls['ca'] !== undefined
  return {
    rest: {
      ...rest,
      ...(auth !== undefined && !isObject(auth) && { auth }),
      ...(listen !== undefined && { listen: isObject(listen) ? listening : listen }),
    },
    credentials: credentialKinds({
      ...(isObject(auth) && { auth: kindsIn(auth) }),
      // Where the files are is not looked at.
      ...(hasCa && { listen: { tls: { cert: '', key: '', ca: '' } } }),
    }),
    hasTls: tls !== undefined,
  }
}

/** Nothing but what tells the kinds of credentials apart. */
function kindsIn({ jwt, apiKeys, cookie, queryToken }: Readonly<Record<string, unknown>>): AuthOptions {
  return {
    ...(jwt !== undefined && { jwt: {} }),
    ...(Array.isArray(apiKeys) && { apiKeys: apiKeys as readonly ApiKey[] }),
    ...(typeof cookie === 'string' && cookie !== '' && { cookie }),
    queryToken: queryToken === true,
  }
}
