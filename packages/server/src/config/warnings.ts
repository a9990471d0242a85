/** What in a configuration works, but hardly as it was meant. */
import { parsePointer, type Registry, type Topic } from '@watchpost/core'
import { limitsWith } from '@watchpost/protocol'
import { isObject } from './checkers.ts'
import type { Config } from './config.ts'

/** One line of the log. */
export interface ConfigWarning {
  /** What it is about, such as the names of topics. */
  readonly about: Readonly<Record<string, unknown>>
  /** What is wrong, and how to mend it. */
  readonly message: string
}

/**
 * @param config that was checked
 * @param registry of its topics
 * @param nowMs since the Unix epoch
 */
export const warningsOf = (config: Config, registry: Registry, nowMs: number): readonly ConfigWarning[] => [
  ...unreachable(config, registry),
  ...registry.topics.flatMap(emptyMasks),
  ...endedKeys(config, nowMs),
  ...limitsNeverReached(config),
]

/** Topics for identities, where nobody can be one. A topic without a rule for `publish` may be the server's own. */
function unreachable({ topics, auth, listen }: Config, registry: Registry): readonly ConfigWarning[] {
  if (auth !== undefined || listen?.tls?.ca !== undefined) return []
  const needsIdentity = (rule: unknown): boolean => rule !== 'anyone' && typeof rule !== 'function'
  const names = registry.topics.map(({ template }) => template).sort()
  const watch = names.filter((name) => needsIdentity(topics[name]?.watch))
  const publish = names.filter((name) => topics[name]?.publish !== undefined && needsIdentity(topics[name]?.publish))
  if (watch.length + publish.length === 0) return []
  const message =
    'no client can use these topics, since their rules ask for credentials and none are known; set `auth`, or let "anyone" use them'
  return [{ about: { ...(watch.length > 0 && { watch }), ...(publish.length > 0 && { publish }) }, message }]
}

function emptyMasks({ template, mask, schemas }: Topic): readonly ConfigWarning[] {
  if (mask === undefined || typeof mask === 'function') return []
  const known = [...schemas.values()].map(({ json }) => membersOf(json))
  return mask.flatMap((pointer) => {
    const [first, ...rest] = parsePointer(pointer) ?? []
    if (first === undefined || known.some((names) => names === undefined || names.has(first))) return []
    const right = rest.length > 0 && first === 'data' ? pointer.slice('/data'.length) : undefined
    const fix =
      right === undefined ? 'name a member of data' : `masks begin below data, so write ${JSON.stringify(right)}`
    const message = `no schema of the topic's events has what this mask hides, so it hides nothing; ${fix}`
    return [{ about: { topic: template, mask: pointer }, message }]
  })
}

/** What else can say which members there are. */
const ELSEWHERE: readonly string[] = [
  ...['$ref', '$dynamicRef', 'allOf', 'anyOf', 'oneOf', 'if', 'then', 'else'],
  ...['dependentSchemas', 'patternProperties', 'items', 'prefixItems'],
]

/** The members that a schema names; `undefined` if it names none, or there may be others. */
function membersOf(schema: Readonly<Record<string, unknown>>): ReadonlySet<string> | undefined {
  const { properties } = schema as { readonly properties?: unknown }
  if (!isObject(properties) || ELSEWHERE.some((keyword) => keyword in schema)) return undefined
  return new Set(Object.keys(properties))
}

function endedKeys({ auth }: Config, nowMs: number): readonly ConfigWarning[] {
  const isOver = (notAfter: string | undefined): boolean => notAfter !== undefined && Date.parse(notAfter) <= nowMs
  const apiKeys = (auth?.apiKeys ?? []).filter(({ notAfter }) => isOver(notAfter)).map(({ id }) => id)
  if (apiKeys.length === 0) return []
  const message = 'these API keys are past their notAfter, so nobody gets in with them; remove them'
  return [{ about: { apiKeys }, message }]
}

/** Each of these limits bounds the one beside it, too. */
const BOUNDED = [
  ['sockets', 'connections'],
  ['publishBytesMax', 'eventBytesMax'],
] as const

function limitsNeverReached({ limits: overrides }: Config): readonly ConfigWarning[] {
  const limits = limitsWith(overrides)
  return BOUNDED.filter(([outer, inner]) => limits[outer] < limits[inner]).map(([outer, inner]) => ({
    about: {},
    message: `limits.${outer} (${limits[outer]}) is below limits.${inner} (${limits[inner]}), which so is never reached; raise limits.${outer} above it`,
  }))
}
