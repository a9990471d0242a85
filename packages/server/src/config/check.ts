/** Checks a configuration of whatever origin, key by key, so that a typo is never a rule that silently does not apply. */
import { DefinitionError, ON_SLOW, Registry, type TopicDefinition, TRANSPORTS } from '@watchpost/core'
import { LIMITS, type LimitName, type Limits, limitsWith, matchTemplate } from '@watchpost/protocol'
import { checkAuth, checkCertificateAuth } from '../auth/check.ts'
import { isScope } from '../auth/identity.ts'
import { TIMER_MS_MAX } from '../clock.ts'
import { networkFault } from '../http/address.ts'
import { info } from './check-info.ts'
import {
  below,
  type Check,
  concealed,
  faultText,
  isObject,
  list,
  oneOf,
  type Report,
  shape,
  shown,
  text,
  whole,
} from './checkers.ts'
import type { Config } from './config.ts'

/** A configuration that can't work. The message has one line for each fault, with the fix. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.join('\n'))
    this.faults = faults
  }
}

const WORDS: readonly unknown[] = ['anyone', 'authenticated', 'granted']

const scope: Check = (value, path, report) => {
  // Tokens have their scopes in one text with spaces between.
  if (typeof value !== 'string' || !isScope(value))
    report(path, 'must be one scope without spaces in it, such as "prices"', { value })
}

const access: Check = (value, path, report) => {
  if (WORDS.includes(value) || typeof value === 'function') return
  if (isObject(value) && 'scope' in value) shape({ members: { scope } })(value, path, report)
  else report(path, `must be "anyone", "authenticated", "granted", { scope: "..." } or a function, not ${shown(value)}`)
}

const mask: Check = (value, path, report) => {
  if (typeof value !== 'function') list(text('a JSON Pointer below data, such as "/ip"'))(value, path, report)
}

const keySource: Check = (value, path, report) => {
  if (typeof value === 'function') return
  if (typeof value === 'string' && /^(?:\/(?:[^~/]|~[01])*)+$/.test(value)) return
  report(path, `must be a JSON Pointer below data, such as "/symbol", or a function, not ${shown(value)}`)
}

const plainSchema: Check = (value, path, report) => {
  // The schemas of some libraries can be called.
  if (isObject(value) || (typeof value === 'function' && '~standard' in value)) return
  report(path, `must be a JSON Schema or a schema of a library such as Zod, not ${shown(value)}`)
}

const marked: Check = (value, path, report) => {
  if (value !== true) report(path, 'must be true; for events that are stored, write the schema alone', { value })
}

/** Of an event type whose events are not stored. */
const ephemeralSchema = shape({ members: { ephemeral: marked, schema: plainSchema }, required: ['schema'] })

const schemas: Check = (value, path, report) => {
  if (!isObject(value) || Object.keys(value).length === 0) {
    report(path, `must be an object with a schema for each event type, not ${shown(value)}`)
    return
  }
  for (const [type, schema] of Object.entries(value)) {
    const isEphemeral = isObject(schema) && Object.hasOwn(schema, 'ephemeral')
    const check = isEphemeral ? ephemeralSchema : plainSchema
    check(schema, below(path, type), report)
  }
}

const flag: Check = (value, path, report) => {
  if (typeof value !== 'boolean') report(path, 'must be true or false', { value })
}

/** What is said of an event type, and not of a topic. */
const misplaced: Check = (_value, path, report) =>
  report(path, 'belongs to an event type; write events: { typing: { ephemeral: true, schema: ... } }')

const retention = shape({ members: { events: whole(1), ageMs: whole(1), bytes: whole(1) } })

const time = text('an RFC 3339 time, such as "2026-11-22T12:00:00Z"')

const deprecated = shape({
  members: { since: time, sunset: time, use: text('the topic that takes its place, such as "prices"') },
  required: ['since'],
})

const definition = shape({
  members: {
    description: text('a text'),
    events: schemas,
    key: keySource,
    retention,
    watch: access,
    publish: access,
    transports: list(oneOf(TRANSPORTS)),
    mask,
    onSlow: oneOf(ON_SLOW),
    presence: flag,
    ephemeral: misplaced,
    version: text('a version, such as "2.1.0"'),
    deprecated,
  },
  required: ['events'],
})

const topics: Check = (value, path, report) => {
  if (!isObject(value) || Object.keys(value).length === 0) {
    report(
      path,
      `must be an object with at least one topic, such as { stocks: { events: { ... } } }, not ${shown(value)}`,
    )
    return
  }
  for (const [template, each] of Object.entries(value)) definition(each, below(path, template), report)
}

const origin: Check = (value, path, report) => {
  const parsed = typeof value === 'string' && URL.canParse(value) ? new URL(value).origin : undefined
  if (parsed === undefined || parsed === 'null') {
    report(path, `must be an origin such as "https://app.example.com", not ${shown(value)}`)
  } else if (parsed !== value) {
    report(path, `is ${shown(value)}, which no browser sends as its origin; write ${JSON.stringify(parsed)}`)
  }
}

const origins: Check = (value, path, report) => {
  if (value === '*') return
  if (Array.isArray(value)) list(origin)(value, path, report)
  else report(path, `must be "*" or a list of origins such as "https://app.example.com", not ${shown(value)}`)
}

