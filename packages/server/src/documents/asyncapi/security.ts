/** How clients say who they are [WP-6.6], as AsyncAPI names it. */
import type { CredentialKinds } from '../../auth/authenticator.ts'
import type { DocumentedTopic } from '../documented.ts'

type SecuritySchemes = Readonly<Record<string, object>>

/** All ways that the server knows; none if it looks at no credentials. */
export function securitySchemes(kinds: CredentialKinds | undefined): SecuritySchemes {
  if (kinds === undefined) return {}
  const { jwt, apiKeys, queryToken, cookie, certificates } = kinds
  const what = [...(jwt ? ['a JWT'] : []), ...(apiKeys ? ['an API key'] : [])].join(' or ')
  return {
    ...(what !== '' && tokenSchemes(what, queryToken, cookie)),
    ticket: {
      ...{ type: 'httpApiKey', in: 'query', name: 'ticket' },
      description: 'A ticket from POST `/v1/tickets`, which is used once [WP-3.15].',
    },
    ...(certificates && { certificate: { type: 'X509', description: 'A client certificate, by TLS.' } }),
  }
}

const tokenSchemes = (what: string, queryToken: boolean, cookie: string | undefined): SecuritySchemes => ({
  bearer: { type: 'http', scheme: 'bearer', description: `In \`Authorization\`: ${what}.` },
  subprotocol: {
    ...{ type: 'httpApiKey', in: 'header', name: 'Sec-WebSocket-Protocol' },
    description: `Of a WebSocket: \`bearer.\` and ${what}, as a subprotocol that is offered beside a real one.`,
  },
  ...(queryToken && {
    queryToken: { type: 'httpApiKey', in: 'query', name: 'token', description: `In the address: ${what}.` },
  }),
  ...(cookie !== undefined && {
    cookie: { type: 'httpApiKey', in: 'cookie', name: cookie, description: `From a page that is allowed to: ${what}.` },
  }),
})

/** What an operation asks for: any one of these, if it is not for anyone. */
export function securityOf(
  kinds: CredentialKinds | undefined,
  { topic }: DocumentedTopic,
  action: 'watch' | 'publish',
  protocol: 'ws' | 'http',
): { readonly security?: readonly object[] } {
  const rule = topic.access[action]
  // What a rule of the server's own says is not known before it is asked.
  if (rule === 'anyone' || typeof rule === 'function') return {}
  const names = Object.keys(securitySchemes(kinds)).filter((name) => protocol === 'ws' || name !== 'subprotocol')
  if (names.length === 0) return {}
  return { security: names.map((name) => ({ $ref: `#/components/securitySchemes/${name}` })) }
}
