/** How clients say who they are [WP-6.6], and for what they need to [WP-6.1]. */
import type { Action, Topic } from '@watchpost/core'
import type { CredentialKinds } from '../../auth/authenticator.ts'
import type { Documented } from '../documented.ts'
import type { Node } from './building.ts'

type Requirements = readonly Readonly<Record<string, readonly string[]>>[]

/** The schemes that are configured. */
export function securitySchemes({ credentials }: Documented): Node {
  if (credentials === undefined) return {}
  const { jwt, apiKeys, queryToken, cookie, certificates } = credentials
  const token = [...(jwt ? ['a JWT'] : []), ...(apiKeys ? ['an API key'] : [])].join(' or ')
  const bearer = (bearerFormat: string, description: string): Node => ({
    ...{ type: 'http', scheme: 'bearer', bearerFormat },
    description: `${description} On a WebSocket it can also be offered as the subprotocol \`bearer.<token>\`.`,
  })
  return {
    ...(jwt && { jwt: bearer('JWT', 'A token of an issuer that the server trusts.') }),
    ...(apiKeys && { apiKey: bearer('API key', 'An API key that the server knows.') }),
    ...(queryToken && {
      queryToken: { type: 'apiKey', in: 'query', name: 'token', description: `In the address: ${token}.` },
    }),
    ticket: { type: 'apiKey', in: 'query', name: 'ticket', description: 'A ticket, which is good once [WP-3.15].' },
    ...(cookie !== undefined && {
      cookie: { type: 'apiKey', in: 'cookie', name: cookie, description: `A cookie that holds ${token}.` },
    }),
    ...(certificates && { certificate: { type: 'mutualTLS', description: 'A client certificate.' } }),
  }
}

/** Whether clients can say who they are, so that what asks for that can succeed. */
export const asksWho = ({ credentials }: Documented): boolean =>
  credentials !== undefined && (credentials.jwt || credentials.apiKeys || credentials.certificates)

/** What a request needs that anyone may send, or only who has credentials, or whose have a scope. */
export function securityOf(
  documented: Documented,
  may: 'anyone' | 'identities' | 'holders',
  scopes: readonly string[] = [],
): Requirements {
  if (documented.credentials === undefined) return []
  // From 3.1 on not only schemes of OAuth can ask for scopes: of all others the list has roles, which these are to them.
  const ways = namesOf(documented.credentials).map((name) => ({ [name]: scopes }))
  if (may === 'anyone') return [{}, ...ways]
  return may === 'holders' ? ways.filter((way) => !('ticket' in way)) : ways
}

/** What a request to a topic needs. */
export function topicSecurity(documented: Documented, { access }: Topic, action: Action): Requirements {
  const rule = access[action]
  // What a rule of the server's own says is not known before it is asked.
  if (rule === 'anyone' || typeof rule === 'function') return securityOf(documented, 'anyone')
  return securityOf(documented, 'identities', typeof rule === 'object' ? [rule.scope] : [])
}

const namesOf = ({ jwt, apiKeys, queryToken, cookie, certificates }: CredentialKinds): readonly string[] => [
  ...(jwt ? ['jwt'] : []),
  ...(apiKeys ? ['apiKey'] : []),
  ...(queryToken ? ['queryToken'] : []),
  'ticket',
  ...(cookie === undefined ? [] : ['cookie']),
  ...(certificates ? ['certificate'] : []),
]