/** What a limit is bounded by beside its row's `min` and `max`. */
function limit(name: LimitName): Check {
  const { min = 1, max } = LIMITS[name]
  if (name.endsWith('Ms')) return whole(min, max ?? TIMER_MS_MAX)
  if (name === 'waitSecondsMax') return whole(min, max ?? Math.floor(TIMER_MS_MAX / 1_000))
  return whole(min, max)
}

const limits = shape({
  members: Object.fromEntries((Object.keys(LIMITS) as LimitName[]).map((name) => [name, limit(name)])),
})

const network: Check = (value, path, report) => {
  const fault = typeof value === 'string' ? networkFault(value) : 'must be an address or a network such as "10.0.0.0/8"'
  if (fault !== undefined) report(path, `${fault}, not ${shown(value)}`)
}

const trustProxy: Check = (value, path, report) => {
  if (value === true || value === 'loopback') return
  if (Array.isArray(value)) list(network)(value, path, report)
  else if (value === false) report(path, 'is false; remove it, since nobody is trusted without it')
  else report(path, `must be true, "loopback" or a list such as ["10.0.0.0/8"], not ${shown(value)}`)
}

type SettingName =
  | ('port' | 'host' | 'plaintext' | 'trustProxy' | 'dataDir' | 'durability' | 'logLevel')
  | ('heartbeatMs' | 'coalesceMs' | 'drainMs' | 'expiringMs')

/** The checks of those settings that the environment and flags can override. */
export const SETTINGS: Readonly<Record<SettingName, Check>> = {
  port: whole(0, 65_535),
  host: text('a host name or address'),
  plaintext: flag,
  trustProxy,
  dataDir: text('the path of a directory'),
  durability: oneOf(['disk', 'os']),
  logLevel: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  heartbeatMs: whole(1, TIMER_MS_MAX),
  coalesceMs: whole(0, TIMER_MS_MAX),
  drainMs: whole(0, 600_000),
  expiringMs: whole(0, 3_600_000),
}

/** A path is shown where its file can't be read, and a key must not be. */
const pem: Check = (value, path, report) => {
  if (typeof value === 'string' && /[\r\n]|-----BEGIN/.test(value))
    report(path, 'must be the path of a PEM file, not its text')
  else text('the path of a PEM file')(value, path, report)
}

const config = shape({
  members: {
    topics,
    listen: shape({
      members: {
        host: SETTINGS.host,
        port: SETTINGS.port,
        tls: concealed(shape({ members: { cert: pem, key: pem, ca: pem }, required: ['cert', 'key'] })),
        plaintext: SETTINGS.plaintext,
      },
    }),
    info,
    dataDir: SETTINGS.dataDir,
    durability: SETTINGS.durability,
    retention,
    auth: concealed(checkAuth),
    cors: shape({ members: { origins, maxAgeSeconds: whole(0) }, required: ['origins'] }),
    heartbeatMs: SETTINGS.heartbeatMs,
    coalesceMs: SETTINGS.coalesceMs,
    drainMs: SETTINGS.drainMs,
    expiringMs: SETTINGS.expiringMs,
    compression: flag,
    limits,
    trustProxy: SETTINGS.trustProxy,
    logLevel: SETTINGS.logLevel,
    audit: flag,
  },
  required: ['topics'],
  later: ['webhooks'],
  inside: { host: 'listen', port: 'listen', tls: 'listen', plaintext: 'listen' },
})

/**
 * Checks every key at every level, and that the topic definitions work.
 * @param source names the configuration in messages, such as `watchpost.config.ts`
 * @throws ConfigError that lists all faults
 */
export function checkConfig(value: unknown, source: string): Config {
  const faults: string[] = []
  const report: Report = (...fault) => faults.push(`${source}: ${faultText(...fault)}`)
  config(value, '', report)
  if (faults.length === 0) checkCertificateAuth(value as Config, report)
  // Definitions of the wrong shape would only fail again, in words that help less.
  if (faults.length === 0) checkDefinitions(value as Config, (_path, message) => faults.push(`${source}: ${message}`))
  if (faults.length > 0) throw new ConfigError(faults)
  // An explicit `undefined` would take the place of a default.
  return Object.fromEntries(
    Object.entries(value as Config).filter(([, member]) => member !== undefined),
  ) as unknown as Config
}

function checkDefinitions({ topics: definitions, limits: overrides }: Config, report: Report): void {
  const bounds: Limits = limitsWith(overrides)
  for (const [template, each] of Object.entries(definitions) as [string, TopicDefinition][]) {
    try {
      new Registry({ [template]: each }, { limits: bounds })
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error
      report('', error.message)
    }
    checkSuccessor(template, each, Object.keys(definitions), report)
  }
}

/** Clients are sent to the successor by links, which must lead somewhere. */
function checkSuccessor(
  template: string,
  { deprecated: ending }: TopicDefinition,
  defined: readonly string[],
  report: Report,
): void {
  if (ending?.use === undefined) return
  // A parameter stands for any segment, so any will do.
  const successor = ending.use.replaceAll(/\{[^/]*\}/g, 'x')
  if (defined.some((other) => other !== template && matchTemplate(other, successor) !== undefined)) return
  const message = `\`deprecated.use\`: no other topic definition matches ${JSON.stringify(ending.use)}`
  report('', `topic ${JSON.stringify(template)}: ${message}; define it, or leave \`use\` out`)
}
