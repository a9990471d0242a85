/** With which credentials something can be done, and whether those that sufficed still do. */
import { isObject, resolved } from './pointed.ts'

type Node = Readonly<Record<string, unknown>>

/** Credentials of one kind. */
interface Credentials {
  /** The name of the security scheme in its document. */
  readonly name: string
  /** All that the scheme is, but for what is said of it in words. */
  readonly scheme: string
  /** What tokens it takes, as far as that is said. */
  readonly tokens: readonly string[]
  readonly scopes: readonly string[]
}

/** What is needed together. Nothing, if it can be done without credentials. */
type Way = readonly Credentials[]

/** Each of these suffices. */
export type Access = readonly Way[]

const ANYONE: Access = [[]]

/** What an operation of OpenAPI asks for. */
export function openapiAccess(document: Node, { security = document['security'] }: Node): Access {
  if (!Array.isArray(security) || security.length === 0) return ANYONE
  const schemes = nodeOf(nodeOf(document['components'])['securitySchemes'])
  return (security as readonly Node[]).map((way) =>
    Object.entries(way).map(([name, scopes]) =>
      credentials(name, nodeOf(resolved(document, schemes[name])), Array.isArray(scopes) ? scopes : []),
    ),
  )
}

/** What an operation of AsyncAPI asks for. */
export function asyncapiAccess(document: Node, { security }: Node): Access {
  if (!Array.isArray(security) || security.length === 0) return ANYONE
  return (security as readonly Node[]).map((each) => {
    const scheme = nodeOf(resolved(document, each))
    const { $ref, scopes = scheme['scopes'] } = each
    const name = String($ref ?? scheme['type']).replace(/^.*\//, '')
    return [credentials(name, scheme, Array.isArray(scopes) ? scopes : [])]
  })
}

/** Kinds of tokens, as schemes name them: in `bearerFormat` or, where there is none, in words. */
const TOKENS = ['JWT', 'API key'] as const

function credentials(name: string, scheme: Node, scopes: readonly unknown[]): Credentials {
  const { description, bearerFormat, scopes: _all, ...rest } = scheme
  const told = Object.entries(rest).filter(([member]) => !member.startsWith('x-'))
  const text = String(bearerFormat ?? description)
  return {
    name,
    scheme: JSON.stringify(told.sort(([one], [other]) => (one < other ? -1 : 1))),
    tokens: TOKENS.filter((token) => text.includes(token)),
    scopes: scopes.map(String),
  }
}

const isWithin = (some: readonly string[], others: readonly string[]): boolean =>
  some.every((each) => others.includes(each))

/** Whether who has the one has the other too. */
function has(own: Credentials, asked: Credentials): boolean {
  if (own.scheme !== asked.scheme || !isWithin(asked.scopes, own.scopes)) return false
  return asked.tokens.length === 0 || (own.tokens.length > 0 && isWithin(own.tokens, asked.tokens))
}

/** The ways that sufficed and no longer do, in words, such as `with jwt and the scope "feed"`. */
export function lostWays(before: Access, after: Access): readonly string[] {
  const suffices = (way: Way): boolean =>
    after.some((asked) => asked.every((each) => way.some((own) => has(own, each))))
  return before.filter((way) => !suffices(way)).map(inWords)
}

function inWords(way: Way): string {
  if (way.length === 0) return 'without credentials'
  const each = way.map(({ name, scopes }) => [name, ...scopes.map((scope) => `the scope ${JSON.stringify(scope)}`)])
  return `with ${each.flat().join(' and ')}`
}

const nodeOf = (value: unknown): Node => (isObject(value) ? value : {})
